//! A director without a partner: nothing to wait for, nobody to hand over to.

use crate::datagram::{Service, Value};

use super::{Bench, at, notices, settings};
use crate::model::{Action, Hook, Input, Settings};
use crate::node::Node;
use crate::orders::{Order, OrderRefused, Orders};
use crate::pair::ConfiguredRole;
use crate::transitions::Phase;
use crate::view::Reason;

fn alone() -> Settings {
    Settings {
        has_partner: false,
        ..settings(ConfiguredRole::Primary)
    }
}

fn start(settings: Settings, orders: Orders) -> (Node, Vec<Action>) {
    let mut node = Node::new(at(0.0), settings);
    node.remember_orders(orders);
    let mut out = Vec::new();
    node.handle(at(0.0), Input::Start, &mut out);
    (node, out)
}

#[test]
fn a_director_without_a_partner_takes_over_at_once_and_says_why() {
    let (mut node, mut out) = start(alone(), Orders::default());
    assert_eq!(
        notices(&out),
        [
            "STARTING PULSE AS MASTER",
            "no backup director: activating lvs"
        ]
    );
    assert!(out.contains(&Action::StartService));
    // What an earlier start left is not let go of.
    assert!(!out.contains(&Action::RunHook(Hook::Inactive)));
    node.handle(at(0.1), Input::ServiceReady, &mut out);
    assert_eq!(node.phase(), Phase::Active);
    assert!(out.contains(&Action::RaiseAddresses));
    assert!(!out.iter().any(|action| matches!(action, Action::Send(_))));
    let first = &node.view(at(1.0)).transitions[0];
    assert_eq!(
        (first.to, first.reason),
        (Phase::Starting, Reason::NoPartner)
    );
}

#[test]
fn its_own_address_and_its_devices_move_nothing() {
    let mut bench = Bench::start(alone());
    bench.put(0.1, Input::ServiceReady);
    let gone = Input::OwnAddresses {
        public: false,
        private: false,
    };
    assert_eq!(bench.put(1.0, gone), []);
    bench.run_to(60.0);
    assert_eq!(bench.node.phase(), Phase::Active);
}

#[test]
fn it_refuses_to_hand_over_and_to_stand_by_and_comes_back_frozen() {
    let mut bench = Bench::start(alone());
    bench.put(0.1, Input::ServiceReady);
    for order in [Order::Failover, Order::Standby(true)] {
        let answer = bench.put(1.0, Input::Order(order));
        let refused = Action::Answer(Err(OrderRefused::NoPartner));
        assert_eq!(answer.last(), Some(&refused));
    }
    bench.put(1.0, Input::Order(Order::Freeze(true)));
    let frozen = Orders {
        frozen: true,
        ..Orders::default()
    };
    assert_eq!(bench.node.view(at(1.0)).orders, frozen);
    // Nobody else could serve: its start is no move.
    let (node, _) = start(alone(), frozen);
    assert_eq!(node.phase(), Phase::Starting);
}

#[test]
fn ordered_to_stand_by_while_it_had_a_partner_it_stays_so_and_says_it() {
    let standby = Orders {
        standby: true,
        ..Orders::default()
    };
    let services = [Service::Lvs, Service::Fos];
    for service in services {
        let (mut node, mut out) = start(Settings { service, ..alone() }, standby);
        while let Some(due) = node.next_deadline().filter(|due| *due <= at(100.0)) {
            node.handle(due, Input::Tick, &mut out);
        }
        assert_eq!(node.phase(), Phase::Standby, "{service}");
        let said = notices(&out);
        assert!(said.contains(&"order in force: standby".to_owned()));
        let line = "nobody serves, and an order keeps this director from taking over: standby";
        let times = said.iter().filter(|text| *text == line).count();
        assert_eq!(times, 2, "once a minute: {said:?}");
    }
}

#[test]
fn a_partner_that_a_reload_brings_hears_of_it_at_once() {
    let mut bench = Bench::start(alone());
    bench.put(0.1, Input::ServiceReady);
    bench.put(
        0.5,
        Input::Reload(Box::new(settings(ConfiguredRole::Primary))),
    );
    assert_eq!(bench.node.next_deadline(), Some(at(0.5)));
    let out = bench.put(0.5, Input::Tick);
    assert_eq!(out, [Action::Send(Value::Running)]);
}

/// K is 2 s and D 5 s. What a partner says every second, from the end of `from` to `to`.
fn hear(bench: &mut Bench, from: u32, to: u32, value: Value) -> Vec<Action> {
    let mut out = Vec::new();
    for second in from..to {
        let now = f64::from(second);
        out.extend(bench.run_to(now).into_iter().map(|(_, it)| it));
        out.extend(bench.hear(now, value));
    }
    out
}

const UNINVITED: &str = "backup_active = 0 here, but a director at 10.1.0.2 sends heartbeats: it counts as the \
                         partner until it stops; stop pulse there, or set backup_active = 1 here and restart pulse";

fn sends(out: &[Action]) -> usize {
    let sent = out.iter().filter(|it| matches!(it, Action::Send(_)));
    sent.count()
}

fn serving() -> Bench {
    let mut bench = Bench::start(alone());
    bench.put(0.1, Input::ServiceReady);
    bench
}

/// The backup is switched off here, and serves.
#[test]
fn r_a_director_that_is_switched_off_and_sends_heartbeats_is_the_partner_while_it_is_heard() {
    let mut bench = serving();
    let quiet: Vec<Action> = bench.run_to(9.9).into_iter().map(|(_, it)| it).collect();
    assert_eq!(sends(&quiet), 0);
    let out = bench.hear(10.0, Value::Running);
    assert!(notices(&out).contains(&UNINVITED.to_owned()), "{out:?}");
    assert_eq!(bench.node.phase(), Phase::Active, "the primary stays");
    let out = hear(&mut bench, 11, 20, Value::Running);
    assert!(sends(&out) >= 4, "the partner must hear that");
    assert!(!notices(&out).contains(&UNINVITED.to_owned()), "once");
    let shown = bench.node.view(at(20.0)).uninvited;
    assert_eq!(shown.map(|it| it.to_string()).as_deref(), Some(UNINVITED));
    assert!(bench.node.view(at(20.0)).partner.is_some());
    hear(&mut bench, 20, 30, Value::Stopped);
    // It is stopped. Everything is as before.
    let out: Vec<Action> = bench.run_to(34.0).into_iter().map(|(_, it)| it).collect();
    let over = "no heartbeats from 10.1.0.2 any more: without a backup director, as lvs.cf says";
    assert_eq!(notices(&out), [over]);
    let out: Vec<Action> = bench.run_to(99.0).into_iter().map(|(_, it)| it).collect();
    assert!(sends(&out) == 0 && notices(&out).is_empty(), "{out:?}");
    assert_eq!(bench.node.phase(), Phase::Active);
    let view = bench.node.view(at(99.0));
    assert!(view.uninvited.is_none() && view.partner.is_none());
}

/// With `stay_active` the higher term stays, which may be the partner's; or the partner is better off.
#[test]
fn r_who_gave_up_to_it_serves_again_when_it_is_gone() {
    let mut bench = serving();
    let trouble = crate::fitness::Trouble {
        address: [10, 1, 0, 50].into(),
        device: "eth1".to_owned(),
        what: crate::fitness::TroubleKind::NoDevice,
    };
    bench.put(5.0, Input::Serving(vec![trouble]));
    assert_eq!(bench.node.phase(), Phase::Active, "nobody else");
    bench.hear(10.0, Value::Stopped);
    assert_eq!(bench.node.phase(), Phase::Releasing, "it is better off");
    bench.put(10.1, Input::ServiceEnded);
    hear(&mut bench, 11, 30, Value::Running);
    assert_eq!(bench.node.phase(), Phase::Standby);
    bench.run_to(33.9);
    assert_eq!(bench.node.phase(), Phase::Standby);
    let out: Vec<Action> = bench.run_to(34.0).into_iter().map(|(_, it)| it).collect();
    let line = "no backup director: activating lvs".to_owned();
    assert!(notices(&out).contains(&line), "{out:?}");
    assert_eq!(bench.node.phase(), Phase::Starting);
}

/// Its signature is good, and it does not know yet that it is heard: it waits for a word of ours.
#[test]
fn r_a_signed_one_is_answered_before_it_counts() {
    let mut bench = Bench::start(Settings {
        signs: true,
        ..alone()
    });
    bench.put(0.1, Input::ServiceReady);
    let out = bench.put(3.0, Input::Unproven);
    assert_eq!(out, [Action::Challenge(Value::Running)]);
    assert!(bench.node.view(at(3.0)).partner.is_none());
    // Without an address in lvs.cf nobody is.
    let mut bench = Bench::start(Settings {
        signs: true,
        ends: None,
        ..alone()
    });
    assert_eq!(bench.put(3.0, Input::Unproven), []);
    bench.hear(4.0, Value::Running);
    assert!(bench.node.view(at(4.0)).partner.is_none());
}

/// A reload says nothing new of it, and a stop hands over as in any pair.
#[test]
fn it_stays_the_partner_at_a_reload_and_is_handed_over_to() {
    let mut bench = serving();
    hear(&mut bench, 10, 15, Value::Stopped);
    let out = bench.put(15.0, Input::Reload(Box::new(alone())));
    assert!(!notices(&out).contains(&UNINVITED.to_owned()));
    assert!(bench.node.view(at(15.0)).uninvited.is_some());
    let refused = bench.put(15.5, Input::Order(Order::Standby(true)));
    let says_no = |it: &Action| matches!(it, Action::Answer(Err(_)));
    assert!(!refused.iter().any(says_no), "{refused:?}");
    let mut bench = serving();
    hear(&mut bench, 10, 15, Value::Stopped);
    bench.put(15.0, Input::Stop { signal: 15 });
    assert_eq!(bench.node.phase(), Phase::HandingOver);
}
