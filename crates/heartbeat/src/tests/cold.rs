//! A settled standby has none of lvs.cf's services in its kernel's table.

use crate::datagram::{Service, Value};
use lvs_model::Mono;

use super::{Bench, at, notices, settings};
use crate::model::{Action, Input, Settings};
use crate::pair::ConfiguredRole;
use crate::transitions::Phase;

const CLEAR: Action = Action::ClearTable;

fn times(log: &[(Mono, Action)]) -> Vec<Mono> {
    let cleared = log.iter().filter(|(_, action)| *action == CLEAR);
    cleared.map(|(at, _)| *at).collect()
}

/// A backup beside an active primary, its table being cleared since 1.0.
fn clearing() -> Bench {
    let mut bench = Bench::backup();
    bench.clears_slowly = true;
    assert!(bench.hear(1.0, Value::Running).contains(&CLEAR));
    bench
}

#[test]
fn a_standby_beside_an_active_partner_clears_its_table_once() {
    let mut bench = clearing();
    assert!(bench.put(1.1, Input::ServiceEnded).is_empty());
    for second in 2..20_u32 {
        let actions = bench.hear(f64::from(second), Value::Running);
        assert!(!actions.contains(&CLEAR));
        assert_eq!(times(&bench.run_to(f64::from(second))), []);
    }
}

#[test]
fn a_standby_of_a_dead_time_clears_its_table() {
    let mut bench = Bench::start(Settings {
        dead_time: std::time::Duration::from_secs(3),
        ..settings(ConfiguredRole::Primary)
    });
    // An offer is not taken, and the partner lives.
    bench.put(0.5, Input::Incompatible);
    assert_eq!(times(&bench.run_to(2.9)), []);
    let log = bench.run_to(3.0);
    assert_eq!(times(&log), [at(3.0)]);
    assert_eq!(bench.node.phase(), Phase::Standby);
}

#[test]
fn who_takes_over_clears_nothing() {
    for (value, role) in [
        (None, ConfiguredRole::Primary),
        (Some(Value::Stopped), ConfiguredRole::Primary),
    ] {
        let mut bench = Bench::start(settings(role));
        let mut log = Vec::new();
        if let Some(value) = value {
            log.extend(bench.hear(1.0, value).into_iter().map(|it| (at(1.0), it)));
        }
        log.extend(bench.run_to(5.0));
        assert_eq!(times(&log), []);
        assert_ne!(bench.node.phase(), Phase::Standby);
    }
}

#[test]
fn a_takeover_ends_the_clearing_and_starts_the_service_when_it_is_gone() {
    let mut bench = clearing();
    let log = bench.run_to(6.0);
    let actions: Vec<Action> = log.into_iter().map(|(_, action)| action).collect();
    assert_eq!(bench.node.phase(), Phase::Starting);
    assert!(actions.contains(&Action::KillService));
    assert!(!actions.contains(&Action::StartService));
    let actions = bench.put(6.1, Input::ServiceEnded);
    assert_eq!(actions, [Action::StartService]);
    bench.put(6.2, Input::ServiceReady);
    assert_eq!(bench.node.phase(), Phase::Active);
}

#[test]
fn a_clearing_that_hangs_is_killed() {
    let mut bench = clearing();
    let mut killed = Vec::new();
    for second in 2..13_u32 {
        bench.hear(f64::from(second), Value::Running);
        let log = bench.run_to(f64::from(second));
        let kills = log.iter().filter(|(_, a)| *a == Action::KillService);
        killed.extend(kills.map(|(at, _)| *at));
    }
    assert_eq!(killed, [at(11.0)]);
    // And the next takeover does not wait for more than its end.
    let actions = bench.put(13.0, Input::ServiceEnded);
    assert!(!actions.contains(&Action::StartService));
    bench.run_to(18.0);
    assert_eq!(bench.node.phase(), Phase::Starting);
}

#[test]
fn each_new_standby_and_each_reload_clears_again() {
    let mut bench = Bench::backup();
    bench.clears_slowly = true;
    bench.run_to(5.0);
    bench.put(5.1, Input::ServiceReady);
    bench.hear(6.0, Value::Running);
    bench.put(6.1, Input::ServiceEnded);
    assert_eq!(bench.node.phase(), Phase::Standby);
    assert!(bench.hear(6.5, Value::Running).contains(&CLEAR));
    bench.put(6.6, Input::ServiceEnded);
    let new = Box::new(settings(ConfiguredRole::Backup));
    bench.put(7.0, Input::Reload(new));
    assert!(bench.hear(7.5, Value::Running).contains(&CLEAR));
    // What clears is no service that reads its file again.
    let new = Box::new(settings(ConfiguredRole::Backup));
    let actions = bench.put(7.6, Input::Reload(new));
    assert!(!actions.contains(&Action::ReloadService));
}

#[test]
fn a_warm_standby_a_lone_director_and_fos_keep_their_table() {
    for settings in [
        Settings {
            warm_standby: true,
            ..settings(ConfiguredRole::Backup)
        },
        Settings {
            has_partner: false,
            ..settings(ConfiguredRole::Primary)
        },
        Settings {
            service: Service::Fos,
            ..settings(ConfiguredRole::Backup)
        },
    ] {
        let mut bench = Bench::start(settings);
        let mut log = bench.hear(1.0, Value::Running);
        log.extend(bench.run_to(4.0).into_iter().map(|(_, action)| action));
        assert!(!log.contains(&CLEAR), "{log:?}");
    }
}

#[test]
fn a_clearing_under_way_becomes_a_warm_standby_when_lvs_cf_wants_one() {
    let mut bench = clearing();
    let warm = Box::new(Settings {
        warm_standby: true,
        ..settings(ConfiguredRole::Backup)
    });
    bench.put(1.1, Input::Reload(warm));
    assert!(
        bench
            .put(1.2, Input::ServiceEnded)
            .contains(&Action::StartService)
    );
}

/// Its log begins with who serves.
#[test]
fn a_director_that_comes_back_says_once_that_the_other_one_serves() {
    const SAID: &str = "the partner is active, this director stands by";
    let count = |actions: &[Action]| notices(actions).iter().filter(|it| *it == SAID).count();
    for mut bench in [
        Bench::primary(),
        Bench::start(settings(ConfiguredRole::Backup)),
    ] {
        assert_eq!(count(&bench.hear(0.1, Value::Running)), 1);
        assert_eq!(count(&bench.hear(0.6, Value::Running)), 0);
    }
    // One that has served knows it.
    let mut bench = Bench::primary();
    bench.make_active();
    assert_eq!(count(&bench.hear(6.0, Value::Running)), 0);
}

#[test]
fn r_a_table_that_could_not_be_cleared_is_tried_again_after_a_minute() {
    let mut bench = clearing();
    for begun in [1.0, 61.1] {
        bench.put(begun + 0.1, Input::ClearingFailed);
        bench.put(begun + 0.1, Input::ServiceEnded);
        let mut cleared = Vec::new();
        let mut now = begun + 0.1;
        while now < begun + 60.05 {
            now += 1.0;
            cleared.extend(times(&bench.run_to(now)));
            let heard = bench.hear(now, Value::Running);
            cleared.extend(heard.contains(&CLEAR).then(|| at(now)));
        }
        assert_eq!(cleared, [at(begun + 60.1)]);
    }
    // It has come about.
    bench.put(121.5, Input::ServiceEnded);
    for second in 122..300_u32 {
        let now = f64::from(second);
        assert_eq!(times(&bench.run_to(now)), []);
        assert!(!bench.hear(now, Value::Running).contains(&CLEAR));
    }
}
