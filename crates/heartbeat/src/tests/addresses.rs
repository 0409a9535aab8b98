//! Addresses that go, that somebody takes away, that another machine has.

use crate::datagram::Value;
use crate::datagram::signed::State;

use super::beat::marked;
use super::{Bench, at, notices, settings};
use crate::model::{Action, Input, Settings};
use crate::pair::ConfiguredRole;
use crate::transitions::Phase;

#[test]
fn addresses_do_not_wait_for_a_service_that_will_not_end() {
    let mut bench = Bench::backup();
    bench.make_active();
    bench.hear(6.0, Value::Running);
    let log = bench.run_to(6.5);
    assert!(log.contains(&(at(6.5), Action::DropAddresses)));
    bench.hear(8.0, Value::Running);
    bench.hear(12.0, Value::Running);
    let log = bench.run_to(16.0);
    assert!(log.contains(&(at(16.0), Action::KillService)));
}

#[test]
fn a_removed_address_is_put_back_and_a_fight_is_left_to_the_partner() {
    let mut bench = Bench::primary();
    bench.make_active();
    bench.hear(6.0, Value::Stopped);
    for removal in [6.1, 6.2] {
        let actions = bench.put(removal, Input::AddressRemoved);
        assert!(actions.contains(&Action::RaiseAddresses));
        assert!(actions.contains(&Action::Announce));
    }
    bench.put(6.3, Input::AddressRemoved);
    assert_eq!(bench.node.phase(), Phase::Releasing);
}

/// Active at 5.0 with these addresses, beside a partner that says STOPPED or not at all.
fn holding(addresses: &[&str], partner: Option<f64>) -> Bench {
    let mut bench = Bench::start(Settings {
        addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
        ..settings(ConfiguredRole::Primary)
    });
    bench.make_active();
    if let Some(seconds) = partner {
        bench.hear(seconds, Value::Stopped);
    }
    bench
}

fn answer(bench: &mut Bench, seconds: f64, address: &str) -> Vec<Action> {
    let address = address.parse().unwrap();
    bench.put(seconds, Input::AddressAnswered { address, mac: None })
}

#[test]
fn an_address_that_another_machine_has_is_not_used_and_the_others_are() {
    let mut bench = holding(&["10.1.0.50", "fd00::50"], Some(6.0));
    assert_eq!(answer(&mut bench, 6.5, "fd00::50"), []);
    assert_eq!(answer(&mut bench, 6.5, "fd00::51"), []);
    let log = bench.run_to(6.8);
    assert!(log.contains(&(at(6.8), Action::AskForAddresses)));
    let actions = answer(&mut bench, 6.81, "fd00::50");
    let line = "address fd00::50 is in use by another machine: not used here";
    assert_eq!(notices(&actions), [line]);
    assert_eq!(actions.last(), Some(&Action::RaiseAddresses));
    assert!(bench.node.is_unused("fd00::50".parse().unwrap()));
    assert_eq!(bench.node.phase(), Phase::Active);
    bench.hear(8.0, Value::Stopped);
    let log: Vec<Action> = bench.run_to(17.82).into_iter().map(|(_, it)| it).collect();
    let line = "address fd00::50 is in use by nobody else: used again";
    assert!(notices(&log).contains(&line.to_owned()));
    assert!(!bench.node.is_unused("fd00::50".parse().unwrap()));
}

#[test]
fn a_node_whose_every_address_another_machine_has_tells_its_partner() {
    let mut bench = holding(&["fd00::50"], Some(6.0));
    answer(&mut bench, 6.5, "fd00::50");
    let actions = answer(&mut bench, 6.81, "fd00::50");
    let line = "every address is in use by another machine: going inactive";
    assert_eq!(notices(&actions).last().map(String::as_str), Some(line));
    assert_eq!(bench.node.phase(), Phase::Releasing);
    let log = bench.put(6.9, Input::ServiceEnded);
    assert!(log.contains(&Action::Send(Value::Stopped)));
    assert!(!bench.node.statement(at(6.9), Value::Stopped).fit);
}

#[test]
fn addresses_are_not_left_to_an_unsigned_partner_that_is_not_fit() {
    let mut bench = holding(&["fd00::50"], Some(6.0));
    bench.hear_beat(6.1, marked(State::Inactive).unfit());
    answer(&mut bench, 6.5, "fd00::50");
    answer(&mut bench, 6.81, "fd00::50");
    assert_eq!(bench.node.phase(), Phase::Active);

    let mut bench = holding(&["10.1.0.50"], Some(6.0));
    bench.hear_beat(6.1, marked(State::Inactive).unfit());
    for removal in [6.2, 6.3, 6.4] {
        bench.put(removal, Input::AddressRemoved);
    }
    assert_eq!(bench.node.phase(), Phase::Active);
    assert!(bench.node.is_holding());
}

#[test]
fn what_a_partner_may_hold_itself_is_no_duplicate() {
    let mut silent = holding(&["fd00::50"], None);
    let mut active = holding(&["fd00::50"], Some(6.0));
    active.hear(6.1, Value::Running);
    for bench in [&mut silent, &mut active] {
        answer(bench, 6.5, "fd00::50");
        bench.run_to(6.8);
        answer(bench, 6.81, "fd00::50");
        assert_eq!(bench.node.phase(), Phase::Active);
        assert!(!bench.node.is_unused("fd00::50".parse().unwrap()));
    }
}

#[test]
fn a_fight_that_goes_on_keeps_a_node_out_for_10_20_40_and_60_seconds() {
    let mut bench = Bench::primary();
    bench.make_active();
    let mut now = 100.0;
    for ban in [10.0, 20.0, 40.0, 60.0, 60.0] {
        lose(&mut bench, now);
        // It takes the offer as soon as it may, and not before.
        let end = now + ban;
        while now + 2.0 < end {
            now += 1.9;
            bench.run_to(now);
            bench.hear(now, Value::Stopped);
            assert_eq!(bench.node.phase(), Phase::Standby, "{ban} s, at {now}");
        }
        bench.run_to(end - 0.01);
        bench.hear(end - 0.01, Value::Stopped);
        assert_eq!(bench.node.phase(), Phase::Standby, "{ban} s");
        now = end.max(now + 2.0);
        bench.run_to(now);
        bench.hear(now, Value::Stopped);
        assert_eq!(bench.node.phase(), Phase::Starting, "{ban} s are over");
        bench.put(now, Input::ServiceReady);
        now += 30.0;
    }
}

/// Loses the addresses at `now` beside a partner that offers its own.
fn lose(bench: &mut Bench, now: f64) {
    bench.run_to(now);
    bench.hear(now, Value::Stopped);
    for _ in 0..3 {
        bench.put(now, Input::AddressRemoved);
    }
    bench.put(now, Input::ServiceEnded);
    assert_eq!(bench.node.phase(), Phase::Standby);
}

/// Loses the addresses at `now` beside a partner that offers its own for ever; when it takes over again.
fn lost_until(bench: &mut Bench, mut now: f64) -> f64 {
    lose(bench, now);
    while bench.node.phase() == Phase::Standby {
        now += 0.5;
        bench.run_to(now);
        bench.hear(now, Value::Stopped);
    }
    bench.put(now, Input::ServiceReady);
    now
}

#[test]
fn a_node_that_kept_its_addresses_for_ten_times_the_ban_is_out_for_10_seconds_again() {
    // The third ban would be 40 s; it is so beside a quiet time that is a little too short.
    for (quiet, out) in [(199.0, 40.0), (201.0, 10.0)] {
        let mut bench = Bench::primary();
        bench.make_active();
        let first = lost_until(&mut bench, 100.0);
        let begun = first + 50.0;
        let second = lost_until(&mut bench, begun);
        // At most one takeover in four dead times.
        assert!((20.0..24.0).contains(&(second - begun)), "{second}");
        let begun = begun + 20.0 + quiet;
        let third = lost_until(&mut bench, begun);
        assert!(
            (out..out + 4.0).contains(&(third - begun)),
            "{quiet}: {third}"
        );
    }
}

#[test]
fn a_partner_that_has_served_ends_the_time_without_a_takeover() {
    let mut bench = Bench::primary();
    bench.make_active();
    bench.run_to(40.0);
    bench.hear(40.0, Value::Stopped);
    for removal in [40.1, 40.2, 40.3] {
        bench.put(removal, Input::AddressRemoved);
    }
    bench.put(40.4, Input::ServiceEnded);
    bench.hear(41.0, Value::Stopped);
    assert_eq!(bench.node.phase(), Phase::Standby);
    bench.hear(41.5, Value::Running);
    bench.hear(42.0, Value::Stopped);
    assert_eq!(bench.node.phase(), Phase::Starting);
}

#[test]
fn the_next_takeover_tries_every_address() {
    let mut bench = holding(&["10.1.0.50", "fd00::50"], Some(6.0));
    answer(&mut bench, 6.5, "fd00::50");
    answer(&mut bench, 6.81, "fd00::50");
    assert!(bench.node.is_unused("fd00::50".parse().unwrap()));
    for removal in [6.9, 6.91, 6.92] {
        bench.put(removal, Input::AddressRemoved);
    }
    assert_eq!(bench.node.phase(), Phase::Releasing);
    assert!(!bench.node.is_unused("fd00::50".parse().unwrap()));
}

#[test]
fn a_fight_before_a_takeover_does_not_count_after_it() {
    let mut bench = Bench::backup();
    bench.make_active();
    bench.put(6.1, Input::AddressRemoved);
    bench.put(6.2, Input::AddressRemoved);
    bench.hear(6.3, Value::Running);
    bench.put(6.4, Input::ServiceEnded);
    bench.run_to(11.4);
    bench.put(11.4, Input::ServiceReady);
    bench.hear(11.5, Value::Stopped);
    bench.put(11.6, Input::AddressRemoved);
    assert_eq!(bench.node.phase(), Phase::Active);
}

#[test]
fn on_standby_nobody_is_asked_whose_the_addresses_are() {
    let mut bench = Bench::start(Settings {
        addresses: vec!["fd00::50".parse().unwrap()],
        ..settings(ConfiguredRole::Backup)
    });
    bench.hear(1.0, Value::Stopped);
    assert_eq!(answer(&mut bench, 1.1, "fd00::50"), []);
    bench.run_to(1.5);
    assert_eq!(answer(&mut bench, 1.6, "fd00::50"), []);
    assert!(!bench.node.is_unused("fd00::50".parse().unwrap()));
}

/// The ban of a partner that has found the same ends after a while; then it may be on another network by now.
#[test]
fn a_node_that_cannot_use_any_address_says_so_and_leaves_them_to_a_partner_once_it_takes_them() {
    let mut bench = holding(&["fd00::50"], Some(6.0));
    bench.hear_beat(6.1, marked(State::Inactive).unfit());
    answer(&mut bench, 6.5, "fd00::50");
    answer(&mut bench, 6.81, "fd00::50");
    assert_eq!(bench.node.phase(), Phase::Active);
    let unfit = |bench: &Bench, now| {
        let unfit = bench.node.view(at(now)).unfit;
        unfit.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let in_use = "address fd00::50 is in use by another machine";
    assert_eq!(unfit(&bench, 7.0), [in_use]);
    let says = bench.node.statement(at(7.0), Value::Running);
    assert!(!says.fit);
    assert_eq!(says.details.and_then(|it| it.unserved), Some(1));
    bench.hear_beat(8.0, marked(State::Inactive).unfit());
    assert_eq!(bench.node.phase(), Phase::Active, "nobody does better");

    bench.hear(9.0, Value::Stopped);
    assert_eq!(bench.node.phase(), Phase::Releasing);
    bench.put(9.1, Input::ServiceEnded);
    let were = "every address was in use by another machine a short while ago";
    assert_eq!(unfit(&bench, 9.2), [were]);

    // The partner finds them in use as well, and leaves them to us: now they stay.
    bench.hear(9.5, Value::Running);
    bench.run_to(15.0);
    bench.put(15.2, Input::ServiceReady);
    bench.run_to(30.0);
    bench.hear(30.0, Value::Stopped);
    assert_eq!(bench.node.phase(), Phase::Active);
    answer(&mut bench, 30.5, "fd00::50");
    answer(&mut bench, 30.81, "fd00::50");
    for seconds in [31.0, 33.0, 35.0, 37.0, 39.0] {
        bench.run_to(seconds);
        bench.hear(seconds, Value::Stopped);
        assert_eq!(bench.node.phase(), Phase::Active, "{seconds}");
    }
    assert_eq!(unfit(&bench, 39.5), [in_use]);
}
