//! lvsd behind our standard input, when this process does the work of many nannies.

use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use control::{Crew, MAX_ERRANDS, MAX_NEWS, News, Report};
use daemon::Parent;
use lvs_model::Mono;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send};

/// How long good news may wait for others to go with, at most: lvsd wakes up for each datagram.
/// Verdicts and ends do not wait. So much older than it says a check in lvsd's status can be.
const LONGEST_HOLD: Duration = Duration::from_secs(2);

/// The socket, and what it did not take yet.
pub struct Link<S = Parent> {
    socket: S,
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

impl<S: AsFd> Link<S> {
    /// `socket` is that of the parent that the environment names, which is lvsd.
    pub fn new(socket: S) -> Self {
        Self {
            socket,
            unsent: Vec::new(),
            due: None,
            is_full: false,
        }
    }

    /// The socket: to be waited for until lvsd says something.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
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
                    log::warn!("lvsd: errands are too long");
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
        let _ = writeln!(self.unsent, "{}", news.encode(Crew::Many));
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
            match send(self.socket.as_fd().as_raw_fd(), lines, flags) {
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

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use control::{Phase, Place, Standing};
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, setsockopt, socketpair, sockopt};

    use super::*;

    const INTERVAL: Duration = Duration::from_secs(2);

    fn link() -> (Link<OwnedFd>, OwnedFd) {
        let flags = SockFlag::SOCK_NONBLOCK;
        let (ours, lvsds) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags).unwrap();
        setsockopt(&ours, sockopt::SndBuf, &4096).unwrap();
        (Link::new(ours), lvsds)
    }

    /// Everything in lvsd's end, as lines.
    fn heard(lvsds: &OwnedFd) -> Vec<News> {
        let mut buffer = vec![0; MAX_NEWS];
        let mut lines = Vec::new();
        while let Ok(length) = recv(lvsds.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            let news = News::lines(&buffer[..length]);
            lines.extend(news.map(|line| News::decode(line, Crew::Many).unwrap()));
        }
        lines
    }

    fn verdict(nanny: u64) -> News {
        let standing = Standing {
            phase: Phase::Down,
            place: Place::Out,
            count: 0,
        };
        let state = Report::State {
            standing,
            needed: 1,
            target: lvs_model::Weight::ONE,
            reason: control::Reason::default(),
        };
        News::Report(nanny, state)
    }

    #[test]
    fn while_lvsd_is_busy_verdicts_are_kept_and_good_news_is_not() {
        let (mut link, lvsds) = link();
        let now = Mono::ZERO;
        let mut said = 0;
        while !link.is_full() {
            said += 1;
            link.say(now, INTERVAL, &verdict(said));
            link.flush(now);
        }
        let kept = link.unsent.len();
        for _ in 0..1000 {
            link.say(now, INTERVAL, &News::Report(1, Report::Alive));
        }
        assert_eq!(link.unsent.len(), kept);
        assert_eq!(link.deadline(), None, "the socket is waited for");
        link.say(now, INTERVAL, &News::Ended(said + 1, 0));
        let mut news = heard(&lvsds);
        link.flush(now);
        news.extend(heard(&lvsds));
        let mut expected: Vec<News> = (1..=said).map(verdict).collect();
        expected.push(News::Ended(said + 1, 0));
        assert_eq!(news, expected);
        assert!(!link.is_full());
    }

    #[test]
    fn errands_that_are_too_long_are_passed_over_whole() {
        let (link, lvsds) = link();
        let mut buffer = vec![0; MAX_ERRANDS + 1];
        for (length, is_heard) in [(MAX_ERRANDS, true), (MAX_ERRANDS + 1, false), (1, true)] {
            let errands = vec![b'x'; length];
            let sent = send(lvsds.as_raw_fd(), &errands, MsgFlags::empty());
            assert_eq!(sent, Ok(length));
            match link.hear(&mut buffer) {
                Heard::Errands(bytes) => assert!(is_heard && bytes.len() == length, "{length}"),
                Heard::Nothing => assert!(!is_heard, "{length}"),
                Heard::Gone => panic!("{length}"),
            }
        }
    }
}
