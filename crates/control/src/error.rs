//! Why a datagram is no message.

use std::fmt;

/// A datagram that could not be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageError {
    /// Longer than [`MAX_MESSAGE`](crate::MAX_MESSAGE); holds the length.
    TooLong(usize),
    /// Not UTF-8.
    NotText,
    /// The first word is none of those for this direction.
    UnknownWord,
    /// The message ends before this field.
    Missing(&'static str),
    /// This field does not hold what belongs there.
    Bad(&'static str),
    /// Something stands behind the last field.
    Trailing,
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(length) => write!(f, "message of {length} bytes is too long"),
            Self::NotText => f.write_str("message is not text"),
            Self::UnknownWord => f.write_str("message begins with an unknown word"),
            Self::Missing(field) => write!(f, "message lacks its {field}"),
            Self::Bad(field) => write!(f, "message has a bad {field}"),
            Self::Trailing => f.write_str("message goes on behind its last field"),
        }
    }
}

impl std::error::Error for MessageError {}
