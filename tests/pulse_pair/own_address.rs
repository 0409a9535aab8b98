//! A director's own address, which its heartbeats are sent from, goes and comes back.

use caribe_tests::wait_until;

use crate::pair::{A, B, Pair, ip};
use crate::{DEAD_TIME, LOADING, settle, settled};

/// Takes a director's own address away, or puts it back.
fn own(pair: &Pair, side: usize, verb: &str) {
    let (name, number) = (pair.name(side), side + 1);
    ip(&format!(
        "-n {name} addr {verb} 10.1.0.{number}/24 dev eth0"
    ));
}

fn promote(pair: &Pair, side: usize, on: u8) {
    let switch = format!("net.ipv4.conf.eth0.promote_secondaries={on}");
    ip(&format!(
        "netns exec {} sysctl -qw {switch}",
        pair.name(side)
    ));
}

fn wait_for_line(pair: &Pair, side: usize, line: &str) {
    let said = wait_until(LOADING, || pair.log(side).contains(line));
    assert!(said.is_some(), "no '{line}' in\n{}", pair.log(side));
}

/// Whether a director's own address is the first of its subnet.
fn is_first(pair: &Pair, side: usize) -> bool {
    let (name, number) = (pair.name(side), side + 1);
    let shown = ip(&format!("-n {name} -o addr show to 10.1.0.{number}"));
    !shown.is_empty() && !shown.contains("secondary")
}

#[test]
fn a_standby_without_its_own_address_claims_nothing_and_says_why() {
    let pair = settled();
    for on in [0, 1] {
        promote(&pair, B, on);
        own(&pair, B, "del");
        assert!(pair.stays_with(A, DEAD_TIME * 2), "{}", pair.log(B));
        own(&pair, B, "add");
        wait_for_line(&pair, B, "own address 10.1.0.2 is on eth0 again");
        assert!(pair.stays_with(A, DEAD_TIME * 2), "{}", pair.log(B));
    }
    let log = pair.log(B);
    let gone = "own address 10.1.0.2 is gone from eth0";
    assert_eq!(log.matches(gone).count(), 2, "{log}");
    assert!(!log.contains("activating"), "{log}");
}

#[test]
fn an_active_director_without_its_own_address_leaves_the_service_to_the_other_one() {
    for on in [0, 1] {
        let pair = settled();
        promote(&pair, A, on);
        own(&pair, A, "del");
        wait_for_line(&pair, A, "own address 10.1.0.1 is gone from eth0");
        pair.wait_for_owners(&[B], LOADING);
        assert!(pair.stays_with(B, DEAD_TIME * 2), "{}", pair.log(A));
        own(&pair, A, "add");
        wait_for_line(&pair, A, "own address 10.1.0.1 is on eth0 again");
        assert!(pair.stays_with(B, DEAD_TIME * 2), "{}", pair.log(A));
        // It is whole: the next one that stops leaves the service to it.
        pair.terminate(B);
        pair.wait_for_owners(&[A], LOADING);
        assert!(is_first(&pair, A));
    }
}

#[test]
fn without_one_of_two_own_addresses_the_other_path_carries_the_heartbeats() {
    let pair = settle(Pair::with_private_path(""));
    own(&pair, B, "del");
    wait_for_line(&pair, B, "own address 10.1.0.2 is gone from eth0");
    assert!(pair.stays_with(A, DEAD_TIME * 2), "{}", pair.log(B));
    own(&pair, B, "add");
    wait_for_line(&pair, B, "own address 10.1.0.2 is on eth0 again");
    let name = pair.name(B);
    ip(&format!("-n {name} addr del 10.9.0.2/24 dev eth1"));
    wait_for_line(&pair, B, "own address 10.9.0.2 is gone from eth1");
    assert!(pair.stays_with(A, DEAD_TIME * 2), "{}", pair.log(B));
    assert!(!pair.log(B).contains("activating"), "{}", pair.log(B));
}
