//! The names of classes, as reports print them, order them and hash them.
//!
//! Mirrors `count_matching_names()`. The kernel compares a new class's name with every class; here
//! names are interned, so that the version follows from one counter per name.

use super::super::types::{ClassId, KeyId};
use super::Lockdep;

/// An interned name.
#[derive(Debug)]
pub(crate) struct Name {
    pub(crate) text: Box<str>,
    pub(crate) hash: u64,
    /// Highest version given out since the reset.
    pub(super) version: u32,
    /// Position in the order of the texts, see [`Lockdep::rank_names`].
    rank: u32,
}

impl Lockdep {
    pub(super) fn intern(&mut self, text: &str) -> u32 {
        let names = &self.names;
        match self.names_sorted.binary_search_by(|&i| (*names[i as usize].text).cmp(text)) {
            Ok(at) => self.names_sorted[at],
            Err(at) => {
                let id = self.names.len() as u32;
                self.names.push(Name {
                    text: text.into(),
                    hash: hash_name(text),
                    version: 0,
                    rank: 0,
                });
                self.names_ranked = false;
                self.names_sorted.insert(at, id);
                id
            }
        }
    }

    /// Brings [`class_rank`](Self::class_rank) up to date.
    pub(super) fn rank_names(&mut self) {
        if !self.names_ranked {
            for (rank, &name) in self.names_sorted.iter().enumerate() {
                self.names[name as usize].rank = rank as u32;
            }
            self.names_ranked = true;
        }
    }

    /// A number in the order of [`compare_classes`](Self::compare_classes).
    pub(super) fn class_rank(&self, class: ClassId) -> u64 {
        let c = &self.classes[class.index()];
        let name = &self.names[self.keys[c.key.index()].name as usize];
        (u64::from(name.rank) << 35) | (u64::from(c.subclass) << 32) | u64::from(c.key.0)
    }

    /// The bare name that a key was declared with.
    pub fn key_name(&self, key: KeyId) -> &str {
        self.keys.get(key.index()).map_or("", |k| &self.names[k.name as usize].text)
    }

    /// A class's name as printed: `name`, `#version` above 1, `/subclass` above 0.
    pub fn class_name(&self, class: ClassId) -> String {
        let Some(c) = self.classes.get(class.index()) else { return String::new() };
        let mut name = self.key_name(c.key).to_owned();
        if c.version > 1 {
            name += &format!("#{}", c.version);
        }
        if c.subclass != 0 {
            name += &format!("/{}", c.subclass);
        }
        name
    }

    /// Identity of a class that does not depend on the order of registration: name and subclass.
    pub(crate) fn class_hash(&self, class: ClassId) -> u64 {
        let c = &self.classes[class.index()];
        self.key_hash(c.key) ^ u64::from(c.subclass).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    /// Identity of a key that does not depend on the order of declaration: its name.
    pub(crate) fn key_hash(&self, key: KeyId) -> u64 {
        self.keys.get(key.index()).map_or(0, |key| self.names[key.name as usize].hash)
    }
}

/// FNV-1a: stable across runs and machines.
fn hash_name(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
