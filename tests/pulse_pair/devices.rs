//! A virtual address on every kind of device: VLAN, bond, bridge, in a VRF; and one that is there already.

use std::net::IpAddr;
use std::time::Instant;

use caribe_tests::wait_until;

use crate::pair::{A, B, Pair, ip};
use crate::tap::Tap;
use crate::{LOADING, settled};

const VIP: &str = "10.7.0.50";

/// A pair whose address is on `dev7`, made by `commands` in each director (`ip -n` is put before).
fn pair_on(commands: &[&str]) -> Pair {
    let pair = Pair::new();
    for side in [A, B] {
        let name = pair.name(side);
        for command in commands {
            ip(&format!("-n {name} {command}"));
        }
        ip(&format!("-n {name} link set dev7 up"));
        ip(&format!(
            "-n {name} addr add 10.7.0.{}/24 dev dev7",
            side + 1
        ));
    }
    pair.replace("10.1.0.50 eth0:1", "10.7.0.50 dev7:1");
    pair
}

/// Taken, announced, lost to the partner, announced there.
fn lives_on(commands: &[&str]) {
    let mut pair = pair_on(commands);
    let taps = [A, B].map(|side| Tap::on(&pair.name(side)));
    let vip: IpAddr = VIP.parse().expect("an address");
    let begin = Instant::now();
    pair.start(B);
    for (side, other) in [(B, A), (A, B)] {
        let log = || (pair.log(A), pair.log(B));
        let moved = || pair.has(side, VIP) && !pair.has(other, VIP);
        assert!(
            wait_until(LOADING, moved).is_some(),
            "{commands:?} {:?}",
            log()
        );
        let announced = || taps[side].first(begin, |frame| frame.outgoing && frame.announces(vip));
        assert!(
            wait_until(LOADING, || announced().is_some()).is_some(),
            "{commands:?}"
        );
        if side == B {
            pair.start(A);
            let runs = wait_until(LOADING, || pair.log(A).contains("STARTING PULSE"));
            runs.expect("the primary starts");
            pair.terminate(B);
        }
    }
}

#[test]
fn an_address_on_a_vlan_moves_and_is_announced() {
    lives_on(&["link add link eth0 name dev7 type vlan id 7"]);
}

#[test]
fn an_address_on_a_bridge_moves_and_is_announced() {
    lives_on(&[
        "link add dev7 type bridge",
        "link add port7 type dummy",
        "link set port7 master dev7 up",
    ]);
}

#[test]
fn an_address_on_a_bond_moves_and_is_announced() {
    lives_on(&[
        "link add dev7 type bond mode active-backup miimon 100",
        "link add port7 type dummy",
        "link set port7 master dev7",
    ]);
}

#[test]
fn an_address_in_a_vrf_moves_and_is_announced() {
    lives_on(&[
        "link add vrf7 type vrf table 7",
        "link set vrf7 up",
        "link add dev7 type dummy",
        "link set dev7 master vrf7",
    ]);
}

#[test]
fn an_address_that_is_there_already_is_adopted_and_given_up() {
    let mut pair = settled();
    pair.add_address(B);
    let tap = Tap::on(&pair.name(B));
    let begin = Instant::now();
    pair.die(A);
    let vip = crate::pair::VIP.parse().expect("an address");
    let announced = || tap.first(begin, |frame| frame.outgoing && frame.announces(vip));
    let taken = wait_until(LOADING, || announced().is_some());
    assert!(taken.is_some(), "{}", pair.log(B));
    assert!(pair.owns(B));
    assert!(!pair.log(B).contains("not up"), "{}", pair.log(B));
    pair.terminate(B);
    pair.wait_for_owners(&[], LOADING);
}

/// Each of them answers who asks, through the other cards; what is announced on it reaches nobody.
#[test]
fn an_address_on_a_device_that_announces_nothing_is_told_of_at_the_start_and_by_a_reload() {
    let pair = Pair::new();
    ip(&format!("-n {} link add dev7 type dummy", pair.name(A)));
    ip(&format!("-n {} link set dev7 up", pair.name(A)));
    pair.replace("10.1.0.50 eth0:1", "10.1.0.50 lo:1");
    let mut pair = pair;
    pair.start(A);
    pair.wait_for_owners(&[A], LOADING);
    let line = |device: &str| {
        format!(
            "virtual web of line 7: address 10.1.0.50 on {device}: no announcement leaves that device"
        )
    };
    let count = |device: &str| pair.log(A).matches(&line(device)).count();
    assert_eq!(count("lo"), 1, "{}", pair.log(A));
    pair.reload(A, "10.1.0.50 lo:1", "10.1.0.50 dev7:1");
    let said = wait_until(LOADING, || count("dev7") == 1);
    assert!(said.is_some(), "{}", pair.log(A));
    pair.reload(A, "10.1.0.50 dev7:1", "10.1.0.50 eth0:1");
    let moved = wait_until(LOADING, || pair.label(A).contains("eth0:1"));
    assert!(moved.is_some(), "{}", pair.log(A));
    assert_eq!((count("lo"), count("dev7"), count("eth0")), (1, 1, 0));
}
