//! A partner that is silent, or offers its addresses.

use std::time::Duration;

use super::{Bench, at, notices, settings};
use crate::datagram::{Service, Value};
use crate::model::{Action, Hook, Input, Settings};
use crate::node::Node;
use crate::notice::Notice;
use crate::pair::ConfiguredRole;
use crate::transitions::Phase;

#[test]
fn standby_takes_over_after_dead_time_in_the_right_order() {
    let mut bench = Bench::backup();
    bench.hear(1.0, Value::Running);
    let log = bench.run_to(6.0);
    let taken: Vec<Action> = log
        .into_iter()
        .filter(|(due, _)| *due == at(6.0))
        .map(|(_, action)| action)
        .collect();
    assert_eq!(
        notices(&taken),
        [
            "partner dead: activating lvs",
            "no heartbeat for 5.000 s on the public path"
        ]
    );
    assert_eq!(taken[2], Action::RunHook(Hook::Active));
    assert_eq!(taken[3], Action::StartService);
    let raised = bench.put(6.2, Input::ServiceReady);
    assert_eq!(
        raised,
        [
            Action::RaiseAddresses,
            Action::Announce,
            Action::Send(Value::Running)
        ]
    );
}

#[test]
fn death_takes_thirty_milliseconds_where_lvs_cf_says_so() {
    let mut bench = Bench::start(Settings {
        keepalive: Duration::from_millis(10),
        dead_time: Duration::from_millis(30),
        ..settings(ConfiguredRole::Backup)
    });
    for beat in 1..=100 {
        let seconds = f64::from(beat) / 100.0;
        bench.run_to(seconds);
        bench.hear(seconds, Value::Running);
    }
    let log = bench.run_to(1.029);
    assert!(
        log.iter()
            .all(|(_, action)| *action == Action::Send(Value::Stopped))
    );
    let log = bench.run_to(1.03);
    assert!(log.contains(&(at(1.03), Action::StartService)));
}

#[test]
fn queued_heartbeats_that_are_read_first_save_the_partner() {
    let mut bench = Bench::backup();
    bench.hear(1.0, Value::Running);
    bench.run_to(5.9);
    bench.hear(6.5, Value::Running);
    assert!(notices(&bench.put(6.5, Input::Tick)).is_empty());
    assert_eq!(bench.node.phase(), Phase::Standby);
}

#[test]
fn primary_takes_an_offer_at_once_and_the_backup_leaves_it_to_the_primary() {
    let mut primary = Bench::primary();
    let actions = primary.hear(0.5, Value::Stopped);
    assert_eq!(notices(&actions), ["backup inactive: activating lvs"]);
    let mut backup = Bench::backup();
    assert!(backup.hear(0.5, Value::Stopped).is_empty());
    assert!(backup.hear(1.5, Value::Stopped).is_empty());
    let log = backup.run_to(2.75);
    let notice = Notice::PartnerInactive {
        role: ConfiguredRole::Backup,
        service: Service::Lvs,
    };
    assert!(log.contains(&(at(2.75), Action::Notice(notice))));
}

#[test]
fn r_an_unsigned_primary_does_not_cross_the_first_offer_of_an_original() {
    for (settings, at_once) in [
        (settings(ConfiguredRole::Primary), false),
        (settings(ConfiguredRole::Backup), true),
        (
            Settings {
                signs: true,
                ..settings(ConfiguredRole::Primary)
            },
            true,
        ),
    ] {
        let mut node = Node::new(at(0.0), settings);
        let mut out = Vec::new();
        node.handle(at(0.0), Input::Start, &mut out);
        let offer = Action::Send(Value::Stopped);
        assert_eq!(out.contains(&offer), at_once);
        out.clear();
        node.handle(at(2.0), Input::Tick, &mut out);
        assert!(out.contains(&offer));
    }
}

#[test]
fn backup_takes_over_at_once_when_an_active_primary_says_stopped() {
    let mut bench = Bench::backup();
    bench.hear(1.0, Value::Running);
    let actions = bench.hear(2.0, Value::Stopped);
    assert_eq!(notices(&actions), ["primary inactive: activating lvs"]);
}
