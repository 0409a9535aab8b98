//! Two that are active at once, and what STOPME means.

use super::{Bench, notices};
use crate::datagram::Value;
use crate::model::{Action, Input};
use crate::transitions::Phase;

#[test]
fn when_both_are_active_the_backup_tells_the_primary_and_yields() {
    let mut bench = Bench::backup();
    bench.make_active();
    let actions = bench.hear(6.0, Value::Running);
    assert_eq!(actions[0], Action::Send(Value::Running));
    assert!(notices(&actions).contains(&"partner active: deactivating LVS".to_owned()));
    assert!(actions.contains(&Action::StopService));
    assert!(!actions.contains(&Action::DropAddresses));
    let released = bench.put(6.1, Input::ServiceEnded);
    assert_eq!(
        released,
        [Action::DropAddresses, Action::Send(Value::Stopped)]
    );
}

#[test]
fn primary_stays_and_a_flood_of_conflicts_is_no_flood_of_arp() {
    let mut bench = Bench::primary();
    bench.make_active();
    let first = bench.hear(6.0, Value::Running);
    assert!(notices(&first).contains(&"partner active: resending arps".to_owned()));
    let flood: Vec<Action> = (0..50_u32)
        .flat_map(|n| bench.hear(6.0 + f64::from(n) / 100.0, Value::Running))
        .collect();
    assert!(!flood.contains(&Action::Announce));
}

#[test]
fn stopme_is_life_but_no_order_between_lvs_nodes_and_hold_is_nothing() {
    let mut bench = Bench::primary();
    bench.make_active();
    bench.hear(6.0, Value::StopMe);
    assert_eq!(bench.node.phase(), Phase::Active);
    let mut bench = Bench::backup();
    bench.hear(1.0, Value::Running);
    for beat in 2..6 {
        bench.hear(f64::from(beat), Value::Hold);
    }
    bench.run_to(6.0);
    assert_eq!(bench.node.phase(), Phase::Starting);
}
