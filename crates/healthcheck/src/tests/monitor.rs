//! The life of a real server: the transition table as data, scenarios.

use control::{Phase, Place, Standing};

use super::world::*;
use crate::*;

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
    let rows: [Row; 25] = [
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
        (Ramp, within(8), 5, User2, false, ForcedUp, within(8)),
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
            "starting LVS client monitor for 192.0.2.90:80 -> 10.0.0.2:8080",
            "10.0.0.2:8080: re-entry after 3 good checks",
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

/// The original logs nothing of a refused connection, at any check.
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
