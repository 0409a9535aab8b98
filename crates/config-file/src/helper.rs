//! A child that writes its answer into a pipe, for work that may hang.
//!
//! A look-up by the system's resolver cannot be interrupted; a process can be killed. It lives for one
//! answer. While a disk that it asked hangs, not even a signal ends it. So nobody waits for it, and it
//! holds nothing of its parent's.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lvs_sys::{Forked, fork};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, close, dup2_stderr, dup2_stdin, dup2_stdout, getpid, getppid, pipe2};

/// Killed children that are not reaped yet. Children belong to the process, whichever part started them.
static GIVEN_UP: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// The child. Dropping it kills it; whatever reaps the process's children reaps it.
#[derive(Debug)]
pub(crate) struct Helper {
    /// `None` once reaped: then the number may be another process's.
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
                let is_tied = set_pdeathsig(Signal::SIGKILL).is_ok() && getppid() == parent;
                let is_ready = is_tied && close_all_but(theirs.as_raw_fd()).is_ok();
                let done = is_ready && work(&mut File::from(theirs)).is_ok();
                std::process::exit(i32::from(!done));
            }
        }
    }

    /// Reads what there is; returns whether the answer has ended. More than `limit` bytes is an end too.
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

    /// Whether `pid`, which was reaped elsewhere, was this child.
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
            // It may have ended by itself; then only the reaping is left.
            let _ = kill(pid, Signal::SIGKILL);
            if is_left(pid) {
                given_up(|pids| pids.push(pid));
            }
        }
    }
}

/// Whether `pid`, which was reaped elsewhere, was a child that was given up.
pub(crate) fn was_given_up(pid: i32) -> bool {
    given_up(|pids| {
        let count = pids.len();
        pids.retain(|it| it.as_raw() != pid);
        pids.len() < count
    })
}

/// For a caller that may wait for a moment: reaps what could be killed.
pub(crate) fn reap_given_up() {
    for _ in 0..50 {
        let is_done = given_up(|pids| {
            pids.retain(|pid| is_left(*pid));
            pids.is_empty()
        });
        if is_done {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn given_up<T>(what: impl FnOnce(&mut Vec<Pid>) -> T) -> T {
    what(&mut GIVEN_UP.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Reaps it, if it has ended.
fn is_left(pid: Pid) -> bool {
    waitpid(pid, Some(WaitPidFlag::WNOHANG)) == Ok(WaitStatus::StillAlive)
}

/// The copy has our lock, sockets and lifelines. If it held on to them, they would outlive us with it.
/// Standard input and output may be such, too.
fn close_all_but(kept: RawFd) -> io::Result<()> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    drop(null);
    let open: Vec<RawFd> = std::fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    for fd in open.into_iter().filter(|fd| *fd > 2 && *fd != kept) {
        // The directory's own is closed already.
        let _ = close(fd);
    }
    Ok(())
}
