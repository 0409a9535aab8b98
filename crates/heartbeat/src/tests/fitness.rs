//! Addresses that cannot be served here: what counts towards a living partner, and what does not.

use crate::datagram::Value;
use crate::datagram::details::Details;
use crate::datagram::signed::State;

use lvs_model::Mono;

use super::beat::{Beat, marked, signed};
use super::{Bench, at, notices, settings};
use crate::fitness::{Trouble, TroubleKind};
use crate::model::{Action, Input, Links, Settings};
use crate::node::Node;
use crate::orders::{Order, OrderRefused};
use crate::pair::ConfiguredRole;
use crate::partner::Partner;
use crate::transitions::Phase;

/// This many of the addresses 10.1.0.50, 10.1.0.51 … have no device.
fn missing(count: u8) -> Input {
    let trouble = |number| Trouble {
        address: [10, 1, 0, 50 + number].into(),
        device: "eth1".to_owned(),
        what: TroubleKind::NoDevice,
    };
    Input::Serving((0..count).map(trouble).collect())
}

fn signing(role: ConfiguredRole) -> Bench {
    Bench::start(Settings {
        signs: true,
        ..settings(role)
    })
}

/// A signed STOPPED of a partner that could not serve this many addresses; `None`: it does not say how
/// many, and is fit or not.
fn hear_standby(bench: &mut Bench, seconds: f64, unserved: Option<u16>, fit: bool) -> Vec<Action> {
    let says = signed(State::Inactive).fit(fit);
    let details = |unserved| Details {
        unserved: Some(unserved),
        ..Details::default()
    };
    let beat = unserved.map_or(says, |unserved| says.details(details(unserved)));
    bench.hear_beat(seconds, beat)
}

#[test]
fn a_trouble_names_address_and_device() {
    let named = |what| Trouble {
        address: [10, 1, 0, 50].into(),
        device: "eth1.10".to_owned(),
        what,
    };
    for (what, text) in [
        (
            TroubleKind::NoDevice,
            "address 10.1.0.50: there is no device eth1.10",
        ),
        (
            TroubleKind::Down,
            "address 10.1.0.50: device eth1.10 is down",
        ),
        (
            TroubleKind::NoCarrier,
            "address 10.1.0.50: device eth1.10 has no carrier",
        ),
    ] {
        assert_eq!(named(what).to_string(), text);
    }
}

#[test]
fn an_active_node_lets_go_to_a_standby_at_once() {
    let mut bench = Bench::primary();
    bench.make_active();
    bench.hear(6.0, Value::Stopped);
    let actions = bench.put(6.5, missing(1));
    assert_eq!(
        notices(&actions),
        [
            "1 address cannot be served here: left to a partner that lives and can",
            "the partner can serve more: going inactive"
        ]
    );
    assert_eq!(bench.node.phase(), Phase::Releasing);
    let actions = bench.put(6.6, Input::ServiceEnded);
    assert!(actions.contains(&Action::Send(Value::Stopped)));
    // The partner's last STOPPED is no offer to one that cannot.
    bench.hear(6.7, Value::Stopped);
    assert_eq!(bench.node.phase(), Phase::Standby);
}

#[test]
fn without_a_living_partner_it_serves_what_it_can_and_says_what_not() {
    let mut bench = Bench::backup();
    bench.put(0.0, missing(2));
    bench.hear(1.0, Value::Running);
    let log: Vec<Action> = bench.run_to(6.0).into_iter().map(|(_, it)| it).collect();
    assert_eq!(bench.node.phase(), Phase::Starting);
    assert!(notices(&log).contains(&"serving without 2 addresses".to_owned()));

    let mut bench = Bench::primary();
    bench.make_active();
    bench.run_to(30.0);
    bench.put(30.0, missing(2));
    assert_eq!(bench.node.phase(), Phase::Active);
    // It comes back: it is better.
    bench.hear(31.0, Value::Stopped);
    assert_eq!(bench.node.phase(), Phase::Releasing);
}

#[test]
fn an_unfit_standby_takes_no_offer_and_refuses_a_hand_over() {
    let mut bench = Bench::primary();
    bench.put(0.0, missing(1));
    bench.hear(1.0, Value::Running);
    bench.hear(2.0, Value::Stopped);
    assert_eq!(bench.node.phase(), Phase::Standby);
    bench.hear_beat(2.5, marked(State::Leaving));
    assert_eq!(bench.node.phase(), Phase::Standby);
}

/// An unsigned primary that let go at 6.5 and was released at 6.6.
fn let_go() -> Bench {
    let mut bench = Bench::primary();
    bench.make_active();
    bench.hear(6.0, Value::Stopped);
    bench.put(6.5, missing(1));
    bench.put(6.6, Input::ServiceEnded);
    bench
}

/// Hears STOPPED every half second until `end`; when a takeover began.
fn beside_a_stopped_partner(bench: &mut Bench, from: f64, end: f64) -> Option<f64> {
    let mut seconds = from;
    while seconds < end {
        bench.run_to(seconds);
        bench.hear(seconds, Value::Stopped);
        if bench.node.phase() == Phase::Starting {
            return Some(seconds);
        }
        seconds += 0.5;
    }
    None
}

#[test]
fn who_let_go_in_vain_serves_again_and_does_not_flap() {
    let mut bench = let_go();
    let back = beside_a_stopped_partner(&mut bench, 7.0, 60.0);
    // A dead time, a keepalive and an eighth after the partner's first STOPPED.
    assert_eq!(back, Some(14.5));
    bench.put(14.6, Input::ServiceReady);
    for tenths in 150..740_u32 {
        let seconds = f64::from(tenths) / 10.0;
        bench.run_to(seconds);
        bench.hear(seconds, Value::Stopped);
        assert_eq!(bench.node.phase(), Phase::Active, "{seconds}");
    }
    // A minute later it tries once more, then after two, four, … minutes.
    bench.hear(75.0, Value::Stopped);
    assert_eq!(bench.node.phase(), Phase::Releasing);
    bench.put(75.1, Input::ServiceEnded);
    let back = beside_a_stopped_partner(&mut bench, 75.5, 120.0);
    assert_eq!(back, Some(83.0));
    bench.put(83.1, Input::ServiceReady);
    assert_eq!(beside_a_stopped_partner(&mut bench, 83.5, 202.0), None);
    assert_eq!(bench.node.phase(), Phase::Active);
}

#[test]
fn a_partner_that_takes_over_is_left_alone() {
    let mut bench = let_go();
    bench.hear(7.0, Value::Running);
    for seconds in [9.0, 11.0, 13.0, 15.0, 17.0] {
        bench.run_to(seconds);
        bench.hear(seconds, Value::Running);
    }
    assert_eq!(bench.node.phase(), Phase::Standby);
}

#[test]
fn where_nobody_is_fit_at_the_start_the_primary_serves_first() {
    let mut primary = Bench::primary();
    primary.put(0.0, missing(1));
    // Two dead times and what a backup leaves to a primary.
    assert_eq!(
        beside_a_stopped_partner(&mut primary, 1.0, 60.0),
        Some(13.5)
    );
    let mut backup = Bench::backup();
    backup.put(0.0, missing(1));
    assert_eq!(beside_a_stopped_partner(&mut backup, 1.0, 60.0), Some(20.5));
}

#[test]
fn of_two_signed_nodes_the_one_serves_that_serves_more() {
    let role = ConfiguredRole::Backup;
    for (ours, theirs, fit, phase) in [
        (1, Some(0), true, Phase::Releasing),
        (2, Some(1), false, Phase::Releasing),
        (1, Some(1), false, Phase::Active),
        (1, Some(2), false, Phase::Active),
        (1, None, false, Phase::Active),
        (1, None, true, Phase::Releasing),
    ] {
        let mut bench = signing(role);
        bench.make_active();
        hear_standby(&mut bench, 6.0, theirs, fit);
        bench.put(6.5, missing(ours));
        assert_eq!(bench.node.phase(), phase, "{ours} {theirs:?} {fit}");
    }
    for (role, ours, theirs, takes) in [
        (ConfiguredRole::Primary, 1, 2, true),
        (ConfiguredRole::Primary, 1, 1, true),
        (ConfiguredRole::Backup, 1, 1, false),
        (ConfiguredRole::Backup, 1, 2, true),
        (ConfiguredRole::Primary, 2, 1, false),
    ] {
        let mut bench = signing(role);
        bench.put(0.0, missing(ours));
        for seconds in [1.0, 3.0, 5.0] {
            hear_standby(&mut bench, seconds, Some(theirs), false);
            bench.run_to(seconds + 1.0);
        }
        let claims = bench.node.phase() == Phase::Starting;
        assert_eq!(claims, takes, "{role:?} {ours} {theirs}");
    }
}

#[test]
fn a_partner_that_is_as_bad_does_not_get_a_lost_link_either() {
    let lost = Input::Links(Links {
        public_up: false,
        private_up: true,
    });
    for (fit, phase) in [(true, Phase::Releasing), (false, Phase::Active)] {
        let mut bench = signing(ConfiguredRole::Primary);
        bench.make_active();
        hear_standby(&mut bench, 6.0, Some(0), fit);
        bench.put(6.5, lost.clone());
        assert_eq!(bench.node.phase(), phase);
    }
    // When it has its link again, it is better.
    let mut bench = signing(ConfiguredRole::Primary);
    bench.make_active();
    hear_standby(&mut bench, 6.0, Some(0), false);
    bench.put(6.5, lost);
    hear_standby(&mut bench, 8.0, Some(0), true);
    assert_eq!(bench.node.phase(), Phase::Releasing);
}

#[test]
fn a_node_tells_how_many_addresses_it_could_not_serve_each_once() {
    let mut bench = Bench::primary();
    let Input::Serving(mut troubles) = missing(2) else {
        unreachable!()
    };
    troubles.push(Trouble {
        what: TroubleKind::NoCarrier,
        ..troubles[0].clone()
    });
    bench.put(0.1, Input::Serving(troubles));
    let details = bench.node.statement(at(0.1), Value::Stopped).details;
    assert_eq!(details.and_then(|it| it.unserved), Some(2));
    assert_eq!(bench.node.view(at(0.1)).unfit.len(), 3);
    let said = notices(&bench.put(0.2, missing(0)));
    assert_eq!(said, ["every address can be served here"]);
    assert!(bench.node.view(at(0.2)).unfit.is_empty());
}

#[test]
fn what_is_frozen_does_not_let_go() {
    let mut bench = Bench::primary();
    bench.make_active();
    bench.hear(6.0, Value::Stopped);
    bench.put(6.1, Input::Order(Order::Freeze(true)));
    bench.put(6.5, missing(1));
    bench.hear(8.0, Value::Stopped);
    assert_eq!(bench.node.phase(), Phase::Active);
    bench.put(8.5, Input::Order(Order::Freeze(false)));
    bench.hear(9.0, Value::Stopped);
    assert_eq!(bench.node.phase(), Phase::Releasing);
}

#[test]
fn an_unsigned_partner_that_says_that_it_is_not_fit_is_let_go_to_in_no_case() {
    let mut bench = Bench::primary();
    bench.make_active();
    bench.hear_beat(6.0, marked(State::Inactive).unfit());
    bench.put(6.5, missing(1));
    bench.hear_beat(7.0, marked(State::Inactive).unfit());
    assert_eq!(bench.node.phase(), Phase::Active);
    let answer = bench.put(7.1, Input::Order(Order::Failover));
    assert_eq!(
        answer.last(),
        Some(&Action::Answer(Err(OrderRefused::PartnerUnfit)))
    );
    assert_eq!(bench.node.view(at(7.1)).partner.unwrap().fit, Some(false));
    // Nor is a stop handed over to it: it would wait for nothing.
    bench.put(7.2, Input::Stop { signal: 15 });
    assert_eq!(bench.node.phase(), Phase::Releasing);
}

#[test]
fn who_lets_go_in_vain_waits_for_an_hour_at_most() {
    let mut bench = let_go();
    let mut now = 7.0;
    let mut kept = Vec::new();
    for _ in 0..8 {
        now = beside_a_stopped_partner(&mut bench, now, now + 60.0).expect("it serves again");
        bench.put(now + 0.1, Input::ServiceReady);
        let start = now;
        while bench.node.phase() == Phase::Active {
            now += 1.0;
            bench.run_to(now);
            bench.hear(now, Value::Stopped);
        }
        kept.push(now - start);
        bench.put(now + 0.1, Input::ServiceEnded);
        now += 0.5;
    }
    let pauses = [60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 3600.0, 3600.0];
    assert_eq!(kept, pauses);
}

#[test]
fn who_is_fit_again_has_nothing_to_make_up_for() {
    let mut bench = let_go();
    let back = beside_a_stopped_partner(&mut bench, 7.0, 60.0).expect("it serves again");
    bench.put(back + 0.1, Input::ServiceReady);
    assert!(bench.node.is_keeping(at(back + 0.2)));
    bench.put(back + 0.2, missing(0));
    assert!(!bench.node.is_keeping(at(back + 0.2)));
    bench.put(back + 0.3, missing(1));
    assert_eq!(bench.node.phase(), Phase::Releasing);
}

#[test]
fn who_was_away_waits_anew_for_one_that_serves() {
    let mut bench = Bench::primary();
    bench.put(0.0, missing(1));
    beside_a_stopped_partner(&mut bench, 1.0, 9.0);
    bench.put(30.0, Input::Tick);
    assert_eq!(bench.node.phase(), Phase::Standby);
    // 12.25 s from its first word.
    assert_eq!(beside_a_stopped_partner(&mut bench, 30.5, 60.0), Some(43.0));
}

#[test]
fn who_says_by_version_1_that_it_is_fit_is_under_no_order_any_more() {
    let mut partner = Partner::new(Mono::ZERO);
    let details = Details {
        content: Some(7),
        unserved: Some(2),
        frozen: true,
        ..Details::default()
    };
    let hear = |partner: &mut Partner, beat: Beat| {
        partner.hear(beat.value(), Some(beat.said()));
        partner.details()
    };
    let says = signed(State::Inactive);
    let unfit = says.unfit();
    assert_eq!(hear(&mut partner, unfit.details(details)), Some(details));
    assert_eq!(hear(&mut partner, unfit), Some(details));
    let now = Details {
        unserved: Some(0),
        frozen: false,
        ..details
    };
    assert_eq!(hear(&mut partner, says), Some(now));
}

/// What the shell finds before it starts the node: the first word of it is true.
#[test]
fn what_is_known_before_the_start_is_in_the_first_heartbeat() {
    let lost = Input::Links(Links {
        public_up: true,
        private_up: false,
    });
    let own = Input::OwnAddresses {
        public: true,
        private: false,
    };
    for role in [ConfiguredRole::Primary, ConfiguredRole::Backup] {
        for signs in [true, false] {
            for trouble in [missing(1), lost.clone(), own.clone()] {
                let mut bench = Bench {
                    node: Node::new(
                        at(0.0),
                        Settings {
                            signs,
                            ..settings(role)
                        },
                    ),
                    clears_slowly: false,
                };
                let before = bench.put(0.0, trouble);
                assert!(!sends(&before), "nothing is said before the start");
                bench.put(0.0, Input::Start);
                assert_eq!(bench.node.phase(), Phase::Standby);
                assert!(!bench.node.statement(at(0.0), Value::Stopped).fit);
            }
        }
    }
}

fn sends(actions: &[Action]) -> bool {
    actions.iter().any(|it| matches!(it, Action::Send(_)))
}

/// A partner that a reload brings is told of the troubles: the shell finds them after the reload.
#[test]
fn a_reload_that_gives_a_lone_node_a_partner_says_nothing_before_its_troubles_are_known() {
    let alone = Settings {
        has_partner: false,
        ..settings(ConfiguredRole::Primary)
    };
    let mut bench = Bench::start(alone.clone());
    bench.put(0.1, Input::ServiceReady);
    bench.run_to(60.0);
    let pair = Settings {
        has_partner: true,
        ..alone
    };
    assert!(!sends(&bench.put(60.0, Input::Reload(Box::new(pair)))));
    bench.put(60.0, missing(1));
    assert!(!bench.node.statement(at(60.0), Value::Running).fit);
}

#[test]
fn links_that_are_not_monitored_any_more_keep_nobody_from_replacing_a_dead_partner() {
    let mut bench = Bench::backup();
    bench.put(
        0.5,
        Input::Links(Links {
            public_up: true,
            private_up: false,
        }),
    );
    bench.run_to(20.0);
    assert_eq!(bench.node.phase(), Phase::Standby);
    let said = notices(&bench.put(20.0, Input::LinksUnmonitored));
    assert_eq!(said, ["links are not monitored any more: Pulse enabled"]);
    assert!(notices(&bench.put(20.1, Input::LinksUnmonitored)).is_empty());
    // Listening first.
    bench.run_to(24.9);
    assert_eq!(bench.node.phase(), Phase::Standby);
    bench.run_to(25.0);
    assert_eq!(bench.node.phase(), Phase::Starting);
}

const LEFT: &str = "1 address cannot be served here: left to a partner that lives and can";
const SERVED_ON: &str = "1 address cannot be served here: serving on without";

#[test]
fn what_cannot_be_served_is_said_to_be_left_only_to_who_takes_it() {
    // Dead.
    let mut bench = Bench::primary();
    bench.make_active();
    bench.run_to(30.0);
    assert_eq!(notices(&bench.put(30.0, missing(1))), [SERVED_ON]);
    // Unfit.
    let mut bench = signing(ConfiguredRole::Primary);
    bench.make_active();
    hear_standby(&mut bench, 6.0, Some(1), false);
    assert_eq!(notices(&bench.put(6.5, missing(1))), [SERVED_ON]);
    // Fit, and this node is frozen.
    let mut bench = Bench::primary();
    bench.make_active();
    bench.hear(6.0, Value::Stopped);
    bench.put(6.1, Input::Order(Order::Freeze(true)));
    assert_eq!(notices(&bench.put(6.5, missing(1))), [SERVED_ON]);
    // Fit.
    let mut bench = Bench::primary();
    bench.make_active();
    bench.hear(6.0, Value::Stopped);
    assert_eq!(notices(&bench.put(6.5, missing(1)))[0], LEFT);
    // A standby, whose partner is not known yet.
    let mut bench = Bench::backup();
    assert_eq!(
        notices(&bench.put(0.5, missing(2))),
        ["2 addresses cannot be served here: not taken over from a partner that lives and can"]
    );
}

#[test]
fn who_stops_says_with_its_last_word_that_it_serves_nothing() {
    let mut bench = signing(ConfiguredRole::Backup);
    hear_standby(&mut bench, 1.0, Some(0), true);
    let before = bench.node.statement(at(1.0), Value::Stopped);
    assert!(before.fit && !before.details.unwrap().helpless);
    bench.put(1.5, Input::Stop { signal: 15 });
    let last = bench.node.statement(at(1.5), Value::Stopped);
    assert!(!last.fit && last.details.unwrap().helpless);
}
