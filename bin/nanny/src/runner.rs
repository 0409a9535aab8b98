//! Runs a check or load program: its own process group, few capabilities, a deadline, output read
//! while it runs.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use daemon::{Capabilities, Child, PollFd, PollFlags, Program, Signal, Stdout};
use healthcheck::{Command, LONGEST_OUTPUT, ProgramEnd};
use lvs_model::{ChildExit, Mono};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::read;

use crate::network::os_error;

/// Where programs without a slash are looked for; also their own PATH.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Time between SIGTERM and SIGKILL, and for its effect.
const GRACE: Duration = Duration::from_secs(1);

/// What every program of a nanny runs with.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// Variables besides PATH.
    pub variables: Vec<(String, String)>,
    /// What it may keep of our capabilities.
    pub capabilities: Capabilities,
    /// How long it may run.
    pub limit: Duration,
}

/// A program that runs.
pub struct Run {
    child: Child,
    deadline: Mono,
    stage: Stage,
    output: Vec<u8>,
}

/// How far its end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Its time is not over.
    Runs,
    /// Told to end.
    Terminated,
    /// Killed.
    Killed,
    /// Still there: the kernel waits for something in its place, a disk perhaps.
    Stuck,
}

impl Run {
    /// Starts `command`.
    ///
    /// # Errors
    /// The end that this comes to: not to be trusted, or not to be started.
    pub fn start(command: &Command, with: &Conditions, now: Mono) -> Result<Self, ProgramEnd> {
        let mut words = command.words.iter();
        let name = words.next().map(String::as_str).unwrap_or_default();
        let path = find(name).map_err(|error| not_started(&error))?;
        if !daemon::only_root_can_change(&path).map_err(|error| not_started(&error))? {
            return Err(ProgramEnd::Unsafe);
        }
        let mut program = Program::new(path);
        program.args = words.map(Into::into).collect();
        let variables = with.variables.iter();
        program.env = variables
            .map(|(name, value)| (name.clone(), value.into()))
            .collect();
        program.env.push(("PATH".into(), PATH.into()));
        program.stdout = Stdout::Pipe;
        program.own_group = true;
        program.capabilities = Some(with.capabilities);
        let child = program.start().map_err(|error| not_started(&error))?;
        let run = Self {
            child,
            deadline: now + with.limit,
            stage: Stage::Runs,
            output: Vec::new(),
        };
        if let Some(output) = run.child.output() {
            let set = fcntl(output, FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
            set.map_err(|errno| not_started(&errno.into()))?;
        }
        Ok(run)
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.child.pid()
    }

    /// When to call [`advance`](Self::advance) at the latest.
    pub fn deadline(&self) -> Mono {
        self.deadline
    }

    /// What to wait for besides SIGCHLD.
    pub fn poll_fd(&self) -> Option<PollFd<'_>> {
        Some(PollFd::new(self.child.output()?, PollFlags::POLLIN))
    }

    /// Reads what it has printed; ends it when its time is over.
    pub fn advance(&mut self, now: Mono) {
        self.read();
        if now < self.deadline {
            return;
        }
        let (stage, signal) = match self.stage {
            Stage::Runs => (Stage::Terminated, Signal::SIGTERM),
            Stage::Terminated => (Stage::Killed, Signal::SIGKILL),
            Stage::Killed | Stage::Stuck => (Stage::Stuck, Signal::SIGKILL),
        };
        self.stage = stage;
        self.deadline = now + GRACE;
        self.signal(signal);
    }

    /// Whether even SIGKILL has not ended it in time.
    pub fn is_stuck(&self) -> bool {
        self.stage == Stage::Stuck
    }

    /// Kills it and its process group; nothing more is read from it.
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        self.child.close_output();
    }

    /// It was reaped: how it ended and what it printed. Whatever it left behind is killed.
    pub fn end(mut self, exit: ChildExit) -> (ProgramEnd, Vec<u8>) {
        self.read();
        self.kill();
        let end = match exit {
            _ if self.stage != Stage::Runs => ProgramEnd::Timeout,
            ChildExit::Status(status) => ProgramEnd::Status(status),
            ChildExit::Signal(signal) => ProgramEnd::Signal(signal),
        };
        (end, self.output)
    }

    fn signal(&self, signal: Signal) {
        // ESRCH: the group is gone, which is what the signal is for.
        if let Err(error) = self.child.signal_group(signal)
            && error.raw_os_error() != Some(Errno::ESRCH as i32)
        {
            log::error!("cannot send {signal} to {}: {error}", self.pid());
        }
    }

    /// Keeps the first [`LONGEST_OUTPUT`] bytes and drops the rest; a bounded number at a time.
    fn read(&mut self) {
        let mut buffer = [0; 4096];
        for _ in 0..64 {
            let Some(output) = self.child.output() else {
                return;
            };
            match read(output, &mut buffer) {
                Ok(0) => self.child.close_output(),
                Ok(count) => {
                    let room = LONGEST_OUTPUT.saturating_sub(self.output.len());
                    let kept = buffer.get(..count.min(room)).unwrap_or_default();
                    self.output.extend_from_slice(kept);
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return,
                Err(_) => self.child.close_output(),
            }
        }
    }
}

fn not_started(error: &io::Error) -> ProgramEnd {
    let errno = error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
    ProgramEnd::NotStarted(os_error(errno))
}

/// The file that `name` means: itself if it has a slash, else the first one in [`PATH`].
fn find(name: &str) -> io::Result<PathBuf> {
    if name.contains('/') {
        return Path::new(name).canonicalize();
    }
    PATH.split(':')
        .find_map(|folder| Path::new(folder).join(name).canonicalize().ok())
        .ok_or_else(|| Errno::ENOENT.into())
}
