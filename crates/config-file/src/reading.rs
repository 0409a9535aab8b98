//! One reading of the file, with a time limit for its names, beside a loop that goes on meanwhile.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use daemon::{Clock, PollFd, PollFlags, wait};
use lvs_config::{Loaded, RefusedFile};
use lvs_model::Mono;

use crate::disk::{self, Reader};
use crate::given;
use crate::helper::{Helper, reap_given_up, was_given_up};
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
    pub(crate) kept: Kept,
    /// Its bytes.
    pub(crate) text: Vec<u8>,
}

impl ConfigFile {
    /// The bytes that were judged, whatever the file on the disk is by now.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }
}

/// What later readings need of a file; little beside what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) path: PathBuf,
    /// Where pulse has put its content, if pulse says so.
    pub(crate) given: Option<PathBuf>,
    /// What is odd beside its text.
    pub(crate) beside: Beside,
    /// Its names and their addresses.
    pub(crate) addresses: HashMap<String, IpAddr>,
    /// The names for which something was left out.
    pub(crate) unresolved: BTreeSet<String>,
    /// Its text, if there are some.
    pub(crate) text: Option<Vec<u8>>,
}

/// What is odd about a file beside its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Beside {
    /// Who else than root could change it.
    pub(crate) untrusted: Option<String>,
    /// The daemons read it there if nobody names another file.
    pub(crate) is_usual: bool,
    /// Why not all names were looked up.
    pub(crate) names: Option<String>,
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
        refusal: RefusedFile,
        /// Why names were not looked up, if they were not.
        names: Option<String>,
        /// It asks for names that have no answer now; later they may have one.
        is_unanswered: bool,
    },
}

impl Fault {
    /// Whether it may become good by itself: a name server or a disk that comes late.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Unreadable(..) => true,
            Self::Refused { is_unanswered, .. } => *is_unanswered,
        }
    }
}

/// How far a reading has come.
#[derive(Debug)]
pub enum Step {
    /// To its end.
    Done(Result<Box<ConfigFile>, Fault>),
    /// Names, schedulers or programs are being looked up.
    Waiting(Box<Reading>),
}

/// A reading that waits for answers. Dropping it gives it up; nobody waits for its process.
///
/// Its descriptor becomes readable when there is something to [`advance`](Self::advance).
#[derive(Debug)]
pub struct Reading {
    source: Source,
    names: Names,
    questions: Vec<Question>,
    helper: Helper,
    until: Mono,
}

/// The file and its bytes.
#[derive(Debug, Default)]
struct Source {
    path: PathBuf,
    given: Option<PathBuf>,
    text: Vec<u8>,
    beside: Beside,
}

impl Source {
    /// With the bytes that are given, if there are some.
    fn from_disk(path: &Path, given: Option<&Path>, reader: Reader) -> Result<Self, Fault> {
        let fault = |error| Fault::Unreadable(path.to_owned(), disk::reason(&error));
        let text = match given.and_then(given::read) {
            Some(text) => text,
            None => disk::read(path, reader).map_err(fault)?,
        };
        Ok(Self {
            given: given.map(Path::to_owned),
            ..Self::of(path, text)
        })
    }

    /// These bytes, as those of the file.
    fn of(path: &Path, text: Vec<u8>) -> Self {
        // A user who may not look at the directories cannot tell, and is not root.
        let part = disk::untrusted(path).ok().flatten();
        Self {
            path: path.to_owned(),
            given: None,
            text,
            beside: Beside {
                untrusted: part.map(|part| part.to_string()),
                is_usual: lvs_config::DEFAULT_PATHS
                    .iter()
                    .any(|usual| path == Path::new(usual)),
                names: None,
            },
        }
    }

    /// The outcome. `why` says why not all names were looked up, if they were not.
    fn verdict(self, names: &mut Names, why: Option<String>) -> Result<Box<ConfigFile>, Fault> {
        let Self {
            path,
            given,
            text,
            mut beside,
        } = self;
        match lvs_config::read(&text, names) {
            Ok(loaded) => {
                let is_open = !loaded.unresolved.is_empty();
                beside.names = why.filter(|_| is_open);
                let kept = Kept {
                    path: path.clone(),
                    given,
                    beside,
                    addresses: names.addresses(),
                    unresolved: loaded.unresolved.clone(),
                    text: is_open.then(|| text.clone()),
                };
                Ok(Box::new(ConfigFile {
                    path,
                    loaded,
                    kept,
                    text,
                }))
            }
            Err(refusal) => Err(Fault::Refused {
                path,
                refusal,
                names: why,
                is_unanswered: names.has_questions(),
            }),
        }
    }
}

impl Reading {
    /// Reads the file. Done at once if no name, scheduler or program has to be asked for. A name that does
    /// not resolve now keeps the address that it had in `before`.
    #[must_use]
    pub fn begin(path: &Path, before: &HashMap<String, IpAddr>, now: Mono) -> Step {
        let names = Names::after(before.clone());
        Self::read_by(Reader::Daemon, path, None, names, now)
    }

    /// Reads the file that was kept again, from where it was read.
    #[must_use]
    pub(crate) fn anew(kept: &Kept, now: Mono) -> Step {
        let given = kept.given.as_deref();
        let mut before = kept.addresses.clone();
        before.extend(given.map(given::names).unwrap_or_default());
        Self::read_by(Reader::Daemon, &kept.path, given, Names::after(before), now)
    }

    /// Looks up again the names for which something of a file was left out. Does not read the file, which
    /// may be in an editor just now. `None` if no name is missing.
    #[must_use]
    pub(crate) fn again(kept: &Kept, now: Mono) -> Option<Step> {
        let source = Source {
            path: kept.path.clone(),
            given: kept.given.clone(),
            text: kept.text.clone()?,
            beside: kept.beside.clone(),
        };
        let names = Names::after(kept.addresses.clone());
        Some(Self::look_up(source, names, now))
    }

    fn read_by(reader: Reader, path: &Path, given: Option<&Path>, names: Names, now: Mono) -> Step {
        match Source::from_disk(path, given, reader) {
            Ok(source) => Self::look_up(source, names, now),
            Err(fault) => Step::Done(Err(fault)),
        }
    }

    /// What a file asks for shows only while it is read: this first reading notes the questions in `names`.
    /// What it says does not count, as it has no answers; [`Source::verdict`] reads again with them.
    fn look_up(source: Source, mut names: Names, now: Mono) -> Step {
        let _ = lvs_config::read(&source.text, &mut names);
        let questions = names.questions();
        if questions.is_empty() {
            return Step::Done(source.verdict(&mut names, None));
        }
        match Helper::start(|out| answer_all(&questions, out)) {
            Ok(helper) => Step::Waiting(Box::new(Self {
                source,
                names,
                questions,
                helper,
                until: now + LIMIT,
            })),
            Err(error) => {
                let why = format!("names cannot be looked up: {}", disk::reason(&error));
                Step::Done(source.verdict(&mut names, Some(why)))
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
        let why = match self.helper.read(longest_answers(&self.questions)) {
            Ok(true) => None,
            Ok(false) if now < self.until => return Step::Waiting(self),
            Ok(false) => Some(format!("not all names were found in {} s", LIMIT.as_secs())),
            Err(error) => Some(format!("names were not found: {}", disk::reason(&error))),
        };
        self.names.take(&self.questions, self.helper.answer());
        self.names.forget_questions();
        let Self { source, names, .. } = &mut *self;
        let source = std::mem::take(source);
        Step::Done(source.verdict(names, why))
    }

    /// Whether `pid`, which the caller has reaped, was the process that looks names up, or that of a
    /// reading that was given up.
    pub fn ended(&mut self, pid: i32) -> bool {
        self.helper.ended(pid) || was_given_up(pid)
    }
}

impl AsFd for Reading {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.helper.as_fd()
    }
}

/// Reads the file as a daemon and waits for its names, at most [`LIMIT`]. Not for a process with
/// several threads that uses names: they do not resolve then.
///
/// # Errors
/// [`Fault`].
pub fn read(path: &Path) -> Result<ConfigFile, Fault> {
    read_by(Reader::Daemon, path, None)
}

/// The same for a daemon that pulse may have started: it goes by the content that pulse has in force,
/// whatever the file is now. Without a pulse it reads the file.
///
/// # Errors
/// [`Fault`].
pub fn read_as_child(path: &Path) -> Result<ConfigFile, Fault> {
    read_by(Reader::Daemon, path, given::from_env().as_deref())
}

/// Reads the file to see what is wrong with it: that others may change it is only a remark.
///
/// # Errors
/// [`Fault`].
pub fn check(path: &Path) -> Result<ConfigFile, Fault> {
    read_by(Reader::Checker, path, None)
}

pub(crate) fn read_by(
    reader: Reader,
    path: &Path,
    given: Option<&Path>,
) -> Result<ConfigFile, Fault> {
    let clock = Clock::start();
    let names = Names::after(given.map(given::names).unwrap_or_default());
    let step = Reading::read_by(reader, path, given, names, clock.now());
    finish(step, path, &clock)
}

/// The content in `place` as that of the file at `path`; `None` if there is none.
pub(crate) fn read_left(path: &Path, place: &Path) -> Option<Result<ConfigFile, Fault>> {
    let source = Source::of(path, given::read(place)?);
    let clock = Clock::start();
    let names = Names::after(given::names(place));
    let step = Reading::look_up(source, names, clock.now());
    Some(finish(step, path, &clock))
}

/// Waits for the names.
fn finish(mut step: Step, path: &Path, clock: &Clock) -> Result<ConfigFile, Fault> {
    loop {
        let reading = match step {
            Step::Done(result) => {
                reap_given_up();
                return result.map(|file| *file);
            }
            Step::Waiting(reading) => reading,
        };
        let mut fds = [PollFd::new(reading.as_fd(), PollFlags::POLLIN)];
        if let Err(error) = wait(&mut fds, clock, Some(reading.deadline())) {
            return Err(Fault::Unreadable(path.to_owned(), disk::reason(&error)));
        }
        step = reading.advance(clock.now());
    }
}
