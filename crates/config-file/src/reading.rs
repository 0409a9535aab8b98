//! One reading of the file, with a limit for its names, beside a loop that goes on meanwhile.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use daemon::{Clock, PollFd, PollFlags, wait};
use lvs_config::{Loaded, Refusal};
use lvs_model::Mono;

use crate::disk;
use crate::helper::Helper;
use crate::names::{Names, Question, answer_all, longest_answers};

/// Time for all names of a file together, 5 s.
pub const LIMIT: Duration = Duration::from_secs(5);

/// A file that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    /// Where it lies.
    pub path: PathBuf,
    /// What it means, and what is odd about it.
    pub loaded: Loaded,
}

/// Why there is no configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The file cannot be read: which, and the reason.
    Unreadable(PathBuf, String),
    /// Its content is refused.
    Refused {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        refusal: Refusal,
        /// Why names were not looked up, if they were not.
        names: Option<String>,
    },
}

/// How far a reading has come.
#[derive(Debug)]
pub enum Step {
    /// To its end.
    Done(Result<Box<ConfigFile>, Fault>),
    /// Names are being looked up.
    Waiting(Box<Reading>),
}

/// A reading that waits for the resolver. Dropped, it is given up.
///
/// Its descriptor becomes readable when there is something to [`advance`](Self::advance).
#[derive(Debug)]
pub struct Reading {
    path: PathBuf,
    text: Vec<u8>,
    names: Names,
    questions: Vec<Question>,
    helper: Helper,
    until: Mono,
}

impl Reading {
    /// Reads the file; done at once if no name has to be looked up.
    #[must_use]
    pub fn begin(path: &Path, now: Mono) -> Step {
        let path = path.to_owned();
        let text = match disk::read(&path) {
            Ok(text) => text,
            Err(error) => return Step::Done(Err(Fault::Unreadable(path, disk::reason(&error)))),
        };
        let mut names = Names::default();
        let read = lvs_config::read(&text, &mut names);
        let questions = names.questions();
        if questions.is_empty() {
            return Step::Done(verdict(path, read, None));
        }
        match Helper::start(|out| answer_all(&questions, out)) {
            Ok(helper) => Step::Waiting(Box::new(Self {
                path,
                text,
                names,
                questions,
                helper,
                until: now + LIMIT,
            })),
            Err(error) => {
                let why = format!("names cannot be looked up: {}", disk::reason(&error));
                Step::Done(verdict(path, read, Some(why)))
            }
        }
    }

    /// When to call [`advance`](Self::advance) at the latest.
    #[must_use]
    pub const fn deadline(&self) -> Mono {
        self.until
    }

    /// Takes the answers that have come; ends with the last one or at the deadline.
    #[must_use]
    pub fn advance(mut self: Box<Self>, now: Mono) -> Step {
        let why = match self.helper.read(longest_answers(self.questions.len())) {
            Ok(true) => None,
            Ok(false) if now < self.until => return Step::Waiting(self),
            Ok(false) => Some(format!("not all names were found in {} s", LIMIT.as_secs())),
            Err(error) => Some(format!("names were not found: {}", disk::reason(&error))),
        };
        self.names.take(&self.questions, self.helper.answer());
        let read = lvs_config::read(&self.text, &mut self.names);
        Step::Done(verdict(self.path, read, why))
    }

    /// Whether `pid`, which the caller has reaped, was the process that looks names up.
    pub fn ended(&mut self, pid: i32) -> bool {
        self.helper.ended(pid)
    }
}

impl AsFd for Reading {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.helper.as_fd()
    }
}

fn verdict(
    path: PathBuf,
    read: Result<Loaded, Refusal>,
    names: Option<String>,
) -> Result<Box<ConfigFile>, Fault> {
    match read {
        Ok(loaded) => Ok(Box::new(ConfigFile { path, loaded })),
        Err(refusal) => Err(Fault::Refused {
            path,
            refusal,
            names,
        }),
    }
}

/// Reads the file and waits for its names, at most [`LIMIT`]. Not for a process with several
/// threads that uses names: they are then refused.
///
/// # Errors
/// [`Fault`].
pub fn read(path: &Path) -> Result<ConfigFile, Fault> {
    let clock = Clock::start();
    let mut step = Reading::begin(path, clock.now());
    loop {
        let reading = match step {
            Step::Done(result) => return result.map(|file| *file),
            Step::Waiting(reading) => reading,
        };
        let mut fds = [PollFd::new(reading.as_fd(), PollFlags::POLLIN)];
        if let Err(error) = wait(&mut fds, &clock, Some(reading.deadline())) {
            return Err(Fault::Unreadable(path.to_owned(), disk::reason(&error)));
        }
        step = reading.advance(clock.now());
    }
}
