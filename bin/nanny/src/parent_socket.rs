//! The parent behind our standard input: lvsd, which hears of the watches, or fos.

use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use control::{Crew, MAX_ERRANDS, MAX_MESSAGE, MAX_NEWS, News, Report};
use daemon::{Parent, PollFd, PollFlags};
use lvs_model::Mono;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send};

/// Longest time that good news of one of many waits for others to go with: lvsd wakes up for each datagram.
/// Verdicts and ends do not wait. By this time a check may be older than lvsd's status says.
const LONGEST_HOLD: Duration = Duration::from_secs(2);

/// The number of the watch that came with the command line, in this process.
pub const ALONE: u64 = 0;

/// What is behind our standard input.
pub enum Behind {
    /// No parent: a terminal, or whatever was there.
    Nobody,
    /// A parent that only ends: fos.
    Lifeline(Parent),
    /// lvsd.
    Lvsd(Link),
}

/// The socket, and what it did not take yet.
pub struct Link<S = Parent> {
    socket: S,
    crew: Crew,
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
    /// `socket` is that of the parent that the environment names, which is lvsd; `crew` is us.
    pub fn new(socket: S, crew: Crew) -> Self {
        Self {
            socket,
            crew,
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

    /// Room for a datagram of errands; one byte more, to see what is too long.
    pub const fn longest(&self) -> usize {
        match self.crew {
            Crew::One(_) => MAX_MESSAGE + 1,
            Crew::Many => MAX_ERRANDS + 1,
        }
    }

    /// The next datagram, in `buffer`. One that does not fit is logged and passed over.
    pub fn hear<'b>(&self, buffer: &'b mut [u8]) -> Heard<'b> {
        let length = loop {
            match recv(self.fd().as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(0) => return Heard::Gone,
                Ok(length) if length >= self.longest() => {
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

    /// Says something of a nanny that checks every `interval`; [`flush`](Self::flush) sends it when it is
    /// due. For one of many that is within half of `interval`, since the silence of three is a death. While
    /// lvsd is too busy to listen, only verdicts and ends are kept.
    pub fn say(&mut self, now: Mono, interval: Duration, news: &News) {
        let is_verdict = !matches!(news, News::Report(_, Report::Alive | Report::Check { .. }));
        if self.is_full && !is_verdict {
            return;
        }
        // Writing to a vector cannot fail.
        let _ = writeln!(self.unsent, "{}", news.encode(self.crew));
        let is_alone = self.crew != Crew::Many;
        let at_once = is_alone || is_verdict || self.unsent.len() >= MAX_NEWS;
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

    /// Sends what there is to say if it is due.
    pub fn flush(&mut self, now: Mono) {
        if self.due.is_none_or(|due| now < due) {
            return;
        }
        self.is_full = false;
        while !self.unsent.is_empty() {
            let length = self.next_length();
            let datagram = self.unsent.get(..length).unwrap_or_default();
            let datagram = match self.crew {
                Crew::One(_) => datagram.strip_suffix(b"\n").unwrap_or(datagram),
                Crew::Many => datagram,
            };
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
            match send(self.socket.as_fd().as_raw_fd(), datagram, flags) {
                Err(Errno::EAGAIN | Errno::ENOBUFS) => {
                    self.is_full = true;
                    return;
                }
                // Sent; or lvsd is gone, which is noticed elsewhere.
                Ok(_) | Err(_) => {
                    self.unsent.drain(..length);
                }
            }
        }
        self.due = None;
    }

    /// How many bytes go with the next datagram: a line of one nanny, several of many.
    fn next_length(&self) -> usize {
        let is_end = |byte: &u8| *byte == b'\n';
        let most = self.unsent.get(..MAX_NEWS).unwrap_or(&self.unsent);
        let last = match self.crew {
            Crew::One(_) => most.iter().position(is_end),
            Crew::Many => most.iter().rposition(is_end),
        };
        last.map_or(most.len(), |last| last + 1)
    }
}

impl Behind {
    /// The parent that the environment names, if any.
    pub fn new(parent: Option<Parent>) -> Self {
        match parent {
            None => Self::Nobody,
            Some(parent) if parent.name() == "lvsd" => {
                Self::Lvsd(Link::new(parent, Crew::One(ALONE)))
            }
            Some(parent) => Self::Lifeline(parent),
        }
    }

    /// What to wait for.
    pub fn poll_fd(&self) -> Option<PollFd<'_>> {
        match self {
            Self::Nobody => None,
            Self::Lifeline(parent) => Some(PollFd::new(parent.as_fd(), PollFlags::POLLIN)),
            Self::Lvsd(link) => {
                let mut flags = PollFlags::POLLIN;
                flags.set(PollFlags::POLLOUT, link.is_full());
                Some(PollFd::new(link.fd(), flags))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use control::{Phase, Place, Standing};
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, setsockopt, socketpair, sockopt};

    use super::*;

    const INTERVAL: Duration = Duration::from_secs(2);

    fn link(crew: Crew) -> (Link<OwnedFd>, OwnedFd) {
        let flags = SockFlag::SOCK_NONBLOCK;
        let (ours, lvsds) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags).unwrap();
        setsockopt(&ours, sockopt::SndBuf, &4096).unwrap();
        (Link::new(ours, crew), lvsds)
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

    /// As programs of before an upgrade expect it.
    #[test]
    fn one_says_everything_at_once_each_in_a_datagram_of_its_own() {
        let (mut link, lvsds) = link(Crew::One(7));
        let now = Mono::ZERO;
        for news in [News::Report(7, Report::Alive), verdict(7)] {
            link.say(now, INTERVAL, &news);
        }
        assert_eq!(link.deadline(), Some(now));
        link.flush(now);
        let mut buffer = [0; MAX_MESSAGE];
        for expected in ["alive", "state down out 0 of 1 target 1 "] {
            let length = recv(lvsds.as_raw_fd(), &mut buffer, MsgFlags::empty()).unwrap();
            assert_eq!(buffer[..length], *expected.as_bytes());
        }
    }

    #[test]
    fn while_lvsd_is_busy_verdicts_are_kept_and_good_news_is_not() {
        let (mut link, lvsds) = link(Crew::Many);
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
        let (link, lvsds) = link(Crew::Many);
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
