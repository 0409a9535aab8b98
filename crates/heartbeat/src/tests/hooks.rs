//! Addresses that the hooks of lvs.cf move: the partner is told when they are gone.

use std::time::Duration;

use crate::datagram::Value;

use super::{Bench, notices, settings};
use crate::model::{Action, Hook, Input, Links, Settings};
use crate::pair::ConfiguredRole;
use crate::table::Phase;

const STOP: Input = Input::Stop { signal: 15 };
const TOLD: Action = Action::Send(Value::Stopped);

fn external(role: ConfiguredRole) -> Settings {
    Settings {
        hook_patience: Duration::from_secs(10),
        ..settings(role)
    }
}

/// Active since 5.0, the partner stands by.
fn active(settings: Settings) -> Bench {
    let mut bench = Bench::start(settings);
    bench.make_active();
    bench.hear(6.0, Value::Stopped);
    bench
}

fn said(actions: &[Action]) -> Vec<Value> {
    let value = |action: &Action| match action {
        Action::Send(value) => Some(*value),
        _ => None,
    };
    actions.iter().filter_map(value).collect()
}

/// What was done up to `seconds`, without the times.
fn until(bench: &mut Bench, seconds: f64) -> Vec<Action> {
    let log = bench.run_to(seconds).into_iter();
    log.map(|(_, action)| action).collect()
}

#[test]
fn a_partner_is_told_when_inactive_cmd_has_ended_and_not_before() {
    let mut bench = active(external(ConfiguredRole::Primary));
    let actions = bench.put(7.0, STOP);
    assert!(actions.contains(&Action::RunHook(Hook::Inactive)));
    assert_eq!(bench.node.phase(), Phase::Releasing);
    bench.put(7.1, Input::ServiceEnded);
    // Heartbeats go on: the partner must not take silence for a death.
    let values = said(&until(&mut bench, 15.0));
    assert!(values.len() >= 3, "{values:?}");
    assert!(values.iter().all(|value| *value == Value::Running));
    let actions = bench.put(15.5, Input::HookEnded(Hook::Inactive));
    assert_eq!(said(&actions), [Value::Stopped, Value::Stopped]);
    assert!(actions.contains(&Action::Exit));
}

#[test]
fn a_service_that_is_still_ending_is_waited_for_as_well() {
    let mut bench = active(external(ConfiguredRole::Primary));
    bench.put(7.0, STOP);
    assert!(
        !bench
            .put(7.1, Input::HookEnded(Hook::Inactive))
            .contains(&TOLD)
    );
    assert!(bench.put(7.2, Input::ServiceEnded).contains(&TOLD));
}

#[test]
fn an_inactive_cmd_that_hangs_costs_ten_seconds_and_is_told_of() {
    let mut bench = active(external(ConfiguredRole::Primary));
    bench.put(7.0, STOP);
    bench.put(7.1, Input::ServiceEnded);
    assert!(!until(&mut bench, 16.9).contains(&TOLD));
    let actions = until(&mut bench, 17.1);
    assert!(actions.contains(&TOLD));
    assert!(notices(&actions)[0].starts_with("inactive_cmd has not ended after 10 s"));
}

#[test]
fn a_takeover_that_is_broken_off_lets_go_of_what_active_cmd_may_have_moved() {
    let mut bench = Bench::start(external(ConfiguredRole::Backup));
    bench.run_to(5.0);
    assert_eq!(bench.node.phase(), Phase::Starting);
    // The primary is active too.
    let actions = bench.hear(5.1, Value::Running);
    assert!(actions.contains(&Action::RunHook(Hook::Inactive)));
    bench.put(5.2, Input::ServiceEnded);
    assert!(!until(&mut bench, 9.0).contains(&TOLD));
    assert!(
        bench
            .put(9.1, Input::HookEnded(Hook::Inactive))
            .contains(&TOLD)
    );
    assert_eq!(bench.node.phase(), Phase::Standby);
}

#[test]
fn every_give_up_waits_but_that_of_one_who_was_away() {
    let lost = Input::Links(Links {
        public_up: false,
        private_up: true,
    });
    let mut bench = active(external(ConfiguredRole::Primary));
    bench.put(7.0, lost);
    bench.put(7.1, Input::ServiceEnded);
    assert!(!until(&mut bench, 8.9).contains(&TOLD));

    let mut bench = active(external(ConfiguredRole::Primary));
    bench.put(60.0, Input::Tick);
    // The partner may be active by now: RUNNING could make it yield.
    assert!(bench.put(60.1, Input::ServiceEnded).contains(&TOLD));
}

#[test]
fn a_warm_standby_waits_for_the_hook_too() {
    let mut bench = Bench::start(Settings {
        warm_standby: true,
        ..external(ConfiguredRole::Backup)
    });
    bench.put(0.1, Input::ServiceReady);
    bench.run_to(5.0);
    assert_eq!(bench.node.phase(), Phase::Active);
    assert!(!bench.hear(6.0, Value::Running).contains(&TOLD));
    assert!(
        bench
            .put(6.5, Input::HookEnded(Hook::Inactive))
            .contains(&TOLD)
    );
}

#[test]
fn who_stays_runs_active_cmd_again_when_the_other_one_has_let_go() {
    let again = Action::RunHook(Hook::Active);
    for (settings, expected) in [
        (external(ConfiguredRole::Primary), true),
        (settings(ConfiguredRole::Primary), false),
    ] {
        let mut bench = active(settings);
        bench.hear(7.0, Value::Running);
        assert_eq!(bench.hear(9.0, Value::Stopped).contains(&again), expected);
        assert!(!bench.hear(11.0, Value::Stopped).contains(&again));
    }
}

#[test]
fn without_external_addresses_a_hook_holds_nobody_up() {
    let mut bench = active(settings(ConfiguredRole::Primary));
    bench.put(7.0, STOP);
    // Handed over: the partner first.
    assert_eq!(bench.node.phase(), Phase::HandingOver);
}

#[test]
fn a_late_answer_of_an_earlier_hook_moves_nothing() {
    let mut bench = active(external(ConfiguredRole::Primary));
    assert!(bench.put(7.0, Input::HookEnded(Hook::Inactive)).is_empty());
    assert_eq!(bench.node.phase(), Phase::Active);
}
