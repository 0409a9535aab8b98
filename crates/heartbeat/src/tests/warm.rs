//! `warm_standby`: the service runs on the standby, and a takeover is addresses and announcements.

use crate::datagram::Value;
use crate::datagram::signed::State;
use lvs_model::SyncRole;

use super::beat::marked;
use super::{Bench, at, notices, settings};
use crate::model::{Action, Hook, Input, Links, Settings};
use crate::pair::ConfiguredRole;
use crate::transitions::Phase;

fn warm(role: ConfiguredRole) -> Bench {
    Bench::start(Settings {
        warm_standby: true,
        ..settings(role)
    })
}

/// A backup beside an active primary, lvsd ready and every server checked.
fn standing_by() -> Bench {
    let mut bench = warm(ConfiguredRole::Backup);
    bench.hear(1.0, Value::Running);
    bench.put(1.1, Input::ServiceReady);
    bench.put(1.2, Input::ServiceChecked);
    bench
}

fn position(actions: &[Action], wanted: &Action) -> usize {
    let found = actions.iter().position(|action| action == wanted);
    found.unwrap_or_else(|| panic!("no {wanted:?} in {actions:?}"))
}

#[test]
fn a_warm_standby_starts_its_service_at_once_and_goes_on_saying_stopped() {
    let mut node = crate::Node::new(
        at(0.0),
        Settings {
            warm_standby: true,
            ..settings(ConfiguredRole::Backup)
        },
    );
    let mut out = Vec::new();
    node.handle(at(0.0), Input::Start, &mut out);
    assert!(out.contains(&Action::StartService));
    out.clear();
    node.handle(at(0.1), Input::ServiceReady, &mut out);
    assert_eq!(out, []);
    node.handle(at(2.0), Input::Tick, &mut out);
    assert_eq!(out, [Action::Send(Value::Stopped)]);
    assert_eq!(node.phase(), Phase::Standby);
}

#[test]
fn a_takeover_with_a_warm_service_is_claim_addresses_announcement() {
    let mut bench = standing_by();
    let log = bench.run_to(6.0);
    let actions: Vec<Action> = log.into_iter().map(|(_, action)| action).collect();
    assert_eq!(bench.node.phase(), Phase::Active);
    assert!(!actions.contains(&Action::StartService));
    let claim = position(&actions, &Action::Send(Value::Running));
    let raised = position(&actions, &Action::RaiseAddresses);
    let announced = position(&actions, &Action::Announce);
    let switched = position(&actions, &Action::SyncDaemon(SyncRole::Master));
    assert!(claim < raised && raised + 1 == announced && announced < switched);
}

#[test]
fn a_takeover_before_the_warm_service_is_ready_waits_for_it_and_starts_no_second_one() {
    let mut bench = warm(ConfiguredRole::Backup);
    let log = bench.run_to(5.0);
    assert!(
        !log.iter()
            .any(|(_, action)| *action == Action::StartService)
    );
    assert_eq!(bench.node.phase(), Phase::Starting);
    bench.put(5.5, Input::ServiceReady);
    assert_eq!(bench.node.phase(), Phase::Active);
}

#[test]
fn a_leaver_is_relieved_at_once_by_a_checked_service_only() {
    let mut bench = standing_by();
    let actions = bench.hear_beat(2.0, marked(State::Leaving));
    assert!(actions.contains(&Action::RaiseAddresses));

    let mut bench = warm(ConfiguredRole::Backup);
    bench.put(1.1, Input::ServiceReady);
    bench.hear_beat(2.0, marked(State::Leaving));
    assert_eq!(bench.node.phase(), Phase::Starting);
    bench.put(2.3, Input::ServiceChecked);
    assert_eq!(bench.node.phase(), Phase::Active);
}

#[test]
fn a_give_up_leaves_the_service_and_drops_the_addresses_at_once() {
    let mut bench = standing_by();
    bench.run_to(6.0);
    let actions = bench.hear(7.0, Value::Running);
    assert_eq!(notices(&actions), ["partner active: deactivating LVS"]);
    assert!(!actions.contains(&Action::StopService));
    assert!(!actions.contains(&Action::StartService));
    let dropped = position(&actions, &Action::DropAddresses);
    let stopped = position(&actions, &Action::Send(Value::Stopped));
    assert!(dropped < stopped);
    assert_eq!(bench.node.phase(), Phase::Standby);
    // And the next takeover is quick again.
    bench.run_to(12.0);
    assert_eq!(bench.node.phase(), Phase::Active);
}

#[test]
fn a_clean_stop_of_a_warm_standby_ends_its_service_first() {
    let mut bench = standing_by();
    let actions = bench.put(2.0, Input::Stop { signal: 15 });
    let hook = position(&actions, &Action::RunHook(Hook::Inactive));
    assert!(hook < position(&actions, &Action::StopService));
    assert!(!actions.contains(&Action::Exit));
    let end = bench.put(2.1, Input::ServiceEnded);
    assert_eq!(end.last(), Some(&Action::Exit));
}

#[test]
fn a_warm_service_that_dies_is_started_again_and_then_with_pauses() {
    let mut bench = standing_by();
    let first = bench.put(2.0, Input::ServiceEnded);
    assert_eq!(
        notices(&first),
        ["standby: service ended, starting it again"]
    );
    assert!(first.contains(&Action::StartService));
    bench.put(2.1, Input::ServiceEnded);
    let third = bench.put(2.2, Input::ServiceEnded);
    assert_eq!(
        notices(&third),
        ["standby: service does not stay up, unfit to take over: next attempt in 1000 ms"]
    );
    assert!(!third.contains(&Action::StartService));
    bench.hear(3.0, Value::Running);
    let (when, _) = bench
        .run_to(4.0)
        .into_iter()
        .find(|(_, action)| *action == Action::StartService)
        .expect("started after the pause");
    assert_eq!(when, at(3.2));
}

/// lvsd ended three times, at 2.2 last; the partner lives.
fn failing() -> Bench {
    let mut bench = standing_by();
    for seconds in [2.0, 2.1, 2.2] {
        bench.put(seconds, Input::ServiceEnded);
    }
    bench
}

#[test]
fn a_standby_whose_service_does_not_stay_up_says_so_and_takes_no_offer() {
    let mut bench = failing();
    assert!(!bench.node.statement(at(2.3), Value::Stopped).fit);
    bench.hear_beat(2.4, marked(State::Leaving));
    bench.hear(2.6, Value::Stopped);
    assert_eq!(bench.node.phase(), Phase::Standby);
    // It runs again, and is trusted when it has done so for a while.
    for seconds in [4.0, 6.0, 8.0, 10.0, 12.0] {
        bench.run_to(seconds);
        bench.hear(seconds, Value::Running);
    }
    bench.put(12.1, Input::ServiceReady);
    assert!(!bench.node.statement(at(15.0), Value::Stopped).fit);
    assert!(bench.node.statement(at(15.1), Value::Stopped).fit);
}

#[test]
fn beside_a_dead_partner_a_failing_service_gets_its_chance() {
    let mut bench = failing();
    let log = bench.run_to(6.1);
    assert_eq!(bench.node.phase(), Phase::Starting);
    assert!(
        log.iter()
            .any(|(_, action)| *action == Action::StartService)
    );
}

#[test]
fn a_service_that_was_given_up_for_not_staying_up_is_tried_on_standby() {
    let mut bench = standing_by();
    bench.run_to(6.0);
    bench.hear(7.0, Value::Stopped);
    let mut last = Vec::new();
    for seconds in [7.1, 7.2, 7.3] {
        last = bench.put(seconds, Input::ServiceEnded);
    }
    assert_eq!(
        notices(&last),
        [
            "service does not stay up: going inactive",
            "standby: service does not stay up, unfit to take over: next attempt in 1000 ms"
        ]
    );
    assert_eq!(bench.node.phase(), Phase::Standby);
    let log = bench.run_to(8.3);
    assert!(log.contains(&(at(8.3), Action::StartService)));
}

#[test]
fn a_lost_link_leaves_the_warm_service() {
    let mut bench = standing_by();
    bench.run_to(6.0);
    bench.hear(7.0, Value::Stopped);
    let links = Links {
        public_up: false,
        private_up: true,
    };
    let actions = bench.put(7.1, Input::Links(links));
    assert!(actions.contains(&Action::DropAddresses));
    assert!(!actions.contains(&Action::StopService));
}

#[test]
fn r_a_reload_that_makes_cold_during_a_give_up_leaves_no_service_on_the_standby() {
    let external = |warm_standby| Settings {
        warm_standby,
        hook_patience: std::time::Duration::from_secs(10),
        ..settings(ConfiguredRole::Backup)
    };
    let mut bench = Bench::start(external(true));
    bench.put(0.1, Input::ServiceReady);
    bench.run_to(5.0);
    bench.hear(6.0, Value::Running);
    assert_eq!(bench.node.phase(), Phase::Releasing);
    bench.put(6.2, Input::Reload(Box::new(external(false))));
    let rests = bench.put(6.5, Input::HookEnded(Hook::Inactive));
    assert_eq!(bench.node.phase(), Phase::Standby);
    assert!(rests.contains(&Action::StopService), "{rests:?}");
    // Then its table is cleared, as on every cold standby.
    bench.put(6.6, Input::ServiceEnded);
    let log = bench.hear(7.0, Value::Running);
    assert!(log.contains(&Action::ClearTable), "{log:?}");
}

#[test]
fn a_reload_makes_a_standby_warm_and_cold() {
    let mut bench = Bench::backup();
    bench.hear(1.0, Value::Running);
    let reload = |warm_standby| {
        Input::Reload(Box::new(Settings {
            warm_standby,
            ..settings(ConfiguredRole::Backup)
        }))
    };
    assert!(bench.put(1.5, reload(true)).contains(&Action::StartService));
    bench.put(1.6, Input::ServiceReady);
    let again = bench.put(1.7, reload(true));
    assert!(again.contains(&Action::ReloadService) && !again.contains(&Action::StartService));
    assert!(bench.put(1.8, reload(false)).contains(&Action::StopService));
    // Wanted again while it still ends: its end starts the next one.
    assert!(!bench.put(1.9, reload(true)).contains(&Action::StartService));
    assert!(
        bench
            .put(2.0, Input::ServiceEnded)
            .contains(&Action::StartService)
    );
}
