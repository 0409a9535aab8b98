//! A hand-over by order: how far it is, and why it failed.

use std::fmt;

use lvs_model::Mono;

use crate::view::Reason;

/// A hand-over by order whose end has not been reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderedHandOver {
    /// There is none.
    No,
    /// This node still serves.
    UnderWay,
    /// This node has given up. Until then the partner may say that it is active.
    GivenUp {
        /// Then the end is told.
        until: Mono,
        /// With `vip = external`: since when the partner says RUNNING. It says so before its `active_cmd`
        /// has ended.
        claimed: Option<Mono>,
    },
}

/// Why a hand-over by order failed; its `Display` is what the administrator reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandOverFailed {
    /// This node serves on.
    StillActive(Reason),
    /// This node has given up, and the partner has not said in time that it is active.
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
