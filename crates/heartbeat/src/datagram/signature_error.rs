//! Why a signature is not good.

use std::fmt;

/// Why a datagram is not a valid signed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureError {
    /// Nothing behind the four bytes, or a [mark](super::Mark).
    Missing,
    /// Another version, length or an unknown state.
    Format,
    /// No key of that number.
    UnknownKey(u8),
    /// The signature does not fit.
    Wrong,
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("not signed"),
            Self::Format => f.write_str("signed in a form that is not known here"),
            Self::UnknownKey(id) => write!(f, "signed with key {id}, which is not known here"),
            Self::Wrong => f.write_str("wrong signature"),
        }
    }
}

impl std::error::Error for SignatureError {}
