//! Where lvsd is between its start and its end.

use lvs_model::Ending;

/// Where lvsd is between its start and its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Waits for the kernel's table.
    Loading,
    /// Works.
    Running,
    /// Waits for its nannies, and ends.
    Stopping(Stop),
    /// Has said `Exit`, or waits for the last answer before it.
    Ended(i32),
}

/// An end that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The exit status.
    pub status: i32,
    /// The time that the nannies still running have, all together.
    pub ending: Ending,
}
