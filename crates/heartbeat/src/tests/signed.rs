//! Rules that need a signed partner: terms, a deaf partner, the clean stop.

use std::time::Duration;

use crate::datagram::Value;
use crate::datagram::signed::{SignatureError, State};
use lvs_model::SyncRole;

use super::beat::{Beat, signed};
use super::{Bench, at, notices, settings};
use crate::model::{Action, Input, Settings};
use crate::notice::Notice;
use crate::pair::{ConfiguredRole, PairPath};
use crate::said::DiscardReason;
use crate::transitions::Phase;

/// Of a partner that serves; it wants the higher term to stay.
const SERVES: Beat = signed(State::Active).by_term(true);
const STARTS: Beat = SERVES.state(State::Starting);
const LEAVES: Beat = SERVES.state(State::Leaving);
const STANDS_BY: Beat = SERVES.state(State::Inactive);

fn signing(role: ConfiguredRole, by_term: bool) -> Bench {
    Bench::start(Settings {
        signs: true,
        by_term,
        ..settings(role)
    })
}

/// Active at 5.0 with term 1, its partner standing by.
fn active_beside_a_standby(role: ConfiguredRole) -> Bench {
    let mut bench = signing(role, false);
    bench.make_active();
    bench.hear_beat(6.0, STANDS_BY);
    bench
}

#[test]
fn a_takeover_raises_the_highest_term_heard_and_keeps_it() {
    let mut bench = signing(ConfiguredRole::Backup, false);
    let learnt = bench.hear_beat(1.0, SERVES.term(41));
    let serves = Action::Notice(Notice::PartnerServes);
    assert_eq!(learnt, [Action::KeepTerm(41), serves, Action::ClearTable]);
    let log = bench.run_to(6.0);
    assert!(log.contains(&(at(6.0), Action::KeepTerm(42))));
    assert_eq!(bench.node.statement(at(6.0), Value::Running).term, 42);
}

#[test]
fn a_kept_term_is_where_the_next_start_goes_on() {
    let mut bench = signing(ConfiguredRole::Primary, false);
    bench.node.remember_term(7);
    let log = bench.run_to(5.0);
    assert!(log.contains(&(at(5.0), Action::KeepTerm(8))));
}

#[test]
fn the_higher_term_stays_only_where_both_want_that() {
    for (role, ours, theirs, term, stays) in [
        (ConfiguredRole::Primary, true, true, 2, false),
        (ConfiguredRole::Backup, true, true, 0, true),
        (ConfiguredRole::Primary, true, true, 1, true),
        (ConfiguredRole::Backup, true, true, 1, false),
        (ConfiguredRole::Primary, false, true, 2, true),
        (ConfiguredRole::Primary, true, false, 2, true),
        (ConfiguredRole::Backup, true, false, 0, false),
    ] {
        let mut bench = signing(role, ours);
        bench.make_active();
        bench.hear_beat(6.0, SERVES.by_term(theirs).term(term));
        let phase = bench.node.phase();
        let case = format!("{role:?} {ours} {theirs} {term}");
        assert_eq!(phase == Phase::Active, stays, "{case}");
    }
}

#[test]
fn a_primary_gives_up_beside_a_partner_that_cannot_hear_it() {
    let mut bench = signing(ConfiguredRole::Primary, false);
    bench.make_active();
    let hears = SERVES.term(2);
    let first = bench.hear_beat(6.0, hears.deaf());
    assert!(first.contains(&Action::Send(Value::Running)));
    let log = bench.run_to(8.0);
    let said: Vec<Action> = log.into_iter().map(|(_, action)| action).collect();
    assert!(notices(&said).contains(&"partner active and deaf to us: going inactive".to_owned()));
    assert_eq!(bench.node.phase(), Phase::Releasing);
    // One that hears after all will yield by itself.
    let mut bench = signing(ConfiguredRole::Primary, false);
    bench.make_active();
    bench.hear_beat(6.0, hears.deaf());
    bench.hear_beat(6.5, hears);
    bench.run_to(10.0);
    assert_eq!(bench.node.phase(), Phase::Active);
}

/// The deaf owner has given up meanwhile: if this node did so as well, nobody would serve.
#[test]
fn r_a_deaf_partner_that_says_that_it_is_inactive_makes_nobody_give_up() {
    for stays in [STANDS_BY, STANDS_BY.deaf()] {
        let mut bench = active_beside_a_standby(ConfiguredRole::Primary);
        bench.hear_beat(6.0, SERVES.by_term(false).deaf());
        bench.hear_beat(6.5, stays);
        bench.run_to(8.4);
        assert_eq!(bench.node.phase(), Phase::Active);
    }
}

#[test]
fn a_clean_stop_serves_until_the_partner_has_the_addresses() {
    let mut bench = active_beside_a_standby(ConfiguredRole::Primary);
    let stop = bench.put(7.0, Input::Stop { signal: 15 });
    assert_eq!(stop.last(), Some(&Action::Send(Value::Running)));
    let says = bench.node.statement(at(7.0), Value::Running);
    assert_eq!(says.state, State::Leaving);
    assert!(bench.hear_beat(7.1, STARTS.term(2)).is_empty());
    assert!(bench.node.is_holding());
    let release = bench.hear_beat(7.2, SERVES.term(2));
    assert_eq!(notices(&release), ["partner active: stopping"]);
    assert_eq!(release[1], Action::DropAddresses);
    assert!(release.contains(&Action::StopService));
    let end = bench.put(7.3, Input::ServiceEnded);
    assert_eq!(end.last(), Some(&Action::Exit));
}

#[test]
fn a_standby_takes_a_clean_stop_at_once_and_does_not_yield_to_the_leaver() {
    let mut bench = signing(ConfiguredRole::Backup, false);
    bench.hear_beat(1.0, SERVES);
    let actions = bench.hear_beat(2.0, LEAVES);
    assert_eq!(notices(&actions), ["primary inactive: activating lvs"]);
    bench.hear_beat(2.1, LEAVES);
    bench.put(2.2, Input::ServiceReady);
    bench.hear_beat(2.3, LEAVES);
    assert_eq!(
        bench.node.phase(),
        Phase::Starting,
        "the leaver serves, our servers are unknown"
    );
    bench.put(2.4, Input::ServiceChecked);
    bench.hear_beat(2.5, LEAVES);
    assert_eq!(bench.node.phase(), Phase::Active);
}

/// A backup whose partner leaves at 2.0 and whose table stands at 2.2.
fn beside_a_leaver() -> Bench {
    let mut bench = signing(ConfiguredRole::Backup, false);
    bench.hear_beat(1.0, SERVES);
    bench.hear_beat(2.0, LEAVES);
    bench.put(2.2, Input::ServiceReady);
    assert_eq!(bench.node.phase(), Phase::Starting);
    bench
}

#[test]
fn a_leaver_is_let_serve_for_a_second_at_most_and_not_once_it_lets_go() {
    let mut bench = beside_a_leaver();
    bench.run_to(2.99);
    assert_eq!(bench.node.phase(), Phase::Starting);
    bench.run_to(3.0);
    assert_eq!(bench.node.phase(), Phase::Active);

    let mut bench = beside_a_leaver();
    bench.hear_beat(2.3, STANDS_BY);
    assert_eq!(bench.node.phase(), Phase::Active);
}

/// The same, with a sync daemon that listens for five seconds first, and servers checked at once.
fn beside_a_leaver_with_connections(warm: bool) -> (Bench, Vec<Action>) {
    let mut bench = Bench::start(Settings {
        signs: true,
        sync_wait: Duration::from_secs(5),
        warm_standby: warm,
        ..settings(ConfiguredRole::Backup)
    });
    bench.hear_beat(1.0, SERVES);
    if warm {
        bench.put(1.1, Input::ServiceReady);
        bench.put(1.2, Input::ServiceChecked);
    }
    let mut actions = bench.hear_beat(2.0, LEAVES);
    if !warm {
        bench.put(2.2, Input::ServiceReady);
        actions.extend(bench.put(2.3, Input::ServiceChecked));
    }
    (bench, actions)
}

#[test]
fn a_leaver_is_relieved_when_its_connections_are_known_and_synchronises_until_then() {
    let master = Action::SyncDaemon(SyncRole::Master);
    for warm in [false, true] {
        let (mut bench, before) = beside_a_leaver_with_connections(warm);
        assert_eq!(bench.node.phase(), Phase::Starting);
        bench.hear_beat(4.0, LEAVES);
        let waited = bench.run_to(4.99);
        assert_eq!(bench.node.phase(), Phase::Starting);
        let deeds = waited.iter().map(|(_, action)| action);
        assert!(!before.iter().chain(deeds).any(|action| *action == master));
        let log = bench.run_to(5.0);
        assert_eq!(bench.node.phase(), Phase::Active);
        let switches = log.iter().filter(|(_, action)| *action == master);
        assert_eq!(switches.count(), 1);

        // It lets go, or dies: whatever is known has to do.
        let (mut bench, _) = beside_a_leaver_with_connections(warm);
        bench.hear_beat(3.0, STANDS_BY);
        assert_eq!(bench.node.phase(), Phase::Active);
    }
}

#[test]
fn a_leaver_waits_as_long_as_the_partner_may_need_for_its_connections() {
    let mut bench = Bench::start(Settings {
        signs: true,
        sync_wait: Duration::from_secs(5),
        ..settings(ConfiguredRole::Primary)
    });
    bench.make_active();
    bench.hear_beat(6.0, STANDS_BY);
    bench.put(7.0, Input::Stop { signal: 15 });
    for second in 4..11_u32 {
        let seconds = f64::from(second) * 2.0;
        bench.run_to(seconds);
        bench.hear_beat(seconds, STARTS);
    }
    bench.run_to(21.9);
    assert_eq!(bench.node.phase(), Phase::HandingOver);
    bench.run_to(22.0);
    assert_eq!(bench.node.phase(), Phase::Releasing);
}

#[test]
fn nobody_waits_for_checks_while_nobody_serves() {
    let mut bench = signing(ConfiguredRole::Backup, false);
    bench.hear_beat(1.0, SERVES);
    bench.run_to(6.0);
    bench.put(6.1, Input::ServiceReady);
    assert_eq!(bench.node.phase(), Phase::Active);
}

#[test]
fn a_clean_stop_does_not_wait_for_a_partner_that_cannot_or_does_not_come() {
    let mut bench = active_beside_a_standby(ConfiguredRole::Primary);
    bench.hear_beat(6.5, STANDS_BY.unfit());
    bench.put(7.0, Input::Stop { signal: 15 });
    assert_eq!(bench.node.phase(), Phase::Releasing);

    let mut bench = active_beside_a_standby(ConfiguredRole::Primary);
    bench.put(7.0, Input::Stop { signal: 15 });
    bench.run_to(10.9);
    assert_eq!(bench.node.phase(), Phase::HandingOver);
    bench.run_to(11.0);
    assert_eq!(bench.node.phase(), Phase::Releasing, "silent since 6.0");

    let mut bench = active_beside_a_standby(ConfiguredRole::Primary);
    bench.put(7.0, Input::Stop { signal: 15 });
    for seconds in [9.0, 11.0, 13.0, 15.0, 16.9] {
        bench.run_to(seconds);
        bench.hear_beat(seconds, STANDS_BY);
    }
    assert_eq!(bench.node.phase(), Phase::HandingOver);
    bench.run_to(17.0);
    assert_eq!(bench.node.phase(), Phase::Releasing);

    let mut bench = active_beside_a_standby(ConfiguredRole::Primary);
    bench.put(7.0, Input::Stop { signal: 15 });
    bench.put(7.1, Input::Stop { signal: 2 });
    assert_eq!(bench.node.phase(), Phase::Releasing);
}

#[test]
fn an_unsigned_clean_stop_is_handed_over_to_one_of_ours_and_not_to_an_original() {
    let stop = |answers: &[(f64, Beat)]| {
        let mut bench = Bench::primary();
        bench.make_active();
        bench.hear(6.0, Value::Stopped);
        bench.put(7.0, Input::Stop { signal: 15 });
        assert_eq!(bench.node.phase(), Phase::HandingOver);
        for (seconds, beat) in answers {
            match beat.statement().state {
                // What is no mark says nothing but the value.
                State::Starting => bench.hear(*seconds, Value::Running),
                _ => bench.hear_beat(*seconds, *beat),
            };
        }
        bench
    };
    let mut bench = stop(&[]);
    bench.run_to(7.24);
    assert_eq!(bench.node.phase(), Phase::HandingOver);
    bench.run_to(7.25);
    assert_eq!(bench.node.phase(), Phase::Releasing, "an original");

    let mut bench = stop(&[(7.1, STARTS)]);
    bench.run_to(9.0);
    assert_eq!(bench.node.phase(), Phase::HandingOver, "it has claimed");
    let release = bench.hear_beat(9.1, SERVES);
    assert_eq!(release[1], Action::DropAddresses);

    let bench = stop(&[(7.1, SERVES)]);
    assert_eq!(bench.node.phase(), Phase::Releasing);

    let mut bench = Bench::primary();
    bench.make_active();
    bench.put(7.0, Input::Stop { signal: 15 });
    assert_eq!(bench.node.phase(), Phase::Releasing, "there is nobody");
}

#[test]
fn what_is_not_proven_is_answered_32_times_a_keepalive_at_most() {
    let mut bench = signing(ConfiguredRole::Backup, false);
    let mut answers = 0;
    for number in 1..=200_u32 {
        let seconds = f64::from(number) / 100.0;
        let log = bench.put(seconds, Input::Unproven).into_iter();
        let late = bench.run_to(seconds).into_iter().map(|(_, action)| action);
        let challenge = |action: &Action| *action == Action::Challenge(Value::Stopped);
        answers += log.chain(late).filter(challenge).count();
    }
    assert!((28..=33).contains(&answers), "{answers}");
    // The last that was not answered is answered, too.
    let log = bench.run_to(2.1);
    let challenges = log
        .iter()
        .filter(|(_, it)| *it == Action::Challenge(Value::Stopped));
    assert_eq!(challenges.count(), 1);
}

#[test]
fn an_older_signed_heartbeat_is_life_and_nothing_more() {
    let older = |beat: Beat| beat.older().on(PairPath::Private);
    // No offer, no clean stop, no term.
    let mut bench = signing(ConfiguredRole::Primary, false);
    bench.hear_beat(1.0, SERVES);
    let stopped = older(STANDS_BY.term(9));
    assert_eq!(bench.hear_beat(2.0, stopped), []);
    assert_eq!(bench.hear_beat(2.1, older(LEAVES)), []);
    assert_eq!(bench.node.phase(), Phase::Standby);
    assert_eq!(bench.node.statement(at(2.1), Value::Stopped).term, 1);
    assert_eq!(
        bench.node.view(at(2.1)).partner.unwrap().value,
        Some(Value::Running)
    );
    // But a sign of life.
    bench.run_to(7.0);
    assert_eq!(bench.node.phase(), Phase::Standby);
    bench.run_to(7.1);
    assert_eq!(bench.node.phase(), Phase::Starting);
    // No conflict: nobody yields.
    let mut bench = signing(ConfiguredRole::Backup, false);
    bench.make_active();
    bench.hear_beat(6.0, older(SERVES));
    assert_eq!(bench.node.phase(), Phase::Active);
}

#[test]
fn r_a_refused_heartbeat_names_path_partner_and_keys() {
    let mut bench = Bench::start(Settings {
        signs: true,
        partner: vec!["10.1.0.1".parse().expect("an address")],
        ..settings(ConfiguredRole::Backup)
    });
    let wrong = DiscardReason::Signature(SignatureError::Wrong);
    let said = notices(&bench.put(1.0, Input::Refused(wrong, PairPath::Private)));
    let line = "heartbeat refused: wrong signature, on the private path; the keys here: /etc/keys";
    let consequence = "until a heartbeat of the partner counts, both directors will serve: heartbeat_auth and the keys \
                       must fit on both";
    assert_eq!(said, [line, consequence, "the partner is 10.1.0.1"]);
    let count = |bench: &mut Bench, time| {
        bench.run_to(time);
        let said = notices(&bench.put(time, Input::Refused(wrong, PairPath::Private)));
        said.iter().filter(|line| *line == consequence).count()
    };
    assert_eq!([2.0, 70.0].map(|time| count(&mut bench, time)), [0, 0]);
    // Again when the partner counted meanwhile, and is silent for a dead time.
    bench.hear(71.0, Value::Running);
    let counts = [72.0, 77.0, 78.0].map(|time| count(&mut bench, time));
    assert_eq!(counts, [0, 1, 0]);
}
