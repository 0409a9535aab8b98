//! lvs.cf over the life of a daemon. It is read again on request, and its names are looked up again, with
//! growing pauses, while something is left out because one does not resolve.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use lvs_model::{Backoff, Mono};

use crate::helper::was_given_up;
use crate::reading::{ConfigFile, Fault, Kept, Reading, Step};

/// First pause, after a start or reload, before the names that did not resolve are asked for again.
const SHORTEST_PAUSE: Duration = Duration::from_secs(5);
/// The pause doubles up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The outcome of a reading. A file is followed once the caller has [accepted](Follower::accept) it.
#[derive(Debug)]
pub enum Outcome {
    /// The file was read again.
    Read(Result<Box<ConfigFile>, Fault>),
    /// Names of the file have an address now; it means more than before.
    Resolved(Box<ConfigFile>),
}

/// Follows one file. The caller carries out what it reports, or refuses it: then the file in force is
/// followed on.
#[derive(Debug)]
pub struct Follower {
    /// What is known of the file that was last accepted.
    kept: Kept,
    /// The last file whose names were reported as resolving now, until the caller accepts one.
    offered: Option<Kept>,
    under_way: Option<UnderWay>,
    retry: Retry,
}

#[derive(Debug)]
struct UnderWay {
    reading: Box<Reading>,
    /// Of the names alone.
    is_retry: bool,
}

/// When to ask for names again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Retry {
    at: Option<Mono>,
    pause: Backoff,
}

impl Retry {
    /// A file was accepted.
    fn after(kept: &Kept, now: Mono) -> Self {
        let mut retry = Self {
            at: None,
            pause: Backoff::new(SHORTEST_PAUSE, LONGEST_PAUSE),
        };
        if !kept.unresolved.is_empty() {
            retry.postpone(now);
        }
        retry
    }

    /// Nothing has come of it.
    fn postpone(&mut self, now: Mono) {
        self.at = Some(now + self.pause.pause());
    }
}

impl Follower {
    /// Follows the file that was accepted at the start.
    #[must_use]
    pub fn new(file: &ConfigFile, now: Mono) -> Self {
        Self {
            retry: Retry::after(&file.kept, now),
            kept: file.kept.clone(),
            offered: None,
            under_way: None,
        }
    }

    /// The caller has put into force what an [`Outcome`] brought.
    pub fn accept(&mut self, file: &ConfigFile, now: Mono) {
        self.retry = Retry::after(&file.kept, now);
        self.kept = file.kept.clone();
        self.offered = None;
    }

    /// Reads the file again; gives a reading under way up. Done at once if no name, scheduler or program
    /// has to be asked for.
    pub fn reload(&mut self, now: Mono) -> Option<Outcome> {
        self.under_way = None;
        let step = Reading::anew(&self.kept, now);
        self.take(step, false, now)
    }

    /// Call it after each wait. Takes what has come, and asks for names again when it is time.
    pub fn advance(&mut self, now: Mono) -> Option<Outcome> {
        if let Some(UnderWay { reading, is_retry }) = self.under_way.take() {
            return self.take(reading.advance(now), is_retry, now);
        }
        if self.retry.at.is_none_or(|at| now < at) {
            return None;
        }
        self.retry.at = None;
        let step = Reading::again(&self.kept, now)?;
        self.take(step, true, now)
    }

    fn take(&mut self, step: Step, is_retry: bool, now: Mono) -> Option<Outcome> {
        let result = match step {
            Step::Waiting(reading) => {
                self.under_way = Some(UnderWay { reading, is_retry });
                return None;
            }
            Step::Done(result) => result,
        };
        match result {
            Ok(file) if is_retry => self.resolved(file, now),
            Ok(file) => {
                self.ask_on(now);
                Some(Outcome::Read(Ok(file)))
            }
            // Nothing of it was wrong before: the address that a name has now must be.
            Err(fault) => {
                if is_retry {
                    self.retry.postpone(now);
                } else {
                    self.ask_on(now);
                }
                Some(Outcome::Read(Err(fault)))
            }
        }
    }

    /// The names of the file in force were asked for again. What the caller has refused is reported once.
    fn resolved(&mut self, file: Box<ConfigFile>, now: Mono) -> Option<Outcome> {
        self.retry.postpone(now);
        let is_old = file.kept.unresolved == self.kept.unresolved;
        if is_old || self.offered.as_ref() == Some(&file.kept) {
            return None;
        }
        file.kept.log_resolved(&self.kept);
        self.offered = Some(file.kept.clone());
        Some(Outcome::Resolved(file))
    }

    /// A reload may have ended a question for the names of the file in force.
    fn ask_on(&mut self, now: Mono) {
        if self.retry.at.is_none() {
            self.retry = Retry::after(&self.kept, now);
        }
    }

    /// When to call [`advance`](Self::advance) at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<Mono> {
        match &self.under_way {
            Some(under_way) => Some(under_way.reading.deadline()),
            None => self.retry.at,
        }
    }

    /// Readable when there is something to [`advance`](Self::advance).
    #[must_use]
    pub fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        use std::os::fd::AsFd;
        self.under_way.as_ref().map(|it| it.reading.as_fd())
    }

    /// Whether `pid`, which the caller has reaped, was a process of a reading, perhaps of one that was
    /// given up.
    pub fn ended(&mut self, pid: i32) -> bool {
        match &mut self.under_way {
            Some(under_way) => under_way.reading.ended(pid),
            None => was_given_up(pid),
        }
    }
}

impl Kept {
    /// Logs which names have an address now that had none.
    fn log_resolved(&self, before: &Self) {
        let file = self.path.display();
        for name in before.unresolved.difference(&self.unresolved) {
            match self.addresses.get(name) {
                Some(address) => log::info!("{file}: {name} is {address} now"),
                None => log::info!("{file}: {name} is not needed any more"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::reading::Beside;

    #[test]
    fn the_pause_between_two_questions_grows_to_a_minute() {
        let mut retry = Retry {
            at: None,
            pause: Backoff::new(SHORTEST_PAUSE, LONGEST_PAUSE),
        };
        let mut now = Mono::ZERO;
        let mut pauses = Vec::new();
        for _ in 0..6 {
            retry.postpone(now);
            let at = retry.at.unwrap();
            pauses.push((at - now).as_secs());
            now = at;
        }
        assert_eq!(pauses, [5, 10, 20, 40, 60, 60]);
    }

    fn lacks(names: &[&str]) -> Kept {
        Kept {
            path: "/etc/lvs.cf".into(),
            given: None,
            beside: Beside::default(),
            addresses: HashMap::new(),
            unresolved: names.iter().map(|name| (*name).to_owned()).collect(),
            text: None,
        }
    }

    #[test]
    fn the_names_of_a_file_just_accepted_are_asked_for_again_after_five_seconds() {
        let now = Mono::ZERO + Duration::from_secs(7);
        let first = |names: &[&str]| Retry::after(&lacks(names), now).at;
        assert_eq!(first(&["a"]), Some(now + Duration::from_secs(5)));
        assert_eq!(first(&["a", "b"]), Some(now + Duration::from_secs(5)));
        assert_eq!(first(&[]), None);
    }
}
