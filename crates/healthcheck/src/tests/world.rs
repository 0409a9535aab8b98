//! A real server's machine on a clock of its own, with the table that it writes to.

use std::time::Duration;

use control::{Order, Phase, Place, Report, Standing};
use lvs_model::{Mono, Severity, Weight};

use crate::*;

pub fn weight(number: u32) -> Weight {
    Weight::new(number).unwrap()
}

pub fn within(number: u32) -> Place {
    Place::In(weight(number))
}

pub fn settings() -> Settings {
    Settings {
        subject: Subject {
            vip: "192.0.2.90".into(),
            vport: 80,
            real: "10.0.0.2:8080".parse().unwrap(),
        },
        interval: Duration::from_secs(4),
        rise: 2,
        fall: 1,
        weight: weight(64),
        scale: 10,
        quiesce: false,
        has_load: false,
        under_lvsd: false,
        seed: 3,
    }
}

/// A machine on a clock of its own, with the table it writes to.
pub struct World {
    pub monitor: Monitor,
    pub now: Mono,
    pub table: Place,
    pub writes: Vec<Place>,
    pub lines: Vec<String>,
    pub reports: Vec<(Mono, Report)>,
    pub is_checking: bool,
    pub load_asked: bool,
    pub exit: Option<u8>,
    pub refuse_writes: bool,
}

impl World {
    pub fn waiting(settings: Settings) -> Self {
        let mut out = Vec::new();
        let monitor = Monitor::start(settings, Mono::ZERO, &mut out);
        let mut world = Self {
            monitor,
            now: Mono::ZERO,
            table: Place::Out,
            writes: Vec::new(),
            lines: Vec::new(),
            reports: Vec::new(),
            is_checking: false,
            load_asked: false,
            exit: None,
            refuse_writes: false,
        };
        world.perform(out);
        world
    }

    pub fn new(settings: Settings) -> Self {
        let mut world = Self::waiting(settings);
        world.feed(Input::Order(Order::Adopt(Standing::default())));
        world
    }

    pub fn adopted(settings: Settings, standing: Standing) -> Self {
        let mut world = Self::waiting(settings);
        world.table = standing.place;
        world.feed(Input::Order(Order::Adopt(standing)));
        world
    }

    pub fn feed(&mut self, input: Input) {
        let mut out = Vec::new();
        self.monitor.handle(self.now, input, &mut out);
        self.perform(out);
    }

    /// Does what the shell does; behind a failed write no other is tried.
    fn perform(&mut self, actions: Vec<Action>) {
        let mut not_written = None;
        for action in actions {
            match action {
                Action::Check => {
                    assert!(!self.is_checking, "two checks at once");
                    self.is_checking = true;
                }
                Action::AbandonCheck => self.is_checking = false,
                Action::AskLoad => self.load_asked = true,
                Action::Write { from, .. } if self.refuse_writes => {
                    not_written.get_or_insert(from);
                }
                Action::Write { from, to } => {
                    assert_eq!(from, self.table, "the machine lost sight of the table");
                    assert_ne!(from, to, "a write that changes nothing");
                    self.table = to;
                    self.writes.push(to);
                }
                Action::Report(report) => self.reports.push((self.now, report)),
                Action::Notice(notice) if notice.severity() != Severity::Debug => {
                    self.lines.push(notice.to_string());
                }
                Action::Notice(_) => {}
                Action::Exit(status) => self.exit = Some(status),
            }
        }
        if let Some(place) = not_written {
            self.feed(Input::NotWritten(place));
        }
    }

    /// Goes on to the next check, without ending it.
    pub fn next_check(&mut self) {
        while !self.is_checking {
            let due = self.monitor.next_deadline().expect("a forced state");
            self.now = self.now.max(due);
            self.feed(Input::Deadline);
        }
    }

    pub fn check(&mut self, good: bool) {
        let refused = OsError {
            number: 111,
            text: "Connection refused",
        };
        self.end_check(if good {
            Ok(())
        } else {
            Err(Failure::Connect(refused))
        });
    }

    /// Goes on to the next check and ends it so.
    pub fn end_check(&mut self, outcome: Outcome) {
        self.next_check();
        self.is_checking = false;
        self.feed(Input::Checked(outcome));
    }

    pub fn checks(&mut self, outcomes: &str) {
        for outcome in outcomes.bytes() {
            self.check(outcome == b'+');
        }
    }

    pub fn phase(&self) -> Phase {
        self.monitor.standing().phase
    }
}
