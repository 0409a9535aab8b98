//! An IPv6 address of ours that another machine on the network has, too.

use std::time::Duration;

use caribe_tests::wait_until;

use crate::pair::{A, B, Pair, ip};
use crate::wire::{VIP6, with_ipv6};
use crate::{ASKED, DEAD_TIME, LOADING, settle};

/// The time in which an address that somebody else has is let go of.
const NOTICED: Duration = Duration::from_secs(2);
/// It is asked about again after 10 s, and is free a second later.
const RETRIED: Duration = Duration::from_secs(12);

/// The machine that has it: the switch.
fn stranger(pair: &Pair, verb: &str) {
    let switch = pair.switch();
    ip(&format!("-n {switch} addr {verb} {VIP6}/64 dev br0 nodad"));
}

#[test]
fn an_address_that_another_machine_has_is_not_used_until_it_is_free() {
    let pair = settle(with_ipv6());
    wait_until(LOADING, || pair.has(A, VIP6)).expect("both are up");
    assert!(pair.stays_with(A, DEAD_TIME));
    stranger(&pair, "add");
    let line = "address 2001:db8::50 is in use by another machine (";
    wait_until(ASKED, || pair.log(A).contains(line)).expect("it is noticed");
    wait_until(NOTICED, || !pair.has(A, VIP6)).expect("it is let go of");
    assert!(pair.owns(A), "the other address stays\n{}", pair.log(A));
    stranger(&pair, "del");
    let back = wait_until(RETRIED + LOADING, || pair.has(A, VIP6));
    assert!(back.is_some(), "{}", pair.log(A));
    assert!(!pair.owns(B) && !pair.has(B, VIP6));
    assert!(!pair.log(B).contains("activating"), "{}", pair.log(B));
}

#[test]
fn a_director_whose_only_address_another_machine_has_lets_go_and_tells_its_partner() {
    let mut pair = Pair::new();
    pair.replace("address = 10.1.0.50 eth0:1", "address = 2001:db8::50 eth0");
    pair.replace("vip_nmask = 255.255.255.0", "vip_nmask = 128");
    pair.replace("address = 10.1.0.11", "address = 2001:db8::11");
    stranger(&pair, "add");
    for side in [B, A] {
        pair.start(side);
    }
    // It has the address for moments only. That it had it is in the log, which stays.
    let line = "every address is in use by another machine: going inactive";
    let said = |side| pair.log(side).contains(line);
    wait_until(ASKED, || said(A)).expect("it is tried and let go of");
    assert!(pair.log(A).contains("address 2001:db8::50/128 eth0 up"));
    wait_until(NOTICED, || !pair.has(A, VIP6)).expect("it is not used");
    // The partner tries as well: it might be on a network of its own. Whether it then leaves the service to A
    // goes by what A says of itself at that moment; the address is not used in any case.
    let in_use = "address 2001:db8::50 is in use by another machine (";
    let told = wait_until(ASKED, || pair.log(B).contains(in_use));
    assert!(told.is_some(), "A:\n{}\nB:\n{}", pair.log(A), pair.log(B));
    let nobody = || !pair.has(A, VIP6) && !pair.has(B, VIP6);
    wait_until(LOADING, nobody).expect("nobody uses it");
}
