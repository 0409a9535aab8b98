//! What goes into a nanny's machine and what comes out; [`Monitor`](crate::Monitor) and
//! [`Failover`](crate::Failover) share it.

use std::time::Duration;

use control::{Order, Place, Report};
use lvs_model::{Mono, Random};

use crate::Notice;
use crate::probe::Outcome;

/// What can happen to a nanny.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The deadline that the machine named has come (or not yet: then nothing happens).
    Deadline,
    /// The check that was asked for has ended.
    Checked(Outcome),
    /// The load program that was asked for has ended.
    Load(LoadAnswer),
    /// lvsd says something. A nanny by hand gives itself the first [`Order::Adopt`].
    Order(Order),
    /// A signal came.
    Signal(Signal),
    /// The change of the table failed; the place is still this one.
    NotWritten(Place),
    /// lvsd is gone.
    Orphaned,
}

/// What a load program said.
#[derive(Clone, Debug, PartialEq)]
pub enum LoadAnswer {
    /// The one-minute load average.
    Average(f64),
    /// Output without one.
    Bad(Box<[u8]>),
    /// It failed.
    Failed,
}

/// The signals that mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGHUP: check at once, end of a forced state.
    Hangup,
    /// SIGUSR1: force down.
    User1,
    /// SIGUSR2: force up.
    User2,
    /// SIGTERM or SIGINT, by number.
    Terminate(i32),
}

/// What the shell shall do, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Begin a check; its end comes back as [`Input::Checked`].
    Check,
    /// Drop the running check, kill its program; nothing comes back.
    AbandonCheck,
    /// Run the load program; its end comes back as [`Input::Load`].
    AskLoad,
    /// Change the table; a failure comes back as [`Input::NotWritten`]. Only by hand.
    Write {
        /// Where the destination is.
        from: Place,
        /// Where it shall be.
        to: Place,
    },
    /// Tell lvsd. Only under lvsd.
    Report(Report),
    /// Log a line.
    Notice(Notice),
    /// End with this status; 1 instead of 0 if a change of the table just failed.
    Exit(u8),
}

/// Good checks that a server needs to come back: `reentry` divided by `interval`, rounded down.
#[must_use]
pub fn good_checks_needed(reentry: Duration, interval: Duration) -> u32 {
    divided(reentry, interval)
}

/// Good checks between two weight steps, about 20 s; at least 1.
pub(crate) fn checks_per_step(interval: Duration) -> u32 {
    const STEP: Duration = Duration::from_secs(20);
    divided(STEP, interval).max(1)
}

fn divided(time: Duration, interval: Duration) -> u32 {
    let times = time.as_nanos().checked_div(interval.as_nanos());
    times.map_or(0, |times| u32::try_from(times).unwrap_or(u32::MAX))
}

/// Places of the grid in an interval.
const GRID: u32 = 256;

/// Varies pauses so that many nannies do not check in step.
#[derive(Clone, Debug)]
pub(crate) struct Jitter(Random);

impl Jitter {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(Random::new(seed))
    }

    /// When a check after one at `now` is due: after a [`pause`](Self::pause), on a grid of a 256th of
    /// `interval`. So a process with many checks wakes up for a few at a time, and they stay spread.
    pub(crate) fn next(&mut self, now: Mono, interval: Duration) -> Mono {
        let at = now + self.pause(interval);
        let grid = interval.as_nanos() / u128::from(GRID);
        let late = at.since_start().as_nanos().checked_rem(grid);
        let late = late.and_then(|late| u64::try_from(late).ok());
        let late = Duration::from_nanos(late.unwrap_or(0));
        Mono::new(at.since_start().saturating_sub(late))
    }

    /// Nine tenths of `interval` and one step of the grid, up to the whole.
    pub(crate) fn pause(&mut self, interval: Duration) -> Duration {
        // 0 to 1023 ten-thousandths less, cut to a tenth; 40 are left for the grid.
        let less = u32::try_from(self.0.below(1024)).unwrap_or(0).min(960);
        interval.saturating_sub(interval / 10_000 * less)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_from_divisions_rounded_down() {
        let seconds = Duration::from_secs;
        let rows = [
            (6, 15, 2, 3),
            (10, 180, 18, 2),
            (2, 6, 3, 10),
            (10, 5, 0, 2),
            (30, 60, 2, 1),
        ];
        for (interval, reentry, needed, step) in rows {
            assert_eq!(
                good_checks_needed(seconds(reentry), seconds(interval)),
                needed
            );
            assert_eq!(checks_per_step(seconds(interval)), step);
        }
        let half = Duration::from_millis(500);
        assert_eq!(good_checks_needed(seconds(2), half), 4);
        assert_eq!(checks_per_step(half), 40);
    }

    #[test]
    fn pauses_vary_by_at_most_a_tenth_and_are_never_longer() {
        let interval = Duration::from_secs(10);
        for seed in 0..3 {
            let mut jitter = Jitter::new(seed);
            let pauses: Vec<_> = (0..10_000).map(|_| jitter.pause(interval)).collect();
            let (least, most) = (pauses.iter().min().unwrap(), pauses.iter().max().unwrap());
            assert!(*least >= Duration::from_secs(9) && *least < Duration::from_millis(9050));
            assert!(*most <= interval && *most > Duration::from_millis(9990));
        }
    }

    #[test]
    fn checks_stand_on_a_grid_within_the_last_tenth_of_the_interval() {
        let mut jitter = Jitter::new(7);
        for interval in [Duration::from_millis(256), Duration::from_secs(60)] {
            let mut now = Mono::new(Duration::from_nanos(12_345_678));
            for _ in 0..10_000 {
                let next = jitter.next(now, interval);
                let pause = next - now;
                assert!(pause <= interval && pause >= interval / 10 * 9, "{pause:?}");
                let over = next.since_start().as_nanos() % (interval.as_nanos() / 256);
                assert_eq!(over, 0);
                // The check takes its time.
                now = next + Duration::from_nanos(98_765);
            }
        }
        let now = Mono::ZERO;
        assert_eq!(jitter.next(now, Duration::ZERO), now);
    }
}
