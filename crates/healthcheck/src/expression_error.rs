//! Why an expression cannot be used.

use std::fmt;

/// Most states of an expression. One match takes at most twice this many steps for each byte.
pub const MOST_STATES: usize = 2000;

/// Why an expression cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpressionError {
    /// The syntax is wrong, or asks for something that is not provided, such as back-references.
    Syntax {
        /// Byte offset of the place.
        offset: usize,
        /// What is wrong there.
        what: &'static str,
    },
    /// It stands for too many states.
    TooLarge {
        /// So many, or more.
        states: usize,
    },
    /// It has too many groups within each other.
    TooDeep,
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { offset, what } => write!(f, "{what} at byte {offset}"),
            Self::TooLarge { states } => write!(
                f,
                "expression is too large: {states} places with its repetitions written out, {MOST_STATES} at most"
            ),
            Self::TooDeep => f.write_str("expression is too deeply nested"),
        }
    }
}

impl std::error::Error for ExpressionError {}
