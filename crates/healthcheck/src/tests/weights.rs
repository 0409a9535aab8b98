//! Weights: slow start, load, another target.

use std::time::Duration;

use control::{Order, Phase, Place, Standing};
use lvs_model::{Mono, Weight};

use super::world::*;
use crate::*;

#[test]
fn the_weight_doubles_every_20_seconds() {
    // Weight 100, interval 2, reentry 6.
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
    // Interval 6, reentry 15.
    let mut world = World::new(Settings {
        interval: Duration::from_secs(6),
        weight: weight(10),
        ..settings()
    });
    world.checks("+");
    assert_eq!(world.writes, [within(1), within(2)]);
}

#[test]
fn a_new_target_moves_the_weight_from_the_present_one() {
    // From 1 to 7.
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

#[test]
fn a_weight_above_the_configured_one_is_kept_only_where_the_load_may_have_led_to_it() {
    let found = |number, has_load, scale| {
        let standing = Standing::found(within(number), weight(4));
        let set = Settings {
            weight: weight(4),
            has_load,
            scale,
            ..settings()
        };
        World::adopted(set, standing).table
    };
    assert_eq!(found(30, false, 10), within(4));
    assert_eq!(found(30, true, 10), within(30));
    assert_eq!(found(99, true, 10), within(40));
    assert_eq!(found(99, true, 0), within(4));
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
fn r_a_target_given_while_forced_up_is_what_the_load_moves_from() {
    let mut world = World::new(Settings {
        interval: Duration::from_secs(20),
        has_load: true,
        ..settings()
    });
    world.checks("++++++");
    assert_eq!(world.table, within(64));
    world.feed(Input::Signal(Signal::User2));
    world.feed(Input::Order(Order::Target(weight(10))));
    world.feed(Input::Signal(Signal::Hangup));
    world.checks("+");
    assert_eq!(world.table, within(10));
    world.feed(Input::Load(LoadAnswer::Average(0.0)));
    assert_eq!(world.table, within(15));
}
