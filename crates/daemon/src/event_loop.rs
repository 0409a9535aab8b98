//! The loop of every daemon: sleep until something happens, say what it was, let it be dealt with.
//!
//! ```text
//!      ┌──> work ──────────> await_on ──────────> sleep ──────────> take(event) ... ──┐
//!      │    nothing is left  descriptors and      one of them, or   what is ready,    │
//!      │    to do            the deadline         the deadline      signals, children │
//!      └──────────────────────────────────────────────────────────────────────────────┘
//!           ends the loop
//! ```
//!
//! Whoever turns in it is an [`EventHandler`]. It owns its machine and its descriptors; the loop owns the
//! signals and reaps the children.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use lvs_model::{ChildExit, Mono};
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::Signal;

use crate::{Clock, Signals, reap, wait};

/// What turns in an [`EventLoop`].
pub trait EventHandler {
    /// Tells its descriptors apart.
    type Source: Copy;
    /// What the loop ends with.
    type End;

    /// Does everything that is to be done now. The loop ends with what this returns, if anything.
    fn work(&mut self) -> Option<Self::End>;

    /// Says what is to be waited for.
    fn await_on<'h>(&'h self, awaited: &mut Awaited<'h, Self::Source>);

    /// Something happened while the loop slept.
    fn take(&mut self, event: Event<Self::Source>);
}

/// What happened while the loop slept.
///
/// A turn tells them in this order. A child that writes and ends while the loop is awake for something else
/// may have its end told first: who minds reads once more when its child has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<S> {
    /// A descriptor has what was waited for, or its other end is gone. In the order of [`Awaited`].
    Ready(S),
    /// A signal came, other than [`Ended`](Self::Ended) tells. With SIGCHLD no child has been reaped yet.
    Signal(Signal),
    /// A child has ended: its pid, and how. It is reaped.
    Ended(i32, ChildExit),
    /// The turn is over: the time for what is due. Also told when nothing else happened.
    Time,
}

/// What a loop waits for.
pub struct Awaited<'h, S> {
    fds: Vec<PollFd<'h>>,
    /// Of each descriptor behind the first, which is the signals'.
    sources: Vec<S>,
    deadline: Option<Mono>,
}

impl<'h, S> Awaited<'h, S> {
    fn new(signals: BorrowedFd<'h>) -> Self {
        Self {
            fds: vec![PollFd::new(signals, PollFlags::POLLIN)],
            sources: Vec::new(),
            deadline: None,
        }
    }

    /// Something to read.
    pub fn reading(&mut self, source: S, fd: BorrowedFd<'h>) {
        self.polling(source, PollFd::new(fd, PollFlags::POLLIN));
    }

    /// Whatever `fd` says.
    pub fn polling(&mut self, source: S, fd: PollFd<'h>) {
        self.fds.push(fd);
        self.sources.push(source);
    }

    /// The loop sleeps until then at most. The earliest counts; `None` is no deadline.
    pub fn until(&mut self, deadline: Option<Mono>) {
        self.deadline = self.deadline.into_iter().chain(deadline).min();
    }
}

/// The loop of a process: its clock and its signals.
pub struct EventLoop {
    clock: Clock,
    signals: Signals,
}

impl EventLoop {
    /// A loop that has not turned yet.
    #[must_use]
    pub const fn new(clock: Clock, signals: Signals) -> Self {
        Self { clock, signals }
    }

    /// Its signals, for who goes on without it.
    pub const fn signals(&mut self) -> &mut Signals {
        &mut self.signals
    }

    /// Turns until `handler` ends it. What follows, the end of a program for one, may have a handler of
    /// its own in the same loop.
    ///
    /// # Errors
    /// Those of [`wait()`]: too many descriptors for the process, no memory.
    pub fn run<H: EventHandler>(&mut self, handler: &mut H) -> io::Result<H::End> {
        loop {
            if let Some(end) = handler.work() {
                return Ok(end);
            }
            self.turn(handler)?;
        }
    }

    fn turn<H: EventHandler>(&mut self, handler: &mut H) -> io::Result<()> {
        let mut awaited = Awaited::new(self.signals.as_fd());
        handler.await_on(&mut awaited);
        let Awaited {
            mut fds,
            sources,
            deadline,
        } = awaited;
        // A sleep that a signal ended says nothing of the descriptors: the next one does.
        let is_ready = wait(&mut fds, &self.clock, deadline)?;
        let found = fds.iter().map(|fd| is_ready && fd.any() == Some(true));
        let found: Vec<bool> = found.collect();
        let has_signals = found.first() == Some(&true);
        let found = found.into_iter().skip(1);
        for (source, _) in sources
            .into_iter()
            .zip(found)
            .filter(|(_, is_ready)| *is_ready)
        {
            handler.take(Event::Ready(source));
        }
        if has_signals {
            self.take_signals(handler);
        }
        handler.take(Event::Time);
        Ok(())
    }

    fn take_signals<H: EventHandler>(&mut self, handler: &mut H) {
        for signal in self.signals.pending() {
            handler.take(Event::Signal(signal));
            if signal == Signal::SIGCHLD {
                while let Some((pid, exit)) = reap() {
                    handler.take(Event::Ended(pid, exit));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use nix::sys::signal::raise;

    use super::*;

    /// Notes what it is told, and ends when it has heard `most` times of the time.
    struct Listener {
        readers: Vec<UnixStream>,
        deadline: Option<Mono>,
        heard: Vec<Event<usize>>,
        most: usize,
    }

    impl EventHandler for Listener {
        type Source = usize;
        type End = Vec<Event<usize>>;

        fn work(&mut self) -> Option<Self::End> {
            let turns = self.heard.iter().filter(|event| **event == Event::Time);
            (turns.count() == self.most).then(|| std::mem::take(&mut self.heard))
        }

        fn await_on<'h>(&'h self, awaited: &mut Awaited<'h, usize>) {
            for (number, reader) in self.readers.iter().enumerate() {
                awaited.reading(number, reader.as_fd());
            }
            awaited.until(self.deadline);
            awaited.until(None);
        }

        fn take(&mut self, event: Event<usize>) {
            self.heard.push(event);
        }
    }

    #[test]
    fn a_turn_tells_descriptors_in_their_order_then_signals_then_the_time() {
        let clock = Clock::start();
        let signals = Signals::new(&[Signal::SIGWINCH]).unwrap();
        let (readers, mut writers): (Vec<_>, Vec<_>) =
            (0..3).map(|_| UnixStream::pair().unwrap()).unzip();
        writers[2].write_all(b"x").unwrap();
        // Gone is ready too.
        drop(writers.remove(0));
        raise(Signal::SIGWINCH).unwrap();
        let mut listener = Listener {
            readers,
            deadline: None,
            heard: Vec::new(),
            most: 1,
        };
        let heard = EventLoop::new(clock, signals).run(&mut listener).unwrap();
        let expected = [
            Event::Ready(0),
            Event::Ready(2),
            Event::Signal(Signal::SIGWINCH),
            Event::Time,
        ];
        assert_eq!(heard, expected);
    }

    #[test]
    fn a_deadline_ends_the_sleep() {
        let clock = Clock::start();
        let signals = Signals::new(&[Signal::SIGURG]).unwrap();
        let deadline = clock.now() + Duration::from_millis(5);
        let mut listener = Listener {
            readers: Vec::new(),
            deadline: Some(deadline),
            heard: Vec::new(),
            most: 1,
        };
        let heard = EventLoop::new(clock, signals).run(&mut listener).unwrap();
        assert_eq!(heard, [Event::Time]);
        assert!(clock.now() >= deadline);
    }
}
