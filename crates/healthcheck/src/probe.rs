//! One check of a server over the network, as a machine.
//!
//! The shell asks [`want`](Probe::want), does that one thing without blocking, and says how it
//! went. Whatever the server does, the check ends at [`deadline`](Probe::deadline), which moves
//! once only: one interval to connect, one for everything else.

use std::rc::Rc;
use std::time::Duration;

use lvs_model::Mono;

use crate::expect::Answer;
use crate::{Expect, Failure, OsError, Progress};

/// Transport of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A connection. With nothing to send and nothing to expect it only has to come about.
    Tcp,
    /// Datagrams; one answer is judged alone.
    Udp,
    /// An association with one stream, used as a TCP connection is.
    Sctp,
}

/// What one check does, over and over.
#[derive(Clone, Debug)]
pub struct NetworkCheck {
    /// Over what.
    pub transport: Transport,
    /// Sent first, as one datagram for UDP.
    pub send: Option<Box<[u8]>>,
    /// What must come back. Without it no answer is read, and UDP fails only if the port is unreachable.
    pub expect: Option<Expect>,
    /// Limit for the connection, and again for the rest.
    pub interval: Duration,
}

/// What the shell shall do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want<'a> {
    /// Open a socket and connect it; then [`Probe::connected`].
    Connect,
    /// Wait until the socket takes it, send as much as goes; then [`Probe::sent`].
    Send(&'a [u8]),
    /// Wait for input, read at most this many bytes; then [`Probe::received`].
    Receive(usize),
    /// Close the socket and take the [`outcome`](Probe::outcome).
    Close,
}

/// How a check ended.
pub type Outcome = Result<(), Failure>;

/// One check on its way.
#[derive(Clone, Debug)]
pub struct Probe {
    check: Rc<NetworkCheck>,
    state: State,
    deadline: Mono,
    answer: Answer,
}

#[derive(Clone, Debug)]
enum State {
    Connecting,
    /// Bytes already sent.
    Sending(usize),
    Receiving,
    Done(Outcome),
}

impl Probe {
    /// Starts a check at `now`.
    #[must_use]
    pub fn new(check: Rc<NetworkCheck>, now: Mono) -> Self {
        let deadline = now + check.interval;
        Self {
            check,
            state: State::Connecting,
            deadline,
            answer: Answer::default(),
        }
    }

    /// What to do next.
    #[must_use]
    pub fn want(&self) -> Want<'_> {
        match self.state {
            State::Connecting => Want::Connect,
            State::Sending(sent) => Want::Send(self.to_send().get(sent..).unwrap_or_default()),
            State::Receiving => Want::Receive(self.room()),
            State::Done(_) => Want::Close,
        }
    }

    /// When to call [`expire`](Self::expire).
    #[must_use]
    pub fn deadline(&self) -> Mono {
        self.deadline
    }

    /// How the check ended, once it has.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.state {
            State::Done(outcome) => Some(outcome),
            State::Connecting | State::Sending(_) | State::Receiving => None,
        }
    }

    /// The socket is connected.
    pub fn connected(&mut self, now: Mono) {
        if !matches!(self.state, State::Connecting) {
            return;
        }
        // Not from the deadline: after a pause of the director the server has its full time.
        self.deadline = now + self.check.interval;
        let udp_needs_a_datagram =
            self.check.transport == Transport::Udp && self.check.expect.is_none();
        if self.check.send.is_some() || udp_needs_a_datagram {
            self.state = State::Sending(0);
            if self.check.transport != Transport::Udp {
                self.sent(0);
            }
        } else {
            self.await_answer();
        }
    }

    /// The socket took the first `bytes` of what [`Want::Send`] offered.
    pub fn sent(&mut self, bytes: usize) {
        if let State::Sending(before) = self.state {
            let sent = before.saturating_add(bytes);
            if sent >= self.to_send().len() {
                self.await_answer();
            } else {
                self.state = State::Sending(sent);
            }
        }
    }

    /// Something came. Zero bytes are the end of a TCP stream, and an empty datagram of UDP.
    pub fn received(&mut self, bytes: &[u8]) {
        if !matches!(self.state, State::Receiving) {
            return;
        }
        let Some(expect) = &self.check.expect else {
            self.done(Ok(()));
            return;
        };
        let ended = bytes.is_empty() || self.check.transport == Transport::Udp;
        match self.answer.take(expect, bytes, ended) {
            Progress::Match => self.done(Ok(())),
            Progress::More => {}
            Progress::Short { needed } => {
                let got = self.answer.bytes().len();
                self.done(Err(Failure::Short { got, needed }));
            }
            Progress::Other => {
                let answer = std::mem::take(&mut self.answer);
                self.done(Err(Failure::Other(answer.into_bytes())));
            }
            Progress::NotWithin => {
                let answer = std::mem::take(&mut self.answer);
                self.done(Err(Failure::NotWithin(answer.into_bytes())));
            }
        }
    }

    /// What the shell was asked to do failed.
    pub fn failed(&mut self, error: OsError) {
        let failure = match self.state {
            State::Connecting => Failure::Connect(error),
            State::Sending(_) => Failure::Write(error),
            State::Receiving => Failure::Read(error),
            State::Done(_) => return,
        };
        self.done(Err(failure));
    }

    /// The shell lacks the means to do it: descriptors, memory.
    pub fn not_made(&mut self, error: OsError) {
        if self.outcome().is_none() {
            self.done(Err(Failure::NotMade(error)));
        }
    }

    /// Time has passed; ends the check if it is past its deadline.
    pub fn expire(&mut self, now: Mono) {
        if now < self.deadline {
            return;
        }
        let outcome = match self.state {
            State::Connecting => Err(Failure::ConnectTimeout),
            State::Sending(_) => Err(Failure::WriteTimeout),
            State::Receiving if self.check.expect.is_none() => Ok(()),
            State::Receiving => {
                let answer = std::mem::take(&mut self.answer);
                Err(Failure::ReadTimeout(answer.into_bytes()))
            }
            State::Done(_) => return,
        };
        self.done(outcome);
    }

    fn to_send(&self) -> &[u8] {
        self.check.send.as_deref().unwrap_or_default()
    }

    /// How many bytes the answer may still grow; a TCP read of 0 bytes would look like its end.
    fn room(&self) -> usize {
        let longest = self.check.expect.as_ref().map_or(1, Expect::longest);
        longest.saturating_sub(self.answer.bytes().len()).max(1)
    }

    fn await_answer(&mut self) {
        let reads = self.check.expect.is_some() || self.check.transport == Transport::Udp;
        if reads {
            self.state = State::Receiving;
        } else {
            self.done(Ok(()));
        }
    }

    fn done(&mut self, outcome: Outcome) {
        self.state = State::Done(outcome);
        self.answer = Answer::default();
    }
}
