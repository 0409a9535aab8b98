//! Requests at a fixed rate, each one recorded: when it began, how it ended, who answered.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::topology::Host;

/// How one request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A reply came, from the server of this name.
    Served(String),
    /// Nobody listens there.
    Refused,
    /// The connection was cut.
    Reset,
    /// No reply in time.
    TimedOut,
    /// Anything else, in words.
    Failed(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Served(name) => write!(f, "served by {name}"),
            Self::Refused => write!(f, "refused"),
            Self::Reset => write!(f, "reset"),
            Self::TimedOut => write!(f, "timed out"),
            Self::Failed(why) => write!(f, "{why}"),
        }
    }
}

/// One request.
#[derive(Clone, Debug)]
pub struct Reply {
    /// When it began.
    pub begun: Instant,
    /// When its end was known.
    pub ended: Instant,
    /// How it ended.
    pub outcome: Outcome,
}

impl Reply {
    /// In the place of what a broken client would have seen: nobody can say, so it counts as lost.
    fn none() -> Self {
        Self {
            begun: Instant::now(),
            ended: Instant::now(),
            outcome: Outcome::Failed("the client panicked".into()),
        }
    }

    /// Whether a server answered.
    #[must_use]
    pub fn is_served(&self) -> bool {
        matches!(self.outcome, Outcome::Served(_))
    }
}

/// A client at work; it stops when dropped.
pub struct Requests {
    replies: Arc<Mutex<Vec<Reply>>>,
    stop: Arc<AtomicBool>,
    clock: Option<JoinHandle<()>>,
}

impl Requests {
    /// Begins a request to `target` every `every`, whatever became of those before; each may take
    /// `limit`.
    ///
    /// # Errors
    /// If the host's thread cannot start one.
    pub fn start(
        host: &Host,
        target: SocketAddr,
        every: Duration,
        limit: Duration,
    ) -> io::Result<Self> {
        let replies = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (into, stopped) = (Arc::clone(&replies), Arc::clone(&stop));
        let clock = host.run(move || {
            thread::Builder::new()
                .name("requests".into())
                .spawn(move || {
                    let mut next = Instant::now();
                    let mut under_way: Vec<JoinHandle<Reply>> = Vec::new();
                    while !stopped.load(Ordering::Relaxed) {
                        thread::sleep(next.saturating_duration_since(Instant::now()));
                        next += every;
                        let (ended, others): (Vec<_>, Vec<_>) =
                            under_way.into_iter().partition(JoinHandle::is_finished);
                        under_way = others;
                        locked(&into).extend(ended.into_iter().map(reply_of));
                        under_way.push(thread::spawn(move || request(target, limit)));
                    }
                    let rest: Vec<_> = under_way.into_iter().map(reply_of).collect();
                    locked(&into).extend(rest);
                })
        })?;
        Ok(Self {
            replies,
            stop,
            clock: Some(clock),
        })
    }

    /// What has ended so far, in the order in which the requests began.
    #[must_use]
    pub fn replies(&self) -> Vec<Reply> {
        let mut replies = locked(&self.replies).clone();
        replies.sort_by_key(|reply| reply.begun);
        replies
    }

    /// The account of the requests begun at `since` or later.
    #[must_use]
    pub fn since(&self, since: Instant) -> Account {
        let replies: Vec<_> = self
            .replies()
            .into_iter()
            .filter(|reply| reply.begun >= since)
            .collect();
        Account::of(&replies)
    }

    /// Stops, waits for the requests under way and returns them all.
    #[must_use]
    pub fn finish(mut self) -> Vec<Reply> {
        self.end();
        self.replies()
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(Err(_)) = self.clock.take().map(JoinHandle::join) {
            locked(&self.replies).push(Reply::none());
        }
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        self.end();
    }
}

fn locked(replies: &Mutex<Vec<Reply>>) -> MutexGuard<'_, Vec<Reply>> {
    replies.lock().unwrap_or_else(PoisonError::into_inner)
}

fn reply_of(thread: JoinHandle<Reply>) -> Reply {
    thread.join().unwrap_or_else(|_| Reply::none())
}

fn request(target: SocketAddr, limit: Duration) -> Reply {
    let begun = Instant::now();
    let outcome = match fetch(target, begun + limit) {
        Ok(name) => Outcome::Served(name),
        Err(error) => match error.kind() {
            ErrorKind::ConnectionRefused => Outcome::Refused,
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Outcome::Reset,
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Outcome::TimedOut,
            _ => Outcome::Failed(error.to_string()),
        },
    };
    Reply {
        begun,
        ended: Instant::now(),
        outcome,
    }
}

/// One request on one connection; the reply's body.
fn fetch(target: SocketAddr, deadline: Instant) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&target, left(deadline)?)?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    let mut reply = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        stream.set_read_timeout(Some(left(deadline)?))?;
        match stream.read(&mut buffer)? {
            0 => break,
            length => reply.extend_from_slice(buffer.get(..length).unwrap_or_default()),
        }
    }
    body(&reply).ok_or_else(|| io::Error::other("not a reply"))
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        Err(ErrorKind::TimedOut.into())
    } else {
        Ok(left)
    }
}

/// The body of a good reply.
pub(super) fn body(reply: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(reply).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200 ").then(|| body.to_owned())
}

/// Requests added up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Requests that have ended.
    pub sent: usize,
    /// Those without a reply.
    pub lost: usize,
    /// The lost ones by how they ended.
    pub lost_by: BTreeMap<String, usize>,
    /// Replies by the server that gave them.
    pub served: BTreeMap<String, usize>,
    /// Longest time from one reply to the next, from the first request's beginning on and up to the last
    /// one's: afterwards nobody asks, and requests that wait for a server that went say nothing.
    pub longest_gap: Duration,
}

impl Account {
    /// Adds up requests.
    #[must_use]
    pub fn of(replies: &[Reply]) -> Self {
        let mut account = Self {
            sent: replies.len(),
            ..Self::default()
        };
        let mut good = Vec::new();
        for reply in replies {
            if let Outcome::Served(name) = &reply.outcome {
                *account.served.entry(name.clone()).or_default() += 1;
                good.push(reply.ended);
            } else {
                account.lost += 1;
                *account
                    .lost_by
                    .entry(reply.outcome.to_string())
                    .or_default() += 1;
            }
        }
        good.extend(replies.iter().map(|reply| reply.begun).min());
        let last_begun = replies.iter().map(|reply| reply.begun).max();
        let all_before = |begun: &Instant| good.iter().all(|ended| ended < begun);
        good.extend(last_begun.filter(all_before));
        good.sort_unstable();
        let gaps = good
            .iter()
            .zip(good.iter().skip(1))
            .map(|(one, next)| *next - *one);
        account.longest_gap = gaps.max().unwrap_or_default();
        account
    }

    /// Whether there were this many requests and each was answered; in words if not. Without the number a
    /// client that never asked would prove everything.
    ///
    /// # Errors
    /// Too few requests, or some were lost.
    pub fn all_served(&self, at_least: usize) -> Result<(), String> {
        if self.sent < at_least {
            return Err(format!("only {} requests, {at_least} wanted", self.sent));
        }
        if self.lost == 0 {
            return Ok(());
        }
        let ways = self.lost_by.iter();
        let ways: Vec<_> = ways.map(|(how, count)| format!("{count} {how}")).collect();
        Err(format!(
            "requests lost: {} of {}",
            ways.join(", "),
            self.sent
        ))
    }

    /// A server's part of the replies, percent.
    #[must_use]
    pub fn share(&self, server: &str) -> f64 {
        let all: usize = self.served.values().sum();
        let own = self.served.get(server).copied().unwrap_or(0);
        let float = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        if all == 0 {
            0.0
        } else {
            100.0 * float(own) / float(all)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(start: Instant, begun: u64, ended: u64, outcome: Outcome) -> Reply {
        let at = |ms| start + Duration::from_millis(ms);
        Reply {
            begun: at(begun),
            ended: at(ended),
            outcome,
        }
    }

    #[test]
    fn the_longest_gap_is_between_two_replies() {
        let start = Instant::now();
        let served = |name: &str| Outcome::Served(name.into());
        let account = Account::of(&[
            reply(start, 0, 10, served("rs1")),
            reply(start, 50, 900, Outcome::TimedOut),
            reply(start, 100, 400, served("rs2")),
            reply(start, 450, 460, served("rs1")),
        ]);
        assert_eq!((account.sent, account.lost), (4, 1));
        assert_eq!(account.longest_gap, Duration::from_millis(390));
        assert!((account.share("rs1") - 66.6).abs() < 0.1);
    }

    #[test]
    fn requests_that_were_never_made_prove_nothing() {
        let start = Instant::now();
        let served = || reply(start, 0, 10, Outcome::Served("rs1".into()));
        let account = Account::of(&[served(), served()]);
        assert_eq!(account.all_served(2), Ok(()));
        let few = account.all_served(3).unwrap_err();
        assert_eq!(few, "only 2 requests, 3 wanted");
        let lost = Account::of(&[served(), reply(start, 5, 9, Outcome::Reset)]);
        assert_eq!(
            lost.all_served(1).unwrap_err(),
            "requests lost: 1 reset of 2"
        );
    }

    #[test]
    fn a_client_that_panics_has_lost_its_request() {
        let broken = thread::spawn(|| -> Reply { panic!("a broken client") });
        let account = Account::of(&[reply_of(broken)]);
        assert_eq!(account.lost_by.get("the client panicked"), Some(&1));
    }

    #[test]
    fn silence_to_the_end_is_a_gap_and_the_wait_of_the_last_requests_is_not() {
        let start = Instant::now();
        let account = Account::of(&[
            reply(start, 0, 10, Outcome::Served("rs1".into())),
            reply(start, 50, 3050, Outcome::TimedOut),
            reply(start, 700, 3700, Outcome::TimedOut),
        ]);
        assert_eq!(account.longest_gap, Duration::from_millis(690));
        assert_eq!(account.lost, 2);
    }
}
