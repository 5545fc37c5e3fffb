//! The nested region under a memslot update: which rwsems it hangs.

use kvm_lock_fuzz::case::{Case, Tail};
use kvm_lock_fuzz::kvm::Variant;
use kvm_lock_fuzz::machine::Policy;
use kvm_lock_fuzz::oracle::Kind;
use kvm_lock_fuzz::run::{Ending, Options, Runner};

const NESTED: &str = "variant rwsem
vm vm0
  slot 0  gfn 0x00..0x08  hva 0x100
task mremapper
  mremap 0x200..0x240
    split 0x200..0x240
  end
task vmm
  memslot create 1  gfn 0x10..0x14  hva 0x300
schedule mremapper until split, vmm until blocked
";

fn kinds(case: &Case, options: &Options) -> (Vec<Kind>, Ending) {
    let mut runner = Runner::new();
    let outcome = runner.run(case, options);
    (outcome.findings.iter().map(|f| f.kind).collect(), outcome.ending)
}

#[test]
fn hangs_unless_readers_pass_the_writer() {
    let case = Case::parse(NESTED.as_bytes()).unwrap();
    for policy in Policy::ALL {
        let (kinds, ending) = kinds(&case, &Options { policy, ..Options::of(&case) });
        let hangs = policy != Policy::ReaderBiased;
        assert_eq!(kinds.contains(&Kind::Deadlock), hangs, "{}", policy.name());
        assert_eq!(kinds.contains(&Kind::Starvation), !hangs, "{}", policy.name());
        assert_eq!(ending == Ending::Stuck, hangs, "{}", policy.name());
        assert!(kinds.contains(&Kind::RecursiveLock) && kinds.contains(&Kind::LockOrder));
    }
}

#[test]
fn no_schedule_hangs_it_where_readers_pass_the_writer() {
    let mut case = Case::parse(NESTED.as_bytes()).unwrap();
    case.schedule.bursts.clear();
    let mut hung = [0; Policy::ALL.len()];
    for seed in 0..2000 {
        case.schedule.tail = Tail::Random { seed };
        for (policy, hung) in Policy::ALL.into_iter().zip(&mut hung) {
            let (kinds, _) = kinds(&case, &Options { policy, ..Options::of(&case) });
            *hung += usize::from(kinds.contains(&Kind::Deadlock));
        }
    }
    for (policy, hung) in Policy::ALL.into_iter().zip(hung) {
        assert_eq!(hung > 0, policy != Policy::ReaderBiased, "{}: {hung}", policy.name());
    }
}

/// mmu_lock is an rwlock and mn_invalidate_lock a spinlock: the policy changes nothing there.
#[test]
fn no_policy_hangs_another_variant() {
    let case = Case::parse(NESTED.as_bytes()).unwrap();
    for variant in Variant::sound() {
        for policy in Policy::ALL {
            let (kinds, ending) = kinds(&case, &Options { policy, variant, ..Options::of(&case) });
            assert_eq!((kinds, ending), (vec![], Ending::Finished), "{}", variant.name());
        }
    }
}
