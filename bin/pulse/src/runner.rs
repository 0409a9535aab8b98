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
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::process::ExitCode;

use daemon::log::Target;
use daemon::{
    Child, Clock, PollFd, PollFlags, Program, Signal, Signals, Stdin, Stdout, reap, wait,
};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use crate::beside::Beside;
use crate::hook_queue::{End, HookQueue, Job};

/// The arguments that make pulse a runner; only with a report socket. The second in the foreground.
const ARGUMENT: &str = "--runner";
const FOREGROUND: &str = "--nodaemon";
/// What `ps` shows.
const NAME: &str = "pulse-runner";
/// The letters of the messages: what is to be run when pulse has been killed; `active_cmd`;
/// `inactive_cmd` behind its number; a command behind the file that it reads, or an empty word.
const WILL: u8 = b'!';
const ACTIVE: u8 = b'A';
const INACTIVE: u8 = b'I';
const COMMAND: u8 = b'C';
/// A program that runs beside the others.
const BESIDE: u8 = b'B';
/// Longest command line, words and their NULs.
const LONGEST: usize = 4096;

/// pulse's end of its runner.
pub struct Runner {
    child: Child,
}

impl Runner {
    /// Starts the runner.
    ///
    /// # Errors
    /// Those of starting a program.
    pub fn start(foreground: bool) -> io::Result<Self> {
        // The file that runs, even if an upgrade has put another in its place.
        let mut program = Program::new("/proc/self/exe");
        program.name = Some(NAME);
        program.args = vec![ARGUMENT.into()];
        if foreground {
            program.args.push(FOREGROUND.into());
            program.stdout = Stdout::Inherit;
        }
        program.stdin = Stdin::Report;
        program.parent_name = "pulse";
        program.own_group = true;
        Ok(Self {
            child: program.start()?,
        })
    }

    /// Its process id.
    pub const fn pid(&self) -> i32 {
        self.child.pid()
    }

    /// Has something run, after what is before it in the queue.
    ///
    /// # Errors
    /// It has ended, does not keep up, or the command line is too long.
    pub fn run(&self, job: &Job) -> io::Result<()> {
        self.send(&encode_job(job))
    }

    /// Has a command run when pulse has been killed; without words there is nothing to be run.
    ///
    /// # Errors
    /// As [`Runner::run`].
    pub fn leave(&self, words: &[OsString]) -> io::Result<()> {
        self.send(&encode(WILL, words))
    }

    /// The number of an `inactive_cmd` that has ended; `None` when there is none left to tell of.
    pub fn hear(&self) -> Option<u32> {
        let link = self.child.link()?.as_raw_fd();
        let mut bytes = [0; 4];
        let length = recv(link, &mut bytes, MsgFlags::MSG_DONTWAIT).ok()?;
        (length == bytes.len()).then(|| u32::from_ne_bytes(bytes))
    }

    /// Readable when there is something to hear.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.child.link()
    }

    fn send(&self, message: &[u8]) -> io::Result<()> {
        if message.len() > LONGEST {
            return Err(Errno::E2BIG.into());
        }
        let link = self.child.link().ok_or(Errno::EPIPE)?;
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        send(link.as_raw_fd(), message, flags)?;
        Ok(())
    }

    /// No more commands: it ends after those it has.
    pub fn finish(&mut self) {
        self.child.close_link();
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
    for word in words {
        message.extend(word.as_bytes());
        message.push(0);
    }
    message
}

fn decode(message: &[u8]) -> Vec<OsString> {
    let words = message.split_inclusive(|byte| *byte == 0);
    words
        .filter_map(|word| word.strip_suffix(&[0]))
        .map(|word| OsString::from_vec(word.to_vec()))
        .collect()
}

/// Whether the command line asks for a runner.
pub fn is_asked_for(args: &[OsString]) -> bool {
    let has_parent = std::env::var_os(daemon::PARENT_VARIABLE).is_some();
    args.first().is_some_and(|first| first == ARGUMENT) && has_parent
}

/// Runs hooks until pulse is gone and all are done.
pub fn run(args: &[OsString]) -> ExitCode {
    daemon::show_name(NAME);
    let target = if args.iter().any(|word| word == FOREGROUND) {
        Target::Stdout
    } else {
        Target::Syslog
    };
    daemon::log::start("pulse", target, false);
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
            let input = io::stdin().as_raw_fd();
            match recv(input, &mut message, MsgFlags::MSG_DONTWAIT) {
                Ok(0) => self.close(),
                Ok(length) => self.take(message.get(..length).unwrap_or_default()),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return,
                Err(_) => self.close(),
            }
        }
    }

    fn take(&mut self, message: &[u8]) {
        let Some((letter, words)) = message.split_first() else {
            return;
        };
        let words = decode(words);
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
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        // EPIPE: it has gone meanwhile, which is seen at the next turn.
        let _ = send(io::stdin().as_raw_fd(), &number.to_ne_bytes(), flags);
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
    let file = path.canonicalize()?;
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
            assert_eq!(decode_job(*letter, decode(rest)), Some(job));
        }
        assert!(decode(b"unfinished").is_empty());
        assert_eq!(decode_job(b'?', Vec::new()), None);
    }
}
