//! Runs a check or load program: its own process group, few capabilities, a deadline, output read
//! while it runs.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use daemon::{Cage, Capabilities, Child, Limits, PollFd, PollFlags, Program, Signal, Stdout};
use healthcheck::{Command, LONGEST_OUTPUT, NotStarted, ProgramEnd};
use lvs_model::{ChildExit, EndStep, Ending, Mono, Patience};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::read;

use crate::network::os_error;

/// Where programs without a slash are looked for; also their own PATH.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Time between SIGTERM and SIGKILL, and for its effect.
const PATIENCE: Patience = Patience::even(Duration::from_secs(1));

/// How many processes a program may start beyond those that run already: many for a check, few for a
/// machine.
const MORE_PROCESSES: u64 = 256;

/// Memory of its own that each process of a program may have.
const MEMORY: u64 = 1 << 30;

/// How much of a script the kernel looks at (`BINPRM_BUF_SIZE` in linux/binfmts.h).
const LONGEST_FIRST_LINE: usize = 256;

/// What every program of a nanny runs with.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// Variables besides PATH.
    pub variables: Vec<(String, String)>,
    /// What it is shut into; nothing by hand.
    pub cage: Option<Arc<Cage>>,
    /// How long it may run.
    pub limit: Duration,
}

/// A program that runs.
pub struct Run {
    child: Child,
    ending: Ending,
    output: Vec<u8>,
}

impl Run {
    /// Starts `command`.
    ///
    /// # Errors
    /// The end that a failure amounts to: not to be trusted, or not to be started.
    pub fn start(command: &Command, with: &Conditions, now: Mono) -> Result<Self, ProgramEnd> {
        let mut words = command.words.iter();
        let name = words.next().map(String::as_str).unwrap_or_default();
        let path = find(name).map_err(|error| not_started(name.as_ref(), &error))?;
        let failed = |error: io::Error| not_started(&path, &error);
        if !daemon::only_root_can_change(&path).map_err(failed)? {
            return Err(ProgramEnd::Unsafe);
        }
        let mut program = Program::new(&path);
        program.args = words.map(Into::into).collect();
        let variables = with.variables.iter();
        program.env = variables
            .map(|(name, value)| (name.clone(), value.into()))
            .collect();
        program.env.push(("PATH".into(), PATH.into()));
        program.stdout = Stdout::Pipe;
        program.own_group = true;
        program.capabilities = Some(Capabilities::NET_RAW);
        program.cage = with.cage.clone().map(|cage| (limits(), cage));
        let child = program.start().map_err(failed)?;
        if with.cage.is_some() {
            offer_to_the_killer(child.pid());
        }
        let run = Self {
            child,
            ending: Ending::at(now + with.limit, PATIENCE),
            output: Vec::new(),
        };
        if let Some(output) = run.child.output() {
            let set = fcntl(output, FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
            set.map_err(|errno| failed(errno.into()))?;
        }
        Ok(run)
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.child.pid()
    }

    /// When to call [`advance`](Self::advance) at the latest.
    pub fn deadline(&self) -> Option<Mono> {
        self.ending.deadline()
    }

    /// What to wait for besides SIGCHLD.
    pub fn poll_fd(&self) -> Option<PollFd<'_>> {
        Some(PollFd::new(self.child.output()?, PollFlags::POLLIN))
    }

    /// Reads what it has printed; ends it when its time is over.
    pub fn advance(&mut self, now: Mono) {
        self.read();
        match self.ending.due(now) {
            None => {}
            Some(EndStep::Ask) => self.signal(Signal::SIGTERM),
            Some(EndStep::Kill | EndStep::Stuck) => self.signal(Signal::SIGKILL),
        }
    }

    /// Whether even SIGKILL has not ended it in time.
    pub fn is_stuck(&self) -> bool {
        self.ending.is_stuck()
    }

    /// Kills it and its process group; nothing more is read from it.
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        self.child.close_output();
    }

    /// It was reaped. Returns how it ended and what it printed; kills whatever it left behind.
    pub fn end(mut self, exit: ChildExit) -> (ProgramEnd, Vec<u8>) {
        self.read();
        self.kill();
        let end = match exit {
            _ if self.ending.is_asked() => ProgramEnd::Timeout,
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

/// What a program may use at most. Processes count for the whole user, so the limit grows with what runs on
/// this machine: a program that fills it up leaves room for those that start later.
fn limits() -> Limits {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let running = text.split_ascii_whitespace().nth(3);
    let all = running.and_then(|word| word.split('/').nth(1)?.parse().ok());
    Limits {
        processes: all.map_or(u64::MAX, |all: u64| all.saturating_add(MORE_PROCESSES)),
        memory: MEMORY,
    }
}

/// When memory runs out the kernel ends this program, and what it starts, before any other.
fn offer_to_the_killer(pid: i32) {
    if let Err(error) = std::fs::write(format!("/proc/{pid}/oom_score_adj"), "1000") {
        // It has ended already, or its file must not be read.
        log::debug!("program {pid} stays with others when memory runs out: {error}");
    }
}

fn not_started(program: &Path, error: &io::Error) -> ProgramEnd {
    let errno = error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
    ProgramEnd::NotStarted(NotStarted {
        program: program.display().to_string().into(),
        user: matches!(errno, Errno::EACCES | Errno::EPERM).then(own_name),
        needs: missing_interpreter(program, errno),
        error: os_error(errno),
    })
}

/// Who we are: as lvsd says, or in digits.
fn own_name() -> Box<str> {
    let named = std::env::var("USER").ok();
    named
        .unwrap_or_else(|| nix::unistd::geteuid().to_string())
        .into()
}

/// What the kernel does not find though the program is there: for a script the word behind `#!`. A carriage
/// return at the end of its line belongs to it.
fn missing_interpreter(program: &Path, errno: Errno) -> Option<Box<str>> {
    if errno != Errno::ENOENT || !program.exists() {
        return None;
    }
    let mut start = [0; LONGEST_FIRST_LINE];
    let length = File::open(program)
        .and_then(|mut file| file.read(&mut start))
        .ok()?;
    let Some(line) = start.get(..length)?.strip_prefix(b"#!") else {
        return Some("loader".into());
    };
    let line = line.split(|byte| *byte == b'\n').next()?.trim_ascii_start();
    let word = line.split(|byte| matches!(byte, b' ' | b'\t')).next()?;
    Some(format!("interpreter \"{}\"", word.escape_ascii()).into())
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
