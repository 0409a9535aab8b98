//! What a server must answer (`expect`), and how far an answer has come.

use crate::{Expression, ExpressionError};

/// Most bytes of an answer that a regular expression sees.
pub const LONGEST_ANSWER: usize = 4096;

/// What a server must answer.
#[derive(Clone, Debug)]
pub enum Expect {
    /// `*`: at least one byte, or an orderly end.
    Anything,
    /// The answer starts with these bytes; none: it starts or ends at all.
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

    /// Judges what came so far; `ended` when no more will come.
    #[must_use]
    pub fn judge(&self, answer: &[u8], ended: bool) -> Progress {
        match self {
            Self::Anything => Progress::Match,
            Self::Prefix(bytes) => judge_prefix(bytes, answer, ended),
            Self::Pattern(expression) if expression.is_match(answer) => Progress::Match,
            Self::Pattern(_) if ended || answer.len() >= LONGEST_ANSWER => Progress::Other,
            Self::Pattern(_) => Progress::More,
        }
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
        assert!(Expect::new(b"*".to_vec(), true).is_err());
    }

    #[test]
    fn an_expression_waits_for_its_match_until_end_or_limit() {
        let pattern = Expect::new(b"rea.y$".to_vec(), true).unwrap();
        assert_eq!(pattern.judge(b"220 rea", false), Progress::More);
        assert_eq!(pattern.judge(b"220 ready", false), Progress::Match);
        assert_eq!(pattern.judge(b"220 rea", true), Progress::Other);
        assert_eq!(
            pattern.judge(&[b'x'; LONGEST_ANSWER], false),
            Progress::Other
        );
    }
}
