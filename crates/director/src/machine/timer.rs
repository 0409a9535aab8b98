//! What lvsd waits for.

use lvs_model::{ServiceKey, Timers};

use crate::SiteService;
use crate::presence::Presence;

/// What lvsd waits for. What expires together is handled in this order: what changes the table comes before
/// what reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// lvs.cf is read again, as was asked for a short while ago.
    Reread,
    /// The sorry server of this service goes in although no report says that all of its servers are down.
    Sorry(ServiceKey),
    /// The next audit.
    Audit,
    /// A nanny that was told to end has had its time.
    Kill,
    /// A nanny is to be started, or has been silent for long. Too early is harmless.
    Nannies,
    /// At the end of lvsd: its nannies have had their time, all together.
    Stop,
}

/// After a service was settled, or lvs.cf has it anew: when its sorry server goes in at the latest.
pub fn await_sorry(timers: &mut Timers<Timer>, service: &SiteService, presence: &Presence) {
    let due = presence.deadline(service);
    timers.set_or_stop(Timer::Sorry(service.service.key), due);
}
