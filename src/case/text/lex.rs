//! Text to tokens. White space and comments separate tokens and mean nothing else.

/// What ends a line; CR LF is one end.
pub(super) const ENDS: [char; 2] = ['\n', '\r'];

/// A mistake at a byte offset: what it is, and how to mend it.
#[derive(Debug)]
pub(super) struct Mistake {
    pub offset: usize,
    pub message: String,
}

/// A token, where it begins and where it ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub kind: Kind<'a>,
    pub start: usize,
    pub end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    Word(&'a str),
    /// Saturated: no field of a case is that wide.
    Number(u64),
    DotDot,
    Comma,
    Star,
    Eof,
}

pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str) -> Lexer<'a> {
        Lexer { text, at: 0 }
    }

    pub fn next(&mut self) -> Result<Token<'a>, Mistake> {
        self.skip_space();
        let start = self.at;
        let kind = self.kind()?;
        Ok(Token { kind, start, end: self.at })
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        loop {
            let rest = self.rest().trim_start_matches([' ', '\t', '\r', '\n']);
            self.at = self.text.len() - rest.len();
            if !rest.starts_with('#') {
                return;
            }
            self.at += rest.find(ENDS).unwrap_or(rest.len());
        }
    }

    fn kind(&mut self) -> Result<Kind<'a>, Mistake> {
        let Some(first) = self.rest().chars().next() else { return Ok(Kind::Eof) };
        match first {
            'a'..='z' | 'A'..='Z' | '_' => Ok(Kind::Word(self.take(in_word))),
            '0'..='9' => self.number(),
            '.' if self.rest().starts_with("..") => Ok(self.skip(2, Kind::DotDot)),
            ',' => Ok(self.skip(1, Kind::Comma)),
            '*' => Ok(self.skip(1, Kind::Star)),
            other => Err(Mistake {
                offset: self.at,
                message: format!("unexpected character {other:?}; remove it"),
            }),
        }
    }

    fn skip(&mut self, len: usize, kind: Kind<'a>) -> Kind<'a> {
        self.at += len;
        kind
    }

    fn take(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let len = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    fn number(&mut self) -> Result<Kind<'a>, Mistake> {
        let offset = self.at;
        let word = self.take(in_word);
        let (digits, radix) = match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
            Some(hex) => (hex, 16),
            None => (word, 10),
        };
        if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
            let message = format!("`{}` is no number; write 12 or 0xc", shorten(word));
            return Err(Mistake { offset, message });
        }
        Ok(Kind::Number(u64::from_str_radix(digits, radix).unwrap_or(u64::MAX)))
    }
}

pub(super) fn in_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// What an error quotes of a word.
pub(super) fn shorten(word: &str) -> String {
    const LONGEST: usize = 32;
    match word.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &word[..end]),
        None => word.to_string(),
    }
}
