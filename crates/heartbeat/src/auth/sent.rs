//! How old an echo of ours is: which counters we had when.

use std::collections::VecDeque;
use std::time::Duration;

use lvs_model::Mono;

/// The dead time has this many steps; an echo may be one step older than it.
const STEPS: u32 = 32;

/// Our counter at some moments of the last dead time.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent {
    /// The datagrams after this counter, up to the next mark's, were sent at this time, within a step.
    marks: VecDeque<(Mono, u64)>,
}

impl Sent {
    /// A datagram goes out; `counter` is that of the one before it.
    pub fn note(&mut self, now: Mono, counter: u64, dead_time: Duration) {
        let step = dead_time / STEPS;
        if self.marks.back().is_some_and(|(at, _)| now - *at < step) {
            return;
        }
        let is_old = |mark: &(Mono, u64)| now - mark.0 >= dead_time + step;
        while self.marks.get(1).is_some_and(is_old) {
            self.marks.pop_front();
        }
        self.marks.push_back((now, counter));
    }

    /// Whether the datagram with `counter` was sent within the last `dead_time`.
    pub fn is_fresh(&self, now: Mono, counter: u64, dead_time: Duration) -> bool {
        let step = dead_time / STEPS;
        let is_old = |mark: &(Mono, u64)| now - mark.0 >= dead_time + step;
        let Some(last_old) = self.marks.iter().rposition(is_old) else {
            return true;
        };
        let next = self.marks.get(last_old + 1);
        next.is_some_and(|(_, last)| counter > *last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEAD_TIME: Duration = Duration::from_secs(5);

    fn at(millis: u64) -> Mono {
        Mono::new(Duration::from_millis(millis))
    }

    #[test]
    fn a_datagram_is_fresh_for_a_dead_time_and_a_step() {
        let mut sent = Sent::default();
        for number in 0..100 {
            sent.note(at(number * 100), 1000 + number, DEAD_TIME);
        }
        let fresh = |counter| sent.is_fresh(at(9900), counter, DEAD_TIME);
        // Sent at 4.9 s and at 4.6 s.
        assert!(fresh(1050) && fresh(1100));
        assert!(!fresh(1047) && !fresh(1000));
        assert!(sent.marks.len() < 64);
    }

    #[test]
    fn nothing_stays_fresh_while_nothing_is_sent() {
        let mut sent = Sent::default();
        sent.note(at(0), 1000, DEAD_TIME);
        assert!(sent.is_fresh(at(5000), 1001, DEAD_TIME));
        assert!(!sent.is_fresh(at(5200), 1001, DEAD_TIME));
        sent.note(at(20_000), 1001, DEAD_TIME);
        assert!(!sent.is_fresh(at(20_100), 1001, DEAD_TIME));
        assert!(sent.is_fresh(at(20_100), 1002, DEAD_TIME));
    }
}
