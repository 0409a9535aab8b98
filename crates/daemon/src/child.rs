//! Children: started with a lifeline, signalled only while they are ours, reaped all.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use lvs_model::ChildExit;
use lvs_sys::{Cage, Capabilities, Ended, Limits};
use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::{Pid, pipe2};

use crate::become_user::{USER_VARIABLE, User, becomes_its_user};
use crate::installed::installed;
use crate::{ALIVE_VARIABLE, PARENT_VARIABLE};

/// What our parent or the service manager tells us, and no child of ours.
const FOR_US_ALONE: [&str; 6] = [
    PARENT_VARIABLE,
    ALIVE_VARIABLE,
    USER_VARIABLE,
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
];

/// What a child gets as standard input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stdin {
    /// /dev/null.
    Null,
    /// A pipe that only says, by its end, that we are gone.
    Lifeline,
    /// A socket for messages both ways, one a datagram (`SOCK_SEQPACKET`, non-blocking); its end
    /// says that we are gone.
    Report,
}

/// What a child gets as standard output and error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stdout {
    /// /dev/null for both.
    Null,
    /// Both as ours.
    Inherit,
    /// Output into a pipe that we read; error to /dev/null.
    Pipe,
    /// Output into a pipe that we read for the child's own words; error as our output, for the log lines of
    /// the child's children, which are not to speak in its place.
    PipeAndLog,
    /// Both as our error: what is a child of one started with [`PipeAndLog`](Self::PipeAndLog).
    Error,
}

impl Stdout {
    /// For a child that logs beside us: the place of our log in the foreground, but never the pipe by which we
    /// speak to our own parent.
    #[must_use]
    pub const fn for_log(foreground: bool, has_parent: bool) -> Self {
        match (foreground, has_parent) {
            (false, _) => Self::Null,
            (true, false) => Self::Inherit,
            (true, true) => Self::Error,
        }
    }

    /// What is its standard output and error, where that is another descriptor of ours than the same one.
    fn descriptors(self) -> io::Result<Standard> {
        let null = || null().map(Some);
        Ok(match self {
            Self::Null => (None, null()?, null()?),
            Self::Inherit => (None, None, None),
            Self::Error => (None, Some(io::stderr().as_fd().try_clone_to_owned()?), None),
            Self::Pipe | Self::PipeAndLog => {
                let error = match self {
                    Self::Pipe => null()?,
                    _ => Some(io::stdout().as_fd().try_clone_to_owned()?),
                };
                let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
                (Some(read), Some(write), error)
            }
        })
    }
}

/// Our end of a pipe, and what a child gets as output and error; `None` is ours.
type Standard = (Option<OwnedFd>, Option<OwnedFd>, Option<OwnedFd>);

/// A program to start.
#[derive(Clone, Debug)]
pub struct Program {
    /// The file to execute. Not searched for in PATH; the usual path of a program of this suite means the
    /// one that is installed beside us.
    pub path: PathBuf,
    /// Argument 0 in the place of the path.
    pub name: Option<&'static str>,
    /// Arguments behind argument 0.
    pub args: Vec<OsString>,
    /// Environment variables to set besides what is inherited.
    pub env: Vec<(String, OsString)>,
    /// Standard input.
    pub stdin: Stdin,
    /// A file that it reads there in the place of /dev/null.
    pub input: Option<PathBuf>,
    /// Standard output and error.
    pub stdout: Stdout,
    /// Who runs it; us if `None`.
    pub user: Option<User>,
    /// Whether it leads a process group of its own, so that [`Child::signal_group`] reaches all
    /// it starts.
    pub own_group: bool,
    /// What it is shut into, with a session of its own that [`Child::signal_group`] reaches.
    pub cage: Option<(Limits, Arc<Cage>)>,
    /// The capabilities that it keeps at most; all of ours if `None`.
    pub capabilities: Option<Capabilities>,
    /// Name that it sees us by in [`PARENT_VARIABLE`]; only with a lifeline or a report socket.
    pub parent_name: &'static str,
}

impl Program {
    /// The program at `path` without arguments: /dev/null all round, run as us.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            name: None,
            args: Vec::new(),
            env: Vec::new(),
            stdin: Stdin::Null,
            input: None,
            stdout: Stdout::Null,
            user: None,
            own_group: false,
            cage: None,
            capabilities: None,
            parent_name: "",
        }
    }

    /// Starts it.
    ///
    /// # Errors
    /// No such file, not executable, no room for a process or descriptor, no right to change user.
    pub fn start(&self) -> io::Result<Child> {
        let mut command = Command::new(self.file());
        match self.name {
            Some(name) => command.arg0(name),
            None => command.arg0(&self.path),
        };
        command.args(&self.args);
        for name in FOR_US_ALONE {
            command.env_remove(name);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        let (theirs, ours) = self.stdin_pair()?;
        command.stdin(theirs.map_or_else(Stdio::null, Stdio::from));
        if self.stdin != Stdin::Null {
            command.env(PARENT_VARIABLE, self.parent_name);
        }
        let (read, output, error) = self.stdout.descriptors()?;
        let own = |fd: Option<OwnedFd>| fd.map_or_else(Stdio::inherit, Stdio::from);
        command.stdout(own(output)).stderr(own(error));
        match self.user {
            Some(user) if becomes_its_user(&self.path) => {
                command.env(USER_VARIABLE, user.to_string());
            }
            Some(user) => {
                command.uid(user.uid).gid(user.gid);
            }
            None => {}
        }
        if self.own_group && self.cage.is_none() {
            command.process_group(0);
        }
        if let Some((limits, cage)) = &self.cage {
            lvs_sys::shut_in(&mut command, *limits, Arc::clone(cage));
        }
        if let Some(keep) = self.capabilities {
            lvs_sys::limit_capabilities(&mut command, keep);
        }
        let started = command.spawn()?;
        let pid = i32::try_from(started.id()).map_err(io::Error::other)?;
        // Dropping std's handle neither ends nor reaps the child; `reap` does.
        Ok(Child {
            pid: Pid::from_raw(pid),
            link: ours,
            output: read,
        })
    }

    /// What is executed. std would look up a bare name in PATH.
    fn file(&self) -> PathBuf {
        let file = installed(&self.path);
        if file.as_os_str().as_bytes().contains(&b'/') {
            file
        } else {
            Path::new(".").join(file)
        }
    }

    /// Its standard input, if that is not /dev/null, and our end of it.
    fn stdin_pair(&self) -> io::Result<(Option<OwnedFd>, Option<OwnedFd>)> {
        Ok(match self.stdin {
            Stdin::Null => match &self.input {
                Some(path) => (Some(File::open(path)?.into()), None),
                None => (None, None),
            },
            Stdin::Lifeline => {
                let (theirs, ours) = pipe2(OFlag::O_CLOEXEC)?;
                (Some(theirs), Some(ours))
            }
            Stdin::Report => {
                let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
                let (theirs, ours) =
                    socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)?;
                (Some(theirs), Some(ours))
            }
        })
    }
}

fn null() -> io::Result<OwnedFd> {
    let file = File::options().read(true).write(true).open("/dev/null")?;
    Ok(file.into())
}

/// A child that has not been reaped yet: while this exists, its pid is nobody else's.
///
/// Hand it back (drop it) when [`reap`] names its pid. Dropping it closes the lifeline.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    link: Option<OwnedFd>,
    output: Option<OwnedFd>,
}

impl Child {
    /// Its process id.
    #[must_use]
    pub const fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// Our end of its standard input: the lifeline or the report socket.
    #[must_use]
    pub fn link(&self) -> Option<BorrowedFd<'_>> {
        self.link.as_ref().map(AsFd::as_fd)
    }

    /// Lets go of the lifeline: a child that heeds it ends.
    pub fn close_link(&mut self) {
        self.link = None;
    }

    /// The pipe from its standard output, with [`Stdout::Pipe`]; blocking until set otherwise.
    #[must_use]
    pub fn output(&self) -> Option<BorrowedFd<'_>> {
        self.output.as_ref().map(AsFd::as_fd)
    }

    /// Lets go of that pipe: the child that writes to it gets SIGPIPE.
    pub fn close_output(&mut self) {
        self.output = None;
    }

    /// Whether it has ended; it is still to be reaped.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        lvs_sys::has_ended(self.pid()).unwrap_or(false)
    }

    /// Sends it a signal. One that has ended but is not reaped yet takes it without effect.
    ///
    /// # Errors
    /// No right to: it runs as another user and we lack CAP_KILL.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill(self.pid, signal)?)
    }

    /// Sends a signal to its process group, which it must lead ([`Program::own_group`]).
    ///
    /// # Errors
    /// As [`signal`](Self::signal), and `ESRCH` once the whole group is gone.
    pub fn signal_group(&self, signal: Signal) -> io::Result<()> {
        Ok(killpg(self.pid, signal)?)
    }
}

/// Takes the next child that has ended off the kernel's list: its pid and how it ended.
///
/// `None` when no other has ended. Call until then at every SIGCHLD: one signal can stand for
/// many.
#[must_use]
pub fn reap() -> Option<(i32, ChildExit)> {
    let (pid, ended) = lvs_sys::reap_child().ok()??;
    let exit = match ended {
        Ended::Exited(status) => ChildExit::Status(status),
        Ended::Signalled(signal) => ChildExit::Signal(signal),
    };
    Some((pid, exit))
}

/// Whether `pid` is a child of ours that is not reaped: nobody else has its number.
#[must_use]
pub fn is_child(pid: i32) -> bool {
    lvs_sys::has_ended(pid).is_ok()
}
