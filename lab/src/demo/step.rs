//! What came of one step of the demonstration: times, requests, what did not hold.

use std::time::{Duration, Instant};

use crate::measure::{Account, Reply, Requests, Stalls};

/// Stalls of the machine below this need no words.
const WORTH_TELLING: Duration = Duration::from_millis(100);

/// What came of a step.
pub(super) struct Step {
    pub(super) name: &'static str,
    /// From the cause to the effect; `None` if there was none.
    pub(super) took: Option<Duration>,
    /// The most that it may take.
    pub(super) target: Option<Duration>,
    /// The client's requests meanwhile.
    pub(super) account: Account,
    /// What did not hold, in words.
    pub(super) failures: Vec<String>,
    /// What was not the cluster's doing, in words.
    pub(super) remarks: Vec<String>,
}

impl Step {
    pub(super) fn new(name: &'static str) -> Self {
        let account = Account::default();
        Self {
            name,
            took: None,
            target: None,
            account,
            failures: Vec::new(),
            remarks: Vec::new(),
        }
    }

    pub(super) fn is_good(&self) -> bool {
        self.failures.is_empty()
    }

    /// Nothing can follow a step whose effect never came.
    pub(super) fn is_fatal(&self) -> bool {
        self.target.is_some() && self.took.is_none()
    }

    pub(super) fn demand(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.failures.push(what());
        }
    }

    /// Notes the time from `cause` to `effect` and judges it. Time in which the machine itself stood
    /// still is told and not held against the cluster.
    pub(super) fn timed(&mut self, cause: Instant, effect: Option<Instant>, target: Duration) {
        self.target = Some(target);
        let Some(effect) = effect else {
            self.failures.push("never happened".into());
            return;
        };
        let took = effect.saturating_duration_since(cause);
        let stood = Stalls::watch().between(cause, effect);
        self.took = Some(took);
        if took.saturating_sub(stood) > target {
            self.failures
                .push(format!("took {:.2} s", took.as_secs_f64()));
        }
        if stood >= WORTH_TELLING {
            self.remarks.push(format!(
                "the machine itself stood still for {:.2} s of the {:.2} s",
                stood.as_secs_f64(),
                took.as_secs_f64()
            ));
        }
    }

    /// Takes the client's account and demands that nothing was lost.
    pub(super) fn nothing_lost(&mut self, client: Requests) {
        let replies = client.finish();
        self.account = Account::of(&replies);
        let ways = self.account.lost_by.iter();
        let ways: Vec<_> = ways.map(|(how, count)| format!("{count} {how}")).collect();
        self.demand(ways.is_empty(), || {
            format!(
                "requests lost: {}; begun {} s into the step",
                ways.join(", "),
                begun_of_lost(&replies).join(", ")
            )
        });
    }
}

/// When each of the lost requests began, in seconds since the first request of all.
fn begun_of_lost(replies: &[Reply]) -> Vec<String> {
    let first = replies.iter().map(|reply| reply.begun).min();
    let lost = replies.iter().filter(|reply| !reply.is_served());
    lost.zip(first.into_iter().cycle())
        .map(|(reply, first)| format!("{:.2}", (reply.begun - first).as_secs_f64()))
        .collect()
}
