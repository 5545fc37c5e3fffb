//! Classes: which one a lock has, its version, its wait types.

use kvm_lock_fuzz::lockdep::{LockType, WaitType};

use super::{Class, Fired, Reference};

fn level(wait: WaitType, raw: bool) -> u8 {
    match (wait, raw) {
        (WaitType::Invalid, _) => 0,
        (WaitType::Free, _) => 1,
        (WaitType::Spin, _) | (WaitType::Config, false) => 2,
        (WaitType::Config, true) | (WaitType::Sleep, false) => 3,
        (WaitType::Sleep, true) => 4,
    }
}

impl Reference<'_> {
    pub(super) fn find_class(&self, key: usize, subclass: u8) -> Option<usize> {
        self.classes.iter().position(|c| c.key == key && c.subclass == subclass)
    }

    pub(super) fn find_or_register(&mut self, key: usize, subclass: u8) -> usize {
        if let Some(class) = self.find_class(key, subclass) {
            return class;
        }
        let name = &self.script.classes[key].name;
        let mut count = 0;
        let mut version = None;
        for class in &self.classes {
            if class.key == key && class.subclass == 0 {
                version = Some(class.version);
                break;
            }
            if &self.script.classes[class.key].name == name {
                count = count.max(class.version);
            }
        }
        self.classes.push(Class {
            key,
            subclass,
            version: version.unwrap_or(count + 1),
            usage: 0,
            traces: [0; 10],
            after: Vec::new(),
            before: Vec::new(),
        });
        self.classes.len() - 1
    }

    pub(super) fn class(&mut self, lock: usize, subclass: u8) -> Result<usize, Fired> {
        if subclass < 2
            && let Some(class) = self.cache[lock][usize::from(subclass)]
        {
            return Ok(class);
        }
        if subclass >= 8 {
            return Err(self.report_bad_subclass(subclass));
        }
        let class = self.find_or_register(self.script.locks[lock].class, subclass);
        if subclass < 2 {
            self.cache[lock][usize::from(subclass)] = Some(class);
        }
        Ok(class)
    }

    pub(super) fn lock_type(&self, class: usize) -> LockType {
        self.script.classes[self.classes[class].key].lock_type
    }

    pub(super) fn inner(&self, class: usize) -> u8 {
        level(self.script.classes[self.classes[class].key].inner, self.raw)
    }

    pub(super) fn outer(&self, class: usize) -> u8 {
        level(self.script.classes[self.classes[class].key].outer, self.raw)
    }
}
