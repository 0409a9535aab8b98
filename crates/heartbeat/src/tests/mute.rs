//! The kernel refuses our heartbeats on every path: a firewall, a route, a device that is down.

use std::net::IpAddr;

use crate::datagram::Value;
use crate::fitness::{Trouble, TroubleKind};
use crate::model::{Action, Input, Settings};
use crate::pair::ConfiguredRole;
use crate::transitions::Phase;

use super::{Bench, at, notices, settings};

const REFUSED: Input = Input::CanSend(false);
const SENT: Input = Input::CanSend(true);
const VIP: [u8; 4] = [10, 1, 0, 50];

/// Goes on to `seconds`; each heartbeat has the fate of the last one. The partner says `value` every second.
fn go_on(bench: &mut Bench, from: u32, to: u32, value: Option<Value>) -> Vec<Action> {
    let mut out = Vec::new();
    for second in from..to {
        let now = f64::from(second);
        out.extend(bench.run_to(now).into_iter().map(|(_, it)| it));
        out.extend(
            value
                .map(|value| bench.hear(now, value))
                .unwrap_or_default(),
        );
    }
    out
}

fn active(role: ConfiguredRole) -> Bench {
    let mut bench = Bench::start(Settings {
        addresses: vec![VIP.into()],
        ..settings(role)
    });
    bench.make_active();
    bench
}

/// D is 5 s, K 2 s. The last heartbeat that went out is that of 9 s.
fn mute(bench: &mut Bench) {
    go_on(bench, 6, 11, Some(Value::Stopped));
    bench.run_to(11.0);
    bench.put(11.0, REFUSED);
}

#[test]
fn r_an_owner_that_can_say_nothing_lets_go_when_the_partner_has_taken_over() {
    let mut bench = active(ConfiguredRole::Primary);
    mute(&mut bench);
    go_on(&mut bench, 11, 14, Some(Value::Stopped));
    assert_eq!(bench.node.phase(), Phase::Active);
    let out = bench.hear(14.1, Value::Running);
    let line = "partner active and deaf to us: going inactive".to_owned();
    assert!(notices(&out).contains(&line), "{out:?}");
    assert_eq!(bench.node.phase(), Phase::Releasing);
    bench.put(14.2, Input::ServiceEnded);
    go_on(&mut bench, 15, 60, Some(Value::Running));
    assert_eq!(bench.node.phase(), Phase::Standby);
}

/// The partner claims for another reason, and hears us.
#[test]
fn who_was_mute_for_less_than_a_dead_time_or_is_not_any_more_stays() {
    let mut bench = active(ConfiguredRole::Primary);
    mute(&mut bench);
    bench.hear(12.0, Value::Running);
    assert_eq!(bench.node.phase(), Phase::Active);
    let mut bench = active(ConfiguredRole::Primary);
    mute(&mut bench);
    go_on(&mut bench, 11, 16, None);
    bench.put(16.0, SENT);
    bench.hear(16.0, Value::Running);
    assert_eq!(bench.node.phase(), Phase::Active);
    // A dead partner takes nothing over.
    let mut bench = active(ConfiguredRole::Primary);
    mute(&mut bench);
    go_on(&mut bench, 11, 60, None);
    assert_eq!(bench.node.phase(), Phase::Active);
}

fn down(is_down: bool) -> Input {
    let trouble = Trouble {
        address: IpAddr::from(VIP),
        device: "eth0".to_owned(),
        what: TroubleKind::Down,
    };
    Input::Serving(is_down.then_some(trouble).into_iter().collect())
}

/// The only device goes down and comes back.
#[test]
fn r_who_could_serve_nothing_and_say_nothing_claims_nothing_and_listens_first() {
    for role in [ConfiguredRole::Primary, ConfiguredRole::Backup] {
        let mut bench = active(role);
        bench.hear(6.0, Value::Stopped);
        bench.put(6.5, down(true));
        assert_eq!(bench.node.phase(), Phase::Releasing, "the partner can");
        bench.put(6.6, Input::ServiceEnded);
        let said = notices(&bench.put(6.7, REFUSED));
        let line = "no heartbeat can be sent and no address could be served here: nothing is taken over until one can";
        assert_eq!(said, [line]);
        let out = go_on(&mut bench, 7, 40, None);
        assert!(!out.iter().any(Action::claims), "{out:?}");
        assert!(!notices(&out).contains(&line.to_owned()), "once");
        // Whichever is known first.
        bench.put(40.0, down(false));
        bench.put(41.0, SENT);
        bench.run_to(44.9);
        assert_eq!(bench.node.phase(), Phase::Standby, "D counts from 40 on");
        // It was about to take over, as its partner was to.
        bench.hear(44.9, Value::Stopped);
        assert_eq!(bench.node.phase(), Phase::Standby);
        bench.hear(44.95, Value::Running);
        bench.run_to(49.9);
        assert_eq!(bench.node.phase(), Phase::Standby);
        bench.run_to(50.0);
        assert_eq!(bench.node.phase(), Phase::Starting);
    }
}

#[test]
fn who_could_say_or_serve_something_replaces_a_silent_partner_all_the_same() {
    for (troubles, goes) in [(down(true), SENT), (down(false), REFUSED)] {
        let mut bench = Bench::start(Settings {
            addresses: vec![VIP.into()],
            ..settings(ConfiguredRole::Backup)
        });
        bench.put(0.5, troubles);
        bench.put(0.5, goes);
        bench.run_to(5.0);
        assert_eq!(bench.node.phase(), Phase::Starting);
        assert!(bench.node.view(at(5.0)).transitions.len() == 1);
    }
}
