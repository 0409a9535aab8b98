//! Why a hand-over that was ordered has not come about.

use std::fmt;

use crate::view::Reason;

/// Why a hand-over that was ordered has not come about; its `Display` is what the administrator reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandOverFailed {
    /// This node serves on.
    StillActive(Reason),
    /// This node has given up, and for a while the partner has not said that it is active.
    NotTaken,
}

impl fmt::Display for HandOverFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StillActive(reason) => write!(f, "{reason}: this director stays active"),
            Self::NotTaken => f.write_str(
                "this director has given up, and the partner does not say that it is active",
            ),
        }
    }
}

impl std::error::Error for HandOverFailed {}
