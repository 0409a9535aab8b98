//! A child that writes its answer into a pipe, for work that may hang.
//!
//! A look-up by the system's resolver cannot be interrupted; a process can be killed. It lives for one
//! answer, and never longer than its parent.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};

use lvs_sys::{Forked, fork};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, getpid, getppid, pipe2};

/// The child. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Helper {
    /// `None` once reaped: then the number may be another's.
    pid: Option<Pid>,
    pipe: File,
    answer: Vec<u8>,
}

impl Helper {
    /// Runs `work` in a copy of this process; what it writes is the answer.
    ///
    /// # Errors
    /// No room for a process or descriptor; more than one thread.
    pub(crate) fn start(work: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<Self> {
        let (ours, theirs) = pipe2(OFlag::O_CLOEXEC)?;
        fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let parent = getpid();
        match fork()? {
            Forked::Parent(pid) => Ok(Self {
                pid: Some(Pid::from_raw(pid)),
                pipe: ours.into(),
                answer: Vec::new(),
            }),
            Forked::Child => {
                drop(ours);
                // The copy holds our lifelines too: it must not keep children alive without us.
                let is_tied = set_pdeathsig(Signal::SIGKILL).is_ok() && getppid() == parent;
                let done = is_tied && work(&mut File::from(theirs)).is_ok();
                std::process::exit(i32::from(!done));
            }
        }
    }

    /// Reads what there is; whether the answer has ended. More than `limit` bytes is an end too.
    ///
    /// # Errors
    /// Those of read(2).
    pub(crate) fn read(&mut self, limit: usize) -> io::Result<bool> {
        let mut buffer = [0; 4096];
        while self.answer.len() <= limit {
            match self.pipe.read(&mut buffer) {
                Ok(0) => return Ok(true),
                Ok(count) => self.answer.extend(buffer.iter().take(count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// What was read.
    pub(crate) fn answer(&self) -> &[u8] {
        &self.answer
    }

    /// Whether `pid`, which somebody else has reaped, was this child.
    pub(crate) fn ended(&mut self, pid: i32) -> bool {
        let is_it = self.pid == Some(Pid::from_raw(pid));
        if is_it {
            self.pid = None;
        }
        is_it
    }
}

impl AsFd for Helper {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        if let Some(pid) = self.pid.take() {
            // It may have ended by itself; then only the waiting is left.
            let _ = kill(pid, Signal::SIGKILL);
            while waitpid(pid, None) == Err(nix::errno::Errno::EINTR) {}
        }
    }
}
