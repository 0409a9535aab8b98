//! The machine that a nanny runs: which of the two depends on what it watches.

use healthcheck::{Action, Failover, Input, Monitor, Settings};
use lvs_model::Mono;

use crate::options::Kind;

/// The machine of either kind.
pub enum Machine {
    /// That of a real server.
    RealServer(Monitor),
    /// That of a failover service.
    FailoverService(Failover),
}

impl Machine {
    /// The machine for `kind` at its start.
    pub fn start(kind: Kind, settings: Settings, now: Mono, out: &mut Vec<Action>) -> Self {
        match kind {
            Kind::RealServer => Self::RealServer(Monitor::start(settings, now, out)),
            Kind::FailoverService => {
                let Settings {
                    subject,
                    interval,
                    seed,
                    ..
                } = settings;
                Self::FailoverService(Failover::start(subject, interval, seed, now, out))
            }
        }
    }

    /// Takes one input; `out` gets what is to be done.
    pub fn handle(&mut self, now: Mono, input: Input, out: &mut Vec<Action>) {
        match self {
            Self::RealServer(monitor) => monitor.handle(now, input, out),
            Self::FailoverService(watch) => watch.handle(now, input, out),
        }
    }

    /// When to come back with [`Input::Deadline`].
    pub fn next_deadline(&self) -> Option<Mono> {
        match self {
            Self::RealServer(monitor) => monitor.next_deadline(),
            Self::FailoverService(watch) => watch.next_deadline(),
        }
    }
}
