//! When an offer is taken.

use crate::datagram::Value;

use super::Bench;
use crate::model::Input;
use crate::transitions::Phase;

/// Four dead times after the last takeover, and what a backup leaves to the primary.
#[test]
fn an_offer_soon_after_a_takeover_waits_longer_on_the_backup() {
    for (mut bench, takes_at) in [(Bench::primary(), 25.1), (Bench::backup(), 27.35)] {
        bench.run_to(5.0);
        bench.put(5.1, Input::ServiceReady);
        bench.hear(6.0, Value::Stopped);
        bench.put(6.1, Input::Serving(vec![trouble()]));
        bench.put(6.2, Input::ServiceEnded);
        bench.put(6.3, Input::Serving(Vec::new()));
        bench.hear(6.4, Value::Running);
        let mut now = 7.0;
        while now < takes_at - 0.1 {
            bench.run_to(now);
            bench.hear(now, Value::Stopped);
            assert_eq!(bench.node.phase(), Phase::Standby, "{now}");
            now += 1.0;
        }
        bench.run_to(takes_at - 0.01);
        bench.hear(takes_at - 0.01, Value::Stopped);
        assert_eq!(bench.node.phase(), Phase::Standby);
        bench.run_to(takes_at + 0.01);
        bench.hear(takes_at + 0.01, Value::Stopped);
        assert_eq!(bench.node.phase(), Phase::Starting);
    }
}

fn trouble() -> crate::fitness::Trouble {
    crate::fitness::Trouble {
        address: [10, 1, 0, 50].into(),
        device: "eth1".to_owned(),
        what: crate::fitness::TroubleKind::NoDevice,
    }
}

#[test]
fn only_a_young_node_leaves_it_to_a_partner_that_it_cannot_read() {
    let mut bench = Bench::backup();
    for second in [1.0, 4.0, 8.0, 12.0, 16.0] {
        bench.run_to(second);
        bench.hear(second, Value::Running);
    }
    bench.run_to(20.9);
    bench.put(20.9, Input::Incompatible);
    bench.run_to(21.0);
    assert_eq!(bench.node.phase(), Phase::Starting);
}
