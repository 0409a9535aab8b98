//! The life of a real server: the transition table as data, scenarios, properties.

use std::time::Duration;

use control::{Order, Phase, Place, Report, Standing};
use lvs_model::{Mono, Weight};

use crate::*;

fn weight(number: u32) -> Weight {
    Weight::new(number).unwrap()
}

fn within(number: u32) -> Place {
    Place::In(weight(number))
}

fn settings() -> Settings {
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
struct World {
    monitor: Monitor,
    now: Mono,
    table: Place,
    writes: Vec<Place>,
    lines: Vec<String>,
    reports: Vec<(Mono, Report)>,
    is_checking: bool,
    load_asked: bool,
    exit: Option<u8>,
    refuse_writes: bool,
}

impl World {
    fn waiting(settings: Settings) -> Self {
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

    fn new(settings: Settings) -> Self {
        let mut world = Self::waiting(settings);
        world.feed(Input::Order(Order::Adopt(Standing::default())));
        world
    }

    fn adopted(settings: Settings, standing: Standing) -> Self {
        let mut world = Self::waiting(settings);
        world.table = standing.place;
        world.feed(Input::Order(Order::Adopt(standing)));
        world
    }

    fn feed(&mut self, input: Input) {
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
    fn next_check(&mut self) {
        while !self.is_checking {
            let due = self.monitor.next_deadline().expect("a forced state");
            self.now = self.now.max(due);
            self.feed(Input::Deadline);
        }
    }

    fn check(&mut self, good: bool) {
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
    fn end_check(&mut self, outcome: Outcome) {
        self.next_check();
        self.is_checking = false;
        self.feed(Input::Checked(outcome));
    }

    fn checks(&mut self, outcomes: &str) {
        for outcome in outcomes.bytes() {
            self.check(outcome == b'+');
        }
    }

    fn phase(&self) -> Phase {
        self.monitor.standing().phase
    }
}

/// What happens in one row of the table.
enum Event {
    Good,
    Failed,
    User1,
    User2,
    Hangup,
}

/// One row: phase, place and count before; event; whether it quiesces; phase and place after.
type Row = (Phase, Place, u32, Event, bool, Phase, Place);

#[test]
fn the_transition_table_holds() {
    use Event::{Failed, Good, Hangup, User1, User2};
    use Phase::{Counting, Down, ForcedDown, ForcedUp, New, Ramp, Up};
    use Place::Out;
    let zero = within(0);
    let rows: [Row; 24] = [
        (New, Out, 0, Good, false, Ramp, within(2)),
        (New, Out, 0, Failed, false, Down, Out),
        (New, Out, 0, Failed, true, Down, Out),
        (New, zero, 0, Good, true, Ramp, within(2)),
        (Down, Out, 0, Good, false, Counting, Out),
        (Down, Out, 0, Failed, false, Down, Out),
        (Down, zero, 0, Good, true, Counting, zero),
        (Counting, Out, 1, Good, false, Ramp, within(2)),
        (Counting, zero, 1, Good, true, Ramp, within(2)),
        (Counting, Out, 1, Failed, false, Down, Out),
        (Counting, zero, 1, Failed, true, Down, zero),
        (Ramp, within(8), 3, Good, false, Ramp, within(8)),
        (Ramp, within(8), 4, Good, false, Ramp, within(16)),
        (Ramp, within(32), 4, Good, false, Up, within(64)),
        (Ramp, within(8), 4, Failed, false, Down, Out),
        (Ramp, within(8), 4, Failed, true, Down, zero),
        (Up, within(64), 5, Good, false, Up, within(64)),
        (Up, within(64), 5, Failed, false, Down, Out),
        (Up, within(64), 5, Failed, true, Down, zero),
        (Up, within(64), 5, User1, false, ForcedDown, Out),
        (Up, within(64), 5, User1, true, ForcedDown, zero),
        (Down, Out, 0, User2, false, ForcedUp, within(64)),
        (Down, Out, 0, Hangup, false, New, Out),
        (Up, within(64), 5, User2, false, ForcedUp, within(64)),
    ];
    for (number, (phase, place, count, event, quiesce, after, place_after)) in
        rows.into_iter().enumerate()
    {
        let standing = Standing {
            phase,
            place,
            count,
        };
        let mut world = World::adopted(
            Settings {
                quiesce,
                ..settings()
            },
            standing,
        );
        assert_eq!(world.monitor.standing().phase, phase, "row {number} before");
        assert!(
            world.writes.is_empty(),
            "row {number}: adopting moves traffic"
        );
        match event {
            Good => world.check(true),
            Failed => world.check(false),
            User1 => world.feed(Input::Signal(Signal::User1)),
            User2 => world.feed(Input::Signal(Signal::User2)),
            Hangup => world.feed(Input::Signal(Signal::Hangup)),
        }
        assert_eq!(
            (world.phase(), world.table),
            (after, place_after),
            "row {number}"
        );
    }
}

#[test]
fn the_first_good_check_is_enough_and_later_ones_count() {
    let mut world = World::new(Settings {
        rise: 3,
        ..settings()
    });
    world.checks("+");
    assert_eq!(world.writes, [within(2)]);
    world.checks("-++-++");
    assert_eq!(world.writes, [within(2), Place::Out]);
    world.checks("+");
    assert_eq!(world.writes, [within(2), Place::Out, within(2)]);
    assert_eq!(
        world.lines,
        [
            "starting LVS client monitor for 192.0.2.90:80 -> 10.0.0.2:8080 (re-entry after 3 good checks)",
            "[ active ] making 10.0.0.2:8080 available",
            "[inactive] shutting down 10.0.0.2:8080 due to connection failure",
            "10.0.0.2:8080 is down: connect: Connection refused",
            "10.0.0.2:8080 is down: connect: Connection refused",
            "[ active ] making 10.0.0.2:8080 available",
        ]
    );
}

#[test]
fn the_first_check_comes_at_once_and_the_pause_begins_when_a_check_has_ended() {
    let interval = settings().interval;
    let mut world = World::new(settings());
    assert!(world.is_checking, "at once");
    for _ in 0..100 {
        // It takes longer than an interval.
        world.now = world.now + interval * 3 / 2;
        let ended = world.now;
        world.check(true);
        world.next_check();
        let pause = world.now - ended;
        assert!(pause <= interval && pause >= interval * 9 / 10, "{pause:?}");
    }
}

#[test]
fn the_weight_doubles_every_20_seconds() {
    // lvsd-nanny F-01: weight 100, interval 2, reentry 6.
    let interval = Duration::from_secs(2);
    let mut world = World::new(Settings {
        interval,
        rise: 3,
        weight: weight(100),
        ..settings()
    });
    world.checks("++++++");
    assert_eq!(world.writes, [within(3)]);
    world.checks("+");
    assert_eq!(world.writes, [within(3), within(6)]);
    assert!(world.now > Mono::new(Duration::from_secs(10)));
    world.checks(&"+".repeat(50));
    let weights = [3, 6, 12, 24, 48, 96, 100].map(within);
    assert_eq!(world.writes, weights);
}

#[test]
fn the_first_step_may_come_with_the_entry() {
    // lvsd-nanny F-29: interval 6, reentry 15.
    let mut world = World::new(Settings {
        interval: Duration::from_secs(6),
        weight: weight(10),
        ..settings()
    });
    world.checks("+");
    assert_eq!(world.writes, [within(1), within(2)]);
}

#[test]
fn a_hangup_ends_a_re_entry_wait() {
    let mut world = World::new(Settings {
        rise: 30,
        ..settings()
    });
    world.checks("+-+");
    assert_eq!(world.phase(), Phase::Counting);
    world.feed(Input::Signal(Signal::Hangup));
    assert!(world.is_checking, "checks at once");
    world.check(true);
    assert_eq!(world.phase(), Phase::Ramp);
}

#[test]
fn forced_down_with_quiesce_is_weight_0_and_ends_with_the_slow_start() {
    let mut world = World::new(Settings {
        quiesce: true,
        ..settings()
    });
    world.checks("+");
    world.feed(Input::Signal(Signal::User1));
    assert_eq!(world.monitor.next_deadline(), None, "no checks");
    world.feed(Input::Signal(Signal::Hangup));
    world.check(true);
    assert_eq!(
        world.writes[world.writes.len() - 2..],
        [within(0), within(2)]
    );
}

#[test]
fn forced_up_before_the_first_success_starts_the_slow_start() {
    let mut world = World::new(settings());
    world.feed(Input::Signal(Signal::User2));
    assert_eq!((world.phase(), world.table), (Phase::ForcedUp, within(64)));
    assert!(!world.is_checking, "the running check is dropped");
    world.feed(Input::Signal(Signal::Hangup));
    world.checks("+++");
    assert_eq!((world.phase(), world.table), (Phase::Ramp, within(4)));
}

#[test]
fn forced_states_are_said_in_the_originals_words_and_end_where_the_weight_is() {
    let mut world = World::new(Settings {
        weight: weight(1),
        ..settings()
    });
    world.checks("+");
    world.lines.clear();
    world.feed(Input::Signal(Signal::User2));
    assert_eq!(world.phase(), Phase::ForcedUp);
    world.feed(Input::Signal(Signal::Hangup));
    assert_eq!(world.phase(), Phase::Up);
    world.feed(Input::Signal(Signal::User1));
    assert_eq!(world.phase(), Phase::ForcedDown);
    let words = [
        "rose-colored glasses on",
        "DEBUG -- removing glasses",
        "opaque glasses on",
    ];
    assert_eq!(world.lines, words);
}

#[test]
fn failures_before_down_can_be_more_than_one() {
    let mut world = World::new(Settings {
        fall: 3,
        ..settings()
    });
    world.checks("+--+--");
    assert_eq!(world.table, within(2));
    world.checks("-");
    assert_eq!(world.table, Place::Out);
}

#[test]
fn a_write_that_fails_is_tried_again_in_the_next_cycle() {
    let mut world = World::new(settings());
    world.refuse_writes = true;
    world.checks("++");
    assert_eq!(world.table, Place::Out);
    world.refuse_writes = false;
    world.checks("+");
    assert_eq!(world.table, within(4));
}

#[test]
fn the_end_takes_the_server_out_by_hand_and_not_under_lvsd() {
    for under_lvsd in [false, true] {
        let mut world = World::new(Settings {
            under_lvsd,
            ..settings()
        });
        world.checks("+");
        world.next_check();
        world.feed(Input::Signal(Signal::Terminate(15)));
        assert!(!world.is_checking);
        assert_eq!(world.exit, Some(0));
        assert_eq!(world.table, Place::Out);
        assert_eq!(world.lines.last().unwrap(), "Terminating due to signal 15");
        assert_eq!(world.writes.is_empty(), under_lvsd);
    }
}

#[test]
fn a_lack_of_descriptors_changes_nothing() {
    let mut world = World::new(settings());
    world.checks("+");
    world.next_check();
    world.is_checking = false;
    let full = OsError {
        number: 24,
        text: "Too many open files",
    };
    world.feed(Input::Checked(Err(Failure::NotMade(full))));
    assert_eq!(world.table, within(2));
    assert_eq!(
        world.lines.last().unwrap(),
        "10.0.0.2:8080 keeps its state: check not made: Too many open files"
    );
}

/// The kernel had no memory for a connection: nothing is known of the server.
#[test]
fn r_a_director_without_memory_takes_no_server_out() {
    let error = |number, text| OsError { number, text };
    let memory = error(12, "Cannot allocate memory");
    let buffers = error(105, "No buffer space available");
    for failure in [
        Failure::NotMade(buffers),
        Failure::Connect(memory),
        Failure::Write(buffers),
        Failure::Read(memory),
    ] {
        let mut world = World::new(settings());
        world.checks("+");
        world.next_check();
        world.feed(Input::Checked(Err(failure.clone())));
        assert_eq!(world.table, within(2), "{failure}");
    }
}

#[test]
fn a_new_target_moves_the_weight_from_the_present_one() {
    // lvsd-nanny F-17: 1 to 7.
    let interval = Duration::from_secs(20);
    let mut world = World::new(Settings {
        interval,
        weight: weight(1),
        ..settings()
    });
    world.checks("+");
    world.feed(Input::Order(Order::Target(weight(7))));
    world.checks("+++");
    assert_eq!(world.writes, [1, 2, 4, 7].map(within));
    world.feed(Input::Order(Order::Target(weight(0))));
    assert_eq!(world.table, within(0));
    world.feed(Input::Order(Order::Target(weight(64))));
    world.checks("++");
    assert_eq!(world.writes[4..], [0, 2, 4, 8].map(within));
}

#[test]
fn an_idle_server_climbs_and_the_load_is_asked_beside_the_checks() {
    let interval = Duration::from_secs(20);
    let set = Settings {
        interval,
        weight: weight(4),
        has_load: true,
        ..settings()
    };
    let mut world = World::new(set);
    world.checks("++++");
    assert_eq!(world.writes, [1, 2, 4].map(within));
    assert!(world.load_asked);
    world.feed(Input::Load(LoadAnswer::Average(0.0)));
    assert_eq!(world.table, within(6));
    world.load_asked = false;
    world.checks("+");
    assert!(world.load_asked, "asked again");
    world.feed(Input::Load(LoadAnswer::Failed));
    world.checks("-");
    world.feed(Input::Load(LoadAnswer::Average(0.0)));
    assert_eq!(world.table, Place::Out, "a late answer moves nothing");
}

#[test]
fn a_load_that_cannot_be_had_is_said_in_the_originals_words_and_asked_for_again() {
    let mut world = World::new(Settings {
        interval: Duration::from_secs(20),
        weight: weight(1),
        has_load: true,
        ..settings()
    });
    world.checks("+");
    assert!(world.load_asked);
    world.load_asked = false;
    world.checks("+");
    assert!(!world.load_asked, "one question at a time");
    world.lines.clear();
    world.feed(Input::Load(LoadAnswer::Failed));
    world.checks("+");
    assert!(world.load_asked);
    world.feed(Input::Load(LoadAnswer::Bad(b"who?\n".as_slice().into())));
    let words = [
        "failed to read remote load",
        "bad load average returned: \"who?\\n\"",
    ];
    assert_eq!(world.lines, words);
    assert_eq!(world.table, within(1));
}

/// As the original, which says nothing of a refused connection, at each.
#[test]
fn what_the_original_said_at_every_failed_check_is_said_at_every_one() {
    let mut world = World::new(settings());
    world.lines.clear();
    for _ in 0..2 {
        world.end_check(Err(Failure::ConnectTimeout));
    }
    let line = "CONNECT to 10.0.0.2:8080 timed out";
    assert_eq!(
        world.lines,
        [line, "10.0.0.2:8080 is down: connect timed out", line]
    );
}

#[test]
fn without_lvsd_a_nanny_of_its_ends_and_moves_nothing() {
    let mut world = World::new(Settings {
        under_lvsd: true,
        ..settings()
    });
    world.checks("+");
    world.next_check();
    world.feed(Input::Orphaned);
    assert_eq!((world.exit, world.is_checking), (Some(0), false));
}

#[test]
fn a_weight_above_the_configured_one_is_kept_only_where_the_load_may_have_led_to_it() {
    let found = |number, has_load| {
        let standing = Standing::found(within(number), weight(4));
        let set = Settings {
            weight: weight(4),
            has_load,
            ..settings()
        };
        World::adopted(set, standing).table
    };
    assert_eq!(found(30, false), within(4));
    assert_eq!(found(30, true), within(30));
    assert_eq!(found(99, true), within(40));
}

#[test]
fn a_server_of_weight_0_that_is_up_is_taken_over_as_up() {
    let standing = Standing::found(within(0), weight(0));
    let set = Settings {
        weight: weight(0),
        ..settings()
    };
    let world = World::adopted(set, standing);
    assert_eq!((world.phase(), world.table), (Phase::Up, within(0)));
    assert!(world.writes.is_empty());
}

#[test]
fn under_lvsd_the_first_check_waits_for_the_order_but_not_for_ever() {
    let mut world = World::waiting(Settings {
        under_lvsd: true,
        ..settings()
    });
    assert!(!world.is_checking);
    assert_eq!(world.reports, [(Mono::ZERO, Report::Alive)]);
    world.next_check();
    assert_eq!(world.now, Mono::new(Duration::from_secs(4)));
}

#[test]
fn a_nanny_is_never_silent_for_longer_than_an_interval() {
    let interval = settings().interval;
    let mut world = World::new(Settings {
        under_lvsd: true,
        ..settings()
    });
    let mut ends_at = world.now + Duration::from_secs(12);
    for _ in 0..200 {
        let due = world.monitor.next_deadline().unwrap();
        if world.is_checking && ends_at <= due {
            world.now = ends_at;
            world.check(true);
        } else {
            world.now = due;
            world.feed(Input::Deadline);
            if !world.is_checking {
                ends_at = world.now + Duration::from_secs(12);
            }
        }
    }
    world.feed(Input::Signal(Signal::User1));
    for _ in 0..5 {
        world.now = world.monitor.next_deadline().unwrap();
        world.feed(Input::Deadline);
    }
    let pairs = world.reports.windows(2);
    for pair in pairs {
        assert!(pair[1].0 - pair[0].0 <= interval, "{pair:?}");
    }
    assert!(world.reports.len() > 100);
}

#[test]
fn lvsd_hears_of_every_change_and_of_nothing_twice() {
    let mut world = World::new(Settings {
        under_lvsd: true,
        ..settings()
    });
    world.checks("+++-++");
    let states: Vec<String> = world
        .reports
        .iter()
        .filter(|(_, report)| matches!(report, Report::State { .. }))
        .map(|(_, report)| report.to_string())
        .collect();
    assert_eq!(
        states,
        [
            "state new out 2 of 2 target 64 ",
            "state ramp 2 3 of 2 target 64 ",
            "state ramp 4 5 of 2 target 64 ",
            "state down out 0 of 2 target 64 connect: Connection refused",
            "state counting out 1 of 2 target 64 connect: Connection refused",
            "state ramp 2 2 of 2 target 64 ",
        ]
    );
    assert!(world.writes.is_empty());
}

#[test]
fn r_a_server_whose_weight_was_0_enters_at_once_when_it_is_given_one() {
    let none = Settings {
        weight: Weight::ZERO,
        ..settings()
    };
    let mut world = World::new(none);
    world.checks("+");
    assert_eq!(world.table, within(0));
    world.feed(Input::Order(Order::Target(weight(64))));
    assert_eq!((world.table, world.phase()), (within(2), Phase::Ramp));
    // The same told to a successor.
    let up = Standing {
        phase: Phase::Up,
        place: within(0),
        count: 2,
    };
    let world = World::adopted(settings(), up);
    assert_eq!((world.table, world.phase()), (within(2), Phase::Ramp));
}

#[test]
fn a_successor_goes_on_from_any_standing() {
    let mut seed = 99;
    let mut below = |bound: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % bound
    };
    for _ in 0..2_000 {
        let set = Settings {
            quiesce: below(2) == 0,
            has_load: below(2) == 0,
            ..settings()
        };
        let mut world = World::new(set.clone());
        for _ in 0..below(40) {
            random_event(&mut world, below(12));
        }
        let standing = world.monitor.standing();
        assert_eq!(world.table, standing.place);
        let successor = World::adopted(set, standing);
        assert!(
            successor.writes.is_empty(),
            "{standing:?}: {:?}",
            successor.writes
        );
        let is_up = successor.phase().is_up();
        assert_eq!(is_up, standing.phase.is_up(), "{standing:?}");
    }
}

fn random_event(world: &mut World, event: u64) {
    let resting = world.monitor.next_deadline().is_none() && !world.is_checking;
    match event {
        0 => world.feed(Input::Signal(Signal::User1)),
        1 => world.feed(Input::Signal(Signal::User2)),
        2 => world.feed(Input::Order(Order::Check)),
        3 => world.feed(Input::Load(LoadAnswer::Average(0.2))),
        _ if resting => world.feed(Input::Signal(Signal::Hangup)),
        4 | 5 => world.check(false),
        _ => world.check(true),
    }
    let standing = world.monitor.standing();
    let in_table = matches!(standing.place, Place::In(weight) if weight > Weight::ZERO);
    assert_eq!(standing.phase.is_up(), in_table, "{standing:?}");
}
