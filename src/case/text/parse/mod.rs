//! Tokens to a case. Where each part of the case stands in the text is kept beside it, so that the
//! rules of legality are stated once, in `Case::check`, and still point at line and column.
//!
//! `setup`, `program` and `schedule` hold the statements of the three parts of a case.

mod program;
mod schedule;
mod setup;

use crate::case::legal::At;
use crate::case::{Case, Op, Opener};
use crate::kvm::Bug;

use super::cursor::{Cursor, Parsed};
use super::lex::{Kind, Mistake, shorten};
use super::names::MAX_NAME;

macro_rules! statements {
    ($($statement:ident = $word:literal, $shape:literal;)*) => {
        /// What a statement is, by its first word.
        #[derive(Clone, Copy)]
        enum Statement { $($statement,)* }

        impl Statement {
            const ALL: &'static [Statement] = &[$(Statement::$statement,)*];

            /// First word and shape.
            fn words(self) -> (&'static str, &'static str) {
                match self { $(Statement::$statement => ($word, $shape),)* }
            }
        }
    };
}

statements! {
    Variant = "variant", "variant NAME";
    Bug = "bug", "bug ID";
    Policy = "policy", "policy NAME";
    Mm = "mm", "mm earlier";
    Vm = "vm", "vm NAME";
    Slot = "slot", "slot ID gfn FIRST..END hva PAGE";
    Subscriber = "subscriber", "subscriber sleeper|refuser";
    Task = "task", "task NAME";
    Schedule = "schedule",
        "schedule TASK until PLACE, TASK until blocked, TASK *N then fair|random SEED|pct SEED depth N";
    Fault = "fault", "fault gfn PAGE [read|write] [VM]";
    Memslot = "memslot",
        "memslot create ID gfn FIRST..END hva PAGE | delete ID | move ID gfn PAGE | flags ID log-dirty|none";
    Split = "split", "split FIRST..END [depth N]";
    End = "end", "end";
}

/// The words of all statements, as their shapes have them.
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    let shapes = Statement::ALL.iter().map(|statement| statement.words().1);
    let words = shapes.flat_map(|shape| shape.split(|c: char| !c.is_ascii_lowercase() && c != '-'));
    words.filter(|word| !word.is_empty())
}

impl Statement {
    fn of(word: &str) -> Option<Statement> {
        Statement::ALL.iter().copied().find(|statement| statement.words().0 == word)
    }
}

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
    Statement::of(word).is_some() || Opener::ALL.iter().any(|o| o.name() == word)
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

/// Parses a whole text: the case, and what its tasks are called.
pub(super) fn parse(text: &str) -> Parsed<(Case, Vec<&str>)> {
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
        let Some(statement) = Statement::of(word) else { return Err(self.no_statement()) };
        let (keyword, shape) = statement.words();
        self.cursor.shape = shape;
        self.cursor.advance()?;
        match statement {
            Statement::Variant | Statement::Bug | Statement::Policy | Statement::Mm => {
                self.setting(keyword, start)
            }
            Statement::Vm => self.vm(start),
            Statement::Slot => self.slot(start),
            Statement::Subscriber => self.subscriber(start),
            Statement::Task => self.task(start),
            Statement::Schedule => self.schedule(start),
            Statement::Fault => self.fault(start),
            Statement::Memslot => self.memslot(start),
            Statement::Split => self.split(start),
            Statement::End => self.op(start, Op::End),
        }
    }

    fn no_statement(&self) -> Mistake {
        let words: Vec<_> = Statement::ALL.iter().map(|s| s.words().0).collect();
        let openers = Opener::ALL.map(Opener::name).join(", ");
        let mend = format!("begin it with {} or {openers}", words.join(", "));
        Cursor::mistake(
            self.cursor.token.start,
            format!("{} begins no statement; {mend}", self.cursor.found()),
        )
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
        if name.len() > MAX_NAME {
            let what = format!("`{}` is longer than {MAX_NAME} characters; cut it", shorten(name));
            return Err(Cursor::mistake(at, what));
        }
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

    fn finish(mut self) -> Parsed<(Case, Vec<&'a str>)> {
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
            Ok(()) => Ok((self.case, self.tasks)),
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
