//! The process that runs the hooks, with all the rights that pulse was started with.
//!
//! pulse starts its own program again as a runner before it gives up what it does not need itself,
//! and sends it the hooks as they come: one message each, the file that it reads (none is an empty
//! word) and its words, with a NUL behind every one. The runner does them one after the other, ends
//! one that takes too long, and logs how each ended. When pulse is gone it does what it has been told
//! and ends.
//! A message that begins with [`WILL`] is kept for the case that pulse is killed: it
//! replaces the one before, and an empty one takes it back.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use daemon::log::Target;
use daemon::{
    Child, Clock, PollFd, PollFlags, Program, Signal, Signals, Stdin, Stdout, reap, wait,
};
use lvs_model::Mono;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send};

/// The arguments that make pulse a runner; only with a report socket. The second in the foreground.
const ARGUMENT: &str = "--runner";
const FOREGROUND: &str = "--nodaemon";
/// Begins the message with what is to be run when pulse has been killed. No path begins so.
const WILL: u8 = b'!';
/// Time that a hook has.
const HOOK_WITHIN: Duration = Duration::from_secs(30);
/// Time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(5);
/// Longest command line, words and their NULs.
const LONGEST: usize = 4096;
/// Hooks that wait at most; a pair that flaps does not fill the memory.
const MOST_WAITING: usize = 64;

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

    /// Has a command run after those before it, with `input` as its standard input.
    ///
    /// # Errors
    /// It has ended, does not keep up, or the command line is too long.
    pub fn run(&self, words: &[OsString], input: Option<&Path>) -> io::Result<()> {
        self.send(&encode_hook(words, input))
    }

    /// Has a command run when pulse has been killed; without words there is nothing to be run.
    ///
    /// # Errors
    /// As [`Runner::run`].
    pub fn leave(&self, words: &[OsString]) -> io::Result<()> {
        let mut message = vec![WILL];
        if !words.is_empty() {
            message.extend(encode_hook(words, None));
        }
        self.send(&message)
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

fn encode_hook(words: &[OsString], input: Option<&Path>) -> Vec<u8> {
    let input = input.map(|path| path.as_os_str().to_owned());
    let all: Vec<_> = [input.unwrap_or_default()]
        .into_iter()
        .chain(words.iter().cloned())
        .collect();
    encode(&all)
}

fn encode(words: &[OsString]) -> Vec<u8> {
    let mut message = Vec::new();
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

/// The hook that runs.
struct Hook {
    child: Child,
    path: String,
    deadline: Mono,
    is_terminated: bool,
}

/// What is to be run, in order.
struct Queue {
    clock: Clock,
    signals: Signals,
    waiting: VecDeque<Vec<OsString>>,
    running: Option<Hook>,
    /// Run when pulse is gone.
    will: Vec<OsString>,
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
            waiting: VecDeque::new(),
            running: None,
            will: Vec::new(),
            is_open: true,
        })
    }

    fn work(mut self) -> io::Result<()> {
        while self.is_open || self.running.is_some() || !self.waiting.is_empty() {
            let input = io::stdin();
            let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
            if self.is_open {
                fds.push(PollFd::new(input.as_fd(), PollFlags::POLLIN));
            }
            let deadline = self.running.as_ref().map(|hook| hook.deadline);
            wait(&mut fds, &self.clock, deadline)?;
            drop(fds);
            self.read();
            self.signals.pending();
            self.reap();
            self.check_deadline();
            self.start_next();
        }
        Ok(())
    }

    fn read(&mut self) {
        let mut message = [0; LONGEST];
        while self.is_open {
            match recv(
                io::stdin().as_raw_fd(),
                &mut message,
                MsgFlags::MSG_DONTWAIT,
            ) {
                Ok(0) => self.close(),
                Ok(length) if message.first() == Some(&WILL) => {
                    self.will = decode(message.get(1..length).unwrap_or_default());
                }
                Ok(length) if self.waiting.len() < MOST_WAITING => {
                    let words = decode(message.get(..length).unwrap_or_default());
                    self.waiting.push_back(words);
                }
                Ok(_) => log::error!("{MOST_WAITING} hooks are waiting: one is left out"),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return,
                Err(_) => self.close(),
            }
        }
    }

    /// pulse is gone. What it left to be done then comes last.
    fn close(&mut self) {
        self.is_open = false;
        let will = std::mem::take(&mut self.will);
        if !will.is_empty() {
            let command = will.get(1..).unwrap_or_default();
            log::error!("pulse was killed: running {command:?}");
            self.waiting.push_back(will);
        }
    }

    fn start_next(&mut self) {
        while self.running.is_none() {
            let Some(words) = self.waiting.pop_front() else {
                return;
            };
            let [input, path, args @ ..] = words.as_slice() else {
                continue;
            };
            let path = Path::new(path);
            match start(path, args, input) {
                Ok(child) => {
                    self.running = Some(Hook {
                        child,
                        path: path.display().to_string(),
                        deadline: self.clock.now() + HOOK_WITHIN,
                        is_terminated: false,
                    });
                }
                Err(error) => log::error!("{} was not run: {error}", path.display()),
            }
        }
    }

    fn reap(&mut self) {
        while let Some((pid, exit)) = reap() {
            let ended = self.running.take_if(|hook| hook.child.pid() == pid);
            if let Some(hook) = ended {
                let level = if exit.is_success() {
                    log::Level::Info
                } else {
                    log::Level::Warn
                };
                log::log!(level, "{} {exit}", hook.path);
            }
        }
    }

    fn check_deadline(&mut self) {
        let now = self.clock.now();
        let Some(hook) = self.running.as_mut().filter(|hook| hook.deadline <= now) else {
            return;
        };
        hook.deadline = now + GRACE;
        let signal = if std::mem::replace(&mut hook.is_terminated, true) {
            Signal::SIGKILL
        } else {
            Signal::SIGTERM
        };
        log::error!("{} does not end: {signal}", hook.path);
        // ESRCH: it has just ended, and is reaped at the next turn.
        let _ = hook.child.signal_group(signal);
    }
}

/// Starts a hook in a process group of its own, unless others than root could have written it.
fn start(path: &Path, args: &[OsString], input: &OsStr) -> io::Result<Child> {
    let file = path.canonicalize()?;
    if !daemon::only_root_can_change(&file)? {
        return Err(io::Error::other("others than root can change it"));
    }
    let mut program = Program::new(file);
    program.args = args.to_vec();
    program.input = (!input.is_empty()).then(|| input.into());
    program.own_group = true;
    program.start()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_arrive_as_they_were_sent_empty_ones_too() {
        let words = ["/bin/a b", "", "c"].map(OsString::from);
        assert_eq!(decode(&encode(&words)), words);
        assert!(decode(b"unfinished").is_empty());
        assert!(decode(b"").is_empty());
    }
}
