//! One that is connected: its line is read, then its answer written.

use std::io::{ErrorKind, Read, Write};
use std::mem;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use lvs_model::Mono;
use nix::poll::{PollFd, PollFlags};

use super::asked::{Asked, ClientId, Question};

/// Longest line that is asked, with its end.
pub(super) const LONGEST: usize = 4096;

#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: u64,
    pub(super) stream: UnixStream,
    pub(super) uid: u32,
    pub(super) pid: i32,
    pub(super) state: State,
}

#[derive(Debug)]
pub(super) enum State {
    /// Writes its line.
    Asking {
        line: Vec<u8>,
        silent_until: Mono,
        until: Mono,
    },
    /// Its answer is being made.
    Waiting,
    /// Reads.
    Reading {
        text: Vec<u8>,
        sent: usize,
        until: Mono,
    },
    Done,
}

impl Client {
    /// Whom nothing is wanted from is not waited for: its hanging up would wake the loop for ever.
    pub(super) fn poll_fd(&self) -> Option<PollFd<'_>> {
        let what = match self.state {
            State::Asking { .. } => PollFlags::POLLIN,
            State::Reading { .. } => PollFlags::POLLOUT,
            State::Waiting | State::Done => return None,
        };
        Some(PollFd::new(self.stream.as_fd(), what))
    }

    pub(super) fn deadline(&self) -> Option<Mono> {
        match &self.state {
            State::Asking {
                line, silent_until, ..
            } if line.is_empty() => Some(*silent_until),
            State::Asking { until, .. } | State::Reading { until, .. } => Some(*until),
            State::Waiting | State::Done => None,
        }
    }

    /// When its time is over; none for one that waits for us.
    pub(super) const fn patience(&self) -> Option<Mono> {
        match self.state {
            State::Asking { until, .. } | State::Reading { until, .. } => Some(until),
            State::Waiting | State::Done => None,
        }
    }

    pub(super) const fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Reads or writes what there is; what it has asked, once.
    pub(super) fn go_on(&mut self, now: Mono) -> Option<Asked> {
        let (state, question) = match mem::replace(&mut self.state, State::Done) {
            State::Asking {
                line,
                silent_until,
                until,
            } => self.read(now, line, silent_until, until),
            State::Reading { text, sent, until } => (self.write(now, text, sent, until), None),
            other => (other, None),
        };
        self.state = state;
        Some(Asked {
            client: ClientId(self.id),
            uid: self.uid,
            pid: self.pid,
            question: question?,
        })
    }

    fn read(
        &mut self,
        now: Mono,
        mut line: Vec<u8>,
        silent_until: Mono,
        until: Mono,
    ) -> (State, Option<Question>) {
        let asks = |question| (State::Waiting, Some(question));
        let mut bytes = [0; LONGEST];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) if line.is_empty() => return asks(Question::Silence),
                Ok(0) => return asks(Question::Line(line)),
                Ok(count) => line.extend(bytes.iter().take(count)),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return (State::Done, None),
            }
            let end = line.iter().position(|byte| *byte == b'\n');
            if end.unwrap_or(line.len()) >= LONGEST {
                return asks(Question::TooLong);
            }
            if let Some(end) = end {
                line.truncate(end);
                return asks(Question::Line(line));
            }
        }
        if line.is_empty() && silent_until <= now {
            return asks(Question::Silence);
        }
        if until <= now {
            return (State::Done, None);
        }
        let state = State::Asking {
            line,
            silent_until,
            until,
        };
        (state, None)
    }

    fn write(&mut self, now: Mono, text: Vec<u8>, mut sent: usize, until: Mono) -> State {
        if until <= now {
            return State::Done;
        }
        while let Some(rest @ [_, ..]) = text.get(sent..) {
            match self.stream.write(rest) {
                Ok(written) => sent += written,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return State::Reading { text, sent, until };
                }
                Err(_) => return State::Done,
            }
        }
        State::Done
    }
}
