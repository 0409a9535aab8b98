//! Both directors are of one role: one lvs.cf has `primary` and `backup` the other way round.

use crate::datagram::Value;
use crate::datagram::signed::State;

use super::beat::{Beat, marked, signed};
use super::{Bench, ends, notices, settings};
use crate::model::{Action, Input, Settings};
use crate::pair::{ConfiguredRole, Ends};
use crate::transitions::Phase;

const ROLES: [ConfiguredRole; 2] = [ConfiguredRole::Primary, ConfiguredRole::Backup];

/// A director of `role` at the lower or the higher of the two addresses, which serves at 5.0.
fn active(role: ConfiguredRole, is_lower: bool, signs: bool) -> Bench {
    let mut bench = Bench::start(Settings {
        ends: Some(ends(ConfiguredRole::of_primary(is_lower))),
        signs,
        ..settings(role)
    });
    bench.make_active();
    bench
}

fn serves(signs: bool) -> Beat {
    let beat = match signs {
        true => signed(State::Active),
        false => marked(State::Starting),
    };
    beat.same_role()
}

#[test]
fn r_of_two_directors_of_one_role_the_lower_address_stays_and_both_say_what_to_do() {
    for role in ROLES {
        for (is_lower, partner, first) in [
            (true, "10.1.0.2", "this one"),
            (false, "10.1.0.1", "that one"),
        ] {
            for signs in [true, false] {
                let case = format!("{role:?}, lower: {is_lower}, signs: {signs}");
                let mut bench = active(role, is_lower, signs);
                let said = notices(&bench.hear_beat(6.0, serves(signs)));
                let role = role.name();
                let line = format!(
                    "both directors are {role}, {partner} as well: swap primary and backup in one lvs.cf; until \
                     then the one with the lower address counts as primary, {first}"
                );
                assert_eq!(said.first(), Some(&line), "{case}");
                assert_eq!(bench.node.phase() == Phase::Active, is_lower, "{case}");
                let view = bench.node.view(super::at(6.0));
                assert_eq!(
                    view.same_role.map(|it| it.to_string()),
                    Some(line),
                    "{case}"
                );
            }
        }
    }
}

#[test]
fn r_that_both_are_of_one_role_is_said_once_and_that_it_is_over() {
    let mut bench = active(ConfiguredRole::Primary, true, true);
    let stands_by = signed(State::Inactive);
    let (mut said, mut over) = (0, 0);
    let mut now = 6.0;
    while now < 500.0 {
        let lines = notices(&bench.hear_beat(now, stands_by.same_role()));
        said += lines
            .iter()
            .filter(|line| line.starts_with("both directors"))
            .count();
        now += 1.0;
    }
    for _ in 0..10 {
        let lines = notices(&bench.hear_beat(now, stands_by));
        over += lines
            .iter()
            .filter(|line| line.contains("any more"))
            .count();
        now += 1.0;
    }
    assert_eq!((said, over), (1, 1));
    assert_eq!(bench.node.view(super::at(now)).same_role, None);
}

#[test]
fn unsigned_a_role_counts_for_a_dead_time() {
    let mut bench = active(ConfiguredRole::Primary, false, false);
    let stands_by = marked(State::Inactive).same_role();
    bench.hear_beat(6.0, stands_by);
    bench.hear(8.0, Value::Stopped);
    assert!(bench.node.view(super::at(8.0)).same_role.is_some());
    let lines = notices(&bench.hear(11.0, Value::Stopped));
    assert_eq!(
        lines,
        ["the partner does not say any more that it is of our role"]
    );
}

#[test]
fn an_unsigned_node_that_stays_beside_an_active_partner_tells_its_role_at_once() {
    let mut bench = active(ConfiguredRole::Primary, true, false);
    let out = bench.hear(6.0, Value::Running);
    assert!(out.contains(&Action::Send(Value::Running)), "{out:?}");
    // Not in a flood.
    let out = bench.hear(6.5, Value::Running);
    assert!(!out.contains(&Action::Send(Value::Running)), "{out:?}");
}

#[test]
fn without_addresses_the_role_decides() {
    let mut bench = Bench::start(Settings {
        ends: None::<Ends>,
        ..settings(ConfiguredRole::Primary)
    });
    bench.make_active();
    bench.hear_beat(6.0, serves(false));
    assert_eq!(bench.node.phase(), Phase::Active);
}

/// Neither can serve everything: the one that counts as primary goes first, as anywhere else.
#[test]
fn the_lower_address_serves_first_where_neither_director_of_one_role_can_serve_everything() {
    let trouble = crate::fitness::Trouble {
        address: [10, 1, 0, 50].into(),
        device: "eth1".to_owned(),
        what: crate::fitness::TroubleKind::NoDevice,
    };
    for (is_lower, due) in [(true, 13.25), (false, 20.5)] {
        let mut bench = Bench::start(Settings {
            ends: Some(ends(ConfiguredRole::of_primary(is_lower))),
            ..settings(ConfiguredRole::Primary)
        });
        bench.put(0.1, Input::Serving(vec![trouble.clone()]));
        let unfit = marked(State::Inactive).unfit().same_role();
        let mut now = 1.0;
        while bench.node.phase() == Phase::Standby && now < 60.0 {
            bench.hear_beat(now, unfit);
            now += 0.25;
            bench.run_to(now);
        }
        assert!((now - due).abs() < 0.01, "lower: {is_lower}, at {now}");
    }
}
