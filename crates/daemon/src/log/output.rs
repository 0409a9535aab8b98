//! Standard output, for whose reader nobody ever waits.
//!
//! Its `O_NONBLOCK` would be the shell's too, which goes on writing there: the flag belongs to the open
//! file description, and that is shared. So a pipe or a terminal is opened a second time, without
//! waiting, in the place of the descriptor that we were given; children inherit ours. A socket has a
//! flag for each call. A file never lets wait for a reader, and opened again it would begin at its
//! start.
//!
//! What the reader does not take is counted, and said as soon as it takes something again.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, send};
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::{dup2_stdout, write};

/// Our standard output.
const OWN: &str = "/proc/self/fd/1";
/// So much a pipe takes at once or not at all; it takes that if poll(2) says that it takes something.
const AT_ONCE: usize = 4096;

static OUTPUT: Mutex<Output> = Mutex::new(Output::new());
/// Whether something is owed to the reader; asked at every turn of a loop.
static IS_BEHIND: AtomicBool = AtomicBool::new(false);

/// How to write without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Just so: a file, or a description that does not wait.
    Plain,
    /// By a call that does not wait.
    Socket,
    /// Another user's pipe, which we may not open again: asked before each write. Waits only if somebody
    /// else fills it between question and write.
    Asked,
}

/// What became of a write.
enum Written {
    /// So many bytes were taken, at least one.
    Some(usize),
    /// There is no room.
    Full,
    /// Nobody will ever read it.
    Gone,
}

struct Output {
    way: Way,
    /// The severity that begins a line about losses, for a reader that takes it from there.
    severity: &'static str,
    ident: &'static str,
    /// Behind what was taken of a line in part; comes before anything else.
    rest: Vec<u8>,
    lost: u64,
}

/// From now on lines go to standard output; `severity` and `ident` begin what is said about losses.
pub(super) fn open(ident: &'static str, severity: &'static str) {
    let mut output = lock();
    output.severity = severity;
    output.ident = ident;
    output.way = find_way();
}

/// Writes a line with its end, or counts it.
pub(super) fn say(line: &[u8]) {
    if let Some(mut output) = super::lock::lock(&OUTPUT) {
        output.say(line);
        output.note();
    }
}

/// Writes a line with its end that must not be lost: if there is no room it is kept.
pub(super) fn keep(line: &[u8]) {
    let mut output = lock();
    output.rest.extend(line);
    output.catch_up();
    output.note();
}

/// Whether something is owed to a reader that did not keep up.
pub(crate) fn is_behind() -> bool {
    IS_BEHIND.load(Ordering::Relaxed)
}

/// Says what is owed, as far as there is room.
pub(crate) fn catch_up() {
    let mut output = lock();
    output.catch_up();
    output.note();
}

fn lock() -> MutexGuard<'static, Output> {
    OUTPUT.lock().unwrap_or_else(PoisonError::into_inner)
}

fn find_way() -> Way {
    let own = io::stdout();
    let kind = fstat(&own).map_or(0, |status| status.st_mode) & SFlag::S_IFMT.bits();
    let kind = SFlag::from_bits_truncate(kind);
    let flags = fcntl(&own, FcntlArg::F_GETFL).map_or(OFlag::empty(), OFlag::from_bits_retain);
    match kind {
        SFlag::S_IFSOCK => Way::Socket,
        SFlag::S_IFIFO | SFlag::S_IFCHR if !flags.contains(OFlag::O_NONBLOCK) => {
            reopen().map_or(Way::Asked, |()| Way::Plain)
        }
        _ => Way::Plain,
    }
}

fn reopen() -> io::Result<()> {
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let mut options = OpenOptions::new();
    let own = options.write(true).custom_flags(flags.bits()).open(OWN)?;
    Ok(dup2_stdout(&own)?)
}

impl Output {
    const fn new() -> Self {
        Self {
            way: Way::Plain,
            severity: "",
            ident: "",
            rest: Vec::new(),
            lost: 0,
        }
    }

    fn note(&self) {
        let is_behind = self.lost > 0 || !self.rest.is_empty();
        IS_BEHIND.store(is_behind, Ordering::Relaxed);
    }

    fn say(&mut self, line: &[u8]) {
        self.catch_up();
        let is_first = self.lost == 0 && self.rest.is_empty();
        if !is_first || !self.begin(line) {
            self.lost = self.lost.saturating_add(1);
        }
    }

    fn catch_up(&mut self) {
        self.go_on();
        if self.rest.is_empty() && self.lost > 0 {
            let (severity, ident, lost) = (self.severity, self.ident, self.lost);
            let line =
                format!("{severity}{ident}: {lost} log lines lost: standard output was full\n");
            if self.begin(line.as_bytes()) {
                self.lost = 0;
            }
        }
    }

    /// Whether there was room for the beginning of a line; the rest of it is then kept.
    fn begin(&mut self, line: &[u8]) -> bool {
        match self.write(line) {
            Written::Some(taken) => {
                self.rest.extend(line.iter().skip(taken));
                self.go_on();
                true
            }
            Written::Full => false,
            // Who has gone away does not miss it.
            Written::Gone => true,
        }
    }

    fn go_on(&mut self) {
        while !self.rest.is_empty() {
            match self.write(&self.rest) {
                Written::Some(taken) => drop(self.rest.drain(..taken)),
                Written::Full => return,
                Written::Gone => self.rest.clear(),
            }
        }
    }

    fn write(&self, bytes: &[u8]) -> Written {
        let own = io::stdout();
        loop {
            let written = match self.way {
                Way::Plain => write(&own, bytes),
                Way::Socket => {
                    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
                    send(own.as_raw_fd(), bytes, flags)
                }
                Way::Asked if !has_room() => Err(Errno::EAGAIN),
                Way::Asked => write(&own, bytes.get(..AT_ONCE).unwrap_or(bytes)),
            };
            return match written {
                Ok(0) | Err(Errno::EAGAIN | Errno::ENOBUFS | Errno::ENOSPC | Errno::EDQUOT) => {
                    Written::Full
                }
                Ok(taken) => Written::Some(taken),
                Err(Errno::EINTR) => continue,
                Err(_) => Written::Gone,
            };
        }
    }
}

fn has_room() -> bool {
    let own = io::stdout();
    let mut fds = [PollFd::new(own.as_fd(), PollFlags::POLLOUT)];
    poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}
