//! What a server must answer (`expect`), and how far an answer has come.

use crate::expression::Search;
use crate::{Expression, ExpressionError};

/// Most bytes of an answer that a regular expression sees.
pub const LONGEST_ANSWER: usize = 4096;

/// What a server must answer.
#[derive(Clone, Debug)]
pub enum Expect {
    /// `*`: at least one byte, or an orderly end.
    Anything,
    /// The answer starts with these bytes; if there are none, it starts or ends at all.
    Prefix(Box<[u8]>),
    /// The expression matches somewhere in the first [`LONGEST_ANSWER`] bytes.
    Pattern(Expression),
}

/// How far an answer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// As expected; the rest does not matter.
    Match,
    /// Nothing is decided yet.
    More,
    /// Too short, and no more will come.
    Short {
        /// Bytes that a match needs.
        needed: usize,
    },
    /// Another answer.
    Other,
    /// Not within the first [`LONGEST_ANSWER`] bytes; there may be more.
    NotWithin,
}

/// An answer while it comes.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    bytes: Vec<u8>,
    /// Where there is something to look for.
    search: Option<Box<Search>>,
}

impl Expect {
    /// Reads the value of `-x`, its escapes undone; `regex` is `--regex`.
    ///
    /// # Errors
    /// [`ExpressionError`] with `regex` only.
    pub fn new(text: Vec<u8>, regex: bool) -> Result<Self, ExpressionError> {
        if regex {
            Expression::new(&text).map(Self::Pattern)
        } else if text == b"*" {
            Ok(Self::Anything)
        } else {
            Ok(Self::Prefix(text.into_boxed_slice()))
        }
    }

    /// Most bytes worth keeping of an answer.
    #[must_use]
    pub fn longest(&self) -> usize {
        match self {
            Self::Prefix(bytes) => bytes.len().max(LONGEST_ANSWER),
            Self::Anything | Self::Pattern(_) => LONGEST_ANSWER,
        }
    }
}

impl Answer {
    /// Its bytes so far.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its bytes.
    #[must_use]
    pub fn into_bytes(self) -> Box<[u8]> {
        self.bytes.into_boxed_slice()
    }

    /// Takes what has come, as far as it is worth keeping, and judges all so far; `ended` when no more will
    /// come.
    pub fn take(&mut self, expect: &Expect, bytes: &[u8], ended: bool) -> Progress {
        let room = expect.longest().saturating_sub(self.bytes.len());
        let kept = bytes.get(..room).unwrap_or(bytes);
        self.bytes.extend_from_slice(kept);
        match expect {
            Expect::Anything => Progress::Match,
            Expect::Prefix(bytes) => judge_prefix(bytes, &self.bytes, ended),
            Expect::Pattern(expression) if self.find(expression, kept) => Progress::Match,
            Expect::Pattern(_) if self.bytes.len() >= LONGEST_ANSWER => Progress::NotWithin,
            Expect::Pattern(_) if ended => Progress::Other,
            Expect::Pattern(_) => Progress::More,
        }
    }

    fn find(&mut self, expression: &Expression, bytes: &[u8]) -> bool {
        let search = self.search.get_or_insert_with(Box::default);
        search.feed(expression, bytes)
    }
}

fn judge_prefix(bytes: &[u8], answer: &[u8], ended: bool) -> Progress {
    if answer.starts_with(bytes) {
        Progress::Match
    } else if !bytes.starts_with(answer) {
        Progress::Other
    } else if ended {
        Progress::Short {
            needed: bytes.len(),
        }
    } else {
        Progress::More
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expect(text: &str) -> Expect {
        Expect::new(text.into(), false).unwrap()
    }

    impl Expect {
        /// The verdict on an answer that comes in one piece.
        fn judge(&self, answer: &[u8], ended: bool) -> Progress {
            Answer::default().take(self, answer, ended)
        }
    }

    #[test]
    fn a_literal_is_a_prefix_of_the_answer() {
        let banner = expect("220");
        assert_eq!(banner.judge(b"220 ready", false), Progress::Match);
        assert_eq!(banner.judge(b"22", false), Progress::More);
        assert_eq!(banner.judge(b"22", true), Progress::Short { needed: 3 });
        assert_eq!(banner.judge(b"5", false), Progress::Other);
        assert_eq!(banner.judge(b" 220", false), Progress::Other);
        assert_eq!(expect("").judge(b"", true), Progress::Match);
    }

    #[test]
    fn a_star_takes_any_byte_and_an_orderly_end() {
        assert_eq!(expect("*").judge(b"x", false), Progress::Match);
        assert_eq!(expect("*").judge(b"", true), Progress::Match);
        let refused = Expect::new(b"*".to_vec(), true).unwrap_err();
        assert!(
            matches!(refused, ExpressionError::Syntax { offset: 0, .. }),
            "{refused}"
        );
    }

    #[test]
    fn an_expression_waits_for_its_match_until_end_or_limit() {
        let pattern = Expect::new(b"rea.y$".to_vec(), true).unwrap();
        assert_eq!(pattern.judge(b"220 rea", false), Progress::More);
        assert_eq!(pattern.judge(b"220 ready", false), Progress::Match);
        assert_eq!(pattern.judge(b"220 rea", true), Progress::Other);
        let mut answer = Answer::default();
        assert_eq!(answer.take(&pattern, b"220 r", false), Progress::More);
        assert_eq!(answer.take(&pattern, b"eady", false), Progress::Match);
    }

    #[test]
    fn a_match_behind_the_limit_is_told_from_another_answer() {
        let pattern = Expect::new(b"OK".to_vec(), true).unwrap();
        let long = [b'x'; LONGEST_ANSWER];
        assert_eq!(pattern.judge(&long, false), Progress::NotWithin);
        assert_eq!(pattern.judge(&long, true), Progress::NotWithin);
        assert_eq!(pattern.judge(&long[1..], true), Progress::Other);
        let mut answer = Answer::default();
        answer.take(&pattern, &long[2..], false);
        assert_eq!(answer.take(&pattern, b"OKx", false), Progress::Match);
        assert_eq!(answer.bytes().len(), LONGEST_ANSWER);
    }
}
