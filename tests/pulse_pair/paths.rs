//! Two heartbeat paths, monitored links, hooks, the NAT router's address, reload, addresses that
//! hooks move.

use caribe_tests::wait_until;

use crate::hooks::write_hook;
use crate::pair::{A, B, Pair, VIP, ip};
use crate::tap::Tap;
use crate::{DEAD_TIME, LOADING, settle, settled};

#[test]
fn one_path_of_two_lost_is_a_log_line_and_no_takeover() {
    let pair = settle(Pair::with_private_path(""));
    pair.cut(A, true);
    assert!(pair.stays_with(A, DEAD_TIME * 2), "{}", pair.log(B));
    let silent = "no heartbeat on the public path";
    let said = wait_until(LOADING, || pair.log(B).contains(silent));
    assert!(said.is_some(), "{}", pair.log(B));
    let said = pair.log(B);
    assert_eq!(said.matches(silent).count(), 1, "{said}");
    pair.cut(A, false);
    let back = || pair.log(B).contains("heartbeat on the public path again");
    assert!(wait_until(LOADING, back).is_some());
}

#[test]
fn a_lost_monitored_link_is_told_on_the_other_path() {
    let pair = settle(Pair::with_private_path("monitor_links = 1\n"));
    pair.cut_private_link(A);
    pair.wait_for_owners(&[B], LOADING);
    let log = pair.log(A);
    for line in [
        "Private NIC: link down",
        "Local NIC link failure: Pulse disabled",
        "local link failure: deactivating LVS",
    ] {
        assert!(log.contains(line), "{log}");
    }
    assert!(pair.log(B).contains("primary inactive: activating lvs"));
}

/// The carrier is missing all the time, and lvs.cf changes its mind about it.
#[test]
fn a_reload_that_begins_or_ends_the_monitoring_of_links_counts_at_once() {
    let mut pair = settle(Pair::with_private_path("monitor_links = 0\n"));
    pair.cut_private_link(B);
    let is_known = || pair.log(A).contains("no heartbeat on the private path");
    assert!(wait_until(LOADING, is_known).is_some(), "{}", pair.log(A));
    assert!(!pair.log(B).contains("link down"), "{}", pair.log(B));
    pair.reload(B, "monitor_links = 0", "monitor_links = 1");
    let is_lost = || {
        pair.log(B)
            .contains("Local NIC link failure: Pulse disabled")
    };
    assert!(wait_until(LOADING, is_lost).is_some(), "{}", pair.log(B));
    pair.reload(B, "monitor_links = 1", "monitor_links = 0");
    let line = "links are not monitored any more: Pulse enabled";
    let is_good = || pair.log(B).contains(line);
    assert!(wait_until(LOADING, is_good).is_some(), "{}", pair.log(B));
    pair.die(A);
    pair.wait_for_owners(&[B], LOADING);
}

#[test]
fn an_external_address_is_moved_by_the_hooks_alone_and_let_go_after_kill_9() {
    let mut pair = Pair::with(
        "vip = external\nactive_cmd = \"%d/hook add\"\ninactive_cmd = \"%d/hook del\"\n",
    );
    write_hook(&pair, &format!("ip addr $1 {VIP}/24 dev eth0"));
    let tap = Tap::on(&pair.name(B));
    pair = settle(pair);
    let vip = VIP.parse().expect("an address");
    assert!(pair.stays_with(A, DEAD_TIME));
    // Somebody else's business: not announced, not put back.
    pair.remove_address(A);
    assert!(wait_until(DEAD_TIME, || pair.owns(A)).is_none());
    let announced = tap.frames().into_iter().any(|frame| frame.announces(vip));
    assert!(!announced);
    assert!(!pair.log(A).contains("address "), "{}", pair.log(A));
    pair.add_address(A);
    pair.kill_pulse(A);
    let gone = wait_until(LOADING, || !pair.owns(A));
    assert!(gone.is_some(), "{}", pair.log(A));
    let said = pair.log(A);
    assert!(said.contains("pulse was killed: running"), "{said}");
    pair.wait_for_owners(&[B], LOADING);
    pair.start(A);
    assert!(pair.stays_with(B, DEAD_TIME * 2), "{}", pair.log(A));
    pair.terminate(B);
    pair.wait_for_owners(&[A], LOADING);
}

#[test]
fn hooks_run_and_the_nat_router_moves_with_the_active_director() {
    let mut pair = Pair::with_private_path(
        "nat_router = 10.2.0.254 eth1:1\nnat_nmask = 255.255.255.0\n\
         active_cmd = \"%d/hook active\"\ninactive_cmd = \"%d/hook inactive\"\n",
    );
    let seen = pair.file("seen").display().to_string();
    write_hook(&pair, &format!("echo $* >> {seen}"));
    pair.replace("network = direct", "network = nat");
    pair.start(B);
    pair.wait_for_owners(&[B], LOADING);
    wait_until(LOADING, || pair.has(B, "10.2.0.254")).expect("the router's address comes");
    pair.terminate(B);
    pair.wait_for_owners(&[], LOADING);
    wait_until(LOADING, || !pair.has(B, "10.2.0.254")).expect("and goes");
    let hooks = || std::fs::read_to_string(pair.file("seen")).unwrap_or_default();
    let order = "inactive\nactive\ninactive\n";
    assert!(
        wait_until(LOADING, || hooks() == order).is_some(),
        "{}",
        hooks()
    );
}

#[test]
fn reload_moves_the_addresses_of_the_active_one_and_changes_no_state() {
    let pair = settled();
    pair.reload(B, "10.1.0.50", "10.1.0.60");
    pair.reload(A, "10.1.0.60", "10.1.0.60");
    let moved = || pair.has(A, "10.1.0.60") && !pair.has(A, "10.1.0.50");
    assert!(wait_until(LOADING, moved).is_some(), "{}", pair.log(A));
    assert!(wait_until(DEAD_TIME, || pair.has(B, "10.1.0.60")).is_none());
    assert!(!pair.log(B).contains("activating"));
}

#[test]
fn r_a_heartbeat_that_cannot_be_sent_is_said_shown_and_so_is_its_end() {
    let pair = settled();
    let name = pair.name(A);
    // As a firewall's reject does for what goes out.
    ip(&format!("-n {name} route add prohibit 10.1.0.2"));
    let line =
        "no heartbeat can be sent on the public path from 10.1.0.1 to 10.1.0.2: Permission denied";
    let said = || pair.log(A).contains(line);
    assert!(wait_until(LOADING, said).is_some(), "{}", pair.log(A));
    let shown = || {
        let report = pair.report(A);
        report.contains(line) && report.contains("send_failure")
    };
    assert!(wait_until(LOADING, shown).is_some(), "{}", pair.report(A));
    assert_eq!(pair.log(A).matches(line).count(), 1, "{}", pair.log(A));
    ip(&format!("-n {name} route del prohibit 10.1.0.2"));
    let again = "heartbeats are sent on the public path from 10.1.0.1 to 10.1.0.2 again";
    let over = || pair.log(A).contains(again);
    assert!(wait_until(LOADING, over).is_some(), "{}", pair.log(A));
    let shown = || !pair.report(A).contains("send_failure");
    assert!(wait_until(LOADING, shown).is_some(), "{}", pair.report(A));
}
