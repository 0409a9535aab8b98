//! The last changes of the phase.

use std::collections::VecDeque;

use crate::view::{Reason, Transition};

/// Most changes that are kept.
pub const KEPT: usize = 16;

/// The last changes of the phase.
#[derive(Clone, Debug)]
pub struct History {
    /// What is being dealt with.
    pub reason: Reason,
    pub transitions: VecDeque<Transition>,
}

impl Default for History {
    fn default() -> Self {
        Self {
            reason: Reason::Started,
            transitions: VecDeque::with_capacity(KEPT),
        }
    }
}
