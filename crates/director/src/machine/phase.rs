//! Where lvsd is between its start and its end.

use lvs_model::Mono;

/// Where lvsd is between its start and its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Waits for the kernel's table.
    Loading,
    /// Works.
    Running,
    /// Waits for its nannies until then, kills them, and ends with this status.
    Stopping(Stop),
    /// Has said `Exit`, or waits for the last answer before it.
    Ended(i32),
}

/// An end that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The exit status.
    pub status: i32,
    /// When the nannies that are left are killed, or given up if they were.
    pub until: Mono,
    /// Whether they were.
    pub is_killing: bool,
}
