//! Keys, instances and classes: who is who.
//!
//! Mirrors `look_up_lock_class()` and `register_lock_class()`.

use super::super::types::{ClassId, InstanceId, KeyDesc, KeyId, LockType, Site};
use super::super::usage::USAGE_BITS;
use super::Lockdep;
use super::report::{Kind, Limit};

/// Subclasses of a key.
pub const MAX_LOCKDEP_SUBCLASSES: u8 = 8;
/// Most classes.
pub const MAX_LOCKDEP_KEYS: usize = 8192;
/// "No class" in the tables.
pub(crate) const NO_CLASS: u16 = u16::MAX;

/// A declared key and the classes registered for it.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: u32,
    inner: u8,
    outer: u8,
    lock_type: LockType,
    pub(crate) classes: [u16; MAX_LOCKDEP_SUBCLASSES as usize],
}

/// A declared lock object (`struct lockdep_map`).
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) key: KeyId,
    /// `class_cache[]`: what an acquisition with subclass 0 or 1 uses.
    pub(crate) cache: [u16; 2],
    init_subclass: u8,
    /// Listed among those whose cache the next reset clears.
    cached: bool,
}

/// A registered class.
#[derive(Clone, Debug)]
pub struct Class {
    pub(crate) usage: u16,
    inner: u8,
    outer: u8,
    /// Inner level as a limit, and the level that the context must allow: neither where the key
    /// has no inner wait type.
    pub(crate) allows: u8,
    pub(crate) needs: u8,
    pub(crate) lock_type: LockType,
    pub(crate) subclass: u8,
    pub(crate) version: u32,
    pub(crate) key: KeyId,
    pub(crate) usage_sites: [Site; USAGE_BITS as usize],
}

impl Class {
    /// The key it belongs to.
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// Its nesting level.
    pub fn subclass(&self) -> u8 {
        self.subclass
    }

    /// Its usage mask, see [`usage`](super::super::usage).
    pub fn usage(&self) -> u16 {
        self.usage
    }

    /// Stack trace token of the moment when usage bit `bit` was set.
    pub fn usage_site(&self, bit: u8) -> Site {
        self.usage_sites.get(usize::from(bit)).copied().unwrap_or(Site::NEVER)
    }

    /// Wait types as numbers: (what the context must allow, what is allowed while held).
    pub fn wait_levels(&self) -> (u8, u8) {
        (if self.outer != 0 { self.outer } else { self.inner }, self.inner)
    }

    /// Number after the `#` of the printed name.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Skipped by the irq searches (`usage_skip()`).
    #[inline]
    pub(crate) fn skipped(&self) -> bool {
        self.lock_type != LockType::Normal
    }
}

impl Lockdep {
    /// Declares a key. Names are interned; declarations survive a [`reset`](Lockdep::reset).
    pub fn declare_key(&mut self, desc: &KeyDesc) -> KeyId {
        let raw = self.config.raw_lock_nesting;
        let key = Key {
            name: self.intern(desc.name),
            inner: desc.inner.level(raw),
            outer: desc.outer.level(raw),
            lock_type: desc.lock_type,
            classes: [NO_CLASS; MAX_LOCKDEP_SUBCLASSES as usize],
        };
        self.keys.push(key);
        KeyId(self.keys.len() as u32 - 1)
    }

    /// Declares a lock object of `key`. One that is *initialised with* a subclass registers that
    /// class at once and uses it for plain acquisitions (`lockdep_init_map()`).
    pub fn declare_instance(&mut self, key: KeyId, init_subclass: u8) -> InstanceId {
        let cache = [NO_CLASS; 2];
        self.instances.push(Instance { key, cache, init_subclass, cached: false });
        let id = InstanceId(self.instances.len() as u32 - 1);
        if init_subclass != 0 {
            self.initialised.push(id);
            self.init_instance(id);
        }
        id
    }

    /// Registers the class of an instance that was initialised with a subclass.
    pub(super) fn init_instance(&mut self, id: InstanceId) {
        let (key, subclass) = {
            let instance = &self.instances[id.index()];
            (instance.key, instance.init_subclass)
        };
        if let Some(class) = self.register(key, subclass) {
            self.cache_class(id, 0, class);
        }
    }

    /// The class that an acquisition of `instance` with `subclass` uses; registers it at first use.
    #[inline]
    pub(super) fn class_of(&mut self, instance: InstanceId, subclass: u8) -> Option<ClassId> {
        let cached = match subclass {
            0 | 1 => self.instances.get(instance.index())?.cache[usize::from(subclass)],
            _ => NO_CLASS,
        };
        if cached != NO_CLASS { Some(ClassId(cached)) } else { self.find_class(instance, subclass) }
    }

    pub(super) fn find_class(&mut self, instance: InstanceId, subclass: u8) -> Option<ClassId> {
        let key = self.instances.get(instance.index())?.key;
        let class = self.register(key, subclass)?;
        if subclass <= 1 {
            self.cache_class(instance, usize::from(subclass), class);
        }
        Some(class)
    }

    fn cache_class(&mut self, id: InstanceId, slot: usize, class: ClassId) {
        let instance = &mut self.instances[id.index()];
        instance.cache[slot] = class.0;
        if !instance.cached {
            instance.cached = true;
            self.cached_instances.push(id);
        }
    }

    /// Forgets which classes `id` used (`lockdep_init_map()` of an existing lock).
    pub(super) fn uncache_classes(&mut self, id: InstanceId) {
        if let Some(instance) = self.instances.get_mut(id.index()) {
            instance.cache = [NO_CLASS; 2];
        }
    }

    /// The class an instance would use, without registering it (`match_held_lock()`).
    pub(super) fn known_class(&self, instance: InstanceId) -> Option<ClassId> {
        let instance = self.instances.get(instance.index())?;
        let class = match instance.cache[0] {
            NO_CLASS => self.keys.get(instance.key.index())?.classes[0],
            cached => cached,
        };
        (class != NO_CLASS).then_some(ClassId(class))
    }

    fn register(&mut self, id: KeyId, subclass: u8) -> Option<ClassId> {
        let known = match self.keys.get(id.index())?.classes.get(usize::from(subclass)) {
            Some(&class) => class,
            None => return self.fire_limit(Kind::BadSubclass, Limit::Subclass(subclass)),
        };
        if known != NO_CLASS {
            return Some(ClassId(known));
        }
        if self.classes.len() >= MAX_LOCKDEP_KEYS {
            return self.fire_limit(Kind::Limit, Limit::Classes);
        }
        Some(self.add_class(id, subclass))
    }

    fn add_class(&mut self, id: KeyId, subclass: u8) -> ClassId {
        let class = ClassId(self.classes.len() as u16);
        let key = &mut self.keys[id.index()];
        let base = key.classes[0];
        key.classes[usize::from(subclass)] = class.0;
        let name = &mut self.names[key.name as usize];
        // Only a subclass 0 that was registered earlier lends its version.
        let version = match self.classes.get(usize::from(base)) {
            Some(base) => base.version,
            None => name.version + 1,
        };
        name.version = name.version.max(version);
        self.classes.push(Class {
            usage: 0,
            inner: key.inner,
            outer: key.outer,
            allows: if key.inner == 0 { u8::MAX } else { key.inner },
            needs: match (key.inner, key.outer) {
                (0, _) => 0,
                (inner, 0) => inner,
                (_, outer) => outer,
            },
            lock_type: key.lock_type,
            subclass,
            version,
            key: id,
            usage_sites: [Site::NEVER; USAGE_BITS as usize],
        });
        self.graph.add_class();
        self.order.add_class();
        self.reach.add_class(self.classes[class.index()].skipped());
        class
    }

    /// Undoes all registrations, in time proportional to their number.
    pub(super) fn forget_classes(&mut self) {
        for class in self.classes.drain(..) {
            let key = &mut self.keys[class.key.index()];
            key.classes = [NO_CLASS; MAX_LOCKDEP_SUBCLASSES as usize];
            self.names[key.name as usize].version = 0;
        }
        for id in self.cached_instances.drain(..) {
            let instance = &mut self.instances[id.index()];
            instance.cache = [NO_CLASS; 2];
            instance.cached = false;
        }
    }

    /// The registered classes, in order of registration.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// The key of a lock object.
    pub fn instance_key(&self, instance: InstanceId) -> Option<KeyId> {
        self.instances.get(instance.index()).map(|i| i.key)
    }
}
