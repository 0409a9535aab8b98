//! The clock behind every machine's `now`.

use std::time::Duration;

use lvs_model::Mono;
use nix::time::{ClockId, clock_gettime};

/// A clock that no one can set and that counts while the machine is suspended
/// (`CLOCK_BOOTTIME`, clock_gettime(2)).
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Duration,
}

fn since_boot() -> Duration {
    // The call fails only for a clock that the kernel does not have; this one is in every Linux
    // since 2.6.39.
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::ZERO, Duration::from)
}

impl Clock {
    /// A clock that says zero now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            start: since_boot(),
        }
    }

    /// Time since [`start`](Self::start).
    #[must_use]
    pub fn now(&self) -> Mono {
        Mono::new(since_boot().saturating_sub(self.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_does_not_go_back() {
        let clock = Clock::start();
        let first = clock.now();
        assert!(clock.now() >= first);
        assert!(first.since_start() < Duration::from_secs(60));
    }
}
