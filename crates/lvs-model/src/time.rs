//! Time as the machines see it.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A point on a clock that never goes back: the time since the program started.
///
/// A machine takes it as `now`; only the shell reads a clock. Suspend counts as time passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(Duration);

impl Mono {
    /// The start of the clock.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// The point `since_start` after the start.
    #[must_use]
    pub const fn new(since_start: Duration) -> Self {
        Self(since_start)
    }

    /// Time since the start of the clock.
    #[must_use]
    pub const fn since_start(self) -> Duration {
        self.0
    }

    /// Time from `earlier` to here; zero if `earlier` lies ahead.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Mono {
    type Output = Self;

    fn add(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }
}

impl Sub for Mono {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

impl fmt::Display for Mono {
    /// As traces print it: seconds with three decimals and a sign, `+2.500`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}.{:03}", self.0.as_secs(), self.0.subsec_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_between_points_never_goes_below_zero() {
        let early = Mono::new(Duration::from_millis(1500));
        let late = early + Duration::from_secs(1);
        assert_eq!(late - early, Duration::from_secs(1));
        assert_eq!(early - late, Duration::ZERO);
    }

    #[test]
    fn a_trace_prints_seconds_with_three_decimals() {
        assert_eq!(
            Mono::new(Duration::from_micros(2_500_999)).to_string(),
            "+2.500"
        );
    }
}
