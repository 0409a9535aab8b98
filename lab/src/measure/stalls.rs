//! How long the machine itself stood still: time in which nothing here ran, whatever it wanted.
//!
//! A slow or busy host takes the processor away from the guest. Programs under test cannot be
//! blamed for that, so their times are judged without it. A watcher sleeps a few milliseconds at a
//! time at real-time priority: nothing in the guest keeps it from waking on time, so how late it
//! wakes is what the machine took.

use std::io;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::gettid;

/// Between two looks.
const PERIOD: Duration = Duration::from_millis(4);
/// Lateness that every kernel's timers have.
const NOISE: Duration = Duration::from_millis(2);

/// The watcher of this process.
pub struct Stalls(Mutex<Vec<Stall>>);

#[derive(Clone, Copy, Debug)]
struct Stall {
    from: Instant,
    to: Instant,
}

static WATCHER: Stalls = Stalls(Mutex::new(Vec::new()));
static STARTED: Once = Once::new();

impl Stalls {
    /// Starts watching unless that was done before.
    pub fn watch() -> &'static Self {
        STARTED.call_once(|| {
            let watcher = thread::Builder::new().name("stalls".into());
            // Without the thread nothing is excused: tests are then stricter, not wrong.
            let _ = watcher.spawn(|| WATCHER.look());
        });
        &WATCHER
    }

    /// How long the machine stood still between two moments, all stalls together.
    #[must_use]
    pub fn between(&self, from: Instant, to: Instant) -> Duration {
        sum(&self.locked(), from, to)
    }

    /// The time since `start` without the stalls.
    #[must_use]
    pub fn ran_since(&self, start: Instant) -> Duration {
        let now = Instant::now();
        (now - start).saturating_sub(self.between(start, now))
    }

    fn look(&self) {
        // As an ordinary process the watcher would also measure what the guest's own programs use.
        let _ = more_important_than_all();
        loop {
            let due = Instant::now() + PERIOD;
            thread::sleep(PERIOD);
            let to = Instant::now();
            if to.saturating_duration_since(due) > NOISE {
                self.locked().push(Stall { from: due, to });
            }
        }
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Stall>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sum(stalls: &[Stall], from: Instant, to: Instant) -> Duration {
    stalls
        .iter()
        .map(|stall| {
            let (from, to) = (stall.from.max(from), stall.to.min(to));
            to.saturating_duration_since(from)
        })
        .sum()
}

/// Real-time priority for this thread.
fn more_important_than_all() -> io::Result<()> {
    let thread = gettid().to_string();
    Command::new("chrt")
        .args(["--fifo", "--pid", "50", &thread])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_between_the_two_moments_counts() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let stall = |from, to| Stall {
            from: at(from),
            to: at(to),
        };
        let stalls = [stall(10, 30), stall(50, 60), stall(90, 200)];
        assert_eq!(sum(&stalls, at(20), at(100)), Duration::from_millis(30));
        assert_eq!(sum(&stalls, at(30), at(50)), Duration::ZERO);
    }
}
