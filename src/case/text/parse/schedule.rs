//! The schedule: bursts and the tail.

use super::super::cursor::{Cursor, Parsed};
use super::super::lex::Kind;
use super::{Block, Parser, is_keyword};
use crate::case::legal::Rule;
use crate::case::{Burst, MAX_BURSTS, Tail, Until};
use crate::kvm::Place;

impl Parser<'_> {
    pub(super) fn schedule(&mut self, start: usize) -> Parsed<()> {
        self.block = Block::Top;
        self.only_once("schedule", start)?;
        if !self.cursor.at_word("then") && !self.is_over() {
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

    /// Whether the text ends here or another statement begins. A task may have the name of one.
    fn is_over(&self) -> bool {
        match self.cursor.token.kind {
            Kind::Eof => true,
            Kind::Word(word) => is_keyword(word) && !self.tasks.contains(&word),
            _ => false,
        }
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
}
