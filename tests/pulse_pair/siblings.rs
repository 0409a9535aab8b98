//! Addresses that are not lvs.cf's, in the subnet of one that is: the kernel calls them its secondaries, and
//! takes them along with it (`promote_secondaries`, 0 by default).

use caribe_tests::wait_until;
use nix::sys::signal::Signal;

use crate::pair::{A, B, Pair, VIP, ip};
use crate::{DEAD_TIME, LOADING, settled};

/// On a device of its own, so the first of its subnet.
const ALONE: &str = "10.7.0.50";
/// Somebody else's, in that subnet.
const FOREIGN: &str = "10.7.0.77";

/// A pair whose address is the first of its subnet, on `dev7`.
fn pair_with_a_primary_address() -> Pair {
    let pair = Pair::new();
    for side in [A, B] {
        let name = pair.name(side);
        ip(&format!("-n {name} link add dev7 type dummy"));
        ip(&format!("-n {name} link set dev7 up"));
    }
    pair.replace("10.1.0.50 eth0:1", "10.7.0.50 dev7:1");
    pair
}

/// The primary active, and somebody's address in the subnet of the virtual one.
fn with_a_foreign_secondary() -> Pair {
    let mut pair = pair_with_a_primary_address();
    pair.start(A);
    wait_until(LOADING, || pair.has(A, ALONE)).expect("the only director is active");
    let name = pair.name(A);
    ip(&format!(
        "-n {name} addr add {FOREIGN}/24 dev dev7 label dev7:x valid_lft 5000 preferred_lft 4000"
    ));
    assert!(foreign(&pair).contains("secondary"), "{}", foreign(&pair));
    pair
}

/// The foreign address as `ip` shows it.
fn foreign(pair: &Pair) -> String {
    let name = pair.name(A);
    ip(&format!("-n {name} -o addr show to {FOREIGN}"))
}

/// The virtual address has gone and left the other as it was, but for its rank.
fn is_left_alone(pair: &Pair) {
    let gone = wait_until(LOADING, || !pair.has(A, ALONE));
    assert!(gone.is_some(), "{}", pair.log(A));
    let left = foreign(pair);
    assert!(pair.has(A, FOREIGN), "taken along\n{}", pair.log(A));
    assert!(left.contains("dev7:x"), "{left}");
    assert!(
        !left.contains("secondary") && !left.contains("forever"),
        "{left}"
    );
    assert_eq!(promotes(pair), "0", "the switch is as it was");
}

/// What the kernel does with the secondaries of an address that goes from `dev7`.
const SWITCH: &str = "net.ipv4.conf.dev7.promote_secondaries";

fn promotes(pair: &Pair) -> String {
    let value = ip(&format!("netns exec {} sysctl -n {SWITCH}", pair.name(A)));
    value.trim().to_owned()
}

fn set_promotion(pair: &Pair, value: u8) {
    let name = pair.name(A);
    ip(&format!("netns exec {name} sysctl -qw {SWITCH}={value}"));
}

#[test]
fn a_stop_takes_no_address_along_that_is_not_lvs_cfs() {
    let pair = with_a_foreign_secondary();
    pair.terminate(A);
    is_left_alone(&pair);
}

#[test]
fn a_killed_pulses_guardian_takes_no_address_along() {
    let mut pair = with_a_foreign_secondary();
    pair.kill_pulse(A);
    is_left_alone(&pair);
}

#[test]
fn a_reload_without_the_address_takes_no_other_along() {
    let pair = with_a_foreign_secondary();
    pair.reload(A, "10.7.0.50 dev7:1", "10.8.0.50 dev7:1");
    is_left_alone(&pair);
    assert!(pair.has(A, "10.8.0.50"), "{}", pair.log(A));
}

/// The kernel tells nobody that the switch is another one than at the start.
#[test]
fn r_another_label_takes_no_address_along_and_leaves_a_switch_that_was_changed_meanwhile() {
    for (before, meanwhile) in [(1, 0), (0, 1)] {
        let mut pair = pair_with_a_primary_address();
        set_promotion(&pair, before);
        pair.start(A);
        wait_until(LOADING, || pair.has(A, ALONE)).expect("the only director is active");
        let name = pair.name(A);
        ip(&format!("-n {name} addr add {FOREIGN}/24 dev dev7"));
        set_promotion(&pair, meanwhile);
        pair.reload(A, "10.7.0.50 dev7:1", "10.7.0.50 dev7:2");
        let shown = || ip(&format!("-n {name} -o addr show to {ALONE}"));
        let changed = wait_until(LOADING, || shown().contains("dev7:2"));
        assert!(changed.is_some(), "{}\n{}", shown(), pair.log(A));
        assert!(pair.has(A, FOREIGN), "taken along\n{}", pair.log(A));
        assert_eq!(promotes(&pair), meanwhile.to_string());
    }
}

#[test]
fn what_a_predecessor_left_goes_without_others() {
    let mut pair = pair_with_a_primary_address();
    let name = pair.name(A);
    ip(&format!("-n {name} addr add {ALONE}/24 dev dev7"));
    ip(&format!(
        "-n {name} addr add {FOREIGN}/24 dev dev7 label dev7:x valid_lft 5000 preferred_lft 4000"
    ));
    // A partner lives, so what is up is taken down.
    pair.start(B);
    wait_until(LOADING, || pair.has(B, ALONE)).expect("the backup is active");
    pair.start(A);
    is_left_alone(&pair);
}

#[test]
fn the_nat_routers_address_takes_no_other_along() {
    let mut pair = Pair::with("nat_router = 10.7.0.50 dev7:1\nnat_nmask = 255.255.255.0\n");
    for side in [A, B] {
        let name = pair.name(side);
        ip(&format!("-n {name} link add dev7 type dummy"));
        ip(&format!("-n {name} link set dev7 up"));
    }
    pair.replace("network = direct", "network = nat");
    pair.start(A);
    wait_until(LOADING, || pair.has(A, ALONE)).expect("the only director is active");
    let name = pair.name(A);
    ip(&format!(
        "-n {name} addr add {FOREIGN}/24 dev dev7 label dev7:x valid_lft 5000 preferred_lft 4000"
    ));
    pair.terminate(A);
    is_left_alone(&pair);
}

/// In IPv6 each address stands for itself; the route to the subnet stays with the last one.
#[test]
fn an_ipv6_address_leaves_the_others_and_the_route_to_their_subnet() {
    let mut pair = pair_with_a_primary_address();
    pair.replace("10.7.0.50 dev7:1", "2001:db8:7::50 dev7");
    pair.replace("vip_nmask = 255.255.255.0", "vip_nmask = 64");
    pair.replace("address = 10.1.0.11", "address = 2001:db8:7::11");
    pair.start(A);
    wait_until(LOADING, || pair.has(A, "2001:db8:7::50")).expect("the only director is active");
    let name = pair.name(A);
    ip(&format!(
        "-n {name} addr add 2001:db8:7::77/64 dev dev7 nodad"
    ));
    pair.terminate(A);
    let gone = wait_until(LOADING, || !pair.has(A, "2001:db8:7::50"));
    assert!(gone.is_some(), "{}", pair.log(A));
    assert!(pair.has(A, "2001:db8:7::77"));
    let route = ip(&format!("-n {name} -6 route show 2001:db8:7::/64 dev dev7"));
    assert!(!route.is_empty(), "the route went");
}

/// A director's own address is away for a second, whatever the kernel does with secondaries.
fn own_address_comes_back(promote: u8) -> Pair {
    let pair = settled();
    let name = pair.name(A);
    let switch = format!("net.ipv4.conf.eth0.promote_secondaries={promote}");
    ip(&format!("netns exec {name} sysctl -qw {switch}"));
    ip(&format!("-n {name} addr del 10.1.0.1/24 dev eth0"));
    let back = wait_until(DEAD_TIME * 2 / 3, || pair.has(A, "10.1.0.1"));
    assert!(back.is_none(), "it is away");
    ip(&format!("-n {name} addr add 10.1.0.1/24 dev eth0"));
    pair
}

#[test]
fn a_director_whose_own_address_was_away_has_it_after_a_stop_and_starts_again() {
    for promote in [0, 1] {
        let mut pair = own_address_comes_back(promote);
        pair.signal(A, Signal::SIGTERM);
        wait_until(LOADING, || !pair.owns(A)).expect("it lets go");
        pair.start(A);
        let runs = wait_until(LOADING, || pair.log(A).contains("STARTING PULSE"));
        assert!(runs.is_some(), "{promote}: {}", pair.log(A));
        assert!(pair.has(A, "10.1.0.1"), "{promote}");
    }
}

#[test]
fn a_director_whose_own_address_was_away_has_it_after_kill_9_and_starts_again() {
    for promote in [0, 1] {
        let mut pair = own_address_comes_back(promote);
        pair.kill_pulse(A);
        wait_until(LOADING, || !pair.owns(A)).expect("the guardian lets go");
        pair.start(A);
        let runs = wait_until(LOADING, || pair.log(A).contains("STARTING PULSE"));
        assert!(runs.is_some(), "{promote}: {}", pair.log(A));
        assert!(pair.has(A, "10.1.0.1"), "{promote}");
    }
}

/// Without a partner the director serves on; its own address is the first of its subnet again when it is back.
#[test]
fn a_virtual_address_makes_room_when_the_directors_own_is_back() {
    let mut pair = Pair::new();
    pair.replace("backup_active = 1", "backup_active = 0");
    pair.start(A);
    wait_until(LOADING, || pair.owns(A)).expect("the only director is active");
    let name = pair.name(A);
    ip(&format!("-n {name} addr del 10.1.0.1/24 dev eth0"));
    let up = || pair.label(A).contains(VIP) && !pair.label(A).contains("secondary");
    wait_until(LOADING, up).expect("the virtual address is the first now");
    ip(&format!("-n {name} addr add 10.1.0.1/24 dev eth0"));
    let own = || ip(&format!("-n {name} -o addr show to 10.1.0.1"));
    let is_first = || !own().contains("secondary") && pair.label(A).contains("secondary");
    assert!(
        wait_until(LOADING, is_first).is_some(),
        "{}\n{}",
        own(),
        pair.log(A)
    );
    assert!(pair.label(A).contains("eth0:1"), "{}", pair.label(A));
}

/// Nobody else can have it: it serves from before the start on.
#[test]
fn a_director_without_a_partner_keeps_an_address_that_is_up_already() {
    let mut pair = Pair::new();
    pair.replace("backup_active = 1", "backup_active = 0");
    pair.add_address(A);
    pair.start(A);
    let runs = || pair.log(A).contains("address 10.1.0.50/24 eth0:1 up");
    let missing = wait_until(LOADING, || runs() || !pair.owns(A));
    assert!(missing.is_some() && pair.owns(A), "{}", pair.log(A));
    assert!(pair.log(A).contains("is up already"), "{}", pair.log(A));
    // It stays when pulse is killed, and goes at a clean stop.
    pair.kill_pulse(A);
    assert!(
        wait_until(DEAD_TIME, || !pair.owns(A)).is_none(),
        "{}",
        pair.log(A)
    );
    pair.start(A);
    let adopted = || pair.log(A).contains("is up already");
    assert!(wait_until(LOADING, adopted).is_some(), "{}", pair.log(A));
    pair.terminate(A);
    let gone = wait_until(LOADING, || !pair.owns(A));
    assert!(gone.is_some(), "{}", pair.log(A));
}

/// `ip addr add A peer B`: the kernel knows it by the other end.
#[test]
fn an_address_with_another_end_is_taken_down_at_the_start_too() {
    let mut pair = Pair::new();
    pair.start(A);
    pair.wait_for_owners(&[A], LOADING);
    let name = pair.name(B);
    ip(&format!(
        "-n {name} addr add {VIP} peer 10.9.9.9/32 dev eth0"
    ));
    pair.start(B);
    let is_said = wait_until(LOADING, || pair.log(B).contains("down"));
    assert!(is_said.is_some(), "{}", pair.log(B));
    pair.wait_for_owners(&[A], LOADING);
}
