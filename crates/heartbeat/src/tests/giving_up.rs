//! A clean stop, a lost link, and a reload, which gives nothing up.

use std::time::Duration;

use super::{Bench, notices, settings};
use crate::datagram::Value;
use crate::model::{Action, Input, Links};
use crate::pair::ConfiguredRole;
use crate::transitions::Phase;

#[test]
fn clean_stop_releases_before_it_says_stopped_twice() {
    let mut bench = Bench::primary();
    bench.make_active();
    let stop = bench.put(7.0, Input::Stop { signal: 15 });
    assert_eq!(notices(&stop), ["Terminating due to signal 15"]);
    assert!(!stop.contains(&Action::Send(Value::Stopped)));
    let end = bench.put(7.1, Input::ServiceEnded);
    let stopped = Action::Send(Value::Stopped);
    assert_eq!(
        end,
        [
            Action::DropAddresses,
            stopped.clone(),
            stopped,
            Action::Exit
        ]
    );
    assert_eq!(bench.node.next_deadline(), None);
}

#[test]
fn a_lost_link_gives_up_only_if_the_partner_could_serve_and_listens_on_return() {
    let down = Links {
        public_up: false,
        private_up: true,
    };
    let up = Links {
        public_up: true,
        private_up: true,
    };
    let mut alone = Bench::primary();
    alone.make_active();
    alone.put(6.0, Input::Links(down));
    assert_eq!(alone.node.phase(), Phase::Active);

    let mut bench = Bench::primary();
    bench.make_active();
    bench.hear(6.0, Value::Stopped);
    let lost = bench.put(6.5, Input::Links(down));
    assert_eq!(
        notices(&lost),
        [
            "Primary NIC: link down",
            "Local NIC link failure: Pulse disabled",
            "local link failure: deactivating LVS"
        ]
    );
    bench.put(6.6, Input::ServiceEnded);
    bench.run_to(29.9);
    bench.put(30.0, Input::Links(up));
    bench.run_to(34.9);
    assert_eq!(bench.node.phase(), Phase::Standby);
}

#[test]
fn reload_on_either_node_changes_no_state() {
    for (active, mut bench) in [(true, Bench::primary()), (false, Bench::backup())] {
        if active {
            bench.make_active();
        }
        let phase = bench.node.phase();
        let mut new = settings(ConfiguredRole::Primary);
        new.keepalive = Duration::from_secs(1);
        let actions = bench.put(5.0, Input::Reload(Box::new(new)));
        assert_eq!(bench.node.phase(), phase);
        assert_eq!(actions.contains(&Action::RaiseAddresses), active);
        assert_eq!(actions.contains(&Action::ReloadService), active);
    }
}
