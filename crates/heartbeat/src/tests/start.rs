//! A young node, and a start with --forceactive.

use super::{Bench, at, notices, settings};
use crate::datagram::Value;
use crate::model::{Action, Input, Settings};
use crate::node::Node;
use crate::orders::Orders;
use crate::pair::{ConfiguredRole, PairPath};
use crate::transitions::Phase;

#[test]
fn a_young_node_does_not_claim_beside_a_misconfigured_partner() {
    let mut bench = Bench::primary();
    assert_eq!(
        notices(&bench.put(1.0, Input::Incompatible)),
        ["Incompatible heartbeat received -- other system not using identical services"]
    );
    assert!(notices(&bench.put(3.0, Input::Incompatible)).is_empty());
    bench.run_to(5.0);
    assert_eq!(bench.node.phase(), Phase::Standby);
    bench.run_to(10.0);
    assert_eq!(bench.node.phase(), Phase::Starting);
}

#[test]
fn forced_start_takes_over_at_once() {
    let mut node = Node::new(
        at(0.0),
        Settings {
            force_active: true,
            ..settings(ConfiguredRole::Backup)
        },
    );
    let mut out = Vec::new();
    node.handle(at(0.0), Input::Start, &mut out);
    assert_eq!(
        notices(&out),
        [
            "STARTING PULSE AS BACKUP",
            "Forced active on startup: activating lvs"
        ]
    );
    assert_eq!(out.last(), Some(&Action::Send(Value::Running)));
}

/// As pulse(8) says of `--forceactive`.
#[test]
fn a_forced_start_beside_an_active_partner_is_the_primarys_alone() {
    for (role, phase) in [
        (ConfiguredRole::Primary, Phase::Starting),
        (ConfiguredRole::Backup, Phase::Releasing),
    ] {
        let forced = Settings {
            force_active: true,
            ..settings(role)
        };
        let mut node = Node::new(at(0.0), forced);
        let mut out = Vec::new();
        node.handle(at(0.0), Input::Start, &mut out);
        let beat = Input::Beat {
            value: Value::Running,
            path: PairPath::Public,
            said: None,
        };
        node.handle(at(0.1), beat, &mut out);
        assert_eq!(node.phase(), phase, "{role:?}");
        assert!(!out.contains(&Action::RaiseAddresses), "{role:?}");
    }
}

/// An order outlives the start that the option was meant for.
#[test]
fn a_forced_start_does_not_break_an_order() {
    let forced = Settings {
        force_active: true,
        ..settings(ConfiguredRole::Primary)
    };
    let mut node = Node::new(at(0.0), forced);
    node.remember_orders(Orders {
        standby: true,
        ..Orders::default()
    });
    node.handle(at(0.0), Input::Start, &mut Vec::new());
    assert_eq!(node.phase(), Phase::Standby);
}
