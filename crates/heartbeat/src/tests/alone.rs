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
