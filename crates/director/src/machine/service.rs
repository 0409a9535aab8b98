//! What lvsd keeps of one service: one of lvs.cf, or one that has yet to go.

use std::collections::BTreeMap;

use lvs_model::{Destination, DestinationKey, Mono, VirtualService};

use crate::presence::Presence;

/// One service in the machine.
#[derive(Debug, Default)]
pub struct ServiceState {
    /// Which servers serve it. `None`: lvs.cf no longer has it, and it has yet to go.
    pub presence: Option<Presence>,
    /// It came with a start or reload: what the kernel has of it is adopted.
    pub is_new: bool,
    /// One of its operations was refused, and that was logged.
    pub is_failing: bool,
    /// The kernel would not create it, though we know it as if it had.
    pub is_uncreated: bool,
    /// What the kernel has while it has not carried out a change of it.
    pub unchanged: Option<VirtualService>,
    /// The same of its destinations; `None` is one that is not there.
    pub unchanged_destinations: BTreeMap<DestinationKey, Option<Destination>>,
    /// The kernel has refused all its servers, and that was logged.
    pub is_unserved: bool,
}

impl ServiceState {
    /// lvs.cf has it from now on.
    pub fn begin(&mut self, now: Mono) -> &mut Presence {
        self.is_new = true;
        self.presence.insert(Presence::new(now))
    }

    /// lvs.cf has it no more.
    pub fn give_up(&mut self) {
        self.presence = None;
    }

    /// Whether it is still to go.
    pub const fn is_given_up(&self) -> bool {
        self.presence.is_none()
    }
}
