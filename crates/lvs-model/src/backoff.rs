//! Growing pauses between tries.

use std::time::Duration;

/// A pause that is twice as long each time, from the first to the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    /// Pauses of `first`, twice that, four times that and so on, none above `longest`.
    #[must_use]
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            next: first,
        }
    }

    /// The pause before the next try; the one after it is twice as long.
    pub fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.longest);
        pause
    }

    /// Keeps later pauses to `longest`; the next one may still be longer.
    pub const fn limit(&mut self, longest: Duration) {
        self.longest = longest;
    }

    /// What was tried went well: the next pause is the first one.
    pub const fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(backoff: &mut Backoff, count: usize) -> Vec<u64> {
        (0..count).map(|_| backoff.pause().as_secs()).collect()
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut backoff = Backoff::new(Duration::from_secs(5), Duration::from_secs(60));
        assert_eq!(pauses(&mut backoff, 6), [5, 10, 20, 40, 60, 60]);
        backoff.reset();
        assert_eq!(pauses(&mut backoff, 2), [5, 10]);
    }

    #[test]
    fn a_new_limit_holds_from_the_second_pause_on() {
        let mut backoff = Backoff::new(Duration::from_secs(8), Duration::from_secs(60));
        assert_eq!(pauses(&mut backoff, 2), [8, 16]);
        backoff.limit(Duration::from_secs(5));
        assert_eq!(pauses(&mut backoff, 3), [32, 5, 5]);
    }

    #[test]
    fn the_longest_time_does_not_overflow() {
        let mut backoff = Backoff::new(Duration::MAX, Duration::MAX);
        assert_eq!(backoff.pause(), Duration::MAX);
        assert_eq!(backoff.pause(), Duration::MAX);
    }
}
