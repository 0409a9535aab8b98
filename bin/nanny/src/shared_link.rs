//! lvsd behind our standard input, when this process does the work of many nannies.

use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use control::{MAX_ERRANDS, MAX_NEWS, News, Report};
use daemon::Parent;
use lvs_model::Mono;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send};

/// How long good news may wait for others to go with, at most: lvsd wakes up for each datagram.
/// Verdicts and ends do not wait. So much older than it says a check in lvsd's status can be.
const LONGEST_HOLD: Duration = Duration::from_secs(2);

/// The socket, and what it did not take yet.
pub struct Link {
    parent: Parent,
    /// Lines, each with its end.
    unsent: Vec<u8>,
    /// When they are to be sent, if there are any.
    due: Option<Mono>,
    is_full: bool,
}

/// What came from lvsd.
pub enum Heard<'a> {
    /// Errands, one or several.
    Errands(&'a [u8]),
    /// The end: lvsd is gone.
    Gone,
    /// Nothing more has come.
    Nothing,
}

impl Link {
    /// The parent that the environment names, which is lvsd.
    pub fn new(parent: Parent) -> Self {
        Self {
            parent,
            unsent: Vec::new(),
            due: None,
            is_full: false,
        }
    }

    /// The socket: to be waited for until lvsd says something.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.parent.as_fd()
    }

    /// Whether to wait too until it takes more.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// The next datagram, in `buffer`; one that does not fit is logged and passed over.
    pub fn hear<'b>(&self, buffer: &'b mut [u8]) -> Heard<'b> {
        let length = loop {
            match recv(self.fd().as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(0) => return Heard::Gone,
                Ok(length) if length > MAX_ERRANDS => {
                    log::warn!("{}: errands are too long", self.parent.name());
                }
                Ok(length) => break length,
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Heard::Nothing,
                Err(_) => return Heard::Gone,
            }
        };
        Heard::Errands(buffer.get(..length).unwrap_or_default())
    }

    /// Says something of a nanny that checks every `interval`, with the [`flush`](Self::flush) when it
    /// is due: within half of that, since the silence of three is a death. While lvsd is too busy to
    /// listen, only verdicts and ends are kept.
    pub fn say(&mut self, now: Mono, interval: Duration, news: &News) {
        let is_verdict = !matches!(news, News::Report(_, Report::Alive | Report::Check { .. }));
        if self.is_full && !is_verdict {
            return;
        }
        // Writing to a vector cannot fail.
        let _ = writeln!(self.unsent, "{news}");
        let at_once = is_verdict || self.unsent.len() >= MAX_NEWS;
        let due = if at_once {
            now
        } else {
            now + LONGEST_HOLD.min(interval / 2)
        };
        self.due = Some(self.due.map_or(due, |before| before.min(due)));
    }

    /// When to call [`flush`](Self::flush) at the latest; a full socket is waited for instead.
    pub fn deadline(&self) -> Option<Mono> {
        self.due.filter(|_| !self.is_full)
    }

    /// Sends what there is to say if it is due, several lines in a datagram.
    pub fn flush(&mut self, now: Mono) {
        if self.due.is_none_or(|due| now < due) {
            return;
        }
        self.is_full = false;
        while !self.unsent.is_empty() {
            let most = self.unsent.get(..MAX_NEWS).unwrap_or(&self.unsent);
            let end = most.iter().rposition(|byte| *byte == b'\n');
            let lines = most.get(..=end.unwrap_or(0)).unwrap_or(most);
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
            match send(self.parent.as_fd().as_raw_fd(), lines, flags) {
                Err(Errno::EAGAIN | Errno::ENOBUFS) => {
                    self.is_full = true;
                    return;
                }
                // Sent, or lvsd is gone, which is heard as such.
                Ok(_) | Err(_) => {
                    let sent = lines.len();
                    self.unsent.drain(..sent);
                }
            }
        }
        self.due = None;
    }
}
