//! Tokens to a case. Where each part of the case stands in the text is kept beside it, so that the
//! rules of legality are stated once, in `Case::check`, and still point at line and column.

use crate::case::legal::{At, Rule};
use crate::case::{
    Burst, Case, InitialSlot, MAX_BURSTS, MAX_INITIAL_SLOTS, MAX_OPS, MAX_REGISTRANTS, MAX_TASKS,
    Op, Opener, Registrant, Tail, Until,
};
use crate::kvm::{Bug, MAX_VMS, Place, Variant};
use crate::machine::Policy;

use super::cursor::{Cursor, Parsed};
use super::lex::{Kind, Mistake, shorten};

/// The statements: their first word and their shape.
const STATEMENTS: [(&str, &str); 13] = [
    ("variant", "variant NAME"),
    ("bug", "bug ID"),
    ("policy", "policy NAME"),
    ("mm", "mm earlier"),
    ("vm", "vm NAME"),
    ("slot", "slot ID gfn FIRST..END hva PAGE"),
    ("subscriber", "subscriber sleeper|refuser"),
    ("task", "task NAME"),
    ("schedule", "schedule TASK until PLACE, TASK until blocked, TASK *N then random SEED"),
    ("fault", "fault gfn PAGE [write] [VM]"),
    (
        "memslot",
        "memslot create ID gfn FIRST..END hva PAGE | delete ID | move ID gfn PAGE | flags ID log-dirty|none",
    ),
    ("split", "split FIRST..END [depth N]"),
    ("end", "end"),
];

/// The part of the text that a statement belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Top,
    Vm,
    Task,
}

/// Where the parts of the case stand.
#[derive(Default)]
struct Offsets {
    registrants: Vec<usize>,
    slots: Vec<(usize, usize)>,
    tasks: Vec<usize>,
    ops: Vec<usize>,
    bursts: Vec<usize>,
    tail: usize,
}

/// Whether a statement begins with the word.
fn is_keyword(word: &str) -> bool {
    STATEMENTS.iter().any(|s| s.0 == word) || Opener::ALL.iter().any(|o| o.name() == word)
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    block: Block,
    case: Case,
    once: Vec<&'static str>,
    bug: Option<(&'a str, usize)>,
    vms: Vec<&'a str>,
    tasks: Vec<&'a str>,
    offsets: Offsets,
}

/// Parses a whole text.
pub(super) fn parse(text: &str) -> Parsed<Case> {
    let mut parser = Parser {
        cursor: Cursor::new(text)?,
        block: Block::Top,
        case: Case::default(),
        once: Vec::new(),
        bug: None,
        vms: Vec::new(),
        tasks: Vec::new(),
        offsets: Offsets::default(),
    };
    while parser.cursor.token.kind != Kind::Eof {
        parser.statement()?;
    }
    parser.finish()
}

impl<'a> Parser<'a> {
    // Statements.

    fn statement(&mut self) -> Parsed<()> {
        let start = self.cursor.token.start;
        let Kind::Word(word) = self.cursor.token.kind else { return Err(self.no_statement()) };
        if let Some(opener) = Opener::ALL.into_iter().find(|o| o.name() == word) {
            self.cursor.shape = "OPENER FIRST..END ... end";
            self.cursor.advance()?;
            let hva = self.cursor.range()?;
            return self.op(start, Op::Open { opener, hva });
        }
        let Some(&(keyword, shape)) = STATEMENTS.iter().find(|(k, _)| *k == word) else {
            return Err(self.no_statement());
        };
        self.cursor.shape = shape;
        self.cursor.advance()?;
        match keyword {
            "variant" | "bug" | "policy" | "mm" => self.setting(keyword, start),
            "vm" => self.vm(start),
            "slot" => self.slot(start),
            "subscriber" => self.subscriber(start),
            "task" => self.task(start),
            "schedule" => self.schedule(start),
            "fault" => self.fault(start),
            "memslot" => self.memslot(start),
            "split" => self.split(start),
            _ => self.op(start, Op::End),
        }
    }

    fn no_statement(&self) -> Mistake {
        let words: Vec<_> = STATEMENTS.iter().map(|s| s.0).collect();
        let openers = Opener::ALL.map(Opener::name).join(", ");
        let mend = format!("begin it with {} or {openers}", words.join(", "));
        Cursor::mistake(
            self.cursor.token.start,
            format!("{} begins no statement; {mend}", self.cursor.found()),
        )
    }

    /// A statement that may stand once.
    fn setting(&mut self, keyword: &'static str, start: usize) -> Parsed<()> {
        self.block = Block::Top;
        self.only_once(keyword, start)?;
        let at = self.cursor.token.start;
        let word = self.cursor.word()?;
        match keyword {
            "variant" => {
                let names = Variant::ALL.map(Variant::name);
                self.case.variant =
                    self.cursor.known(Variant::from_name(word), at, "variant", &names)?;
            }
            "policy" => {
                let names = Policy::ALL.map(Policy::name);
                self.case.config.policy =
                    self.cursor.known(Policy::from_name(word), at, "policy", &names)?;
            }
            "bug" => self.bug = Some((word, at)),
            _ => {
                self.cursor.known(
                    (word == "earlier").then_some(()),
                    at,
                    "address space",
                    &["earlier"],
                )?;
                self.case.config.earlier_mm = true;
            }
        }
        Ok(())
    }

    fn vm(&mut self, start: usize) -> Parsed<()> {
        self.block = Block::Vm;
        let at = self.cursor.token.start;
        let name = self.cursor.word()?;
        let reserved = is_keyword(name) || ["read", "write"].contains(&name);
        self.new_name(name, at, reserved, self.vms.contains(&name))?;
        if self.vms.len() == MAX_VMS {
            return Err(Cursor::mistake(start, Rule::TooManyVms.to_string()));
        }
        self.vms.push(name);
        self.registrant(start, Registrant::Vm(Default::default()))
    }

    fn subscriber(&mut self, start: usize) -> Parsed<()> {
        self.block = Block::Top;
        let at = self.cursor.token.start;
        let registrant = match self.cursor.word()? {
            "sleeper" => Some(Registrant::Sleeper),
            "refuser" => Some(Registrant::Refuser),
            _ => None,
        };
        let registrant =
            self.cursor.known(registrant, at, "subscriber", &["sleeper", "refuser"])?;
        self.registrant(start, registrant)
    }

    fn registrant(&mut self, start: usize, registrant: Registrant) -> Parsed<()> {
        self.offsets.registrants.push(start);
        self.case.config.registrants.try_push(registrant).map_err(|_| {
            let what = format!("more than {MAX_REGISTRANTS} VMs and subscribers; remove one");
            Cursor::mistake(start, what)
        })
    }

    fn slot(&mut self, start: usize) -> Parsed<()> {
        let slot = InitialSlot {
            slot: self.cursor.byte()?,
            gfn: self.cursor.gfn_range()?,
            hva: self.cursor.hva()?,
        };
        let registrants = &mut self.case.config.registrants;
        let index = registrants.len().wrapping_sub(1);
        match registrants.last_mut() {
            Some(Registrant::Vm(slots)) if self.block == Block::Vm => {
                self.offsets.slots.push((index, start));
                slots.try_push(slot).map_err(|_| {
                    let what = format!("more than {MAX_INITIAL_SLOTS} slots in a VM; remove one");
                    Cursor::mistake(start, what)
                })
            }
            _ => {
                Err(Cursor::mistake(start, "`slot` outside of a VM; put it below `vm NAME`".into()))
            }
        }
    }

    fn task(&mut self, start: usize) -> Parsed<()> {
        self.block = Block::Task;
        let at = self.cursor.token.start;
        let name = self.cursor.word()?;
        self.new_name(name, at, name == "then", self.tasks.contains(&name))?;
        self.tasks.push(name);
        self.offsets.tasks.push(start);
        self.case
            .programs
            .ends
            .try_push(self.case.programs.ops.len() as u16)
            .map_err(|_| Cursor::mistake(start, format!("more than {MAX_TASKS} tasks; remove one")))
    }

    // Operations.

    fn op(&mut self, start: usize, op: Op) -> Parsed<()> {
        if self.block != Block::Task {
            let what = "an operation outside of a task; put it below `task NAME`";
            return Err(Cursor::mistake(start, what.into()));
        }
        let programs = &mut self.case.programs;
        programs.ops.push(op);
        self.offsets.ops.push(start);
        if let Some(end) = programs.ends.last_mut() {
            *end = programs.ops.len() as u16;
        }
        // Here already, so that the counts stay small whatever the length of the text.
        if programs.ops.len() > 2 * MAX_OPS {
            return Err(Cursor::mistake(start, Rule::TooManyOps.to_string()));
        }
        Ok(())
    }

    fn fault(&mut self, start: usize) -> Parsed<()> {
        let gfn = self.cursor.gfn_page()?;
        let write = self.cursor.accept("write")?;
        if !write {
            self.cursor.accept("read")?;
        }
        let vm = self.vm_name()?;
        self.op(start, Op::Fault { vm, gfn, write })
    }

    fn memslot(&mut self, start: usize) -> Parsed<()> {
        let at = self.cursor.token.start;
        let what = self.cursor.word()?;
        self.cursor.known(
            ["create", "delete", "move", "flags"].contains(&what).then_some(()),
            at,
            "memslot update",
            &["create", "delete", "move", "flags"],
        )?;
        let slot = self.cursor.byte()?;
        let mut op = match what {
            "create" => {
                Op::Create { vm: 0, slot, gfn: self.cursor.gfn_range()?, hva: self.cursor.hva()? }
            }
            "delete" => Op::Delete { vm: 0, slot },
            "move" => Op::Move { vm: 0, slot, gfn: self.cursor.gfn_page()? },
            _ => Op::Flags { vm: 0, slot, log_dirty: self.log_dirty()? },
        };
        let named = self.vm_name()?;
        if let Op::Create { vm, .. }
        | Op::Delete { vm, .. }
        | Op::Move { vm, .. }
        | Op::Flags { vm, .. } = &mut op
        {
            *vm = named;
        }
        self.op(start, op)
    }

    fn log_dirty(&mut self) -> Parsed<bool> {
        let at = self.cursor.token.start;
        let word = self.cursor.word()?;
        let flags = match word {
            "log-dirty" => Some(true),
            "none" => Some(false),
            _ => None,
        };
        self.cursor.known(flags, at, "memslot flag", &["log-dirty", "none"])
    }

    fn split(&mut self, start: usize) -> Parsed<()> {
        let hva = self.cursor.range()?;
        let depth = if self.cursor.accept("depth")? { self.cursor.byte()? } else { 1 };
        self.op(start, Op::Split { hva, depth })
    }

    // The schedule.

    fn schedule(&mut self, start: usize) -> Parsed<()> {
        self.block = Block::Top;
        self.only_once("schedule", start)?;
        if !self.cursor.at_word("then") {
            self.burst()?;
            while self.cursor.token.kind == Kind::Comma {
                self.cursor.advance()?;
                if !self.cursor.at_word("then") {
                    self.burst()?;
                }
            }
        }
        self.offsets.tail = self.cursor.token.start;
        if self.cursor.accept("then")? {
            self.case.schedule.tail = self.tail()?;
        }
        Ok(())
    }

    fn burst(&mut self) -> Parsed<()> {
        let start = self.cursor.token.start;
        let name = self.cursor.word()?;
        let task = self.tasks.iter().position(|t| *t == name);
        let tasks = self.tasks.clone();
        let task = self.cursor.known(task, start, "task", &tasks)? as u8;
        let until = if self.cursor.token.kind == Kind::Star {
            self.cursor.advance()?;
            Until::Points(self.cursor.byte()?)
        } else {
            self.cursor.keyword("until")?;
            self.until()?
        };
        self.offsets.bursts.push(start);
        self.case.schedule.bursts.push(Burst { task, until });
        if self.case.schedule.bursts.len() > MAX_BURSTS {
            return Err(Cursor::mistake(start, Rule::TooManyBursts.to_string()));
        }
        Ok(())
    }

    fn until(&mut self) -> Parsed<Until> {
        let at = self.cursor.token.start;
        let word = self.cursor.word()?;
        if word == "blocked" {
            return Ok(Until::Blocked);
        }
        let mut names = vec!["blocked"];
        names.extend(Place::ALL.iter().map(|p| p.name()));
        self.cursor.known(Place::from_name(word), at, "place", &names).map(Until::Place)
    }

    fn tail(&mut self) -> Parsed<Tail> {
        let at = self.cursor.token.start;
        match self.cursor.word()? {
            "fair" => Ok(Tail::Fair),
            "random" => Ok(Tail::Random { seed: self.cursor.number(u16::MAX)? }),
            "pct" => {
                let seed = self.cursor.number(u16::MAX)?;
                self.cursor.keyword("depth")?;
                Ok(Tail::Pct { seed, depth: self.cursor.byte()? })
            }
            _ => self.cursor.known(None, at, "end of a schedule", &["fair", "random", "pct"]),
        }
    }

    // Names.

    /// The VM named next, or the first one.
    fn vm_name(&mut self) -> Parsed<u8> {
        let Kind::Word(name) = self.cursor.token.kind else { return Ok(0) };
        if is_keyword(name) || self.cursor.at_new_line() {
            return Ok(0);
        }
        let at = self.cursor.token.start;
        self.cursor.advance()?;
        let vm = self.vms.iter().position(|vm| *vm == name);
        Ok(self.cursor.known(vm, at, "VM", &self.vms)? as u8)
    }

    fn only_once(&mut self, keyword: &'static str, start: usize) -> Parsed<()> {
        if self.once.contains(&keyword) {
            return Err(Cursor::mistake(start, format!("a second `{keyword}`; keep one")));
        }
        self.once.push(keyword);
        Ok(())
    }

    fn new_name(&self, name: &str, at: usize, reserved: bool, taken: bool) -> Parsed<()> {
        let name = shorten(name);
        if reserved {
            let what = format!("`{name}` is a word of the grammar; choose another name");
            return Err(Cursor::mistake(at, what));
        }
        if taken {
            return Err(Cursor::mistake(at, format!("a second `{name}`; choose another name")));
        }
        Ok(())
    }

    // The end.

    fn finish(mut self) -> Parsed<Case> {
        if let Some((id, at)) = self.bug {
            let ids: Vec<_> = Bug::ALL.iter().map(|b| b.id()).collect();
            let bug = self.cursor.known(Bug::from_id(id), at, "bug", &ids)?;
            if bug.variant() != self.case.variant {
                let variant = bug.variant().name();
                let what = format!("{id} is no bug of this variant; write `variant {variant}`");
                return Err(Cursor::mistake(at, what));
            }
            self.case.bug = Some(bug);
        }
        match self.case.check() {
            Ok(()) => Ok(self.case),
            Err(illegal) => Err(Cursor::mistake(self.offset(illegal.at), illegal.rule.to_string())),
        }
    }

    fn offset(&self, at: At) -> usize {
        let offsets = &self.offsets;
        let found = match at {
            At::Case => Some(self.cursor.token.start),
            At::Bug => self.bug.map(|(_, at)| at),
            At::Registrant(i) => offsets.registrants.get(i).copied(),
            At::Slot(r, i) => offsets.slots.iter().filter(|s| s.0 == r).map(|s| s.1).nth(i),
            At::Task(i) => offsets.tasks.get(i).copied(),
            At::Op(i) => offsets.ops.get(i).copied(),
            At::Burst(i) => offsets.bursts.get(i).copied(),
            At::Tail => Some(offsets.tail),
        };
        found.unwrap_or_default()
    }
}
