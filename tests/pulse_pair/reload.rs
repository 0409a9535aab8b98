//! Another prefix, label or device for an address that is up: carried out, with no moment without it where the
//! kernel allows that.

use std::sync::atomic::{AtomicBool, Ordering};

use caribe_tests::wait_until;

use crate::pair::{A, B, Pair, VIP, ip};
use crate::wire::{VIP6, with_ipv6};
use crate::{DEAD_TIME, LOADING, settle, settled};

/// `ip addr show` of an address on a director.
fn shown(pair: &Pair, address: &str) -> String {
    ip(&format!("-n {} -o addr show to {address}", pair.name(A)))
}

/// Waits until the address is shown with each of `words`, once.
fn wait_for(pair: &Pair, address: &str, words: &[&str]) {
    let is_right = || {
        let shown = shown(pair, address);
        shown.lines().count() == 1 && words.iter().all(|word| shown.contains(word))
    };
    let done = wait_until(LOADING, is_right);
    assert!(done.is_some(), "{}\n{}", shown(pair, address), pair.log(A));
}

#[test]
fn a_reload_with_another_mask_and_label_changes_both() {
    let pair = settled();
    wait_for(&pair, VIP, &["10.1.0.50/24", "eth0:1"]);
    let right = || pair.label(A).contains("/32") && pair.label(A).lines().count() == 1;
    let looking = AtomicBool::new(true);
    let (changed, missed) = std::thread::scope(|scope| {
        let look = scope.spawn(|| {
            let mut missed = 0;
            while looking.load(Ordering::Relaxed) {
                missed += u32::from(!pair.owns(A));
                std::thread::yield_now();
            }
            missed
        });
        pair.reload(A, "255.255.255.0", "255.255.255.255");
        let changed = wait_until(LOADING, right);
        looking.store(false, Ordering::Relaxed);
        (changed, look.join().expect("a look"))
    });
    assert!(changed.is_some(), "{}", pair.log(A));
    assert_eq!(missed, 0, "there is a moment without it");
    pair.reload(A, "eth0:1", "eth0:7");
    wait_for(&pair, VIP, &["10.1.0.50/32", "eth0:7"]);
    assert!(pair.has(A, "10.1.0.1"));
    assert!(pair.stays_with(A, DEAD_TIME), "{}", pair.log(B));
    assert!(!pair.log(A).contains("restoring"), "{}", pair.log(A));
}

#[test]
fn an_address_that_is_up_with_another_mask_is_adopted_with_lvs_cfs() {
    let mut pair = settled();
    let name = pair.name(B);
    ip(&format!("-n {name} addr add {VIP}/32 dev eth0"));
    pair.die(A);
    let right = || pair.label(B).contains("10.1.0.50/24") && !pair.label(B).contains("/32");
    assert!(
        wait_until(LOADING, right).is_some(),
        "{}\n{}",
        pair.label(B),
        pair.log(B)
    );
    pair.terminate(B);
    pair.wait_for_owners(&[], LOADING);
}

#[test]
fn a_reload_with_another_ipv6_prefix_changes_it() {
    let pair = settle(with_ipv6());
    wait_for(&pair, VIP6, &["/128"]);
    let file = std::fs::read_to_string(pair.file("lvs.cf")).expect("lvs.cf");
    assert!(!file.contains("vip_nmask = 64"), "{file}");
    pair.reload(A, "vip_nmask = 128", "vip_nmask = 64");
    wait_for(&pair, VIP6, &["2001:db8::50/64"]);
    assert!(pair.stays_with(A, DEAD_TIME), "{}", pair.log(B));
}

#[test]
fn a_reload_moves_the_nat_routers_address_to_another_mask_and_device() {
    let mut pair = Pair::with("nat_router = 10.7.0.50 dev7:1\nnat_nmask = 255.255.255.0\n");
    for side in [A, B] {
        let name = pair.name(side);
        for device in ["dev7", "dev8"] {
            ip(&format!("-n {name} link add {device} type dummy"));
            ip(&format!("-n {name} link set {device} up"));
        }
    }
    pair.replace("network = direct", "network = nat");
    pair.start(A);
    wait_until(LOADING, || pair.owns(A)).expect("the only director is active");
    wait_for(&pair, "10.7.0.50", &["10.7.0.50/24", "dev7:1"]);
    pair.reload(A, "nat_nmask = 255.255.255.0", "nat_nmask = 255.255.0.0");
    wait_for(&pair, "10.7.0.50", &["10.7.0.50/16", "dev7:1"]);
    pair.reload(A, "10.7.0.50 dev7:1", "10.7.0.50 dev8:3");
    wait_for(&pair, "10.7.0.50", &["10.7.0.50/16", "dev8:3"]);
}
