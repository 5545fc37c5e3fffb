//! The breadth-first search that all checks share.

use std::collections::BTreeSet;

use kvm_lock_fuzz::lockdep::LockType;

use super::Reference;

/// A search entry: class, came over an edge with this trace, from this entry.
pub(super) struct Found {
    pub(super) class: usize,
    pub(super) only_recursive: bool,
    trace: usize,
    parent: Option<usize>,
}

impl Reference<'_> {
    /// The search of section 11. The path from the found class back to the start.
    pub(super) fn search(
        &self,
        start: usize,
        weak: bool,
        forwards: bool,
        skip: bool,
        test: &dyn Fn(&Self, &Found) -> bool,
    ) -> Option<Vec<(usize, usize)>> {
        let mut visited = BTreeSet::from([start]);
        let mut queue = vec![Found { class: start, only_recursive: weak, trace: 0, parent: None }];
        let skipped = |class: usize| skip && self.lock_type(class) != LockType::Normal;
        if skipped(start) {
            return None;
        }
        if test(self, &queue[0]) {
            return Some(Self::path(&queue, 0));
        }
        let mut at = 0;
        while at < queue.len() {
            let class = &self.classes[queue[at].class];
            for entry in if forwards { &class.after } else { &class.before } {
                if !visited.insert(entry.class) {
                    continue;
                }
                let mut kinds = entry.kinds;
                if queue[at].only_recursive {
                    kinds &= !(1 | 4);
                }
                if kinds == 0 {
                    continue;
                }
                let only_recursive = kinds & (4 | 8) == 0;
                let found = Found {
                    class: entry.class,
                    only_recursive,
                    trace: entry.trace,
                    parent: Some(at),
                };
                if skipped(entry.class) {
                    continue;
                }
                let hit = test(self, &found);
                queue.push(found);
                if hit {
                    return Some(Self::path(&queue, queue.len() - 1));
                }
            }
            at += 1;
        }
        None
    }

    fn path(queue: &[Found], end: usize) -> Vec<(usize, usize)> {
        let mut path = vec![(queue[end].class, queue[end].trace)];
        let mut at = end;
        while let Some(parent) = queue[at].parent {
            at = parent;
            path.push((queue[at].class, queue[at].trace));
        }
        path
    }
}
