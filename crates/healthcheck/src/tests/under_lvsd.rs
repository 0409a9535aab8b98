//! What lvsd hears, what it orders, and what a successor goes on from.

use std::time::Duration;

use control::{Order, Phase, Place, Report, Standing};
use lvs_model::{Mono, Random, Weight};
use testkit::seeds;

use super::world::*;
use crate::*;

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
fn another_target_is_reported_though_nothing_moves() {
    let mut world = World::new(Settings {
        under_lvsd: true,
        ..settings()
    });
    world.checks("-");
    world.feed(Input::Order(Order::Target(weight(9))));
    let (_, last) = world.reports.last().unwrap();
    let words = "state down out 0 of 2 target 9 connect: Connection refused";
    assert_eq!(last.to_string(), words);
}

#[test]
fn an_order_to_check_ends_no_forced_state() {
    let mut world = World::new(settings());
    world.checks("+");
    world.feed(Input::Signal(Signal::User1));
    world.feed(Input::Order(Order::Check));
    assert!(!world.is_checking);
    assert_eq!(
        (world.phase(), world.table),
        (Phase::ForcedDown, Place::Out)
    );
}

#[test]
fn only_the_first_order_to_adopt_counts() {
    let mut world = World::new(settings());
    world.checks("+");
    let up = Standing::found(within(64), weight(64));
    world.feed(Input::Order(Order::Adopt(up)));
    assert_eq!(world.monitor.standing().place, within(2));
}

#[test]
fn a_successor_goes_on_from_any_standing() {
    for seed in seeds(2_000) {
        let mut random = Random::new(seed);
        let set = Settings {
            quiesce: random.once_in(2),
            has_load: random.once_in(2),
            ..settings()
        };
        let mut world = World::new(set.clone());
        for _ in 0..random.below(40) {
            random_event(&mut world, random.below(12));
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
