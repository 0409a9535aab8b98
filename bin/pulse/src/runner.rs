//! The process that runs the hooks, with all the rights that pulse was started with.
//!
//! pulse starts its own program again as a runner before it gives up what it does not need itself,
//! and sends it what is to be run as it comes: one message each, a letter that says what it is and
//! words with a NUL behind every one. The runner does one after the other, in the order and within the
//! times of [`HookQueue`], and logs how each ended. When `inactive_cmd` has ended it sends the order's
//! number back. When pulse is gone it does what it has been told and ends.
//!
//! A message that begins with [`WILL`] is kept for the case that pulse is killed: it replaces the one
//! before, and one without words takes it back.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::process::ExitCode;

use daemon::{Child, Clock, PollFd, PollFlags, Program, Signal, Signals, reap, wait};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use crate::beside::Beside;
use crate::helper::{self, Helper, LONGEST, Part, Received};
use crate::hook_queue::{End, HookQueue, Job};

/// The process.
pub const PART: Part = Part {
    argument: "--runner",
    name: "pulse-runner",
};
/// The letters of the messages: what is to be run when pulse has been killed; `active_cmd`;
/// `inactive_cmd` behind its number; a command behind the file that it reads, or an empty word.
const WILL: u8 = b'!';
const ACTIVE: u8 = b'A';
const INACTIVE: u8 = b'I';
const COMMAND: u8 = b'C';
/// A program that runs beside the others.
const BESIDE: u8 = b'B';

/// pulse's end of its runner.
pub struct Runner {
    helper: Helper,
}

impl Runner {
    /// Starts the runner.
    ///
    /// # Errors
    /// Those of starting a program.
    pub fn start(foreground: bool) -> io::Result<Self> {
        Ok(Self {
            helper: Helper::start(&PART, foreground)?,
        })
    }

    /// Its process id.
    pub const fn pid(&self) -> i32 {
        self.helper.pid()
    }

    /// Has something run, after what is before it in the queue.
    ///
    /// # Errors
    /// It has ended, does not keep up, or the command line is too long.
    pub fn run(&self, job: &Job) -> io::Result<()> {
        self.helper.send(&encode_job(job))
    }

    /// Has a command run when pulse has been killed; without words there is nothing to be run.
    ///
    /// # Errors
    /// As [`Runner::run`].
    pub fn leave(&self, words: &[OsString]) -> io::Result<()> {
        self.helper.send(&encode(WILL, words))
    }

    /// The number of an `inactive_cmd` that has ended; `None` when there is none left to tell of.
    pub fn hear(&self) -> Option<u32> {
        let mut bytes = [0; 4];
        let message = self.helper.hear(&mut bytes)?;
        message.try_into().ok().map(u32::from_ne_bytes)
    }

    /// Readable when there is something to hear.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.helper.fd()
    }

    /// No more commands: it ends after those it has.
    pub fn finish(&mut self) {
        self.helper.finish();
    }
}

fn encode_job(job: &Job) -> Vec<u8> {
    let behind = |first: &OsString, words: &[OsString]| {
        let first = std::iter::once(first.clone());
        first.chain(words.iter().cloned()).collect::<Vec<_>>()
    };
    match job {
        Job::Active(words) => encode(ACTIVE, words),
        Job::Inactive(number, words) => {
            encode(INACTIVE, &behind(&number.to_string().into(), words))
        }
        Job::Command(input, words) => encode(COMMAND, &behind(input, words)),
        Job::Beside(words) => encode(BESIDE, words),
    }
}

/// What is to be run, from the words behind the letter.
fn decode_job(letter: u8, words: Vec<OsString>) -> Option<Job> {
    match letter {
        ACTIVE => return Some(Job::Active(words)),
        BESIDE => return Some(Job::Beside(words)),
        _ => {}
    }
    let mut words = words.into_iter();
    let first = words.next()?;
    match letter {
        INACTIVE => Some(Job::Inactive(
            first.to_str()?.parse().ok()?,
            words.collect(),
        )),
        COMMAND => Some(Job::Command(first, words.collect())),
        _ => None,
    }
}

fn encode(letter: u8, words: &[OsString]) -> Vec<u8> {
    let mut message = vec![letter];
    message.extend(helper::encode(words));
    message
}

/// Runs hooks until pulse is gone and all are done.
pub fn run(args: &[OsString]) -> ExitCode {
    PART.begin(args);
    match Queue::open().and_then(Queue::work) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error!("hooks: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The program that runs.
struct Running {
    child: Child,
    path: String,
}

/// What is to be run, and what runs.
struct Queue {
    clock: Clock,
    signals: Signals,
    plan: HookQueue,
    running: Option<Running>,
    beside: Beside,
    is_open: bool,
}

impl Queue {
    fn open() -> io::Result<Self> {
        // What ends pulse in order must not end its hooks.
        let handled = [
            Signal::SIGCHLD,
            Signal::SIGTERM,
            Signal::SIGINT,
            Signal::SIGHUP,
        ];
        Ok(Self {
            clock: Clock::start(),
            signals: Signals::new(&handled)?,
            plan: HookQueue::default(),
            running: None,
            beside: Beside::default(),
            is_open: true,
        })
    }

    fn work(mut self) -> io::Result<()> {
        while self.is_open || !self.plan.is_idle() || !self.beside.is_idle() {
            let input = io::stdin();
            let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
            if self.is_open {
                fds.push(PollFd::new(input.as_fd(), PollFlags::POLLIN));
            }
            let deadlines = self
                .plan
                .deadline()
                .into_iter()
                .chain(self.beside.deadline());
            wait(&mut fds, &self.clock, deadlines.min())?;
            drop(fds);
            self.read();
            self.signals.pending();
            self.reap();
            self.check_deadline();
            self.start_next();
            self.beside.turn(self.clock.now());
        }
        Ok(())
    }

    fn read(&mut self) {
        let mut message = [0; LONGEST];
        while self.is_open {
            match helper::receive(&mut message) {
                Received::Message(message) => self.take(message),
                Received::Nothing => return,
                Received::End => self.close(),
            }
        }
    }

    fn take(&mut self, message: &[u8]) {
        let Some((letter, words)) = message.split_first() else {
            return;
        };
        let words = helper::decode(words);
        if *letter == WILL {
            self.plan.leave(words);
            return;
        }
        let now = self.clock.now();
        let has_room = match decode_job(*letter, words) {
            None => true,
            Some(Job::Beside(words)) => self.beside.order(words),
            Some(job) => {
                // Nothing is announced any more.
                if matches!(job, Job::Inactive(..)) {
                    self.beside.end();
                }
                self.plan.order(now, job)
            }
        };
        if !has_room {
            log::error!("too many commands are waiting: one is left out");
        }
    }

    fn close(&mut self) {
        self.is_open = false;
        self.beside.end();
        if self.plan.close(self.clock.now()) {
            log::error!("pulse was killed: running inactive_cmd");
        }
    }

    fn start_next(&mut self) {
        while let Some(job) = self.plan.next(self.clock.now()) {
            let (input, words) = match &job {
                Job::Active(words) | Job::Inactive(_, words) => (None, words),
                Job::Command(input, words) => (Some(input), words),
                Job::Beside(words) => (None, words),
            };
            let Some((path, args)) = words.split_first() else {
                self.tell_end();
                continue;
            };
            let path = Path::new(path);
            match start(path, args, input) {
                Ok(child) => {
                    let path = path.display().to_string();
                    self.running = Some(Running { child, path });
                }
                Err(error) => {
                    log::error!("{} was not run: {error}", path.display());
                    self.tell_end();
                }
            }
        }
    }

    /// Nothing runs any more; pulse waits for the end of some.
    fn tell_end(&mut self) {
        let Some(number) = self.plan.ended().filter(|_| self.is_open) else {
            return;
        };
        // EPIPE: it has gone meanwhile, which is seen at the next turn.
        let _ = helper::say(io::stdin().as_fd(), &number.to_ne_bytes());
    }

    fn reap(&mut self) {
        self.end_group();
        while let Some((pid, exit)) = reap() {
            self.beside.ended(self.clock.now(), pid, exit);
            let ended = self.running.take_if(|hook| hook.child.pid() == pid);
            if let Some(hook) = ended {
                let level = if exit.is_success() {
                    log::Level::Info
                } else {
                    log::Level::Warn
                };
                log::log!(level, "{} {exit}", hook.path);
                self.tell_end();
            }
        }
    }

    /// A hook that was asked to end has ended: what it started goes too, while its group is its own.
    fn end_group(&self) {
        let Some(hook) = self.running.as_ref().filter(|_| self.plan.is_ending()) else {
            return;
        };
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        let state = waitid(Id::Pid(Pid::from_raw(hook.child.pid())), flags);
        if state.is_ok_and(|state| state != WaitStatus::StillAlive) {
            // ESRCH: nothing is left of it.
            let _ = hook.child.signal_group(Signal::SIGKILL);
        }
    }

    fn check_deadline(&mut self) {
        let signal = match self.plan.due(self.clock.now()) {
            Some(End::Ask) => Signal::SIGTERM,
            Some(End::Kill) => Signal::SIGKILL,
            None => return,
        };
        if let Some(hook) = &self.running {
            log::error!("{} has not ended in time: {signal}", hook.path);
            // ESRCH: it has just ended, and is reaped at the next turn.
            let _ = hook.child.signal_group(signal);
        }
    }
}

/// Starts a hook in a process group of its own, unless others than root could have written it.
pub fn start(path: &Path, args: &[OsString], input: Option<&OsString>) -> io::Result<Child> {
    let file = daemon::installed(path).canonicalize()?;
    if !daemon::only_root_can_change(&file)? {
        return Err(io::Error::other("others than root can change it"));
    }
    let mut program = Program::new(file);
    program.args = args.to_vec();
    program.input = input.filter(|input| !input.is_empty()).map(Into::into);
    program.own_group = true;
    program.start()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_arrive_as_they_were_sent_empty_ones_too() {
        let words = ["/bin/a b", "", "c"].map(OsString::from).to_vec();
        for job in [
            Job::Active(words.clone()),
            Job::Inactive(7, words.clone()),
            Job::Inactive(8, Vec::new()),
            Job::Command("file".into(), words.clone()),
            Job::Beside(words),
        ] {
            let message = encode_job(&job);
            let (letter, rest) = message.split_first().unwrap();
            assert_eq!(decode_job(*letter, helper::decode(rest)), Some(job));
        }
        assert!(helper::decode(b"unfinished").is_empty());
        assert_eq!(decode_job(b'?', Vec::new()), None);
    }
}
