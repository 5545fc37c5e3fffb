//! What an engine knows without a look at the graph.

use super::super::types::{Acquire, Config, KeyDesc, Mode, Site};
use super::Lockdep;
use super::held::Request;

/// A second acquisition in the same way is known at once; one that names a nest lock never is, because
/// that lock has to be held each time.
#[test]
fn plain_acquisitions_are_known_again_and_nested_ones_are_not() {
    for mode in [Mode::Kernel, Mode::Complete] {
        let mut lockdep = Lockdep::new(Config { mode, raw_lock_nesting: false });
        let [m, a] = ["m", "a"].map(|name| {
            let key = lockdep.declare_key(&KeyDesc { name, ..KeyDesc::default() });
            lockdep.declare_instance(key, 0)
        });
        let (task, site) = (lockdep.declare_task(), Site(0));
        lockdep.acquire(task, &Acquire::exclusive(m, site));
        let plain = Acquire::exclusive(a, site);
        for (acquire, wanted) in [(plain, true), (plain.nest(m), false), (plain.trylock(), true)] {
            let mut known = false;
            for _ in 0..4 {
                let request = Request::new(&acquire, false, false);
                known = lockdep.acquire_again(task.index(), &request);
                if !known {
                    lockdep.acquire(task, &acquire);
                }
                lockdep.release(task, a, site);
            }
            assert_eq!(known, wanted, "{mode:?} {acquire:?}");
        }
    }
}
