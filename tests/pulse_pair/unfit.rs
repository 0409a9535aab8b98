//! A director whose device for a virtual address is missing, set down or without a carrier.

use caribe_tests::wait_until;

use crate::pair::{A, B, Pair, VIP, ip};
use crate::signed::keyed;
use crate::wire::{VIP6, with_ipv6};
use crate::{DEAD_TIME, LOADING};

/// On a card of its own: the heartbeat is on another one.
const OUTSIDE: &str = "10.7.0.50";
/// The NAT router's, on that card.
const INSIDE: &str = "10.9.0.254";

fn wait_for_line(pair: &Pair, side: usize, line: &str) {
    let said = wait_until(LOADING, || pair.log(side).contains(line));
    assert!(said.is_some(), "no '{line}' in\n{}", pair.log(side));
}

/// Waits until exactly this director has `address`.
fn wait_for_owner(pair: &Pair, address: &str, side: usize) {
    let right = || pair.has(side, address) && !pair.has(1 - side, address);
    let moved = wait_until(LOADING, right);
    let logs = (pair.log(A), pair.log(B));
    assert!(moved.is_some(), "A:\n{}\nB:\n{}", logs.0, logs.1);
}

fn stays_with(pair: &Pair, address: &str, side: usize) {
    let wrong = || !pair.has(side, address) || pair.has(1 - side, address);
    let changed = wait_until(DEAD_TIME * 2, wrong);
    let logs = (pair.log(A), pair.log(B));
    assert!(changed.is_none(), "A:\n{}\nB:\n{}", logs.0, logs.1);
}

/// The address on `device`, which `make` makes in each director (`ip -n` is put before).
fn pair_on(device: &str, make: &str, more: &str) -> Pair {
    let pair = Pair::with(more);
    for side in [A, B] {
        make_device(&pair, side, device, make);
    }
    pair.replace("10.1.0.50 eth0:1", &format!("{OUTSIDE} {device}:1"));
    pair
}

fn make_device(pair: &Pair, side: usize, device: &str, make: &str) {
    let name = pair.name(side);
    ip(&format!("-n {name} {make}"));
    ip(&format!("-n {name} link set {device} up"));
}

fn settled_on(mut pair: Pair, address: &str) -> Pair {
    pair.start(A);
    wait_for_line(&pair, A, "STARTING PULSE");
    pair.start(B);
    wait_for_line(&pair, B, "STARTING PULSE");
    // One that was alone for a moment lets go to a partner that has not said yet what it lacks.
    let wrong = || !pair.has(A, address) || pair.has(B, address);
    let settled = || !wrong() && wait_until(DEAD_TIME * 2, wrong).is_none();
    let logs = || (pair.log(A), pair.log(B));
    assert!(wait_until(LOADING, settled).is_some(), "{:?}", logs());
    pair
}

const VLAN: &str = "link add link eth0 name eth0.10 type vlan id 10";

#[test]
fn a_device_that_goes_leaves_its_address_to_the_partner() {
    let pair = settled_on(pair_on("eth0.10", VLAN, ""), OUTSIDE);
    ip(&format!("-n {} link del eth0.10", pair.name(A)));
    wait_for_owner(&pair, OUTSIDE, B);
    wait_for_line(&pair, A, "address 10.7.0.50: there is no device eth0.10");
    make_device(&pair, A, "eth0.10", VLAN);
    wait_for_line(&pair, A, "address 10.7.0.50: device eth0.10 is good again");
    stays_with(&pair, OUTSIDE, B);
    // Fit again: it takes over when the other one stops.
    pair.terminate(B);
    wait_for_owner(&pair, OUTSIDE, A);
}

#[test]
fn a_device_that_is_set_down_leaves_its_address_to_the_partner() {
    let pair = settled_on(pair_on("eth0.10", VLAN, ""), OUTSIDE);
    ip(&format!("-n {} link set eth0.10 down", pair.name(A)));
    wait_for_owner(&pair, OUTSIDE, B);
    wait_for_line(&pair, A, "address 10.7.0.50: device eth0.10 is down");
}

/// A bridge without ports has none either: it counts where links are monitored.
#[test]
fn a_virtual_addresss_card_without_carrier_leaves_it_to_the_partner() {
    let cable = "link add eth2 type veth peer name far2";
    let pair = pair_on("eth2", cable, "monitor_links = 1\n");
    for side in [A, B] {
        ip(&format!("-n {} link set far2 up", pair.name(side)));
    }
    let pair = settled_on(pair, OUTSIDE);
    let name = pair.name(A);
    ip(&format!("-n {name} link set far2 down"));
    wait_for_owner(&pair, OUTSIDE, B);
    wait_for_line(&pair, A, "address 10.7.0.50: device eth2 has no carrier");
    ip(&format!("-n {name} link set far2 up"));
    wait_for_line(&pair, A, "address 10.7.0.50: device eth2 is good again");
    stays_with(&pair, OUTSIDE, B);
}

#[test]
fn the_nat_routers_card_without_carrier_leaves_the_service_to_the_partner() {
    let more = "monitor_links = 1\nnat_router = 10.9.0.254 eth2:1\nnat_nmask = 255.255.255.0\n";
    let pair = Pair::with(more);
    for side in [A, B] {
        make_device(
            &pair,
            side,
            "eth2",
            "link add eth2 type veth peer name far2",
        );
        ip(&format!("-n {} link set far2 up", pair.name(side)));
    }
    pair.replace("network = direct", "network = nat");
    let pair = settled_on(pair, INSIDE);
    ip(&format!("-n {} link set far2 down", pair.name(A)));
    wait_for_owner(&pair, INSIDE, B);
    assert!(pair.owns(B) && !pair.owns(A), "{}", pair.log(A));
    wait_for_line(&pair, A, "address 10.9.0.254: device eth2 has no carrier");
}

#[test]
fn a_standby_with_a_card_of_another_name_says_so_and_takes_nothing_from_a_living_partner() {
    let mut pair = pair_on("eth0.10", VLAN, "");
    let name = pair.name(B);
    ip(&format!("-n {name} link del eth0.10"));
    make_device(&pair, B, "eth0.11", &VLAN.replace("eth0.10", "eth0.11"));
    pair.start(B);
    wait_for_line(&pair, B, "address 10.7.0.50: there is no device eth0.10");
    pair.start(A);
    wait_for_owner(&pair, OUTSIDE, A);
    stays_with(&pair, OUTSIDE, A);
    // Its device set down, A is no worse than a partner without one.
    let name = pair.name(A);
    ip(&format!("-n {name} link set eth0.10 down"));
    ip(&format!("-n {name} link set eth0.10 up"));
    wait_for_owner(&pair, OUTSIDE, A);
    stays_with(&pair, OUTSIDE, A);
}

/// IPv6 switched off on the card: the kernel takes the address away, and no other.
#[test]
fn a_card_on_which_ipv6_is_switched_off_leaves_its_address_to_the_partner() {
    let pair = settled_on(with_ipv6(), VIP6);
    let switch = |side, value| {
        let name = pair.name(side);
        let switch = format!("net.ipv6.conf.eth0.disable_ipv6={value}");
        ip(&format!("netns exec {name} sysctl -qw {switch}"));
    };
    switch(A, 1);
    wait_for_owner(&pair, VIP6, B);
    let bad = "address 2001:db8::50: device eth0 takes no IPv6";
    wait_for_line(&pair, A, bad);
    assert!(pair.owns(B) && !pair.owns(A), "{}", pair.log(A));
    switch(A, 0);
    wait_for_line(&pair, A, "address 2001:db8::50: device eth0 is good again");
    pair.terminate(B);
    wait_for_owner(&pair, VIP6, A);
}

/// Two addresses, each director lacks the device of one, one of them that of the other as well.
#[test]
fn of_two_unfit_directors_the_better_one_serves_what_it_can() {
    let pair = keyed("sign");
    for side in [A, B] {
        make_device(&pair, side, "eth0.10", VLAN);
    }
    pair.replace("10.1.0.50 eth0:1", &format!("{OUTSIDE} eth0.10:1"));
    let second = "virtual two {\n active = 1\n address = 10.8.0.50 eth0.20:1\n port = 80\n \
                  server a {\n  address = 10.1.0.12\n  active = 1\n }\n}\nvirtual web {";
    pair.replace("virtual web {", second);
    // Nobody has eth0.20.
    let pair = settled_on(pair, OUTSIDE);
    wait_for_line(&pair, A, "address 10.8.0.50: there is no device eth0.20");
    ip(&format!("-n {} link del eth0.10", pair.name(A)));
    wait_for_owner(&pair, OUTSIDE, B);
    wait_for_line(&pair, A, "there is no device eth0.10");
    make_device(&pair, A, "eth0.10", VLAN);
    stays_with(&pair, OUTSIDE, B);
}

/// Neither has the device, and a director that starts says so with its first heartbeat.
#[test]
fn an_unfit_director_serves_on_beside_one_that_starts_as_unfit() {
    for active in [A, B] {
        let mut pair = Pair::new();
        pair.replace("10.1.0.50 eth0:1", &format!("{OUTSIDE} eth0.10:1"));
        make_device(&pair, active, "eth0.10", VLAN);
        pair.start(active);
        wait_for_owner(&pair, OUTSIDE, active);
        ip(&format!("-n {} link del eth0.10", pair.name(active)));
        wait_for_line(&pair, active, "1 address cannot be served here: serving on");
        pair.start(1 - active);
        let stands_by = "the partner is active, this director stands by";
        wait_for_line(&pair, 1 - active, stands_by);
        wait_for_line(&pair, 1 - active, "there is no device eth0.10");
        let let_go = || pair.log(active).contains("going inactive");
        let moved = wait_until(DEAD_TIME * 2, let_go);
        assert!(moved.is_none(), "{}", pair.log(active));
    }
}

/// A typing error on a director that serves; a partner that could take over lives, or none does.
#[test]
fn a_reload_that_names_a_device_that_is_not_there_keeps_what_serves() {
    for partner in [false, true] {
        let mut pair = Pair::new();
        pair.start(A);
        wait_for_owner(&pair, VIP, A);
        if partner {
            pair.start(B);
            wait_for_line(&pair, B, "the partner is active, this director stands by");
        }
        pair.replace("10.1.0.50 eth0:1", "10.1.0.50 eth9:1");
        let (status, text) = pair.order(A, "reload");
        assert_eq!(status, Some(1), "{text}");
        let line = "virtual web of line 7: address 10.1.0.50: there is no device eth9";
        assert!(text.contains(line), "{text}");
        stays_with(&pair, VIP, A);
        if partner {
            let (status, text) = pair.order(B, "reload");
            assert_eq!(status, Some(0), "{text}");
            assert!(text.contains("there is no device eth9"), "{text}");
        }
        pair.replace("10.1.0.50 eth9:1", "10.1.0.50 eth0:1");
        assert_eq!(pair.order(A, "reload").0, Some(0));
        stays_with(&pair, VIP, A);
    }
}
