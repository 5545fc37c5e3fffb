//! The validator once more, from its specification, in the plainest way: lists, searches, no
//! caches but the one that is behaviour. Shares nothing with the engine but the script language.
//!
//! [`check_bytes`] runs both on a decoded script and panics where they differ.

mod text;

use std::collections::BTreeSet;

use kvm_lock_fuzz::lockdep::script::{self, AcquireArgs, Decl, Op, ReadMode, Script};
use kvm_lock_fuzz::lockdep::{Config, Form, LockType, Mode, Read, WaitType};

/// Fired: the validator is off.
struct Fired;
type Step = Result<(), Fired>;

const MAX_DEPTH: usize = 48;
const USED_IN: u16 = 0x33;
const ENABLED: u16 = 0xcc;
const WRITE: u16 = 0x55;

#[derive(Clone)]
struct Entry {
    class: usize,
    kinds: u8,
    trace: usize,
}

struct Class {
    key: usize,
    subclass: u8,
    version: u32,
    usage: u16,
    traces: [usize; 10],
    after: Vec<Entry>,
    before: Vec<Entry>,
}

#[derive(Clone)]
struct Held {
    class: usize,
    lock: usize,
    at: usize,
    nest: Option<usize>,
    read: u8,
    trylock: bool,
    check: bool,
    sync: bool,
    hardirqs_off: bool,
    context: u8,
    references: u32,
    previous: Vec<(usize, u8)>,
}

#[derive(Clone, Default)]
struct Change {
    stamp: u32,
    event: Option<usize>,
}

#[derive(Clone, Default)]
struct Task {
    stack: Vec<Held>,
    chain: Vec<(usize, u8)>,
    hardirqs_off: bool,
    softirqs_off: bool,
    hardirq_depth: u32,
    softirq_depth: u32,
    softirq_count: u32,
    threaded: bool,
    on_before: Vec<bool>,
    events: u32,
    hard_on: Change,
    hard_off: Change,
    soft_on: Change,
    soft_off: Change,
}

/// What was reported.
pub struct Verdict {
    pub kind: &'static str,
    pub at: usize,
    pub chain: Vec<String>,
    pub report: String,
}

/// The slow validator.
pub struct Reference<'a> {
    script: &'a Script,
    raw: bool,
    classes: Vec<Class>,
    cache: Vec<[Option<usize>; 2]>,
    tasks: Vec<Task>,
    chains: BTreeSet<Vec<(usize, u8)>>,
    chain_counts: [u32; 3],
    event: usize,
    task: usize,
    verdict: Option<Verdict>,
}

/// A search entry: class, came over an edge with this trace, from this entry.
struct Found {
    class: usize,
    only_recursive: bool,
    trace: usize,
    parent: Option<usize>,
}

fn level(wait: WaitType, raw: bool) -> u8 {
    match (wait, raw) {
        (WaitType::Invalid, _) => 0,
        (WaitType::Free, _) => 1,
        (WaitType::Spin, _) | (WaitType::Config, false) => 2,
        (WaitType::Config, true) | (WaitType::Sleep, false) => 3,
        (WaitType::Sleep, true) => 4,
    }
}

fn opposite(bit: u8) -> u8 {
    match bit {
        0 | 1 => 2,
        2 | 3 => 0,
        4 | 5 => 6,
        _ => 4,
    }
}

fn conflicting(mask: u16) -> u16 {
    let mut wanted = 0;
    for bit in 0..8 {
        if mask & (1 << bit) != 0 {
            wanted |= 3 << opposite(bit);
        }
    }
    wanted
}

impl<'a> Reference<'a> {
    /// Runs a whole script.
    pub fn run(script: &'a Script, raw: bool) -> Self {
        let mut reference = Reference {
            script,
            raw,
            classes: Vec::new(),
            cache: vec![[None; 2]; script.locks.len()],
            tasks: vec![Task::default(); script.tasks.len()],
            chains: BTreeSet::new(),
            chain_counts: [0; 3],
            event: 0,
            task: 0,
            verdict: None,
        };
        for decl in &script.decl {
            if let Decl::Lock(lock) = *decl {
                let declared = &script.locks[lock];
                if declared.subclass != 0 {
                    let class = reference.find_or_register(declared.class, declared.subclass);
                    reference.cache[lock][0] = Some(class);
                }
            }
        }
        for (n, event) in script.events.iter().enumerate() {
            reference.event = n;
            reference.task = event.task;
            if reference.op(event.op).is_err() {
                break;
            }
        }
        reference
    }

    fn me(&mut self) -> &mut Task {
        &mut self.tasks[self.task]
    }

    fn stack(&self) -> &[Held] {
        &self.tasks[self.task].stack
    }

    fn op(&mut self, op: Op) -> Step {
        match op {
            Op::Acquire(args) => self.acquire_event(&args, false),
            Op::Sync(args) => self.acquire_event(&args, true),
            Op::Release(lock) => self.release(lock),
            Op::Downgrade(lock) => {
                let at = self.find(lock)?;
                let event = self.event;
                self.me().stack[at].read = 1;
                self.me().stack[at].at = event;
                self.again(at, at)
            }
            Op::SetSubclass(lock, subclass) => {
                let at = self.find(lock)?;
                self.cache[lock] = [None; 2];
                let class = self.class(lock, subclass)?;
                self.me().stack[at].class = class;
                self.again(at, at)
            }
            Op::Free(lock) => match self.stack().iter().find(|h| h.lock == lock).cloned() {
                Some(held) => self.report_freed(&held),
                None => Ok(()),
            },
            Op::UserExit if !self.stack().is_empty() => self.report_user_held(),
            Op::TaskExit if !self.stack().is_empty() => self.report_exit_held(),
            Op::UserExit | Op::TaskExit => Ok(()),
            op => self.irq_event(op),
        }
    }

    fn irq_event(&mut self, op: Op) -> Step {
        match op {
            Op::HardirqsOff => self.hardirqs_off(),
            Op::HardirqsOn => return self.hardirqs_on(),
            Op::SoftirqsOff => self.softirqs_off(2),
            Op::SoftirqsOn => return self.softirqs_on(2),
            Op::HardirqEnter(threaded) => {
                let on = !self.me().hardirqs_off;
                self.me().on_before.push(on);
                self.hardirqs_off();
                self.me().hardirq_depth += 1;
                if self.me().hardirq_depth == 1 {
                    self.me().threaded = false;
                }
                if threaded {
                    self.me().threaded = true;
                }
            }
            Op::HardirqExit => {
                self.me().hardirq_depth -= 1;
                if self.me().on_before.pop() == Some(true) {
                    return self.hardirqs_on();
                }
            }
            Op::SoftirqEnter => {
                self.softirqs_off(1);
                self.me().softirq_depth += 1;
            }
            Op::SoftirqExit => {
                self.me().softirq_depth -= 1;
                return self.softirqs_on(1);
            }
            _ => {}
        }
        Ok(())
    }

    fn change(&mut self) -> Change {
        let event = Some(self.event);
        self.me().events += 1;
        Change { stamp: self.me().events, event }
    }

    fn hardirqs_off(&mut self) {
        if !self.me().hardirqs_off {
            self.me().hardirqs_off = true;
            self.me().hard_off = self.change();
        }
    }

    fn hardirqs_on(&mut self) -> Step {
        if !self.me().hardirqs_off {
            return Ok(());
        }
        self.mark_all(2)?;
        if !self.me().softirqs_off {
            self.mark_all(6)?;
        }
        self.me().hardirqs_off = false;
        self.me().hard_on = self.change();
        Ok(())
    }

    fn softirqs_off(&mut self, count: u32) {
        self.me().softirq_count += count;
        if !self.me().softirqs_off {
            self.me().softirqs_off = true;
            self.me().soft_off = self.change();
        }
    }

    fn softirqs_on(&mut self, count: u32) -> Step {
        if self.me().softirq_count == count {
            self.me().softirqs_off = false;
            self.me().soft_on = self.change();
            if !self.me().hardirqs_off {
                self.mark_all(6)?;
            }
        }
        self.me().softirq_count -= count;
        Ok(())
    }

    fn mark_all(&mut self, bit: u8) -> Step {
        for held in self.stack().to_vec() {
            if held.check {
                self.mark(&held, bit + u8::from(held.read != 0))?;
            }
        }
        Ok(())
    }

    // Classes.

    fn find_class(&self, key: usize, subclass: u8) -> Option<usize> {
        self.classes.iter().position(|c| c.key == key && c.subclass == subclass)
    }

    fn find_or_register(&mut self, key: usize, subclass: u8) -> usize {
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

    fn class(&mut self, lock: usize, subclass: u8) -> Result<usize, Fired> {
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

    fn lock_type(&self, class: usize) -> LockType {
        self.script.classes[self.classes[class].key].lock_type
    }

    fn inner(&self, class: usize) -> u8 {
        level(self.script.classes[self.classes[class].key].inner, self.raw)
    }

    fn outer(&self, class: usize) -> u8 {
        level(self.script.classes[self.classes[class].key].outer, self.raw)
    }

    // Acquiring.

    fn acquire_event(&mut self, args: &AcquireArgs, sync: bool) -> Step {
        let task = &self.tasks[self.task];
        let read = match args.mode {
            ReadMode::Plain(Read::Exclusive) => 0,
            ReadMode::Plain(Read::Shared) => 1,
            ReadMode::Plain(Read::Recursive) => 2,
            ReadMode::Queued if task.hardirq_depth > 0 || task.softirq_count > 0 => 2,
            ReadMode::Queued => 1,
        };
        let held = Held {
            class: 0,
            lock: args.lock,
            at: self.event,
            nest: args.nest,
            read,
            trylock: args.trylock,
            check: args.check,
            sync,
            hardirqs_off: task.hardirqs_off,
            context: 0,
            references: 0,
            previous: Vec::new(),
        };
        self.acquire(held, args.subclass)
    }

    fn acquire(&mut self, mut new: Held, subclass: u8) -> Step {
        new.class = self.class(new.lock, subclass)?;
        if let Some(top) = self.me().stack.last_mut()
            && !new.sync
            && new.nest.is_some()
            && top.class == new.class
        {
            top.references = top.references.max(1) + new.references.max(1);
            return Ok(());
        }
        let task = self.tasks[self.task].clone();
        new.context = u8::from(task.hardirq_depth > 0) * 2 + u8::from(task.softirq_depth > 0);
        new.previous = task.chain.clone();
        self.check_wait(&new)?;
        self.mark_usage(&new)?;
        let head = task.stack.last().is_none_or(|top| top.context != new.context);
        let mut chain = if head { Vec::new() } else { task.chain };
        chain.push((new.class, new.read));
        if let Some(nest) = new.nest
            && !self.stack().iter().any(|held| self.matches(held, nest))
        {
            return self.report_nest_not_held(&new, nest);
        }
        if !new.trylock && new.check && self.chains.insert(chain.clone()) {
            let context = if new.context & 2 != 0 { 2 } else { usize::from(new.context & 1) };
            self.chain_counts[context] += 1;
            if !self.check_same_class(&new)? && !head {
                self.add_edges(&new)?;
            }
        }
        if new.sync {
            return Ok(());
        }
        self.me().stack.push(new);
        self.me().chain = chain;
        if self.stack().len() == MAX_DEPTH { self.report_depth() } else { Ok(()) }
    }

    fn context_level(&self) -> u8 {
        let task = &self.tasks[self.task];
        let config = if self.raw { 3 } else { 2 };
        match (task.hardirq_depth > 0, task.threaded, task.softirq_depth > 0) {
            (true, false, _) => 2,
            (true, true, _) | (false, _, true) => config,
            (false, _, false) => config + 2,
        }
    }

    fn check_wait(&mut self, new: &Held) -> Step {
        let inner = self.inner(new.class);
        if inner == 0 || new.trylock {
            return Ok(());
        }
        let need = if self.outer(new.class) == 0 { inner } else { self.outer(new.class) };
        let mut limit = self.context_level();
        let stack = self.stack();
        let above = stack.iter().rev().take_while(|held| held.context == new.context).count();
        for held in &stack[stack.len() - above..] {
            let inner = self.inner(held.class);
            if inner != 0 {
                limit = limit.min(inner);
                if self.lock_type(held.class) == LockType::Override {
                    limit = inner;
                }
            }
        }
        if need > limit { self.report_wait(new) } else { Ok(()) }
    }

    fn mark_usage(&mut self, new: &Held) -> Step {
        let task = self.tasks[self.task].clone();
        let read = u8::from(new.read != 0);
        if new.check {
            if !new.trylock {
                if task.hardirq_depth > 0 {
                    self.mark(new, read)?;
                }
                if task.softirq_depth > 0 {
                    self.mark(new, 4 + read)?;
                }
            }
            if !new.hardirqs_off && !new.sync {
                self.mark(new, 2 + read)?;
                if !task.softirqs_off {
                    self.mark(new, 6 + read)?;
                }
            }
        }
        self.mark(new, 8 + read)
    }

    fn mark(&mut self, held: &Held, bit: u8) -> Step {
        let event = self.event;
        let class = &mut self.classes[held.class];
        if class.usage & (1 << bit) != 0 {
            return Ok(());
        }
        class.usage |= 1 << bit;
        class.traces[usize::from(bit)] = event;
        if bit >= 8 {
            return Ok(());
        }
        let usage = class.usage;
        let ex = opposite(bit);
        if usage & (1 << ex) != 0 {
            return self.report_inconsistent(held, ex, bit);
        }
        if bit % 2 == 0 && usage & (2 << ex) != 0 {
            return self.report_inconsistent(held, ex + 1, bit);
        }
        let forwards = USED_IN & (1 << bit) != 0;
        let weak = if forwards { held.read == 2 } else { held.read != 0 };
        let test = |me: &Self, f: &Found| me.usage_hits(f, 3 << ex);
        match self.search(held.class, weak, forwards, true, &test) {
            Some(path) => self.report_inversion(held, bit, &path),
            None => Ok(()),
        }
    }

    fn usage_hits(&self, found: &Found, mask: u16) -> bool {
        let usage = self.classes[found.class].usage;
        let usage = if found.only_recursive { usage & WRITE } else { usage };
        usage & mask != 0
    }

    /// The search of section 11. The path from the found class back to the start.
    fn search(
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

    /// True if a nest lock covers the acquisition.
    fn check_same_class(&mut self, new: &Held) -> Result<bool, Fired> {
        let mut nest_seen = false;
        for held in self.stack().to_vec() {
            if new.nest == Some(held.lock) {
                nest_seen = true;
            }
            if held.class != new.class || (new.read == 2 && held.read != 0) {
                continue;
            }
            if nest_seen {
                return Ok(true);
            }
            self.report_recursive(&held, new)?;
        }
        Ok(false)
    }

    fn add_edges(&mut self, new: &Held) -> Step {
        let stack = self.stack().to_vec();
        for (n, held) in stack.iter().enumerate().rev() {
            if held.check {
                self.add_edge(held, new)?;
                if !held.trylock {
                    break;
                }
            }
            if n == 0 || stack[n - 1].context != held.context {
                break;
            }
        }
        Ok(())
    }

    fn add_edge(&mut self, held: &Held, new: &Held) -> Step {
        let test =
            |_: &Self, f: &Found| f.class == held.class && (held.read == 0 || !f.only_recursive);
        if let Some(path) = self.search(new.class, new.read == 2, true, false, &test) {
            return self.report_circular(held, new, &path);
        }
        self.check_irq(held, new)?;
        let (recursive, shared) = (new.read == 2, held.read != 0);
        let kind = 1 << (u8::from(!recursive) * 2 + u8::from(!shared));
        let mirror = 1 << (u8::from(!recursive) + u8::from(!shared) * 2);
        let trace = self.event;
        Self::add_entry(&mut self.classes[held.class].after, new.class, kind, trace);
        Self::add_entry(&mut self.classes[new.class].before, held.class, mirror, trace);
        Ok(())
    }

    fn add_entry(list: &mut Vec<Entry>, class: usize, kinds: u8, trace: usize) {
        match list.iter_mut().find(|entry| entry.class == class) {
            Some(entry) => entry.kinds |= kinds,
            None => list.push(Entry { class, kinds, trace }),
        }
    }

    fn check_irq(&mut self, held: &Held, new: &Held) -> Step {
        let collected = std::cell::Cell::new(0);
        let collect = |me: &Self, f: &Found| {
            let usage = me.classes[f.class].usage;
            collected.set(collected.get() | if f.only_recursive { usage & WRITE } else { usage });
            false
        };
        self.search(held.class, held.read != 0, false, true, &collect);
        let used_in = collected.get() & USED_IN;
        if used_in == 0 {
            return Ok(());
        }
        let wanted = conflicting(used_in);
        let test = |me: &Self, f: &Found| me.usage_hits(f, wanted);
        let Some(unsafe_path) = self.search(new.class, new.read == 2, true, true, &test) else {
            return Ok(());
        };
        let enabled = self.classes[unsafe_path[0].0].usage & ENABLED;
        let test = |me: &Self, f: &Found| me.usage_hits(f, conflicting(enabled));
        let Some(safe_path) = self.search(held.class, held.read != 0, false, true, &test) else {
            return Ok(());
        };
        let (safe, unsafe_) =
            (self.classes[safe_path[0].0].usage, self.classes[unsafe_path[0].0].usage);
        for bit in (0..8).filter(|bit| safe & (1 << bit) != 0) {
            for ex in [opposite(bit), opposite(bit) + 1] {
                if unsafe_ & (1 << ex) != 0 {
                    let paths = (&safe_path[..], &unsafe_path[..]);
                    return self.report_irq_order(held, new, paths, (bit, ex));
                }
            }
        }
        Ok(())
    }

    // Releasing.

    fn matches(&self, held: &Held, lock: usize) -> bool {
        let key = self.script.locks[lock].class;
        held.lock == lock
            || (held.references > 0
                && self.cache[lock][0].or_else(|| self.find_class(key, 0)) == Some(held.class))
    }

    fn find(&mut self, lock: usize) -> Result<usize, Fired> {
        let stack = self.stack();
        for at in (0..stack.len()).rev() {
            if at + 1 < stack.len() && stack[at].context != stack[at + 1].context {
                break;
            }
            if self.matches(&stack[at], lock) {
                return Ok(at);
            }
        }
        Err(self.report_bad_unlock(lock))
    }

    fn release(&mut self, lock: usize) -> Step {
        let at = self.find(lock)?;
        let held = &mut self.me().stack[at];
        if held.references > 0 {
            held.references -= 1;
            if held.references > 0 {
                return Ok(());
            }
        }
        self.again(at, at + 1)
    }

    fn again(&mut self, at: usize, from: usize) -> Step {
        let rest = self.stack()[from..].to_vec();
        self.me().chain = self.stack()[at].previous.clone();
        self.me().stack.truncate(at);
        for held in rest {
            let subclass = self.classes[held.class].subclass;
            self.acquire(held, subclass)?;
        }
        Ok(())
    }

    /// The state in the form of the vectors.
    pub fn state(&self) -> State {
        let name = |class: usize| self.name(class);
        let classes = 0..self.classes.len();
        State {
            classes: classes.clone().map(|c| (name(c), self.classes[c].usage)).collect(),
            edges: classes
                .flat_map(|c| {
                    self.classes[c].after.iter().map(move |e| (name(c), name(e.class), e.kinds))
                })
                .collect(),
            chains: self.chain_counts,
        }
    }
}

/// Classes with usage, edges with kinds, chain counts.
#[derive(Debug, PartialEq)]
pub struct State {
    classes: Vec<(String, u16)>,
    edges: Vec<(String, String, u8)>,
    chains: [u32; 3],
}

/// Decodes a script, runs the engine and the reference, and panics where they differ.
pub fn check_bytes(data: &[u8]) {
    let (script, raw_lock_nesting) = script::decode(data);
    compare(&script, raw_lock_nesting);
}

/// Runs the engine and the reference and panics where they differ. Returns the kind.
pub fn compare(script: &Script, raw_lock_nesting: bool) -> &'static str {
    let outcome = script::run(script, Config { mode: Mode::Kernel, raw_lock_nesting });
    let reference = Reference::run(script, raw_lock_nesting);
    let lockdep = &outcome.lockdep;
    let engine = outcome.first().map(|(report, at)| (report.kind.name(), at));
    let wanted = reference.verdict.as_ref().map(|verdict| (verdict.kind, verdict.at));
    assert_eq!(engine, wanted, "verdict of {script:?}");
    if let (Some((report, _)), Some(verdict)) = (outcome.first(), &reference.verdict) {
        assert_eq!(lockdep.report_names(report), verdict.chain, "chain of {script:?}");
        let text = outcome.text(script, report, Form::V6_1);
        assert_eq!(text, verdict.report, "text of {script:?}");
    }
    let ids: Vec<_> = lockdep.class_ids().collect();
    let name = |id| lockdep.class_name(id);
    let state = State {
        classes: ids.iter().map(|id| (name(*id), lockdep.classes()[id.index()].usage())).collect(),
        edges: ids
            .iter()
            .flat_map(|id| lockdep.edges_from(*id))
            .map(|e| (name(e.from()), name(e.to()), e.kinds()))
            .collect(),
        chains: lockdep.chain_counts(),
    };
    assert_eq!(state, reference.state(), "state of {script:?}");
    wanted.map_or("none", |(kind, _)| kind)
}
