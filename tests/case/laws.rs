//! The laws of both forms.

use arbitrary::{Arbitrary, Unstructured};
use kvm_lock_fuzz::case::binary::{MAX_BYTES, RECORD, VERSION};
use kvm_lock_fuzz::case::mend::Mender;
use kvm_lock_fuzz::case::{Case, Op};
use proptest::prelude::*;

use crate::cases::{bytes, legal};

proptest! {
    #[test]
    fn drawn_cases_are_legal(case in legal()) {
        prop_assert_eq!(case.check(), Ok(()));
    }

    #[test]
    fn decoding_an_encoded_case_gives_it_back(case in legal()) {
        let bytes = case.encode();
        prop_assert!(bytes.len() <= MAX_BYTES);
        prop_assert_eq!(Case::decode(&bytes), case);
    }

    #[test]
    fn parsing_a_printed_case_gives_it_back(case in legal()) {
        prop_assert_eq!(Case::parse(case.to_string().as_bytes()), Ok(case));
    }

    #[test]
    fn all_bytes_are_a_legal_case(bytes in bytes()) {
        let case = Case::decode(&bytes);
        prop_assert_eq!(case.check(), Ok(()));
        prop_assert_eq!(&Case::decode(&case.encode()), &case);
        prop_assert_eq!(case.encode().len(), case.encoded_len());
        prop_assert_eq!(Case::parse(case.to_string().as_bytes()), Ok(case));
    }

    #[test]
    fn decoding_reuses_without_a_trace(first in bytes(), second in bytes()) {
        let mut case = Case::decode(&first);
        case.decode_into(&second);
        prop_assert_eq!(case, Case::decode(&second));
    }

    /// Bugs that are younger than version 2 have no code in the other.
    #[test]
    fn a_rest_and_an_unknown_version_change_nothing(case in legal(), version: u8, rest in 0..RECORD) {
        let case = Case { bug: None, ..case };
        let mut bytes = case.encode();
        bytes[0] = version;
        bytes.extend(std::iter::repeat_n(0x5a, rest));
        prop_assert_eq!(Case::decode(&bytes), case);
    }

    #[test]
    fn mending_a_legal_program_leaves_it(case in legal()) {
        for task in 0..case.programs.tasks() {
            let program = case.programs.task(task);
            let mut mended: Vec<Op> = Vec::new();
            let mut mender = Mender::new(&mut mended);
            program.iter().for_each(|op| mender.push(*op));
            mender.finish();
            prop_assert_eq!(mended.as_slice(), program);
        }
    }

    #[test]
    fn arbitrary_is_the_binary_form(bytes in bytes()) {
        let taken = &bytes[..bytes.len().min(MAX_BYTES)];
        let case = Case::arbitrary(&mut Unstructured::new(&bytes)).unwrap();
        prop_assert_eq!(case, Case::decode(taken));
    }
}

#[test]
fn no_bytes_are_a_region_over_the_default_slot() {
    let expected = "variant counted\nvm vm0\n  slot 0  gfn 0x00..0x08  hva 0x100\n\
                    task munmapper\n  munmap 0x100..0x108\n  end\n";
    let case = Case::decode(&[VERSION]);
    assert_eq!(case.to_string(), expected);
    assert_eq!(Case::decode(b""), case);
}
