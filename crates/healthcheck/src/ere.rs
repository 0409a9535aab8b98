//! Translates POSIX extended syntax into that of `regex-lite`; called by `expression`.

use std::fmt::Write;

use crate::ExpressionError;

/// Largest count in `{n,m}` (POSIX: RE_DUP_MAX is at least this).
const LARGEST_COUNT: u32 = 255;

/// The expression in the engine's syntax: what is not an operator stands as `\x{..}`.
pub fn translate(text: &[u8]) -> Result<String, ExpressionError> {
    let mut translation = Translation {
        text,
        at: 0,
        out: String::from("(?s)"),
        groups: Vec::new(),
        atom: Atom::None,
    };
    while let Some(byte) = translation.next() {
        translation.token(byte)?;
    }
    if translation.groups.is_empty() {
        Ok(translation.out)
    } else {
        Err(translation.error("'(' without ')'"))
    }
}

/// What a repetition would apply to: where it starts in the output.
#[derive(Clone, Copy)]
enum Atom {
    None,
    Once(usize),
    Repeated(usize),
}

struct Translation<'a> {
    text: &'a [u8],
    at: usize,
    out: String,
    /// Where each open group starts in the output.
    groups: Vec<usize>,
    atom: Atom,
}

impl Translation<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Takes `byte` if it comes next.
    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn error(&self, what: &'static str) -> ExpressionError {
        ExpressionError::Syntax {
            offset: self.at.saturating_sub(1),
            what,
        }
    }

    fn token(&mut self, byte: u8) -> Result<(), ExpressionError> {
        match byte {
            b'(' => {
                self.groups.push(self.out.len());
                self.out.push_str("(?:");
                self.atom = Atom::None;
            }
            b')' => match self.groups.pop() {
                Some(start) => {
                    self.out.push(')');
                    self.atom = Atom::Once(start);
                }
                None => self.literal(byte),
            },
            b'|' | b'^' | b'$' => {
                self.out.push(char::from(byte));
                self.atom = Atom::None;
            }
            b'.' => self.atom("."),
            b'*' => self.repeat("*")?,
            b'+' => self.repeat("+")?,
            b'?' => self.repeat("?")?,
            b'{' => self.interval()?,
            b'[' => self.bracket()?,
            b'\\' => self.escape()?,
            _ => self.literal(byte),
        }
        Ok(())
    }

    fn atom(&mut self, text: &str) {
        self.atom = Atom::Once(self.out.len());
        self.out.push_str(text);
    }

    fn literal(&mut self, byte: u8) {
        self.atom = Atom::Once(self.out.len());
        push_byte(&mut self.out, byte);
    }

    /// Repeats the last atom. One that is repeated already becomes a group, since `+?` and its
    /// kin mean something else to the engine.
    fn repeat(&mut self, operator: &str) -> Result<(), ExpressionError> {
        let start = match self.atom {
            Atom::None => return Err(self.error("nothing to repeat")),
            Atom::Once(start) => start,
            Atom::Repeated(start) => {
                self.out.insert_str(start, "(?:");
                self.out.push(')');
                start
            }
        };
        self.out.push_str(operator);
        self.atom = Atom::Repeated(start);
        Ok(())
    }

    /// `{n}`, `{n,}`, `{n,m}`, `{,m}`.
    fn interval(&mut self) -> Result<(), ExpressionError> {
        let least = self.count()?;
        let operator = if self.take(b',') {
            match (least.unwrap_or(0), self.count()?) {
                (least, Some(most)) if least <= most => format!("{{{least},{most}}}"),
                (_, Some(_)) => return Err(self.error("counts in wrong order")),
                (least, None) => format!("{{{least},}}"),
            }
        } else {
            let exactly = least.ok_or_else(|| self.error("no count behind '{'"))?;
            format!("{{{exactly}}}")
        };
        if !self.take(b'}') {
            return Err(self.error("'{' without '}'"));
        }
        self.repeat(&operator)
    }

    fn count(&mut self) -> Result<Option<u32>, ExpressionError> {
        let mut count = None;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            self.at += 1;
            let more = count.unwrap_or(0) * 10 + u32::from(digit - b'0');
            if more > LARGEST_COUNT {
                return Err(self.error("count above 255"));
            }
            count = Some(more);
        }
        Ok(count)
    }

    /// Behind a backslash: the few that GNU gives a meaning, else the byte itself.
    fn escape(&mut self) -> Result<(), ExpressionError> {
        let Some(byte) = self.next() else {
            return Err(self.error("backslash at the end"));
        };
        match byte {
            b'1'..=b'9' => return Err(self.error("back-references are not supported")),
            b'w' => self.atom("[[:alnum:]_]"),
            b'W' => self.atom("[^[:alnum:]_]"),
            b's' => self.atom("[[:space:]]"),
            b'S' => self.atom("[^[:space:]]"),
            b'b' => self.anchor(r"\b"),
            b'B' => self.anchor(r"\B"),
            b'<' => self.anchor(r"\b{start}"),
            b'>' => self.anchor(r"\b{end}"),
            b'`' => self.anchor(r"\A"),
            b'\'' => self.anchor(r"\z"),
            _ => self.literal(byte),
        }
        Ok(())
    }

    fn anchor(&mut self, text: &str) {
        self.out.push_str(text);
        self.atom = Atom::None;
    }

    fn bracket(&mut self) -> Result<(), ExpressionError> {
        self.atom("[");
        if self.take(b'^') {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let Some(byte) = self.next() else {
                return Err(self.error("'[' without ']'"));
            };
            if byte == b']' && !first {
                break;
            }
            first = false;
            if byte == b'[' && self.take(b':') {
                self.class()?;
            } else {
                self.member(byte)?;
            }
        }
        self.out.push(']');
        Ok(())
    }

    /// A byte of a bracket, or a range that starts with it.
    fn member(&mut self, byte: u8) -> Result<(), ExpressionError> {
        let low = self.symbol(byte)?;
        push_byte(&mut self.out, low);
        let is_range = self.peek() == Some(b'-') && self.text.get(self.at + 1) != Some(&b']');
        if !is_range {
            return Ok(());
        }
        self.at += 1;
        let Some(byte) = self.next() else {
            return Err(self.error("'[' without ']'"));
        };
        let high = self.symbol(byte)?;
        if high < low {
            return Err(self.error("range in wrong order"));
        }
        self.out.push('-');
        push_byte(&mut self.out, high);
        Ok(())
    }

    /// A byte of a bracket, also as `[.x.]` or `[=x=]`.
    fn symbol(&mut self, byte: u8) -> Result<u8, ExpressionError> {
        let Some(mark @ (b'.' | b'=')) = self.peek().filter(|_| byte == b'[') else {
            return Ok(byte);
        };
        self.at += 1;
        let symbol = self.next();
        match symbol {
            Some(symbol) if self.take(mark) && self.take(b']') => Ok(symbol),
            _ => Err(self.error("collating symbols of several bytes are not supported")),
        }
    }

    /// Behind `[:`: the name of a class and `:]`.
    fn class(&mut self) -> Result<(), ExpressionError> {
        const NAMES: [&str; 12] = [
            "alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
            "space", "upper", "xdigit",
        ];
        let rest = self.text.get(self.at..).unwrap_or_default();
        let name = NAMES.into_iter().find(|name| {
            rest.strip_prefix(name.as_bytes())
                .is_some_and(|rest| rest.starts_with(b":]"))
        });
        let Some(name) = name else {
            return Err(self.error("unknown character class"));
        };
        self.at += name.len() + 2;
        self.out.push_str("[:");
        self.out.push_str(name);
        self.out.push_str(":]");
        Ok(())
    }
}

fn push_byte(out: &mut String, byte: u8) {
    // Writing to a String cannot fail.
    let _ = write!(out, "\\x{{{byte:02x}}}");
}
