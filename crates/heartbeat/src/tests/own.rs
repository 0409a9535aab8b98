//! The addresses that our own heartbeats are sent from: gone, and back.

use crate::datagram::Value;

use super::{Bench, at, notices, settings};
use crate::model::{Action, Input, Links, Settings};
use crate::pair::ConfiguredRole;
use crate::transitions::Phase;

fn own(public: bool, private: bool) -> Input {
    Input::OwnAddresses { public, private }
}

const GONE: Input = Input::OwnAddresses {
    public: false,
    private: false,
};
const BACK: Input = Input::OwnAddresses {
    public: true,
    private: true,
};

/// Whether anything up to `seconds` tells others that this node is active.
fn claims(bench: &mut Bench, seconds: f64) -> bool {
    bench.run_to(seconds).iter().any(|(_, it)| it.claims())
}

#[test]
fn a_standby_whose_own_address_is_gone_claims_nothing_and_listens_when_it_is_back() {
    let mut bench = Bench::backup();
    bench.hear(1.0, Value::Running);
    let said = notices(&bench.put(2.0, GONE));
    let line = "no own address of the heartbeat can be used: nothing is taken over until one can";
    assert_eq!(said, [line]);
    assert!(!claims(&mut bench, 60.0));
    assert!(!bench.node.statement(at(60.0), Value::Stopped).fit);
    bench.put(60.0, BACK);
    // Silence counts from now on.
    assert!(!claims(&mut bench, 64.9));
    bench.run_to(65.0);
    assert_eq!(bench.node.phase(), Phase::Starting);
}

#[test]
fn an_active_node_lets_go_before_its_partner_takes_over_and_not_earlier() {
    let mut bench = Bench::primary();
    bench.make_active();
    bench.hear(6.0, Value::Stopped);
    bench.run_to(7.2);
    // The last heartbeat went at 7.0: the partner takes over at 12.0.
    bench.put(7.3, GONE);
    bench.run_to(11.8);
    assert!(bench.node.is_holding());
    // A 32nd of D before that: its clock may be ahead of ours.
    let log = bench.run_to(11.85);
    assert!(log.iter().any(|(_, it)| *it == Action::DropAddresses));
    assert!(!bench.node.is_holding());
    assert!(bench.node.view(at(12.0)).transitions.len() >= 3);
}

#[test]
fn an_own_address_that_is_back_in_time_moves_nothing() {
    let mut bench = Bench::primary();
    bench.make_active();
    bench.hear(6.0, Value::Stopped);
    bench.put(6.5, GONE);
    let back = bench.put(7.5, BACK);
    assert!(back.contains(&Action::Send(Value::Running)));
    bench.hear(8.0, Value::Stopped);
    bench.run_to(12.0);
    assert_eq!(bench.node.phase(), Phase::Active);
    assert!(bench.node.is_holding());
}

const UNHEARD: &str =
    "serving on though the partner can neither hear this node nor be heard: it may serve as well";

/// Whether the status warns of a second owner.
fn warns(bench: &Bench, seconds: f64) -> bool {
    let unfit = bench.node.view(at(seconds)).unfit;
    let line = "serves, and the partner, which cannot hear it, may serve as well";
    unfit.iter().any(|it| it.to_string() == line)
}

#[test]
fn who_serves_beside_a_dead_partner_stays_whatever_becomes_of_its_own_address_and_says_so() {
    let mut bench = Bench::primary();
    bench.make_active();
    bench.run_to(20.0);
    let said = notices(&bench.put(20.0, GONE));
    assert_eq!(said.iter().filter(|it| *it == UNHEARD).count(), 1);
    let log = bench.run_to(60.0);
    let log: Vec<Action> = log.into_iter().map(|(_, it)| it).collect();
    assert!(!notices(&log).contains(&UNHEARD.to_owned()), "once");
    assert_eq!(bench.node.phase(), Phase::Active);
    assert!(warns(&bench, 60.0));
    bench.put(60.5, BACK);
    assert!(!warns(&bench, 60.5));
}

#[test]
fn who_is_cut_off_beside_a_partner_that_takes_over_or_on_standby_does_not_warn_of_a_second_owner() {
    let mut bench = Bench::primary();
    bench.make_active();
    bench.hear(6.0, Value::Stopped);
    let said = notices(&bench.put(6.5, GONE));
    assert!(!said.contains(&UNHEARD.to_owned()));
    assert!(!warns(&bench, 6.5));
    let mut bench = Bench::backup();
    bench.hear(1.0, Value::Running);
    let said = notices(&bench.put(2.0, GONE));
    assert!(!said.contains(&UNHEARD.to_owned()) && !warns(&bench, 9.0));
}

#[test]
fn every_link_lost_beside_a_dead_partner_is_as_good_as_no_own_address() {
    let links = |public_up, private_up| {
        Input::Links(Links {
            public_up,
            private_up,
        })
    };
    let mut bench = two_paths();
    bench.run_to(30.0);
    // The other path works.
    let said = notices(&bench.put(30.0, links(true, false)));
    assert!(!said.contains(&UNHEARD.to_owned()) && !warns(&bench, 30.0));
    let said = notices(&bench.put(31.0, links(false, false)));
    assert_eq!(said, ["Primary NIC: link down", UNHEARD]);
    assert!(notices(&bench.put(32.0, links(false, false))).is_empty());
    assert!(warns(&bench, 32.0));
    // One that is back is not the whole.
    assert!(notices(&bench.put(33.0, links(true, false))).is_empty());
    assert!(!warns(&bench, 33.0) && !bench.node.view(at(33.0)).unfit.is_empty());
    let restored = "Local NIC link(s) restored: Pulse enabled";
    assert_eq!(notices(&bench.put(34.0, links(true, true))), [restored]);
    assert!(bench.node.view(at(34.0)).unfit.is_empty());
}

/// The carrier of one path and the own address of the other: neither path works.
#[test]
fn a_path_without_its_address_and_one_without_its_carrier_are_as_good_as_none() {
    let links = |public_up, private_up| {
        Input::Links(Links {
            public_up,
            private_up,
        })
    };
    // Beside a dead partner, whichever comes first.
    for (first, second) in [
        (own(false, true), links(true, false)),
        (links(true, false), own(false, true)),
        (own(true, false), links(false, true)),
        (links(false, true), own(true, false)),
    ] {
        let mut bench = two_paths();
        bench.run_to(30.0);
        let said = notices(&bench.put(30.0, first));
        assert!(!said.contains(&UNHEARD.to_owned()) && !warns(&bench, 30.0));
        bench.run_to(50.0);
        let said = notices(&bench.put(50.0, second.clone()));
        assert!(said.contains(&UNHEARD.to_owned()), "{second:?} {said:?}");
        assert!(warns(&bench, 50.0));
        let log = bench.run_to(90.0).into_iter().map(|(_, it)| it);
        let said = notices(&log.collect::<Vec<_>>());
        assert!(!said.contains(&UNHEARD.to_owned()), "once");
        bench.put(90.0, BACK);
        assert!(!warns(&bench, 90.0));
    }
    // Address and carrier of one path: the other one works.
    let mut bench = two_paths();
    bench.run_to(30.0);
    bench.put(30.0, own(false, true));
    bench.run_to(40.0);
    bench.put(40.0, links(false, true));
    assert!(!warns(&bench, 40.0));
}

/// A reload gives a lone director a partner, and no heartbeat can go to it.
#[test]
fn a_partner_that_comes_by_a_reload_finds_a_node_that_is_cut_off_and_says_so() {
    let alone = Settings {
        has_partner: false,
        ..settings(ConfiguredRole::Primary)
    };
    let mut bench = Bench::start(alone.clone());
    bench.put(0.1, Input::ServiceReady);
    assert!(notices(&bench.put(1.0, GONE)).is_empty());
    let pair = Settings {
        has_partner: true,
        ..alone
    };
    let said = notices(&bench.put(2.0, Input::Reload(Box::new(pair))));
    assert!(said.contains(&UNHEARD.to_owned()), "{said:?}");
    assert!(warns(&bench, 2.0));
}

#[test]
fn what_the_partner_says_first_when_the_address_is_back_is_no_offer() {
    let mut bench = Bench::primary();
    bench.make_active();
    // Long ago: nothing but its own silence keeps it from an offer.
    bench.run_to(40.0);
    bench.hear(40.0, Value::Stopped);
    bench.put(41.3, GONE);
    bench.run_to(46.0);
    bench.put(46.1, Input::ServiceEnded);
    bench.put(46.2, BACK);
    // The partner is just about to take over: it has not heard us for a dead time.
    bench.hear(46.3, Value::Stopped);
    assert_eq!(bench.node.phase(), Phase::Standby);
    bench.hear(46.4, Value::Running);
    bench.run_to(51.0);
    assert_eq!(bench.node.phase(), Phase::Standby);
}

/// Without a signature nothing tells which of two datagrams is the older one.
#[test]
fn r_a_stopped_that_the_partners_running_has_overtaken_is_no_offer_either() {
    let mut bench = Bench::primary();
    bench.make_active();
    bench.run_to(40.0);
    bench.hear(40.0, Value::Stopped);
    bench.put(41.3, GONE);
    bench.run_to(46.0);
    bench.put(46.1, Input::ServiceEnded);
    bench.put(46.2, BACK);
    bench.hear(46.4, Value::Running);
    bench.hear(46.5, Value::Stopped);
    bench.hear(46.6, Value::Running);
    bench.run_to(51.0);
    assert_eq!(bench.node.phase(), Phase::Standby);
}

fn two_paths() -> Bench {
    let mut bench = Bench::start(Settings {
        has_private_path: true,
        ..settings(ConfiguredRole::Primary)
    });
    bench.make_active();
    bench.hear(6.0, Value::Stopped);
    bench
}

#[test]
fn one_own_address_of_two_is_a_trouble_after_a_dead_time_and_not_at_once() {
    for (public, private) in [(false, true), (true, false)] {
        let mut bench = two_paths();
        let said = notices(&bench.put(6.5, own(public, private)));
        assert!(said[0].starts_with("an own address of the heartbeat cannot be used"));
        assert!(!bench.node.statement(at(6.5), Value::Running).fit);
        for seconds in [8.0, 10.0, 11.4] {
            bench.run_to(seconds);
            bench.hear(seconds, Value::Stopped);
            assert_eq!(bench.node.phase(), Phase::Active, "{seconds}");
        }
        bench.run_to(11.5);
        assert_eq!(
            bench.node.phase(),
            Phase::Releasing,
            "the partner is better"
        );

        let mut bench = two_paths();
        bench.put(6.5, own(public, private));
        bench.put(8.0, BACK);
        for seconds in [8.0, 10.0, 12.0, 14.0] {
            bench.run_to(seconds);
            bench.hear(seconds, Value::Stopped);
        }
        assert_eq!(bench.node.phase(), Phase::Active);
    }
}

/// The reason of the last give-up.
fn why(bench: &Bench, seconds: f64) -> String {
    let view = bench.node.view(at(seconds));
    let mut left = view.transitions.iter().rev();
    let left = left.find(|it| it.to == Phase::Releasing);
    left.expect("it gave up").reason.to_string()
}

#[test]
fn the_reason_of_a_give_up_names_what_is_gone() {
    let mut bench = two_paths();
    bench.put(6.5, own(true, false));
    let mut said = Vec::new();
    for seconds in [8.0, 10.0, 11.5] {
        bench.hear(seconds, Value::Stopped);
        let log = bench.run_to(seconds);
        let log: Vec<Action> = log.into_iter().map(|(_, it)| it).collect();
        said.extend(notices(&log));
    }
    assert_eq!(why(&bench, 11.5), "an own heartbeat address cannot be used");
    let line = "an own address of the heartbeat cannot be used: going inactive";
    assert!(said.contains(&line.to_owned()), "{said:?}");

    // A link that was lost beside a dead partner, which comes back.
    let mut bench = two_paths();
    bench.run_to(30.0);
    let (public_up, private_up) = (true, false);
    bench.put(
        30.0,
        Input::Links(Links {
            public_up,
            private_up,
        }),
    );
    assert_eq!(bench.node.phase(), Phase::Active);
    let said = notices(&bench.hear(31.0, Value::Stopped));
    assert_eq!(why(&bench, 31.0), "a link under the heartbeat is down");
    let line = "local link failure: deactivating LVS";
    assert!(said.contains(&line.to_owned()), "{said:?}");
}

/// What was put off before the addresses went counts no more when they are back: it was said to somebody who may
/// not have been heard since.
#[test]
fn an_offer_that_was_put_off_before_the_own_address_went_is_no_offer_when_it_is_back() {
    let mut bench = Bench::backup();
    bench.hear(0.5, Value::Stopped);
    bench.put(1.0, GONE);
    bench.put(1.5, BACK);
    // It had been put off until 2.75.
    assert!(!claims(&mut bench, 6.4));
    assert!(claims(&mut bench, 6.5));
}

#[test]
fn that_nobody_serves_counts_anew_when_the_own_address_is_back() {
    let trouble = crate::fitness::Trouble {
        address: [10, 1, 0, 50].into(),
        device: "eth1".to_owned(),
        what: crate::fitness::TroubleKind::NoDevice,
    };
    let mut bench = Bench::backup();
    bench.put(0.1, Input::Serving(vec![trouble]));
    for second in 1..20_u32 {
        bench.hear(second.into(), Value::Stopped);
        assert!(!claims(&mut bench, f64::from(second) + 0.5));
    }
    // It would serve at 20.5 all the same.
    bench.put(19.6, GONE);
    bench.put(19.7, BACK);
    bench.hear(19.8, Value::Stopped);
    for second in 20..39_u32 {
        assert!(!claims(&mut bench, second.into()), "{second}");
        bench.hear(second.into(), Value::Stopped);
    }
    assert!(claims(&mut bench, 40.0));
}
