//! A parsed expression: its parts, and how many states each takes. Built by `ere`, compiled by `nfa`.

use crate::expression_error::{ExpressionError, MOST_STATES};

/// Most parts within each other: groups, and repetitions of repetitions.
const DEEPEST: usize = 100;

/// A byte of a word.
pub fn is_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

/// Bytes of a set, a bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes([u64; 4]);

/// What must be true between two bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assertion {
    /// No byte before.
    Start,
    /// No byte behind.
    End,
    /// A word begins or ends.
    Edge,
    /// Neither.
    NoEdge,
    /// A word begins.
    WordStart,
    /// A word ends.
    WordEnd,
}

/// A part of an expression.
#[derive(Clone, Debug)]
pub enum Part {
    /// One of these bytes.
    One(Bytes),
    /// A condition.
    Assertion(Assertion),
    /// One after the other.
    Sequence(Vec<Part>),
    /// One of them.
    Choice(Vec<Part>),
    /// The same at least this many times.
    Repeat(Box<Part>, u32, Option<u32>),
}

/// A part, and what it costs.
#[derive(Clone, Debug)]
pub struct Item {
    /// The part.
    pub part: Part,
    /// States that it takes.
    pub states: usize,
    depth: usize,
}

impl Bytes {
    /// None.
    pub const NONE: Self = Self([0; 4]);

    /// All of them.
    pub const ALL: Self = Self([u64::MAX; 4]);

    /// Those for which `is_in` says so.
    pub fn of(is_in: impl Fn(u8) -> bool) -> Self {
        let mut set = Self::NONE;
        for byte in (0..=u8::MAX).filter(|byte| is_in(*byte)) {
            set.add(byte);
        }
        set
    }

    /// Adds one.
    pub fn add(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
    }

    /// Those of both.
    pub fn and(self, other: Self) -> Self {
        let [a, b, c, d] = self.0;
        let [e, f, g, h] = other.0;
        Self([a | e, b | f, c | g, d | h])
    }

    /// The others.
    pub fn not(self) -> Self {
        Self(self.0.map(|word| !word))
    }

    /// Whether it is in there.
    pub fn has(&self, byte: u8) -> bool {
        let word = self.0.get(usize::from(byte >> 6)).copied().unwrap_or(0);
        word >> (byte & 63) & 1 == 1
    }
}

impl Item {
    /// A single byte or a condition.
    pub const fn single(part: Part) -> Self {
        Self {
            part,
            states: 1,
            depth: 0,
        }
    }

    /// One after the other.
    ///
    /// # Errors
    /// Too many states, too deep.
    pub fn sequence(items: Vec<Self>) -> Result<Self, ExpressionError> {
        let states = items.iter().map(|item| item.states).sum();
        Self::of_several(items, states, Part::Sequence)
    }

    /// One of them.
    ///
    /// # Errors
    /// Too many states, too deep.
    pub fn choice(items: Vec<Self>) -> Result<Self, ExpressionError> {
        let branches = items.len().saturating_sub(1);
        let states = items.iter().map(|item| item.states).sum::<usize>() + branches;
        Self::of_several(items, states, Part::Choice)
    }

    fn of_several(
        items: Vec<Self>,
        states: usize,
        make: impl FnOnce(Vec<Part>) -> Part,
    ) -> Result<Self, ExpressionError> {
        let depth = items.iter().map(|item| item.depth).max().unwrap_or(0);
        let parts = items.into_iter().map(|item| item.part).collect();
        Self::checked(make(parts), states, depth + 1)
    }

    /// The same at least `least` times, at most `most` times.
    ///
    /// # Errors
    /// Too many states, too deep.
    pub fn repeated(self, least: u32, most: Option<u32>) -> Result<Self, ExpressionError> {
        let copies = most.unwrap_or(least.max(1));
        let branches = most.map_or(1, |most| most - least);
        let times = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        let states = self.states.saturating_mul(times(copies));
        let states = states.saturating_add(times(branches));
        let part = Part::Repeat(Box::new(self.part), least, most);
        Self::checked(part, states, self.depth + 1)
    }

    fn checked(part: Part, states: usize, depth: usize) -> Result<Self, ExpressionError> {
        if states > MOST_STATES {
            return Err(ExpressionError::TooLarge { states });
        }
        if depth > DEEPEST {
            return Err(ExpressionError::TooDeep);
        }
        Ok(Self {
            part,
            states,
            depth,
        })
    }
}
