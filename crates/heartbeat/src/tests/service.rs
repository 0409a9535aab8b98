//! The service that does not stay up: in place, given up, on trial on the standby.

use lvs_model::Mono;

use crate::datagram::Value;

use super::{Bench, at, notices, settings};
use crate::model::{Action, Input, Settings};
use crate::pair::ConfiguredRole;
use crate::transitions::Phase;

#[test]
fn a_dead_service_is_restarted_in_place_and_given_up_if_it_does_not_stay_up() {
    let mut bench = Bench::primary();
    bench.make_active();
    bench.hear(6.0, Value::Stopped);
    for death in [6.1, 6.2] {
        let actions = bench.put(death, Input::ServiceEnded);
        assert!(actions.contains(&Action::StartService));
        assert!(bench.node.is_holding());
    }
    let actions = bench.put(6.3, Input::ServiceEnded);
    assert!(actions.contains(&Action::DropAddresses));
    assert!(actions.contains(&Action::Send(Value::Stopped)));
    // And it is not taken back before the service stays up.
    bench.hear(7.0, Value::Stopped);
    assert_eq!(bench.node.phase(), Phase::Standby);
}

#[test]
fn without_a_partner_a_bad_service_is_tried_again_with_the_addresses_up() {
    let mut bench = Bench::start(Settings {
        has_partner: false,
        ..settings(ConfiguredRole::Primary)
    });
    bench.make_active();
    for death in [6.1, 6.2, 6.3] {
        bench.put(death, Input::ServiceEnded);
    }
    assert!(bench.node.is_holding());
    let log = bench.run_to(7.4);
    assert!(log.contains(&(at(7.3), Action::StartService)));
    assert!(
        log.iter()
            .all(|(_, action)| !matches!(action, Action::Send(_)))
    );
}

#[test]
fn a_service_that_never_says_ready_is_killed() {
    let mut bench = Bench::primary();
    bench.run_to(14.0);
    assert_eq!(bench.node.phase(), Phase::Starting);
    let log = bench.run_to(15.0);
    assert!(log.contains(&(at(15.0), Action::KillService)));
}

/// An lvsd that was told to end while it loaded has its word under way.
#[test]
fn r_a_word_of_a_service_that_is_ending_raises_no_addresses() {
    for word in [
        [Input::ServiceReady, Input::ServiceChecked],
        [Input::ServiceChecked, Input::ServiceReady],
    ] {
        let mut bench = Bench::backup();
        bench.run_to(5.0);
        assert_eq!(bench.node.phase(), Phase::Starting);
        // The primary is active too: given up.
        let yielded = bench.hear(5.1, Value::Running);
        assert!(yielded.contains(&Action::StopService));
        bench.run_to(5.7);
        assert_eq!(bench.node.phase(), Phase::Standby);
        bench.hear(5.8, Value::Stopped);
        assert_eq!(bench.node.phase(), Phase::Starting);
        for said in word {
            let out = bench.put(5.9, said);
            assert!(!out.contains(&Action::RaiseAddresses), "{out:?}");
        }
        assert_eq!(bench.node.phase(), Phase::Starting);
        let ended = bench.put(6.0, Input::ServiceEnded);
        assert!(ended.contains(&Action::StartService));
        let ready = bench.put(6.1, Input::ServiceReady);
        assert!(ready.contains(&Action::RaiseAddresses));
    }
}

/// When the next start is killed because it is too slow.
fn killed_for_slowness(bench: &mut Bench, until: f64) -> Mono {
    let log = bench.run_to(until);
    let mut kills = log.iter().filter(|(_, it)| *it == Action::KillService);
    kills.next().expect("it is killed").0
}

#[test]
fn r_a_service_that_is_slow_to_start_has_more_time_at_each_start() {
    let mut bench = Bench::start(Settings {
        has_partner: false,
        ..settings(ConfiguredRole::Primary)
    });
    assert_eq!(killed_for_slowness(&mut bench, 10.0), at(10.0));
    // Started again at once: 20 s. Then after a pause of a second: 40 s.
    bench.put(10.0, Input::ServiceEnded);
    assert_eq!(killed_for_slowness(&mut bench, 31.0), at(30.0));
    bench.put(31.0, Input::ServiceEnded);
    assert_eq!(killed_for_slowness(&mut bench, 73.0), at(72.0));
    // One that made it is trusted as before.
    bench.put(73.0, Input::ServiceEnded);
    bench.run_to(80.0);
    bench.put(90.0, Input::ServiceReady);
    bench.put(200.0, Input::ServiceEnded);
    assert_eq!(killed_for_slowness(&mut bench, 211.0), at(210.0));
}

#[test]
fn r_a_service_that_never_becomes_ready_is_left_to_a_partner_that_lives() {
    let mut bench = Bench::primary();
    bench.run_to(5.0);
    let (mut second, mut killed) = (5.5, 0);
    while bench.node.phase() == Phase::Starting && second < 100.0 {
        bench.hear(second, Value::Stopped);
        second += 1.0;
        let log = bench.run_to(second);
        if log.iter().any(|(_, it)| *it == Action::KillService) {
            killed += 1;
            bench.put(second, Input::ServiceEnded);
        }
    }
    assert_eq!((bench.node.phase(), killed), (Phase::Standby, 2));
}

/// A primary without a warm standby whose service ended three times, at 6.3 last; the partner stands by.
fn on_trial() -> Bench {
    let mut bench = Bench::primary();
    bench.make_active();
    bench.hear(6.0, Value::Stopped);
    for death in [6.1, 6.2, 6.3] {
        bench.put(death, Input::ServiceEnded);
    }
    assert_eq!(bench.node.phase(), Phase::Standby);
    bench
}

#[test]
fn where_the_service_does_not_stay_up_it_is_tried_every_five_seconds_and_nothing_claimed() {
    let mut bench = on_trial();
    let mut starts = Vec::new();
    let mut now = 6.3;
    while starts.len() < 6 {
        now += 0.1;
        let mut log = bench.run_to(now);
        log.extend(
            bench
                .hear(now, Value::Stopped)
                .into_iter()
                .map(|a| (at(now), a)),
        );
        assert!(!log.iter().any(|(_, a)| *a == Action::Send(Value::Running)));
        if log.iter().any(|(_, a)| *a == Action::StartService) {
            starts.push(now);
            bench.put(now, Input::ServiceEnded);
        }
    }
    let pauses = starts.windows(2).map(|two| (two[1] - two[0]).round());
    assert_eq!(pauses.collect::<Vec<_>>(), [2.0, 4.0, 5.0, 5.0, 5.0]);
}

#[test]
fn a_service_on_trial_that_stays_up_for_three_seconds_takes_the_next_offer_without_a_start() {
    let mut bench = on_trial();
    bench.run_to(7.3);
    bench.put(7.4, Input::ServiceReady);
    for seconds in [8.0, 9.0, 10.0] {
        bench.hear(seconds, Value::Stopped);
        assert!(!bench.node.statement(at(seconds), Value::Stopped).fit);
    }
    assert_eq!(bench.node.phase(), Phase::Standby);
    bench.hear(10.5, Value::Stopped);
    // Four dead times after the takeover before.
    let log = bench.run_to(23.0);
    let actions: Vec<Action> = log.into_iter().map(|(_, action)| action).collect();
    assert_eq!(bench.node.phase(), Phase::Active);
    assert!(actions.contains(&Action::RaiseAddresses));
    assert!(!actions.contains(&Action::StartService));
}

#[test]
fn a_service_on_trial_ends_when_it_stays_up_and_the_partner_serves() {
    let mut bench = on_trial();
    bench.run_to(7.3);
    bench.put(7.4, Input::ServiceReady);
    let mut stopped = Vec::new();
    for tenths in 75..130_u32 {
        let now = f64::from(tenths) / 10.0;
        let mut log = bench.hear(now, Value::Running);
        log.extend(bench.put(now, Input::Tick));
        if log.contains(&Action::StopService) {
            stopped.push(now);
        }
    }
    assert_eq!(stopped, [10.4]);
    assert!(bench.put(13.0, Input::ServiceEnded).is_empty());
    assert!(bench.node.statement(at(13.0), Value::Stopped).fit);
    // What it did before the trial is forgotten: a standby that becomes warm starts it at once.
    let warm = Settings {
        warm_standby: true,
        ..settings(ConfiguredRole::Primary)
    };
    let actions = bench.put(13.1, Input::Reload(Box::new(warm)));
    assert!(actions.contains(&Action::StartService), "{actions:?}");
}

#[test]
fn that_it_is_tried_again_is_said_once_and_then_after_growing_pauses() {
    let mut bench = Bench::start(Settings {
        has_partner: false,
        ..settings(ConfiguredRole::Primary)
    });
    let (mut said, mut starts) = (Vec::new(), 0);
    // It ends as soon as it is started, again and again.
    let mut actions = vec![Action::StartService];
    for tenths in 0..2000_u32 {
        let now = f64::from(tenths) / 10.0;
        actions.extend(bench.run_to(now).into_iter().map(|(_, action)| action));
        let mut seen = notices(&actions);
        while actions.contains(&Action::StartService) {
            starts += 1;
            actions = bench.put(now, Input::ServiceEnded);
            seen.extend(notices(&actions));
        }
        actions.clear();
        let retried = seen.iter().any(|line| line.contains("next attempt"));
        said.extend(retried.then_some(now));
    }
    // Every five seconds, and told of five times: after 10, 20, 40 and 80 s.
    assert!(starts > 38, "{starts}");
    assert_eq!(said.len(), 5, "{said:?}");
    for two in said.windows(2) {
        assert!(two[1] >= two[0] + 10.0, "{said:?}");
    }
}

#[test]
fn what_is_said_of_a_service_that_ends_is_true_without_addresses_and_beside_a_silent_partner() {
    let mut bench = Bench::primary();
    bench.run_to(5.0);
    assert_eq!(bench.node.phase(), Phase::Starting);
    let said = notices(&bench.put(5.1, Input::ServiceEnded));
    assert_eq!(said, ["service ended: starting it again"]);
    bench.put(5.2, Input::ServiceReady);
    let said = notices(&bench.put(5.3, Input::ServiceEnded));
    assert_eq!(said, ["service ended: starting it again, addresses stay"]);
    let said = notices(&bench.put(5.4, Input::ServiceEnded));
    let line = "service does not stay up and no partner is ready to take over: \
                next attempt in 1000 ms";
    assert_eq!(said, [line]);
}

#[test]
fn what_fails_for_a_day_is_said_once_an_hour() {
    let mut service = crate::supervise::Supervision::default();
    let mut said = Vec::new();
    for second in 0..24 * 3600_u32 {
        if service.is_news(at(f64::from(second))) {
            said.push(second);
        }
    }
    assert_eq!(said[..4], [0, 10, 30, 70]);
    let pauses: Vec<u32> = said.windows(2).map(|two| two[1] - two[0]).collect();
    assert_eq!(pauses.last(), Some(&3600));
    assert!(pauses.iter().all(|pause| *pause <= 3600));
}

/// Killed by somebody, it is started again; the new one is too slow, is killed, and the kernel keeps it.
fn kept_by_the_kernel() -> Bench {
    let mut bench = Bench::primary();
    bench.run_to(5.0);
    assert_eq!(bench.node.phase(), Phase::Starting);
    let log = bench.run_to(19.9);
    assert!(log.contains(&(at(15.0), Action::KillService)), "{log:?}");
    bench
}

#[test]
fn r_a_killed_service_that_does_not_end_is_said_and_left_to_a_partner_that_lives() {
    let mut bench = kept_by_the_kernel();
    bench.hear(19.95, Value::Stopped);
    let log = bench.run_to(20.5);
    let actions: Vec<Action> = log.into_iter().map(|(_, it)| it).collect();
    let line = "service was killed and does not end, a disk may not answer: no other one is started until it is gone";
    let said = notices(&actions);
    assert_eq!(said[..2], [line, "service does not end: going inactive"]);
    assert!(actions.contains(&Action::Send(Value::Stopped)));
    assert_eq!(bench.node.phase(), Phase::Standby);
    // It stays unfit until the old one is gone, and nothing is said again.
    for second in 21..60_u32 {
        let now = f64::from(second);
        let said = notices(&bench.hear(now, Value::Running));
        assert!(said.iter().all(|it| it != line), "{said:?}");
        let said = bench.run_to(now + 0.5);
        assert!(
            said.iter().all(|(_, it)| !matches!(it, Action::Notice(_))),
            "{said:?}"
        );
        assert!(!bench.node.statement(at(now), Value::Stopped).fit);
    }
    bench.put(60.0, Input::ServiceEnded);
    assert!(bench.node.statement(at(60.0), Value::Stopped).fit);
}

#[test]
fn r_a_killed_service_that_does_not_end_makes_unfit_without_a_partner_that_could_take_over() {
    let mut bench = kept_by_the_kernel();
    bench.run_to(40.0);
    assert_eq!(bench.node.phase(), Phase::Starting);
    let unfit = bench.node.view(at(40.0)).unfit;
    assert_eq!(unfit, [crate::fitness::Unfit::ServiceStuck]);
    // A partner that comes back takes over at the next look.
    bench.hear(40.1, Value::Stopped);
    bench.run_to(46.0);
    assert_eq!(bench.node.phase(), Phase::Standby);
}

/// Time goes by; with a partner, if there is one, that stands by, and a service that shows signs of life if it `lives`.
fn seconds(bench: &mut Bench, seconds: std::ops::Range<u32>, lives: bool) -> Vec<(Mono, Action)> {
    let mut log = Vec::new();
    for second in seconds {
        let now = f64::from(second);
        log.extend(bench.run_to(now));
        if bench.node.has_partner() {
            bench.hear(now, Value::Stopped);
        }
        if lives {
            assert_eq!(bench.put(now, Input::ServiceAlive), []);
        }
    }
    log
}

fn is_kill((_, action): &(Mono, Action)) -> bool {
    *action == Action::KillService
}

#[test]
fn r_a_service_that_hangs_is_killed_and_started_again() {
    let mut bench = Bench::primary();
    bench.make_active();
    let log = seconds(&mut bench, 6..97, true);
    assert_eq!(log.iter().position(is_kill), None);
    let mut log = seconds(&mut bench, 97..156, false);
    assert_eq!(log.iter().position(is_kill), None);
    log.extend(seconds(&mut bench, 156..158, false));
    let kill = log.iter().position(is_kill).expect("it is killed");
    assert_eq!(log[kill].0, at(156.0));
    let actions: Vec<Action> = log.into_iter().map(|(_, it)| it).collect();
    let line = "service hangs: no sign of life for 60 seconds, killing it";
    assert_eq!(notices(&actions), [line]);
    let actions = bench.put(157.1, Input::ServiceEnded);
    assert!(actions.contains(&Action::StartService), "{actions:?}");
    assert!(bench.node.is_holding());
}

/// A program of before an upgrade.
#[test]
fn r_a_service_that_never_shows_that_it_lives_is_left_alone() {
    let mut bench = Bench::primary();
    bench.make_active();
    assert!(!seconds(&mut bench, 6..500, false).iter().any(is_kill));
    // The next one is one of those, too, whatever the last one was.
    seconds(&mut bench, 500..501, true);
    bench.put(500.1, Input::ServiceEnded);
    bench.put(500.2, Input::ServiceReady);
    assert!(!seconds(&mut bench, 501..1000, false).iter().any(is_kill));
}

/// The machine was frozen, and the service with it.
#[test]
fn r_a_service_is_not_blamed_for_time_in_which_we_were_away() {
    let mut bench = Bench::start(Settings {
        has_partner: false,
        ..settings(ConfiguredRole::Primary)
    });
    bench.make_active();
    seconds(&mut bench, 6..97, true);
    // Either of them may come first then.
    bench.put(300.0, Input::Tick);
    bench.put(300.1, Input::ServiceAlive);
    assert!(!seconds(&mut bench, 301..360, false).iter().any(is_kill));
    assert!(seconds(&mut bench, 360..362, false).iter().any(is_kill));
}
