//! The binary form: what fuzzers mutate.
//!
//! A version byte, then records of eight bytes; a rest that is no whole record is ignored. The form
//! is total: every byte string is a legal case within the caps. No byte is magic, nothing is
//! counted or summed up, and each record says itself to which task it belongs, so that a mutation
//! stays where it happened. The first byte 2 is version 2, which is written; every other one is read
//! as version 1, which is frozen. A version that is replaced keeps its tables here, so that corpora
//! keep their meaning.
//!
//! The laws: `decode(encode(c)) == c` for every legal case `c`, and `decode` never returns an
//! illegal one. Leaves out names and comments, which are no part of a case.

mod codes;
mod decode;
mod encode;
mod record;
mod v1;
mod v2;

use arbitrary::{Arbitrary, Unstructured};

use super::{
    Case, MAX_BURSTS, MAX_INITIAL_SLOTS, MAX_OPS, MAX_REGISTRANTS, Programs, Registrant, Schedule,
};
use crate::kvm::MAX_VMS;

pub(super) use codes::Kind;
pub(super) use record::Record;
pub(super) use v2::{CODES, kind};

/// The version that is written. No text begins with a control character, so that the first byte
/// tells the two forms apart.
pub const VERSION: u8 = 2;
/// First bytes from this one on are kept for versions of the binary form.
pub const FIRST_VERSION: u8 = 1;
/// First bytes up to this one are kept for versions of the binary form.
pub const LAST_VERSION: u8 = 8;
/// Bytes of a record.
pub const RECORD: usize = 8;
/// Bytes of the longest encoding: every operation may need its `end`.
pub const MAX_BYTES: usize =
    1 + RECORD * (2 + MAX_REGISTRANTS + MAX_VMS * MAX_INITIAL_SLOTS + 2 * MAX_OPS + MAX_BURSTS);

impl Case {
    /// The case that the bytes stand for.
    ///
    /// ```
    /// use kvm_lock_fuzz::case::Case;
    /// let case = Case::decode(b"any bytes at all");
    /// assert_eq!(Case::decode(&case.encode()), case);
    /// ```
    pub fn decode(data: &[u8]) -> Case {
        let mut case = Case {
            programs: Programs { ops: Vec::with_capacity(2 * MAX_OPS), ends: Default::default() },
            schedule: Schedule { bursts: Vec::with_capacity(MAX_BURSTS), ..Schedule::default() },
            ..Case::default()
        };
        case.decode_into(data);
        case
    }

    /// Becomes the case that the bytes stand for. Reuses what is allocated.
    pub fn decode_into(&mut self, data: &[u8]) {
        self.clear();
        let (records, _rest) = data.get(1..).unwrap_or_default().as_chunks::<RECORD>();
        let codes = if data.first() == Some(&VERSION) { &v2::CODES } else { &v1::CODES };
        decode::decode(self, records, codes);
    }

    /// Length of the binary form in bytes, without making it.
    pub fn encoded_len(&self) -> usize {
        let slots = |registrant: &Registrant| match registrant {
            Registrant::Vm(slots) => 1 + slots.len(),
            _ => 1,
        };
        let registrants: usize = self.config.registrants.iter().map(slots).sum();
        // One record for the configuration, one for the tail of the schedule.
        let records = 2 + registrants + self.programs.ops.len() + self.schedule.bursts.len();
        1 + RECORD * records
    }

    /// The bytes of the case, in version 2. Of a case that is not legal, what decoding
    /// would mend is lost.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(MAX_BYTES);
        out.push(VERSION);
        encode::encode(self, |record| out.extend_from_slice(&record));
        out
    }

    fn clear(&mut self) {
        self.variant = Default::default();
        self.bug = None;
        self.config.policy = Default::default();
        self.config.earlier_mm = false;
        self.config.registrants.clear();
        self.programs.ops.clear();
        self.programs.ends.clear();
        self.schedule.bursts.clear();
        self.schedule.tail = Default::default();
    }
}

/// Takes all bytes that are left: a case has no length of its own.
impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Case> {
        let len = u.len().min(MAX_BYTES);
        Ok(Case::decode(u.bytes(len)?))
    }

    fn size_hint(_depth: usize) -> (usize, Option<usize>) {
        (0, Some(MAX_BYTES))
    }
}
