//! Reads POSIX extended syntax; called by `expression`.

use crate::expression_error::ExpressionError;
use crate::pattern::{Assertion, Bytes, Item, Part, is_word};

/// Largest count in `{n,m}` (POSIX: RE_DUP_MAX is at least this).
const LARGEST_COUNT: u32 = 255;

/// The expression as its parts.
pub fn parse(text: &[u8]) -> Result<Item, ExpressionError> {
    let mut parser = Parser {
        text,
        at: 0,
        groups: Vec::new(),
        group: Group::default(),
    };
    while let Some(byte) = parser.next() {
        parser.token(byte)?;
    }
    if parser.groups.is_empty() {
        parser.group.close()
    } else {
        Err(parser.error("'(' without ')'"))
    }
}

/// What has been read of a group, or of the whole.
#[derive(Default)]
struct Group {
    /// The choices that are complete.
    choices: Vec<Item>,
    /// The one that is being read.
    sequence: Vec<Item>,
    /// Whether the last part of it can be repeated.
    is_atom: bool,
}

impl Group {
    fn next_choice(&mut self) -> Result<(), ExpressionError> {
        self.is_atom = false;
        let choice = Item::sequence(std::mem::take(&mut self.sequence))?;
        self.choices.push(choice);
        Ok(())
    }

    fn close(mut self) -> Result<Item, ExpressionError> {
        self.next_choice()?;
        if self.choices.len() > 1 {
            return Item::choice(self.choices);
        }
        self.choices
            .pop()
            .map_or_else(|| Item::sequence(Vec::new()), Ok)
    }

    fn push(&mut self, item: Item, is_atom: bool) {
        self.sequence.push(item);
        self.is_atom = is_atom;
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    /// Those around the one that is being read.
    groups: Vec<Group>,
    group: Group,
}

impl Parser<'_> {
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
                let around = std::mem::take(&mut self.group);
                self.groups.push(around);
            }
            b')' => match self.groups.pop() {
                Some(around) => {
                    let group = std::mem::replace(&mut self.group, around).close()?;
                    self.group.push(group, true);
                }
                None => self.literal(byte),
            },
            b'|' => self.group.next_choice()?,
            b'^' => self.assertion(Assertion::Start),
            b'$' => self.assertion(Assertion::End),
            b'.' => self.one(Bytes::ALL),
            b'*' => self.repeat(0, None)?,
            b'+' => self.repeat(1, None)?,
            b'?' => self.repeat(0, Some(1))?,
            b'{' => self.interval()?,
            b'[' => self.bracket()?,
            b'\\' => self.escape()?,
            _ => self.literal(byte),
        }
        Ok(())
    }

    fn one(&mut self, bytes: Bytes) {
        self.group.push(Item::single(Part::One(bytes)), true);
    }

    fn literal(&mut self, byte: u8) {
        self.one(Bytes::of(|other| other == byte));
    }

    fn assertion(&mut self, assertion: Assertion) {
        let item = Item::single(Part::Assertion(assertion));
        self.group.push(item, false);
    }

    /// Repeats the last part.
    fn repeat(&mut self, least: u32, most: Option<u32>) -> Result<(), ExpressionError> {
        let last = self.group.sequence.pop().filter(|_| self.group.is_atom);
        let last = last.ok_or_else(|| self.error("nothing to repeat"))?;
        self.group.push(last.repeated(least, most)?, true);
        Ok(())
    }

    /// `{n}`, `{n,}`, `{n,m}`, `{,m}`.
    fn interval(&mut self) -> Result<(), ExpressionError> {
        let given = self.count()?;
        let (least, most) = if self.take(b',') {
            (given.unwrap_or(0), self.count()?)
        } else {
            let exactly = given.ok_or_else(|| self.error("no count behind '{'"))?;
            (exactly, Some(exactly))
        };
        if most.is_some_and(|most| most < least) {
            return Err(self.error("counts in wrong order"));
        }
        if !self.take(b'}') {
            return Err(self.error("'{' without '}'"));
        }
        self.repeat(least, most)
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
            b'w' => self.one(Bytes::of(is_word)),
            b'W' => self.one(Bytes::of(is_word).not()),
            b's' => self.one(Bytes::of(is_space)),
            b'S' => self.one(Bytes::of(is_space).not()),
            b'b' => self.assertion(Assertion::Edge),
            b'B' => self.assertion(Assertion::NoEdge),
            b'<' => self.assertion(Assertion::WordStart),
            b'>' => self.assertion(Assertion::WordEnd),
            b'`' => self.assertion(Assertion::Start),
            b'\'' => self.assertion(Assertion::End),
            _ => self.literal(byte),
        }
        Ok(())
    }

    fn bracket(&mut self) -> Result<(), ExpressionError> {
        let is_negated = self.take(b'^');
        let mut members = Bytes::NONE;
        let mut first = true;
        loop {
            let Some(byte) = self.next() else {
                return Err(self.error("'[' without ']'"));
            };
            if byte == b']' && !first {
                break;
            }
            first = false;
            let more = if byte == b'[' && self.take(b':') {
                self.class()?
            } else {
                self.member(byte)?
            };
            members = members.and(more);
        }
        self.one(if is_negated { members.not() } else { members });
        Ok(())
    }

    /// A byte of a bracket, or a range that starts with it.
    fn member(&mut self, byte: u8) -> Result<Bytes, ExpressionError> {
        let low = self.symbol(byte)?;
        let is_range = self.peek() == Some(b'-') && self.text.get(self.at + 1) != Some(&b']');
        if !is_range {
            return Ok(Bytes::of(|other| other == low));
        }
        self.at += 1;
        let Some(byte) = self.next() else {
            return Err(self.error("'[' without ']'"));
        };
        let high = self.symbol(byte)?;
        if high < low {
            return Err(self.error("range in wrong order"));
        }
        Ok(Bytes::of(|other| (low..=high).contains(&other)))
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
    fn class(&mut self) -> Result<Bytes, ExpressionError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let class = CLASSES.iter().find(|(name, _)| {
            let behind = rest.strip_prefix(name.as_bytes());
            behind.is_some_and(|rest| rest.starts_with(b":]"))
        });
        let Some((name, is_member)) = class else {
            return Err(self.error("unknown character class"));
        };
        self.at += name.len() + 2;
        Ok(Bytes::of(is_member))
    }
}

/// Whether a byte is in a class.
type IsMember = fn(u8) -> bool;

/// The members of each class in the C locale.
const CLASSES: [(&str, IsMember); 12] = [
    ("alnum", |byte| byte.is_ascii_alphanumeric()),
    ("alpha", |byte| byte.is_ascii_alphabetic()),
    ("blank", |byte| matches!(byte, b' ' | b'\t')),
    ("cntrl", |byte| byte.is_ascii_control()),
    ("digit", |byte| byte.is_ascii_digit()),
    ("graph", |byte| byte.is_ascii_graphic()),
    ("lower", |byte| byte.is_ascii_lowercase()),
    ("print", |byte| byte == b' ' || byte.is_ascii_graphic()),
    ("punct", |byte| byte.is_ascii_punctuation()),
    ("space", is_space),
    ("upper", |byte| byte.is_ascii_uppercase()),
    ("xdigit", |byte| byte.is_ascii_hexdigit()),
];

fn is_space(byte: u8) -> bool {
    byte == 0x0b || byte.is_ascii_whitespace()
}
