//! How long the host kept the guest from running, though the guest wanted to.
//!
//! Programs under test cannot be blamed for that, so their times are judged without it. Only the host
//! knows: `lab` writes down outside what it takes (`boot::host_time`), and this reads it. What the
//! guest's own programs and its kernel need is on their account, however late it makes them.
//!
//! The host's clock and ours differ by a constant. The lines themselves tell it: the quickest of the last
//! readings saw a line a few milliseconds after it was written.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::boot::{HOST_TIME, RUN};

/// A line that is missing for less time than this is not waited for.
const FRESH: Duration = Duration::from_millis(60);
/// How long a line is waited for: a host that was away writes as soon as it is back.
const PATIENCE: Duration = Duration::from_millis(500);
/// Readings of which the quickest tells how the clocks differ.
const READINGS: usize = 16;

/// What the host has taken from this guest.
pub struct Stalls {
    start: Instant,
    file: PathBuf,
    account: Mutex<Account>,
}

impl Stalls {
    /// The host's account of this guest. Without one, as outside the lab, nothing is excused.
    pub fn watch() -> &'static Self {
        static WATCHER: OnceLock<Stalls> = OnceLock::new();
        WATCHER.get_or_init(|| Self {
            start: Instant::now(),
            file: Path::new(RUN).join(HOST_TIME),
            account: Mutex::default(),
        })
    }

    /// How much of the time between two moments was taken.
    #[must_use]
    pub fn between(&self, from: Instant, to: Instant) -> Duration {
        let (from, to) = (self.nanoseconds(from), self.nanoseconds(to));
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
            // Without the file nothing is excused: tests are then stricter, not wrong.
            let is_there = self.read_into(&mut account).is_ok();
            if !is_there || account.reaches(to) || Instant::now() >= deadline {
                return account.between(from, to);
            }
            drop(account);
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The time since `start` without what was taken.
    #[must_use]
    pub fn ran_since(&self, start: Instant) -> Duration {
        let now = Instant::now();
        (now - start).saturating_sub(self.between(start, now))
    }

    fn read_into(&self, account: &mut Account) -> io::Result<()> {
        // Opened anew each time: the guest would keep what it has read.
        let mut file = File::open(&self.file)?;
        file.seek(SeekFrom::Start(account.read))?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        account.add(&text, self.nanoseconds(Instant::now()));
        Ok(())
    }

    /// Our clock: nanoseconds since this was made, negative before.
    fn nanoseconds(&self, at: Instant) -> i64 {
        let number = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        match at.checked_duration_since(self.start) {
            Some(after) => number(after),
            None => -number(self.start - at),
        }
    }
}

/// The lines read so far.
#[derive(Default)]
struct Account {
    /// The host's clock and the sum taken until then, in nanoseconds; both only grow.
    lines: Vec<(i64, i64)>,
    /// Length of what was read, whole lines.
    read: u64,
    /// The host's clock less ours at the last readings; each is too small by the age of its line.
    differences: VecDeque<i64>,
}

impl Account {
    /// Takes in what follows the last reading; `now` by our clock.
    fn add(&mut self, text: &str, now: i64) {
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let (text, _) = text.split_at(whole);
        self.read += u64::try_from(whole).unwrap_or(0);
        self.lines.extend(text.lines().filter_map(line));
        if let (Some((at, _)), false) = (self.lines.last(), text.is_empty()) {
            self.differences.push_back(at - now);
            while self.differences.len() > READINGS {
                self.differences.pop_front();
            }
        }
    }

    fn difference(&self) -> i64 {
        self.differences.iter().copied().max().unwrap_or(0)
    }

    /// Whether the lines reach to this moment of our clock, or nearly.
    fn reaches(&self, moment: i64) -> bool {
        let fresh = i64::try_from(FRESH.as_nanos()).unwrap_or(i64::MAX);
        let last = self.lines.last();
        last.is_some_and(|(at, _)| at + fresh >= moment + self.difference())
    }

    fn between(&self, from: i64, to: i64) -> Duration {
        let taken = self.taken_at(to) - self.taken_at(from);
        Duration::from_nanos(u64::try_from(taken.min(to - from)).unwrap_or(0))
    }

    /// The sum at a moment of our clock; between two lines it grows evenly.
    fn taken_at(&self, moment: i64) -> i64 {
        let moment = moment + self.difference();
        let next = self.lines.partition_point(|(at, _)| *at < moment);
        match (
            next.checked_sub(1).and_then(|n| self.lines.get(n)),
            self.lines.get(next),
        ) {
            (Some((from, before)), Some((to, after))) => {
                let part =
                    i128::from(after - before) * i128::from(moment - from) / i128::from(to - from);
                before + i64::try_from(part).unwrap_or(0)
            }
            (Some((_, sum)), None) | (None, Some((_, sum))) => *sum,
            (None, None) => 0,
        }
    }
}

fn line(text: &str) -> Option<(i64, i64)> {
    let (at, taken) = text.split_once(' ')?;
    Some((at.parse().ok()?, taken.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    /// The host's clock is an hour ahead; it takes 5 of each 20 ms from 100 ms to 200 ms.
    fn account() -> Account {
        let (hour, mut account) = (3_600_000 * MS, Account::default());
        for tick in 0..20 {
            let taken = (tick * 20 - 100).clamp(0, 100) / 4;
            let text = format!("{} {}\n", hour + tick * 20 * MS, taken * MS);
            // Read at once, and every other line 15 ms late.
            account.add(&text, (tick * 20 + tick % 2 * 15) * MS);
        }
        account
    }

    fn taken(from: i64, to: i64) -> i64 {
        let taken = account().between(from * MS, to * MS);
        i64::try_from(taken.as_millis()).unwrap()
    }

    #[test]
    fn only_what_was_taken_between_the_two_moments_counts() {
        assert_eq!(taken(0, 380), 25);
        assert_eq!(taken(0, 100), 0);
        assert_eq!(taken(140, 180), 10);
        assert_eq!(taken(150, 170), 5);
        assert_eq!(taken(200, 380), 0);
        assert_eq!(taken(-50, 900), 25);
    }

    #[test]
    fn a_guest_that_is_late_by_its_own_load_is_not_excused() {
        let mut account = Account::default();
        for tick in 0..50 {
            account.add(&format!("{} 0\n", tick * 20 * MS), tick * 20 * MS);
        }
        assert_eq!(account.between(0, 980 * MS), Duration::ZERO);
        assert_eq!(Account::default().between(0, 980 * MS), Duration::ZERO);
    }

    #[test]
    fn a_line_that_is_still_missing_is_known_to_be() {
        let account = account();
        assert!(account.reaches(400 * MS));
        assert!(!account.reaches(600 * MS));
    }

    #[test]
    fn half_a_line_waits_for_its_end() {
        let mut account = Account::default();
        account.add("100 5\n200", 0);
        assert_eq!((account.lines.len(), account.read), (1, 6));
        account.add("200 9\n", 0);
        assert_eq!(account.lines, [(100, 5), (200, 9)]);
    }
}
