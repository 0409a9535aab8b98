//! Addresses that the hooks of lvs.cf move: the partner is told when they are gone.

use std::time::Duration;

use crate::datagram::Value;

use super::{Bench, notices, settings};
use crate::fitness::Unfit;
use crate::model::{Action, Hook, Input, Links, Settings};
use crate::orders::Order;
use crate::pair::ConfiguredRole;
use crate::transitions::Phase;

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
fn r_whoever_is_killed_leaves_to_inactive_cmd_what_active_cmd_may_have_moved() {
    let mut bench = Bench::start(external(ConfiguredRole::Primary));
    assert!(!bench.node.leaves_to_inactive_cmd(), "on standby");
    bench.run_to(5.0);
    assert_eq!(bench.node.phase(), Phase::Starting);
    assert!(bench.node.leaves_to_inactive_cmd());
    bench.put(5.1, Input::ServiceReady);
    assert_eq!(bench.node.phase(), Phase::Active);
    assert!(bench.node.leaves_to_inactive_cmd());
    // inactive_cmd has been ordered; what runs it does so without us.
    bench.put(6.0, STOP);
    assert_eq!(bench.node.phase(), Phase::Releasing);
    assert!(!bench.node.leaves_to_inactive_cmd());
    // Without a partner whatever is up stays for the next start; else pulse's own addresses go by themselves.
    let alone = Settings {
        has_partner: false,
        ..external(ConfiguredRole::Primary)
    };
    for settings in [alone, settings(ConfiguredRole::Primary)] {
        let mut bench = Bench::start(settings);
        bench.make_active();
        assert!(!bench.node.leaves_to_inactive_cmd());
    }
}

#[test]
fn a_late_answer_of_an_earlier_hook_moves_nothing() {
    let mut bench = active(external(ConfiguredRole::Primary));
    assert!(bench.put(7.0, Input::HookEnded(Hook::Inactive)).is_empty());
    assert_eq!(bench.node.phase(), Phase::Active);
}

const FAILED: &str = "active_cmd failed or could not be run: its addresses may be nowhere, and this director is not fit";
const RUN: Action = Action::RunHook(Hook::Active);

#[test]
fn r_an_active_cmd_that_fails_makes_unfit_and_a_fit_partner_takes_over() {
    let mut bench = active(external(ConfiguredRole::Backup));
    let actions = bench.put(6.1, Input::HookFailed);
    assert_eq!(
        notices(&actions)[..2],
        [FAILED, "active_cmd failed: going inactive"]
    );
    assert!(actions.contains(&Action::RunHook(Hook::Inactive)));
    bench.put(6.2, Input::ServiceEnded);
    bench.put(6.3, Input::HookEnded(Hook::Inactive));
    assert_eq!(bench.node.phase(), Phase::Standby);
    let unfit = |bench: &Bench, now| bench.node.view(super::at(now)).unfit;
    assert_eq!(unfit(&bench, 6.4), [Unfit::HookFailed]);
    // It takes nothing from a living partner, and says so.
    for second in 7..60_u32 {
        bench.hear(second.into(), Value::Running);
        assert!(
            !bench
                .node
                .statement(super::at(second.into()), Value::Stopped)
                .fit
        );
    }
    // A dead one it replaces, and then it shows.
    let log = until(&mut bench, 65.0);
    assert!(log.contains(&RUN), "{log:?}");
    bench.put(65.1, Input::HookEnded(Hook::Active));
    assert_eq!(unfit(&bench, 65.2), []);
}

#[test]
fn r_an_active_cmd_that_fails_beside_nobody_is_tried_again_until_a_partner_can_take_over() {
    let mut bench = Bench::start(external(ConfiguredRole::Primary));
    bench.make_active();
    assert_eq!(notices(&bench.put(5.1, Input::HookFailed)), [FAILED]);
    let tried: Vec<_> = bench
        .run_to(40.0)
        .into_iter()
        .filter(|(_, it)| *it == RUN)
        .collect();
    assert_eq!(tried, [(super::at(35.1), RUN)]);
    assert!(!bench.put(40.1, Input::HookFailed).is_empty());
    let actions = bench.hear(41.0, Value::Stopped);
    assert!(notices(&actions).contains(&"active_cmd failed: going inactive".to_owned()));
}

/// The partner stands by and never comes. What failed before says nothing of the run that is under way.
#[test]
fn r_an_active_cmd_that_failed_once_has_its_time_at_the_next_takeover() {
    let mut bench = active(external(ConfiguredRole::Primary));
    bench.put(6.1, Input::HookFailed);
    bench.put(6.2, Input::ServiceEnded);
    bench.put(6.3, Input::HookEnded(Hook::Inactive));
    let mut second = 7.0;
    while bench.node.phase() == Phase::Standby && second < 60.0 {
        bench.hear(second, Value::Stopped);
        second += 1.0;
        bench.run_to(second);
    }
    assert_eq!(bench.node.phase(), Phase::Starting);
    assert_eq!(notices(&bench.hear(second, Value::Stopped)).len(), 0);
    assert_eq!(bench.node.phase(), Phase::Starting);
    // One that works is all it takes; one that fails again is left to the partner.
    let mut failing = bench.node.clone();
    bench.put(second + 0.5, Input::HookEnded(Hook::Active));
    bench.put(second + 0.6, Input::ServiceReady);
    bench.hear(second + 0.7, Value::Stopped);
    assert_eq!(bench.node.phase(), Phase::Active);
    let now = super::at(second + 0.5);
    failing.handle(now, Input::HookFailed, &mut Vec::new());
    assert_eq!(failing.phase(), Phase::Releasing);
}

/// It was ended for the give-up: that is no failure.
#[test]
fn an_active_cmd_that_a_give_up_ended_says_nothing_of_the_next_one() {
    let mut bench = Bench::start(external(ConfiguredRole::Backup));
    bench.run_to(5.0);
    bench.hear(5.1, Value::Running);
    assert_eq!(bench.node.phase(), Phase::Releasing);
    assert_eq!(bench.put(5.2, Input::HookFailed), []);
    assert_eq!(bench.node.view(super::at(5.2)).unfit, []);
}

#[test]
fn an_active_cmd_that_works_at_last_is_not_tried_again() {
    let mut bench = Bench::start(external(ConfiguredRole::Primary));
    bench.make_active();
    bench.put(5.1, Input::HookFailed);
    // A conflict has it run again, before the 30 s are over.
    assert!(bench.hear(10.0, Value::Running).contains(&RUN));
    bench.put(11.0, Input::HookEnded(Hook::Active));
    assert!(!until(&mut bench, 60.0).contains(&RUN));
}

#[test]
fn r_an_active_cmd_that_is_run_again_counts_for_nothing() {
    let mut bench = active(external(ConfiguredRole::Primary));
    bench.put(6.1, Input::HookEnded(Hook::Active));
    assert!(bench.hear(7.0, Value::Running).contains(&RUN));
    assert_eq!(bench.put(7.1, Input::HookFailed), []);
    assert_eq!(bench.node.phase(), Phase::Active);
    // Nor where pulse moves the addresses itself.
    let mut bench = active(settings(ConfiguredRole::Primary));
    assert_eq!(bench.put(6.1, Input::HookFailed), []);
}

#[test]
fn r_without_a_process_for_hooks_a_standby_is_not_fit() {
    let mut bench = Bench::start(external(ConfiguredRole::Backup));
    bench.hear(1.0, Value::Running);
    bench.put(1.5, Input::HooksRun(false));
    assert_eq!(bench.node.view(super::at(2.0)).unfit, [Unfit::NoHooks]);
    bench.put(2.0, Input::HooksRun(true));
    assert!(bench.node.statement(super::at(2.0), Value::Stopped).fit);
}

#[test]
fn r_an_ordered_failover_is_done_when_the_partners_active_cmd_has_had_its_time() {
    for fails in [true, false] {
        let mut bench = active(external(ConfiguredRole::Primary));
        bench.put(5.9, Input::HookEnded(Hook::Active));
        bench.put(6.5, Input::Order(Order::Failover));
        bench.put(6.6, Input::ServiceEnded);
        let mut ends = bench.put(6.7, Input::HookEnded(Hook::Inactive));
        for second in 7..30_u32 {
            let value = match second {
                10.. if fails => Value::Stopped,
                _ => Value::Running,
            };
            ends.extend(bench.hear(f64::from(second), value));
            ends.extend(until(&mut bench, f64::from(second) + 0.5));
        }
        let mut ends = ends.iter().filter_map(|it| match it {
            Action::HandOverEnded(end) => Some(*end),
            _ => None,
        });
        let end = ends.next().expect("it has ended");
        assert_eq!(end.is_err(), fails, "{end:?}");
        assert_eq!(ends.next(), None);
    }
}
