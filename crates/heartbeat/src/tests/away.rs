//! A node that was away (stopped, suspended, starved) believes nothing that was queued meanwhile.

use crate::datagram::Value;

use super::{Bench, at, settings};
use crate::model::{Action, Input, Settings};
use crate::pair::ConfiguredRole;
use crate::transitions::Phase;

/// A primary on standby whose partner was active; away from 2.0 to 20.0.
fn back() -> Bench {
    let mut bench = Bench::primary();
    bench.hear(1.0, Value::Running);
    bench.run_to(2.0);
    bench
}

#[test]
fn an_offer_that_was_queued_is_not_taken() {
    let mut bench = back();
    for _ in 0..3 {
        bench.hear(20.0, Value::Stopped);
        assert_eq!(bench.node.phase(), Phase::Standby);
    }
    bench.put(20.0, Input::Tick);
    assert_eq!(bench.node.phase(), Phase::Standby);
    // What comes from now on is.
    bench.hear(20.1, Value::Stopped);
    assert_eq!(bench.node.phase(), Phase::Starting);
}

#[test]
fn life_that_was_queued_is_none() {
    let mut bench = back();
    bench.hear(20.0, Value::Running);
    let says = bench.node.statement(at(20.0), Value::Stopped);
    assert!(!says.hears);
    assert_eq!(bench.node.view(at(20.0)).partner.unwrap().value, None);
}

#[test]
fn a_question_that_was_queued_is_not_answered() {
    let mut bench = back();
    bench.hear(20.0, Value::Running);
    bench.put(20.0, Input::Asked);
    bench.put(20.0, Input::Tick);
    let log = bench.run_to(21.9);
    let sent = log.iter().filter(|(_, it)| matches!(it, Action::Send(_)));
    assert_eq!(sent.count(), 0, "the next one is due at 22.0");
}

#[test]
fn what_an_input_makes_due_at_once_is_not_late() {
    let reload = |warm_standby| {
        Input::Reload(Box::new(Settings {
            warm_standby,
            ..settings(ConfiguredRole::Backup)
        }))
    };
    let mut bench = Bench::backup();
    bench.put(0.5, reload(true));
    bench.put(0.6, Input::ServiceReady);
    for seconds in 1..20_u32 {
        bench.run_to(f64::from(seconds));
        bench.hear(f64::from(seconds), Value::Running);
    }
    bench.put(20.0, reload(false));
    // Cold since now: its table was to be cleared a dead time after the start.
    let mut said = bench.put(20.1, Input::ServiceEnded);
    said.extend(bench.put(20.1, Input::Tick));
    assert!(said.contains(&Action::ClearTable));
    assert!(super::notices(&said).is_empty(), "{said:?}");
}

#[test]
fn it_says_nothing_before_a_keepalive_is_over() {
    let mut bench = back();
    let log = bench.put(20.0, Input::Tick);
    assert!(!log.iter().any(|it| matches!(it, Action::Send(_))));
    let log = bench.run_to(22.0);
    assert!(log.contains(&(at(22.0), Action::Send(Value::Stopped))));
}

#[test]
fn a_node_that_was_away_drops_its_addresses_and_listens_first() {
    let mut bench = Bench::primary();
    bench.make_active();
    let actions = bench.hear(20.0, Value::Stopped);
    assert!(actions.contains(&Action::DropAddresses));
    assert!(!actions.contains(&Action::Send(Value::Running)));
    // What was queued is old news: no claim by it.
    bench.put(20.0, Input::ServiceEnded);
    bench.hear(20.0, Value::Stopped);
    assert_eq!(bench.node.phase(), Phase::Standby);
    bench.put(20.0, Input::Tick);
    bench.run_to(24.9);
    assert_eq!(bench.node.phase(), Phase::Standby);
    bench.run_to(25.0);
    assert_eq!(bench.node.phase(), Phase::Starting);
}

#[test]
fn what_was_decided_before_a_pause_is_claimed_no_more_after_it() {
    let mut bench = Bench::backup();
    bench.run_to(5.0);
    let actions = bench.put(5.0, Input::ServiceReady);
    let claiming = |action: &&Action| action.claims();
    let claims: Vec<_> = actions.iter().filter(claiming).collect();
    let expected = [
        &Action::RaiseAddresses,
        &Action::Announce,
        &Action::Send(Value::Running),
    ];
    assert_eq!(claims, expected);
    // The next call is due at 6.0, the first repetition of the announcement.
    assert!(!bench.node.is_late(at(11.0)));
    assert!(bench.node.is_late(at(11.1)));
    let actions = bench.put(11.1, Input::Tick);
    assert!(actions.contains(&Action::DropAddresses));
    assert_eq!(actions.iter().find(claiming), None);
    assert!(!bench.node.is_late(at(11.1)));
}
