//! How often lvs.cf is read again: a storm of SIGHUPs becomes a few readings, and one after the last
//! signal.
//!
//! Owned by the machine.

use std::time::Duration;

use lvs_model::{Backoff, Mono};

/// Least pause between two readings.
const SHORTEST_PAUSE: Duration = Duration::from_secs(2);
/// The pause doubles while each pause brings a new request, up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// When lvs.cf may be read again.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The pause after the last reading ends then.
    free_at: Mono,
    pause: Backoff,
    /// A reading was asked for in the pause.
    is_waiting: bool,
}

impl Pace {
    /// Nothing was read yet.
    pub const fn new() -> Self {
        Self {
            free_at: Mono::ZERO,
            pause: Backoff::new(SHORTEST_PAUSE, LONGEST_PAUSE),
            is_waiting: false,
        }
    }

    /// Asks for a reading; returns whether it may begin now. Otherwise it is remembered.
    pub fn ask(&mut self, now: Mono) -> bool {
        if now < self.free_at || self.is_waiting {
            self.is_waiting = true;
            return self.is_due(now);
        }
        self.pause.reset();
        self.free_at = now + self.pause.pause();
        true
    }

    /// Whether a remembered reading begins now.
    pub fn is_due(&mut self, now: Mono) -> bool {
        if !self.is_waiting || now < self.free_at {
            return false;
        }
        self.is_waiting = false;
        self.free_at = now + self.pause.pause();
        true
    }

    /// When to ask [`is_due`](Self::is_due).
    pub fn deadline(&self) -> Option<Mono> {
        self.is_waiting.then_some(self.free_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A busy lvsd hears of it before it looks at the time.
    #[test]
    fn r_a_request_at_the_end_of_a_pause_is_the_one_that_waits() {
        let at = |seconds| Mono::ZERO + Duration::from_secs(seconds);
        let mut pace = Pace::new();
        assert!(pace.ask(at(0)));
        for (end, next) in [(2, 6), (6, 14)] {
            assert!(!pace.ask(at(end - 1)));
            assert!(pace.ask(at(end)));
            assert!(!pace.ask(at(next - 1)));
            assert_eq!(pace.deadline(), Some(at(next)));
        }
    }

    #[test]
    fn a_hundred_requests_in_ten_seconds_are_three_readings_and_one_after_them() {
        let mut pace = Pace::new();
        let mut readings = Vec::new();
        for tenth in 0..300_u64 {
            let now = Mono::ZERO + Duration::from_millis(tenth * 100);
            if pace.is_due(now) || (tenth < 100 && pace.ask(now)) {
                readings.push(tenth);
            }
        }
        assert_eq!(readings, [0, 20, 60, 140]);
        assert_eq!(pace.deadline(), None);
        // Long after, the pause is short again.
        let later = Mono::ZERO + Duration::from_secs(60);
        assert!(pace.ask(later));
        assert!(!pace.ask(later));
        assert_eq!(pace.deadline(), Some(later + SHORTEST_PAUSE));
    }
}
