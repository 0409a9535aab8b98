//! How late checks were, from the times at which the servers saw them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::farm::Visit;

/// By how much checks of a server followed each other later than they should, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lateness(Vec<Duration>);

impl Lateness {
    /// Of the visits in their order; what came sooner than `interval` was not late.
    #[must_use]
    pub fn of(visits: &[Visit], interval: Duration) -> Self {
        let mut last: BTreeMap<IpAddr, Instant> = BTreeMap::new();
        let mut late = Vec::new();
        for visit in visits {
            if let Some(before) = last.insert(visit.server, visit.at) {
                let pause = visit.at.saturating_duration_since(before);
                late.push(pause.saturating_sub(interval));
            }
        }
        late.sort_unstable();
        Self(late)
    }

    /// So many of a hundred were not later; zero if there was none.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Duration {
        let last = self.0.len().saturating_sub(1);
        let at = last * percent.min(100) / 100;
        self.0.get(at).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_is_held_against_its_own_last_check() {
        let start = Instant::now();
        let visit = |server: u8, ms| Visit {
            server: IpAddr::from([10, 50, 0, server]),
            at: start + Duration::from_millis(ms),
        };
        let visits = [
            visit(1, 0),
            visit(2, 5),
            visit(1, 103),
            visit(2, 95),
            visit(1, 213),
        ];
        let late = Lateness::of(&visits, Duration::from_millis(100));
        assert_eq!(late.percentile(0), Duration::ZERO);
        assert_eq!(late.percentile(50), Duration::from_millis(3));
        assert_eq!(late.percentile(100), Duration::from_millis(10));
    }

    #[test]
    fn without_two_checks_nothing_is_late() {
        assert_eq!(Lateness::default().percentile(99), Duration::ZERO);
    }
}
