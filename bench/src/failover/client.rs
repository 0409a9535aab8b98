//! A client that opens a connection each millisecond, whatever became of those before, and notes
//! when one was accepted.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddrV4;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use caribe_lab::topology::Host;
use nix::errno::Errno;
use nix::libc::linger;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, connect, getsockopt, setsockopt, socket, sockopt,
};

/// Between two attempts.
const EVERY: Duration = Duration::from_millis(1);
/// An attempt without an answer is given up after this.
const PATIENCE: Duration = Duration::from_millis(300);

/// The client at work.
pub struct Client {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<Vec<Instant>>>,
}

impl Client {
    /// Starts to ask `target` from `host`.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(host: &Host, target: SocketAddrV4) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = host.run(move || {
            let builder = thread::Builder::new().name("client".into());
            builder.spawn(move || Attempts::new(target)?.run(&seen))
        })?;
        Ok(Self { stop, thread })
    }

    /// Stops it; when it had an answer, in order.
    ///
    /// # Errors
    /// The kernel refused it something.
    pub fn finish(self) -> io::Result<Vec<Instant>> {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.join();
        ended.unwrap_or_else(|_| Err(io::Error::other("the client panicked")))
    }
}

/// The longest time without an answer between two moments.
#[must_use]
pub fn longest_gap(answers: &[Instant], from: Instant, to: Instant) -> Duration {
    let mut last = from;
    let mut longest = Duration::ZERO;
    let within = answers.iter().filter(|at| (from..to).contains(*at));
    for at in within.chain(std::iter::once(&to)) {
        longest = longest.max(at.saturating_duration_since(last));
        last = *at;
    }
    longest
}

struct Attempts {
    target: SockaddrIn,
    epoll: Epoll,
    /// By the time at which they began.
    open: VecDeque<(Instant, OwnedFd)>,
    answers: Vec<Instant>,
}

impl Attempts {
    fn new(target: SocketAddrV4) -> io::Result<Self> {
        Ok(Self {
            target: target.into(),
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            open: VecDeque::new(),
            answers: Vec::new(),
        })
    }

    fn run(mut self, stop: &AtomicBool) -> io::Result<Vec<Instant>> {
        let mut next = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            let now = Instant::now();
            if now >= next {
                next = now.max(next + EVERY);
                self.begin(now)?;
                self.give_up(now);
            }
            self.wait(next.saturating_duration_since(Instant::now()))?;
        }
        Ok(self.answers)
    }

    fn begin(&mut self, now: Instant) -> io::Result<()> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Inet, SockType::Stream, flags, None)?;
        // Closed without a word, so that nothing of it stays in the kernel.
        let at_once = linger {
            l_onoff: 1,
            l_linger: 0,
        };
        setsockopt(&socket, sockopt::Linger, &at_once)?;
        match connect(socket.as_raw_fd(), &self.target) {
            Ok(()) | Err(Errno::EINPROGRESS) => {
                let id = u64::try_from(socket.as_raw_fd()).map_err(io::Error::other)?;
                self.epoll
                    .add(&socket, EpollEvent::new(EpollFlags::EPOLLOUT, id))?;
                self.open.push_back((now, socket));
            }
            // No way there at this moment.
            Err(_) => {}
        }
        Ok(())
    }

    fn give_up(&mut self, now: Instant) {
        let old = |begun: &Instant| now.saturating_duration_since(*begun) > PATIENCE;
        while self.open.front().is_some_and(|(begun, _)| old(begun)) {
            self.open.pop_front();
        }
    }

    /// Waits for answers, at most for this time, rounded up to a millisecond.
    fn wait(&mut self, limit: Duration) -> io::Result<()> {
        let limit = u16::try_from(limit.as_micros().div_ceil(1000)).unwrap_or(u16::MAX);
        let mut events = [EpollEvent::empty(); 64];
        let count = match self.epoll.wait(&mut events, EpollTimeout::from(limit)) {
            Err(Errno::EINTR) => 0,
            other => other?,
        };
        for event in events.iter().take(count) {
            let fd = RawFd::try_from(event.data()).map_err(io::Error::other)?;
            let place = self
                .open
                .iter()
                .position(|(_, open)| open.as_raw_fd() == fd);
            let Some((_, socket)) = place.and_then(|place| self.open.remove(place)) else {
                continue;
            };
            if getsockopt(&socket, sockopt::SocketError)? == 0 {
                self.answers.push(Instant::now());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_at_either_end_is_a_gap() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let answers = [at(10), at(20), at(50)];
        let gap = |from, to| longest_gap(&answers, at(from), at(to)).as_millis();
        assert_eq!(gap(5, 55), 30);
        assert_eq!(gap(15, 25), 5);
        assert_eq!(gap(45, 90), 40);
        assert_eq!(gap(60, 90), 30);
    }
}
