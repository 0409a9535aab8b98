//! Signals as something to poll.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::{SigSet, Signal};
use signal_hook::low_level;

/// The signals that a daemon handles, noted by a handler and read from the loop.
///
/// A pipe, not a signalfd: a blocked mask would be inherited by every child. Several of one kind
/// that arrive between two looks count as one, as in the kernel.
pub struct Signals {
    wakeup: UnixStream,
    writer: UnixStream,
    noted: Vec<(Signal, Arc<AtomicBool>)>,
}

impl Signals {
    /// Installs handlers for `signals` and lets them through, whatever mask was inherited: an original
    /// lvsd starts its nannies with SIGTERM blocked. They stay for the life of the process.
    ///
    /// # Errors
    /// No descriptors left, or a signal that cannot be handled (SIGKILL, SIGSTOP).
    pub fn new(signals: &[Signal]) -> io::Result<Self> {
        let (wakeup, writer) = UnixStream::pair()?;
        wakeup.set_nonblocking(true)?;
        let mut handled = Self {
            wakeup,
            writer,
            noted: Vec::with_capacity(signals.len()),
        };
        handled.handle(signals)?;
        Ok(handled)
    }

    /// Handles these too, those that it handled before among them: what has come of those is not lost.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn handle(&mut self, signals: &[Signal]) -> io::Result<()> {
        for &signal in signals {
            // signal-hook panics on these.
            if signal_hook::consts::FORBIDDEN.contains(&(signal as i32)) {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            if self.noted.iter().any(|(noted, _)| *noted == signal) {
                continue;
            }
            let flag = Arc::new(AtomicBool::new(false));
            // The flag first: whoever sees the wake-up must find it set.
            signal_hook::flag::register(signal as i32, Arc::clone(&flag))?;
            low_level::pipe::register(signal as i32, self.writer.try_clone()?)?;
            self.noted.push((signal, flag));
        }
        let place = |signal: &Signal| signals.iter().position(|it| it == signal);
        self.noted.sort_by_key(|(signal, _)| place(signal));
        let handled = signals.iter().copied().collect::<SigSet>();
        Ok(handled.thread_unblock()?)
    }

    /// The signals that came since the last call, in the order given last.
    pub fn pending(&mut self) -> Vec<Signal> {
        let mut bytes = [0; 64];
        // Empty (would block) is the usual end; nothing else can be done about another error.
        while matches!(self.wakeup.read(&mut bytes), Ok(count) if count > 0) {}
        let taken = |flag: &AtomicBool| flag.swap(false, Ordering::SeqCst);
        self.noted
            .iter()
            .filter(|(_, flag)| taken(flag))
            .map(|(signal, _)| *signal)
            .collect()
    }
}

impl AsFd for Signals {
    /// Readable when there is something [`pending`](Self::pending).
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wakeup.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use nix::sys::signal::raise;

    use super::*;

    #[test]
    fn a_signal_is_pending_once() {
        let mut signals = Signals::new(&[Signal::SIGHUP, Signal::SIGUSR2]).unwrap();
        assert_eq!(signals.pending(), []);
        raise(Signal::SIGUSR2).unwrap();
        raise(Signal::SIGUSR2).unwrap();
        assert_eq!(signals.pending(), [Signal::SIGUSR2]);
        assert_eq!(signals.pending(), []);
    }

    #[test]
    fn what_came_before_more_are_handled_is_pending_still() {
        let mut signals = Signals::new(&[Signal::SIGWINCH]).unwrap();
        raise(Signal::SIGWINCH).unwrap();
        let both = [Signal::SIGURG, Signal::SIGWINCH];
        signals.handle(&both).unwrap();
        raise(Signal::SIGURG).unwrap();
        assert_eq!(signals.pending(), both);
    }

    #[test]
    fn r_a_signal_that_was_inherited_blocked_is_pending_all_the_same() {
        let blocked = SigSet::from_iter([Signal::SIGUSR1]);
        blocked.thread_block().unwrap();
        let mut signals = Signals::new(&[Signal::SIGUSR1]).unwrap();
        raise(Signal::SIGUSR1).unwrap();
        assert_eq!(signals.pending(), [Signal::SIGUSR1]);
    }

    #[test]
    fn a_signal_that_cannot_be_handled_is_an_error() {
        let refused = Signals::new(&[Signal::SIGKILL]).err().map(|it| it.kind());
        assert_eq!(refused, Some(io::ErrorKind::InvalidInput));
    }
}
