//! One row of the table, and what it decides.

use super::condition::When;
use super::event::Event;
use super::phase::Phase;

/// What a row decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing changes.
    Stay,
    /// Start the service, then take the addresses.
    TakeOver,
    /// Take over a little later, unless RUNNING is heard until then.
    TakeOverLater,
    /// Bring up the addresses, announce them, say RUNNING at once.
    Raise,
    /// Bring up and announce again.
    Reassert,
    /// Stay active though the partner is too: it has been told to go inactive.
    Insist,
    /// Say RUNNING once more, then give up: both were active.
    Yield,
    /// Stop the service, then drop the addresses, then say STOPPED.
    GiveUp,
    /// Drop the addresses first: somebody else may have them already.
    GiveUpAtOnce,
    /// Start the service again; the addresses stay.
    RestartService,
    /// Start the service again after a pause; the addresses stay.
    RestartServiceLater,
    /// Ask the partner to take over, go on serving until then.
    HandOver,
    /// The partner did not take over: go on serving.
    Resume,
    /// Give up and end.
    Leave,
    /// Back to standby.
    Rest,
    /// End.
    End,
}

/// A row: in these phases, on this event, under this condition, that happens.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Phases that the row is for.
    pub phases: &'static [Phase],
    /// Its event.
    pub event: Event,
    /// Its condition.
    pub when: When,
    /// Its verdict.
    pub verdict: Verdict,
}

pub(super) const fn row(
    phases: &'static [Phase],
    event: Event,
    when: When,
    verdict: Verdict,
) -> Row {
    Row {
        phases,
        event,
        when,
        verdict,
    }
}
