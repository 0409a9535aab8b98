//! The watch over a service that the partner runs (`--fos`): its end is the message to fos.

use lvs_model::Mono;

use crate::event::{Action, Input, Jitter, Signal};
use crate::probe::Outcome;
use crate::{Failure, Notice, Subject};

/// The machine: checks until the service is lost.
#[derive(Clone, Debug)]
pub struct Failover {
    subject: Subject,
    interval: std::time::Duration,
    jitter: Jitter,
    /// When the next check begins; `None` while one runs and in a forced state.
    due: Option<Mono>,
    is_checking: bool,
    checks: u64,
    was_good: bool,
    first_failed: bool,
}

impl Failover {
    /// A watch whose first check begins at once.
    pub fn start(
        subject: Subject,
        interval: std::time::Duration,
        seed: u64,
        now: Mono,
        out: &mut Vec<Action>,
    ) -> Self {
        let started = Notice::FailoverStarted(subject.clone());
        out.push(Action::Notice(started));
        Self {
            subject,
            interval,
            jitter: Jitter::new(seed),
            due: Some(now),
            is_checking: false,
            checks: 0,
            was_good: false,
            first_failed: false,
        }
    }

    /// When to come back with [`Input::Deadline`].
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        self.due
    }

    /// Takes one input; `out` gets what the shell has to do.
    pub fn handle(&mut self, now: Mono, input: Input, out: &mut Vec<Action>) {
        match input {
            Input::Deadline => {
                if self.due.is_some_and(|due| now >= due) {
                    self.check(out);
                }
            }
            Input::Checked(outcome) if self.is_checking => self.on_checked(now, outcome, out),
            Input::Signal(signal) => self.on_signal(signal, out),
            Input::Orphaned => self.exit(0, out),
            Input::Checked(_) | Input::Load(_) | Input::Order(_) | Input::NotWritten(_) => {}
        }
    }

    fn check(&mut self, out: &mut Vec<Action>) {
        if !self.is_checking {
            self.is_checking = true;
            self.due = None;
            out.push(Action::Check);
        }
    }

    fn on_checked(&mut self, now: Mono, outcome: Outcome, out: &mut Vec<Action>) {
        self.is_checking = false;
        self.due = Some(now + self.jitter.pause(self.interval));
        match outcome {
            Ok(()) => {
                if !self.was_good {
                    let available = Notice::RemoteAvailable(self.subject.clone());
                    out.push(Action::Notice(available));
                }
                self.was_good = true;
                self.checks = self.checks.saturating_add(1);
            }
            Err(failure) if failure.says_nothing() => {
                out.push(Action::Notice(Notice::NotMade(self.subject.real, failure)));
            }
            Err(failure) => self.on_failed(failure, out),
        }
    }

    fn on_failed(&mut self, failure: Failure, out: &mut Vec<Action>) {
        let real = self.subject.real;
        out.extend(
            failure
                .lines(real)
                .into_iter()
                .map(Notice::Line)
                .map(Action::Notice),
        );
        out.push(Action::Notice(Notice::Reason(real, failure)));
        let is_first = self.checks == 0;
        self.checks = self.checks.saturating_add(1);
        if is_first {
            self.first_failed = true;
            out.push(Action::Notice(Notice::NoService));
        } else if self.first_failed {
            out.push(Action::Notice(Notice::FailoverTimeout));
            // fos may have to wait for a service that has just been started; not for one that was there.
            self.exit(u8::from(!self.was_good), out);
        } else {
            let lost = Notice::FailoverLost(self.subject.clone());
            out.push(Action::Notice(lost));
            self.exit(0, out);
        }
    }

    fn on_signal(&mut self, signal: Signal, out: &mut Vec<Action>) {
        match signal {
            Signal::Hangup => {
                out.push(Action::Notice(Notice::Normal));
                self.check(out);
            }
            Signal::User1 => self.rest(Notice::ForcedDown, out),
            Signal::User2 => self.rest(Notice::ForcedUp, out),
            Signal::Terminate(number) => {
                out.push(Action::Notice(Notice::Terminating(number)));
                self.exit(0, out);
            }
        }
    }

    /// No checks until SIGHUP.
    fn rest(&mut self, notice: Notice, out: &mut Vec<Action>) {
        out.push(Action::Notice(notice));
        self.abandon_check(out);
        self.due = None;
    }

    fn exit(&mut self, status: u8, out: &mut Vec<Action>) {
        self.abandon_check(out);
        self.due = None;
        out.push(Action::Exit(status));
    }

    fn abandon_check(&mut self, out: &mut Vec<Action>) {
        if self.is_checking {
            self.is_checking = false;
            out.push(Action::AbandonCheck);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn start(out: &mut Vec<Action>) -> Failover {
        let subject = Subject {
            vip: "192.0.2.90".into(),
            vport: 21,
            real: "192.0.2.1:21".parse().unwrap(),
        };
        Failover::start(subject, Duration::from_secs(2), 7, Mono::ZERO, out)
    }

    /// What it does about `input`, without its lines.
    fn does(watch: &mut Failover, input: Input) -> Vec<Action> {
        let mut out = Vec::new();
        watch.handle(Mono::ZERO, input, &mut out);
        out.retain(|action| !matches!(action, Action::Notice(_)));
        out
    }

    #[test]
    fn one_check_runs_at_a_time_and_its_end_ends_it() {
        for last in [Input::Orphaned, Input::Signal(Signal::Terminate(15))] {
            let mut watch = start(&mut Vec::new());
            assert_eq!(does(&mut watch, Input::Deadline), [Action::Check]);
            assert_eq!(watch.next_deadline(), None);
            assert_eq!(does(&mut watch, Input::Signal(Signal::Hangup)), []);
            let end = [Action::AbandonCheck, Action::Exit(0)];
            assert_eq!(does(&mut watch, last), end);
            assert_eq!(watch.next_deadline(), None);
        }
    }

    #[test]
    fn a_forced_state_drops_the_check_and_lasts_until_sighup() {
        for signal in [Signal::User1, Signal::User2] {
            let mut watch = start(&mut Vec::new());
            does(&mut watch, Input::Deadline);
            let signal = Input::Signal(signal);
            assert_eq!(does(&mut watch, signal), [Action::AbandonCheck]);
            assert_eq!(watch.next_deadline(), None);
            let hangup = Input::Signal(Signal::Hangup);
            assert_eq!(does(&mut watch, hangup), [Action::Check]);
        }
    }

    #[test]
    fn what_the_director_lacks_is_no_loss() {
        let mut watch = start(&mut Vec::new());
        let full = crate::OsError {
            number: 24,
            text: "Too many open files",
        };
        for outcome in [Ok(()), Err(Failure::NotMade(full))] {
            does(&mut watch, Input::Signal(Signal::Hangup));
            assert_eq!(does(&mut watch, Input::Checked(outcome)), []);
            assert!(watch.next_deadline().is_some());
        }
    }

    /// The lines and the status after these checks.
    fn run(checks: &[bool]) -> (Vec<String>, Option<u8>) {
        let mut out = Vec::new();
        let mut watch = start(&mut out);
        for &good in checks {
            let now = watch.next_deadline().unwrap();
            watch.handle(now, Input::Deadline, &mut out);
            let outcome = if good {
                Ok(())
            } else {
                Err(Failure::ConnectTimeout)
            };
            watch.handle(now, Input::Checked(outcome), &mut out);
        }
        let mut status = None;
        let mut lines = Vec::new();
        for action in out {
            match action {
                Action::Notice(Notice::Line(_) | Notice::Reason(..)) => {}
                Action::Notice(notice) => lines.push(notice.to_string()),
                Action::Exit(code) => status = Some(code),
                _ => {}
            }
        }
        lines.remove(0);
        (lines, status)
    }

    #[test]
    fn the_end_is_the_message() {
        const AVAILABLE: &str = "Remote service 192.0.2.90:21 is available";
        const NONE: &str = "No service active & available...";
        const TIMEOUT: &str = "Timeout waiting for remote service -- triggering failover!";
        const LOST: &str = "Exiting due to connection failure of 192.0.2.90:21";
        let rows: [(&[bool], &[&str], Option<u8>); 5] = [
            (&[true, true], &[AVAILABLE], None),
            (&[true, true, false], &[AVAILABLE, LOST], Some(0)),
            (&[false], &[NONE], None),
            (&[false, false], &[NONE, TIMEOUT], Some(1)),
            (&[false, true, false], &[NONE, AVAILABLE, TIMEOUT], Some(0)),
        ];
        for (checks, lines, status) in rows {
            let (seen, end) = run(checks);
            assert_eq!(
                (seen.as_slice(), end),
                (lines.map_to_strings().as_slice(), status)
            );
        }
    }

    trait Strings {
        fn map_to_strings(&self) -> Vec<String>;
    }

    impl Strings for &[&str] {
        fn map_to_strings(&self) -> Vec<String> {
            self.iter().map(ToString::to_string).collect()
        }
    }
}
