//! The tokens of a text, one ahead; the pieces that statements are made of; what to say when one is
//! missing.

use super::lex::{ENDS, Kind, Lexer, Mistake, Token, in_word, shorten};
use crate::mm::Pages;

pub(super) type Parsed<T> = Result<T, Mistake>;

pub(super) struct Cursor<'a> {
    lexer: Lexer<'a>,
    text: &'a str,
    /// The next token.
    pub token: Token<'a>,
    /// Where the one before it ended.
    behind: usize,
    /// The shape of the statement, for errors.
    pub shape: &'static str,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str) -> Parsed<Cursor<'a>> {
        let mut lexer = Lexer::new(text);
        let token = lexer.next()?;
        Ok(Cursor { lexer, text, token, behind: 0, shape: "" })
    }

    pub fn gfn_page(&mut self) -> Parsed<u16> {
        self.keyword("gfn")?;
        self.number(u16::MAX)
    }

    pub fn gfn_range(&mut self) -> Parsed<Pages> {
        self.keyword("gfn")?;
        self.range()
    }

    pub fn hva(&mut self) -> Parsed<u16> {
        self.keyword("hva")?;
        self.number(u16::MAX)
    }

    pub fn range(&mut self) -> Parsed<Pages> {
        let start = self.number(u16::MAX - 1)?;
        if self.token.kind != Kind::DotDot {
            return Ok(Pages::new(start, start + 1));
        }
        self.advance()?;
        Ok(Pages::new(start, self.number(u16::MAX)?))
    }

    pub fn byte(&mut self) -> Parsed<u8> {
        Ok(self.number(u8::MAX.into())? as u8)
    }

    pub fn number(&mut self, limit: u16) -> Parsed<u16> {
        let Kind::Number(number) = self.token.kind else {
            return Err(self.expected("a number"));
        };
        if number > limit.into() {
            let what = format!("the number is above {limit}; choose a smaller one");
            return Err(Cursor::mistake(self.token.start, what));
        }
        self.advance()?;
        Ok(number as u16)
    }

    pub fn word(&mut self) -> Parsed<&'a str> {
        let Kind::Word(word) = self.token.kind else { return Err(self.expected("a word")) };
        self.advance()?;
        Ok(word)
    }

    pub fn keyword(&mut self, word: &str) -> Parsed<()> {
        if self.accept(word)? { Ok(()) } else { Err(self.expected(&format!("`{word}`"))) }
    }

    pub fn accept(&mut self, word: &str) -> Parsed<bool> {
        let found = self.at_word(word);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    pub fn at_word(&self, word: &str) -> bool {
        self.token.kind == Kind::Word(word)
    }

    pub fn advance(&mut self) -> Parsed<()> {
        self.behind = self.token.end;
        self.token = self.lexer.next()?;
        Ok(())
    }

    pub fn known<T>(&self, value: Option<T>, at: usize, what: &str, names: &[&str]) -> Parsed<T> {
        value.ok_or_else(|| {
            let names: Vec<_> = names.iter().map(|n| shorten(n)).collect();
            let word = self.text[at..].split(|c| !in_word(c)).next().unwrap_or_default();
            let mend = match names.is_empty() {
                true => format!("declare the {what} first"),
                false => format!("choose one of {}", names.join(", ")),
            };
            Cursor::mistake(at, format!("`{}` is no {what}; {mend}", shorten(word)))
        })
    }

    pub fn mistake(offset: usize, message: String) -> Mistake {
        Mistake { offset, message }
    }

    /// What is missing before the next token. Where a line ends too early, that is the place.
    pub fn expected(&self, what: &str) -> Mistake {
        let (offset, found) = match self.at_new_line() {
            true => (self.behind, "the end of the line".to_string()),
            false => (self.token.start, self.found()),
        };
        let message = format!("expected {what}, found {found}; write `{}`", self.shape);
        Cursor::mistake(offset, message)
    }

    pub fn at_new_line(&self) -> bool {
        self.text.get(self.behind..self.token.start).is_some_and(|gap| gap.contains(ENDS))
    }

    pub fn found(&self) -> String {
        match self.token.kind {
            Kind::Eof => "the end of the text".to_string(),
            _ => format!("`{}`", shorten(&self.text[self.token.start..self.token.end])),
        }
    }
}
