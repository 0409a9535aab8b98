//! What this machine takes from a guest, written down while it runs.
//!
//! A guest cannot tell by itself whether it was slow or had no processor. This machine can: its kernel
//! counts how long each of the guest's threads was ready and did not run. Frozen time is added: a sleep of
//! our own that ends much later than it should, though we were not waiting for a processor, means that the
//! whole machine stood still, as a virtual one does. The sum goes to a file in the run's directory, a line
//! for each look; `measure::Stalls` reads it in the guest.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Name of the file in the run's directory. A line is the clock and the sum so far, in nanoseconds.
pub(crate) const FILE: &str = "taken";
/// Between two looks.
const PERIOD: Duration = Duration::from_millis(20);
/// Lateness that every kernel's timers have.
const NOISE: Duration = Duration::from_millis(2);
/// Threads looked at, at most: a guest with more loses some of what was taken from it.
const MOST_THREADS: usize = 400;

/// The thread that looks; it ends when this is dropped.
pub(super) struct HostTime {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl HostTime {
    /// Begins to look at the process `guest` and its descendants.
    pub(super) fn watch(guest: u32, run: &Path) -> io::Result<Self> {
        let mut file = File::create(run.join(FILE))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("host-time".into())
            .spawn(move || {
                let mut look = Look::begin(guest);
                while !stopped.load(Ordering::Relaxed) {
                    thread::sleep(PERIOD);
                    let (at, taken) = look.again();
                    // Without the file nothing is excused: tests are then stricter, not wrong.
                    let _ = writeln!(file, "{} {}", at.as_nanos(), taken.as_nanos());
                }
            })?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for HostTime {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has been reported by the panic itself.
            let _ = thread.join();
        }
    }
}

/// The last look and what was taken until then.
struct Look {
    guest: u32,
    at: Duration,
    own_wait: Duration,
    waits: HashMap<u32, Duration>,
    taken: Duration,
}

impl Look {
    fn begin(guest: u32) -> Self {
        Self {
            guest,
            at: now(),
            own_wait: own_wait(),
            waits: waits_of(guest),
            taken: Duration::ZERO,
        }
    }

    fn again(&mut self) -> (Duration, Duration) {
        let (at, own_wait, waits) = (now(), own_wait(), waits_of(self.guest));
        let passed = at.saturating_sub(self.at);
        let waited = waits.iter().map(|(thread, wait)| {
            let before = self.waits.get(thread).copied().unwrap_or_default();
            wait.saturating_sub(before)
        });
        let late = passed.saturating_sub(PERIOD + NOISE);
        let frozen = late.saturating_sub(own_wait.saturating_sub(self.own_wait));
        self.taken += taken(passed, waited.sum(), frozen);
        (self.at, self.own_wait, self.waits) = (at, own_wait, waits);
        (self.at, self.taken)
    }
}

/// Of the time that passed between two looks. Threads wait side by side, so their sum may be more.
fn taken(passed: Duration, waited: Duration, frozen: Duration) -> Duration {
    (waited + frozen).min(passed)
}

fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from)
}

fn own_wait() -> Duration {
    wait_in(Path::new("/proc/thread-self/schedstat")).unwrap_or_default()
}

/// How long each thread of a process and of its children was ready without running.
fn waits_of(process: u32) -> HashMap<u32, Duration> {
    let mut waits = HashMap::new();
    let mut processes = vec![process];
    while let Some(process) = processes.pop().filter(|_| waits.len() < MOST_THREADS) {
        for entry in fs::read_dir(format!("/proc/{process}/task"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let thread = entry.file_name().to_string_lossy().parse();
            if let (Ok(thread), Some(wait)) = (thread, wait_in(&entry.path().join("schedstat"))) {
                waits.insert(thread, wait);
            }
            let children = fs::read_to_string(entry.path().join("children")).unwrap_or_default();
            processes.extend(
                children
                    .split_whitespace()
                    .filter_map(|pid| pid.parse::<u32>().ok()),
            );
        }
    }
    waits
}

/// The second number of a `schedstat`, in nanoseconds.
fn wait_in(file: &Path) -> Option<Duration> {
    let text = fs::read_to_string(file).ok()?;
    let wait = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(Duration::from_nanos(wait))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(20);

    #[test]
    fn no_more_is_taken_than_has_passed() {
        let ms = Duration::from_millis;
        assert_eq!(taken(TICK, ms(3), ms(0)), ms(3));
        assert_eq!(taken(TICK, ms(70), ms(0)), TICK);
        assert_eq!(taken(ms(500), ms(1), ms(480)), ms(481));
    }

    /// It computes all the time and is never kept waiting longer than time passes.
    #[test]
    fn a_busy_process_is_found_with_its_children() {
        let mut child = std::process::Command::new("sh")
            .args(["-c", "sleep 60 & wait"])
            .spawn()
            .unwrap();
        testkit::wait_until("two processes", || waits_of(child.id()).len() >= 2);
        let mut look = Look::begin(child.id());
        let begun = look.at;
        let (at, taken) = look.again();
        assert!(taken <= at - begun);
        for pid in waits_of(child.id())
            .keys()
            .filter(|pid| **pid != child.id())
        {
            let pid = nix::unistd::Pid::from_raw(i32::try_from(*pid).unwrap());
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        }
        child.wait().unwrap();
    }
}
