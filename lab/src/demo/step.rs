//! What came of one step of the demonstration: times, requests, what did not hold.

use std::io;
use std::time::{Duration, Instant};

use crate::cluster::Cluster;
use crate::measure::{Account, Reply, Requests, Stalls};

/// What came of a step.
pub(super) struct Step {
    pub(super) name: &'static str,
    /// What is allowed besides the time, in words.
    pub(super) allows: &'static str,
    /// How often the step looked whether it holds.
    pub(super) looks: u32,
    /// From the cause to the effect, without what the machine took; `None` if there was none.
    pub(super) took: Option<Duration>,
    /// What the machine itself took meanwhile.
    pub(super) stood: Duration,
    /// The most that it may take.
    pub(super) target: Option<Duration>,
    /// The client's requests meanwhile.
    pub(super) account: Account,
    /// What did not hold, in words.
    pub(super) failures: Vec<String>,
}

impl Step {
    pub(super) fn new(name: &'static str, allows: &'static str) -> Self {
        Self {
            name,
            allows,
            looks: 0,
            took: None,
            stood: Duration::ZERO,
            target: None,
            account: Account::default(),
            failures: Vec::new(),
        }
    }

    /// Waits for a condition on the cluster; each look counts.
    pub(super) fn wait(
        &mut self,
        cluster: &Cluster,
        limit: Duration,
        mut condition: impl FnMut(&Cluster) -> io::Result<bool>,
    ) -> io::Result<Option<Instant>> {
        cluster.wait(limit, |cluster| {
            self.looks += 1;
            condition(cluster)
        })
    }

    /// The step is over: one that never looked has shown nothing.
    pub(super) fn close(&mut self) {
        let looked = self.looks > 0;
        self.demand(looked, || "never looked".into());
    }

    /// How often it looked and what it allows, in words.
    pub(super) fn basis(&self) -> String {
        let time = self
            .target
            .map(|target| format!("{} s, ", target.as_secs()));
        let (looks, allows) = (self.looks, self.allows);
        format!(
            "looked {looks} times; allowed: {}{allows}",
            time.unwrap_or_default()
        )
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

    /// Notes the time from `cause` to `effect` and judges it. Time that the machine itself took is shown
    /// apart, and not held against the cluster.
    pub(super) fn timed(&mut self, cause: Instant, effect: Option<Instant>, target: Duration) {
        self.target = Some(target);
        let Some(effect) = effect else {
            self.failures.push("never happened".into());
            return;
        };
        let passed = effect.saturating_duration_since(cause);
        self.stood = Stalls::watch().between(cause, effect);
        let took = passed.saturating_sub(self.stood);
        self.took = Some(took);
        let seconds = took.as_secs_f64();
        self.demand(took <= target, || format!("took {seconds:.2} s"));
    }

    /// Takes the client's account and demands this many requests, none of them lost.
    pub(super) fn nothing_lost(&mut self, client: Requests, at_least: usize) {
        let replies = client.finish();
        self.account = Account::of(&replies);
        if let Err(why) = self.account.all_served(at_least) {
            let begun = begun_of_lost(&replies);
            self.failures.push(match begun.as_slice() {
                [] => why,
                begun => format!("{why}; begun {} s into the step", begun.join(", ")),
            });
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_never_looked_has_failed() {
        let mut step = Step::new("a step", "nothing lost");
        step.close();
        assert_eq!(step.failures, ["never looked"]);
        let mut step = Step::new("a step", "nothing lost");
        step.looks = 1;
        step.close();
        assert!(step.is_good());
        assert_eq!(step.basis(), "looked 1 times; allowed: nothing lost");
    }

    #[test]
    fn what_is_shown_is_what_is_judged() {
        let (cause, mut step) = (Instant::now(), Step::new("a step", ""));
        let second = Duration::from_secs(1);
        step.timed(cause, Some(cause + second * 2), second);
        assert_eq!(step.failures, ["took 2.00 s"]);
        assert!(step.took > step.target);
    }
}
