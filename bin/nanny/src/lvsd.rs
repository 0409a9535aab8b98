//! The parent behind our standard input: lvsd's socket, or the lifeline of fos.

use std::os::fd::{AsFd, AsRawFd};

use control::{MAX_MESSAGE, Order, Report};
use daemon::{Parent, PollFd, PollFlags};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send};

/// lvsd, as a nanny sees it; or another parent, of which only the end is noticed.
pub struct Lvsd {
    parent: Parent,
    has_orders: bool,
    /// A verdict that the full socket did not take; only the last one matters.
    unsent: Option<Report>,
}

/// What came from lvsd.
pub enum Heard {
    /// An order.
    Order(Order),
    /// The end: lvsd is gone.
    Gone,
    /// Nothing more has come.
    Nothing,
}

impl Lvsd {
    /// The parent that the environment names.
    pub fn new(parent: Parent) -> Self {
        Self {
            has_orders: parent.name() == "lvsd",
            parent,
            unsent: None,
        }
    }

    /// What to wait for.
    pub fn poll_fd(&self) -> PollFd<'_> {
        let mut events = PollFlags::POLLIN;
        events.set(PollFlags::POLLOUT, self.unsent.is_some());
        PollFd::new(self.parent.as_fd(), events)
    }

    /// The next thing it said. What is no order is logged and passed over.
    pub fn hear(&self) -> Heard {
        if !self.has_orders {
            return if self.parent.is_gone() {
                Heard::Gone
            } else {
                Heard::Nothing
            };
        }
        // One byte more, to see what is too long.
        let mut buffer = [0; MAX_MESSAGE + 1];
        loop {
            let flags = MsgFlags::MSG_DONTWAIT;
            match recv(self.parent.as_fd().as_raw_fd(), &mut buffer, flags) {
                Ok(0) => return Heard::Gone,
                Ok(length) => match Order::decode(buffer.get(..length).unwrap_or_default()) {
                    Ok(order) => return Heard::Order(order),
                    Err(error) => log::warn!("{}: {error}", self.parent.name()),
                },
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Heard::Nothing,
                Err(_) => return Heard::Gone,
            }
        }
    }

    /// Says something. A full socket means that lvsd is busy: a verdict is kept and sent later,
    /// anything else is dropped.
    pub fn say(&mut self, report: Report) {
        self.retry();
        let is_sent = self.unsent.is_none() && self.send(&report);
        if !is_sent && matches!(report, Report::State { .. }) {
            self.unsent = Some(report);
        }
    }

    /// Sends the verdict that was kept.
    pub fn retry(&mut self) {
        if let Some(report) = self.unsent.take()
            && !self.send(&report)
        {
            self.unsent = Some(report);
        }
    }

    /// Whether it was sent, or will never be because lvsd is gone: its end is read as such.
    fn send(&self, report: &Report) -> bool {
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        let text = report.to_string();
        let sent = send(self.parent.as_fd().as_raw_fd(), text.as_bytes(), flags);
        !matches!(sent, Err(Errno::EAGAIN | Errno::ENOBUFS))
    }
}
