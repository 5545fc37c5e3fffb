//! How a program that is not legal is mended. The order of what is legal stays; what would be a bug
//! here is a program that `Case::check` refuses, or a legal one that changes.

use arrayvec::ArrayVec;

use super::{MAX_OPS, Op, Opener};

/// Turns any sequence of operations (each legal by itself) into a legal program of one task: what
/// may not stand inside a region moves behind its `end`, a stray `end` is dropped, a region left
/// open closes at the end. A legal program passes unchanged.
#[derive(Debug)]
pub struct Mender<'a> {
    program: &'a mut Vec<Op>,
    region: Option<Opener>,
    behind: ArrayVec<Op, MAX_OPS>,
}

impl<'a> Mender<'a> {
    /// A mender that appends to `program`.
    pub fn new(program: &'a mut Vec<Op>) -> Mender<'a> {
        Mender { program, region: None, behind: ArrayVec::new() }
    }

    /// Takes the next operation. Of those that wait for an `end`, more than the cap are dropped.
    pub fn push(&mut self, op: Op) {
        match (self.region, op) {
            (None, Op::End) => {}
            (Some(_), Op::End) => self.close(),
            (None, _) => {
                self.program.push(op);
                self.region = opener(op);
            }
            (Some(region), Op::Split { .. }) if region.may_split() => self.program.push(op),
            (Some(_), _) => _ = self.behind.try_push(op),
        }
    }

    /// Closes what is still open: the program ends here.
    pub fn finish(&mut self) {
        if self.region.is_some() {
            self.close();
        }
    }

    /// Ends the region; what waited comes behind it, each opener with a region of its own.
    fn close(&mut self) {
        self.program.push(Op::End);
        self.region = None;
        for &op in &self.behind {
            self.program.push(op);
            if opener(op).is_some() {
                self.program.push(Op::End);
            }
        }
        self.behind.clear();
    }
}

fn opener(op: Op) -> Option<Opener> {
    match op {
        Op::Open { opener, .. } => Some(opener),
        _ => None,
    }
}
