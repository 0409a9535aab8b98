//! lvsd behind our standard input, when this process does the work of many nannies.

use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use control::{Errand, MAX_ERRAND, MAX_NEWS, News, Report};
use daemon::{Parent, PollFd, PollFlags};
use lvs_model::Mono;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send};

/// How long good news may wait for others to go with: lvsd wakes up for each datagram. Verdicts and
/// ends do not wait. Well below three intervals of any check, after which silence is a death.
const HOLD: Duration = Duration::from_millis(200);

/// The socket, and what it did not take yet.
pub struct Link {
    parent: Parent,
    /// Lines, each with its end.
    unsent: Vec<u8>,
    /// When they are to be sent, if there are any.
    due: Option<Mono>,
    is_full: bool,
    buffer: Box<[u8]>,
}

/// What came from lvsd.
pub enum Heard {
    /// An errand.
    Errand(Errand),
    /// The end: lvsd is gone.
    Gone,
    /// Nothing more for now.
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
            // One byte more, to see what is too long.
            buffer: vec![0; MAX_ERRAND + 1].into(),
        }
    }

    /// What to wait for.
    pub fn poll_fd(&self) -> PollFd<'_> {
        let mut events = PollFlags::POLLIN;
        events.set(PollFlags::POLLOUT, self.is_full);
        PollFd::new(self.parent.as_fd(), events)
    }

    /// The next errand. What is none is logged and passed over.
    pub fn hear(&mut self) -> Heard {
        loop {
            let fd = self.parent.as_fd().as_raw_fd();
            match recv(fd, &mut self.buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(0) => return Heard::Gone,
                Ok(length) => {
                    let datagram = self.buffer.get(..length).unwrap_or_default();
                    match Errand::decode(datagram) {
                        Ok(errand) if length <= MAX_ERRAND => return Heard::Errand(errand),
                        Ok(_) => log::warn!("{}: errand is too long", self.parent.name()),
                        Err(error) => log::warn!("{}: {error}", self.parent.name()),
                    }
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Heard::Nothing,
                Err(_) => return Heard::Gone,
            }
        }
    }

    /// Says something, with the [`flush`](Self::flush) when it is due. While lvsd is too busy to
    /// listen, only verdicts and ends are kept.
    pub fn say(&mut self, now: Mono, news: &News) {
        let is_verdict = !matches!(news, News::Report(_, Report::Alive | Report::Check { .. }));
        if self.is_full && !is_verdict {
            return;
        }
        self.unsent.extend_from_slice(news.to_string().as_bytes());
        self.unsent.push(b'\n');
        let at_once = is_verdict || self.unsent.len() >= MAX_NEWS;
        let due = if at_once { now } else { now + HOLD };
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
