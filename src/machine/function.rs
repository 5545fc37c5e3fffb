//! Kernel functions as small numbers, so that the hot path carries where it is without text.

use crate::lockdep;

/// A modelled kernel function; the layer that declares it knows its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Function(pub u8);

/// Where a task is: the function that touches a lock, its caller and the caller's caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Site {
    /// Innermost first; number 0 is "none".
    pub frames: [Function; 3],
}

impl Site {
    /// The site inside `f`, called from here.
    pub fn enter(self, f: Function) -> Site {
        Site { frames: [f, self.frames[0], self.frames[1]] }
    }

    /// As the validator stores it.
    pub fn token(self) -> lockdep::Site {
        let [a, b, c] = self.frames;
        lockdep::Site(u32::from_le_bytes([a.0, b.0, c.0, 0]))
    }

    /// Back from the validator's token.
    pub fn from_token(token: lockdep::Site) -> Site {
        let [a, b, c, _] = token.0.to_le_bytes();
        Site { frames: [Function(a), Function(b), Function(c)] }
    }
}

/// Declares functions from `$base` on, and `NAMES` with their kernel names.
macro_rules! functions {
    ($base:literal; $($name:ident = $text:literal,)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        enum Index { $($name,)* }
        $(
            #[doc = concat!("`", $text, "`")]
            pub const $name: $crate::machine::Function =
                $crate::machine::Function($base + Index::$name as u8);
        )*
        /// Names of the functions above, in order.
        pub const NAMES: &[&str] = &[$($text,)*];
        /// Number of the first.
        pub const BASE: u8 = $base;
    };
}
pub(crate) use functions;
