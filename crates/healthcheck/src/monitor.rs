//! The life of a real server: in or out of the table, with which weight (`--lvs`).
//!
//! ```text
//!            good                      failed
//!   NEW ───────────────▶ RAMP ─▶ UP ───────────▶ DOWN ─good─▶ COUNTING ─good × needed─▶ RAMP
//!    └──failed─▶ DOWN      weight steps            ◀──failed──────┘
//!   any ─SIGUSR1─▶ FORCED DOWN, any ─SIGUSR2─▶ FORCED UP ─SIGHUP─▶ back, check at once
//! ```
//!
//! nanny(8) describes it; the phases are those of [`control::Phase`].

mod orders;

use std::time::Duration;

use control::{CheckResult, Phase, Place, Reason, Report, Standing};
use lvs_model::{Mono, Weight};

use crate::event::{Action, Input, Jitter, LoadAnswer, Signal, checks_per_step};
use crate::probe::Outcome;
use crate::weight::{first_weight, loaded_weight, next_weight};
use crate::{Failure, Notice, Subject};

/// What a nanny is told at its start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whom it checks.
    pub subject: Subject,
    /// Pause between two checks; not zero.
    pub interval: Duration,
    /// Good checks in a row that bring a server back; the first one after the start is enough.
    pub rise: u32,
    /// Failed checks in a row that take a server out; 0 counts as 1.
    pub fall: u32,
    /// Weight to reach.
    pub weight: Weight,
    /// How many times its weight an idle server may get.
    pub scale: u32,
    /// Whether a failed server stays with weight 0 instead of going out.
    pub quiesce: bool,
    /// Whether there is a load program.
    pub has_load: bool,
    /// Whether it reports to lvsd; else the nanny changes the table itself.
    pub under_lvsd: bool,
    /// Any number; spreads the pauses.
    pub seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Activity {
    /// For the first order, at most until then.
    Awaiting(Mono),
    /// Since then.
    Checking(Mono),
    /// Until then.
    Pausing(Mono),
    /// Forced; only signals count.
    Resting,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Monitor {
    settings: Settings,
    jitter: Jitter,
    activity: Activity,
    standing: Standing,
    /// What the table holds as far as we know.
    written: Place,
    /// Weight that the slow start or the load has led to.
    weight: Weight,
    failures: u32,
    load_asked: bool,
    reason: Reason,
    /// Last word to lvsd.
    spoke: Mono,
    reported: Option<Standing>,
}

impl Monitor {
    /// A nanny that waits for its first order.
    pub fn start(settings: Settings, now: Mono, out: &mut Vec<Action>) -> Self {
        let started = Notice::Started(settings.subject.clone());
        let needed = Notice::Needed(settings.subject.real, settings.rise.max(1));
        out.push(Action::Notice(started));
        out.push(Action::Notice(needed));
        let mut monitor = Self {
            jitter: Jitter::new(settings.seed),
            activity: Activity::Awaiting(now + settings.interval),
            standing: Standing::default(),
            written: Place::Out,
            weight: Weight::ZERO,
            failures: 0,
            load_asked: false,
            reason: Reason::default(),
            spoke: now,
            reported: None,
            settings,
        };
        monitor.report(now, Report::Alive, out);
        monitor
    }

    /// What the nanny knows of its server.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// When to come back with [`Input::Deadline`].
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        let own = match self.activity {
            Activity::Awaiting(until) | Activity::Pausing(until) => Some(until),
            Activity::Checking(_) | Activity::Resting => None,
        };
        let alive = self
            .settings
            .under_lvsd
            .then_some(self.spoke + self.settings.interval);
        own.into_iter().chain(alive).min()
    }

    /// Takes one input; `out` gets what the shell has to do.
    pub fn handle(&mut self, now: Mono, input: Input, out: &mut Vec<Action>) {
        match input {
            Input::Deadline => self.on_deadline(now, out),
            Input::Checked(outcome) => self.on_checked(now, outcome, out),
            Input::Load(answer) => self.on_load(now, answer, out),
            Input::Order(order) => self.on_order(now, order, out),
            Input::Signal(signal) => self.on_signal(now, signal, out),
            Input::NotWritten(place) => self.written = place,
            Input::Orphaned => self.abandon_and_exit(out),
        }
    }

    fn on_deadline(&mut self, now: Mono, out: &mut Vec<Action>) {
        if self.settings.under_lvsd && now >= self.spoke + self.settings.interval {
            self.report(now, Report::Alive, out);
        }
        match self.activity {
            Activity::Awaiting(until) if now >= until => self.adopt(now, Standing::default(), out),
            Activity::Pausing(until) if now >= until => self.check(now, out),
            _ => {}
        }
    }

    fn check(&mut self, now: Mono, out: &mut Vec<Action>) {
        if matches!(self.activity, Activity::Checking(_)) {
            return;
        }
        self.activity = Activity::Checking(now);
        out.push(Action::Check);
    }

    fn on_checked(&mut self, now: Mono, outcome: Outcome, out: &mut Vec<Action>) {
        let Activity::Checking(since) = self.activity else {
            return;
        };
        self.activity = Activity::Pausing(self.jitter.next(now, self.settings.interval));
        let good = outcome.is_ok();
        let result = match &outcome {
            Ok(()) => CheckResult::Good,
            Err(failure) => CheckResult::Failed(Reason::new(&failure.to_string())),
        };
        match outcome {
            Ok(()) => self.good(now, out),
            Err(failure) => self.bad(failure, out),
        }
        let duration = now - since;
        self.report(now, Report::Check { result, duration }, out);
        out.push(Action::Notice(Notice::Checked {
            good,
            up: self.standing.phase.is_up(),
            count: self.standing.count,
        }));
        self.settle(now, out);
    }

    fn good(&mut self, now: Mono, out: &mut Vec<Action>) {
        self.failures = 0;
        self.standing.count = self.standing.count.saturating_add(1);
        if !self.standing.phase.is_up() {
            if self.standing.count < self.settings.rise {
                self.standing.phase = Phase::Counting;
                return;
            }
            out.push(Action::Notice(Notice::Available(self.real())));
            self.reason = Reason::default();
            self.set_weight(first_weight(self.settings.weight));
            self.settle(now, out);
        }
        if self
            .standing
            .count
            .is_multiple_of(checks_per_step(self.settings.interval))
        {
            self.weight_step(out);
        }
    }

    fn weight_step(&mut self, out: &mut Vec<Action>) {
        if self.weight < self.settings.weight {
            self.adjust(next_weight(self.weight, self.settings.weight), out);
        } else if self.settings.has_load && !self.load_asked {
            self.load_asked = true;
            out.push(Action::AskLoad);
        }
    }

    fn bad(&mut self, failure: Failure, out: &mut Vec<Action>) {
        let real = self.real();
        if failure.says_nothing() {
            out.push(Action::Notice(Notice::NotMade(real, failure)));
            return;
        }
        out.extend(
            failure
                .lines(real)
                .into_iter()
                .map(Notice::Line)
                .map(Action::Notice),
        );
        self.failures = self.failures.saturating_add(1);
        let was_up = self.standing.phase.is_up();
        if was_up && self.failures < self.settings.fall {
            return;
        }
        if was_up {
            out.push(Action::Notice(Notice::ShuttingDown(real)));
        }
        self.reason = Reason::new(&failure.to_string());
        if self.standing.phase != Phase::Down {
            out.push(Action::Notice(Notice::Reason(real, failure)));
        }
        self.leave(Phase::Down);
    }

    fn on_load(&mut self, now: Mono, answer: LoadAnswer, out: &mut Vec<Action>) {
        self.load_asked = false;
        let load = match answer {
            LoadAnswer::Average(load) => load,
            LoadAnswer::Bad(output) => {
                out.push(Action::Notice(Notice::BadLoad(output)));
                return;
            }
            LoadAnswer::Failed => {
                out.push(Action::Notice(Notice::LoadUnreadable));
                return;
            }
        };
        out.push(Action::Notice(Notice::Load(self.real(), load)));
        if self.standing.phase != Phase::Up {
            return;
        }
        let last = self.weight;
        let new = loaded_weight(last, self.settings.weight, self.settings.scale, load);
        out.push(Action::Notice(Notice::Computing { new, last, load }));
        self.adjust(new, out);
        self.settle(now, out);
    }

    fn on_signal(&mut self, now: Mono, signal: Signal, out: &mut Vec<Action>) {
        match signal {
            Signal::Hangup => {
                out.push(Action::Notice(Notice::Normal));
                self.back_to_normal();
                self.settle(now, out);
                self.check(now, out);
            }
            Signal::User1 => {
                out.push(Action::Notice(Notice::ForcedDown));
                self.rest(out);
                self.leave(Phase::ForcedDown);
                self.settle(now, out);
            }
            Signal::User2 => {
                out.push(Action::Notice(Notice::ForcedUp));
                self.rest(out);
                if !self.standing.phase.is_up() {
                    self.standing.place = Place::In(self.settings.weight);
                }
                self.standing.phase = Phase::ForcedUp;
                self.settle(now, out);
            }
            Signal::Terminate(number) => {
                out.push(Action::Notice(Notice::Terminating(number)));
                self.abandon_check(out);
                if self.standing.phase.is_up() {
                    self.standing.place = Place::Out;
                    self.write(out);
                }
                out.push(Action::Exit(0));
            }
        }
    }

    fn back_to_normal(&mut self) {
        self.standing.count = self.settings.rise;
        if self.standing.phase == Phase::ForcedUp {
            // Never up before: the slow start needs something to double.
            self.weight = self.weight.max(first_weight(self.settings.weight));
            self.standing.phase = self.phase_by_weight();
        } else if !self.standing.phase.is_up() {
            self.standing.phase = Phase::New;
        }
    }

    fn rest(&mut self, out: &mut Vec<Action>) {
        self.abandon_check(out);
        self.activity = Activity::Resting;
    }

    fn abandon_check(&mut self, out: &mut Vec<Action>) {
        if matches!(self.activity, Activity::Checking(_)) {
            out.push(Action::AbandonCheck);
        }
    }

    fn abandon_and_exit(&mut self, out: &mut Vec<Action>) {
        self.abandon_check(out);
        out.push(Action::Exit(0));
    }

    /// Out of the table; or to weight 0, if it is in and is to be quiesced.
    ///
    /// By hand this is written. Under lvsd it is a report: lvsd decides by all checks of the server, and by
    /// an lvs.cf that may be newer than these settings.
    fn leave(&mut self, phase: Phase) {
        self.standing.count = 0;
        self.standing.phase = phase;
        self.standing.place = match self.standing.place {
            Place::In(_) if self.settings.quiesce => Place::In(Weight::ZERO),
            _ => Place::Out,
        };
    }

    fn adjust(&mut self, weight: Weight, out: &mut Vec<Action>) {
        let notice = Notice::Adjusting(self.real(), weight);
        if self.standing.place != Place::In(weight) {
            out.push(Action::Notice(notice));
        }
        self.set_weight(weight);
    }

    fn set_weight(&mut self, weight: Weight) {
        self.weight = weight;
        self.standing.place = Place::In(weight);
        self.standing.phase = self.phase_by_weight();
    }

    fn phase_by_weight(&self) -> Phase {
        if self.weight < self.settings.weight {
            Phase::Ramp
        } else {
            Phase::Up
        }
    }

    /// Reports to the table and to lvsd what has changed. Also tries again what failed before.
    fn settle(&mut self, now: Mono, out: &mut Vec<Action>) {
        self.write(out);
        let mut news = self.standing;
        if news.phase.is_up() {
            // It only counts on, which needs no report.
            news.count = 0;
        }
        if self.reported != Some(news) {
            self.reported = Some(news);
            let state = Report::State {
                standing: self.standing,
                needed: self.settings.rise,
                target: self.settings.weight,
                reason: self.reason.clone(),
            };
            self.report(now, state, out);
        }
    }

    fn write(&mut self, out: &mut Vec<Action>) {
        let (from, to) = (self.written, self.standing.place);
        if from != to && !self.settings.under_lvsd {
            out.push(Action::Write { from, to });
        }
        self.written = to;
    }

    fn report(&mut self, now: Mono, report: Report, out: &mut Vec<Action>) {
        if self.settings.under_lvsd {
            self.spoke = now;
            out.push(Action::Report(report));
        }
    }

    fn real(&self) -> std::net::SocketAddr {
        self.settings.subject.real
    }
}
