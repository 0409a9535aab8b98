//! What is announced, and what becomes of the address when its interface changes under it.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use caribe_lab::measure::Stalls;
use caribe_tests::wait_until;

use crate::pair::{A, B, Pair, VIP, ip};
use crate::tap::{Seen, Tap};
use crate::{DEAD_TIME, LOADING, settle, settled};

pub const VIP6: &str = "2001:db8::50";
/// When an address is announced, in seconds after it came.
const TIMES: [u64; 5] = [0, 1, 2, 4, 8];
/// ARP operations: REQUEST and REPLY (RFC 826).
const FORMS: [u16; 2] = [1, 2];

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// A second virtual service, with an IPv6 address.
pub fn with_ipv6() -> Pair {
    let pair = Pair::new();
    let service = "virtual six {\n active = 1\n address = 2001:db8::50 eth0\n vip_nmask = 128\n \
                   port = 80\n server a {\n  address = 2001:db8::11\n  active = 1\n }\n}\nvirtual web {";
    pair.replace("virtual web {", service);
    pair
}

#[test]
fn a_takeover_is_announced_in_every_form_at_once_and_after_1_2_4_and_8_seconds() {
    let mut pair = with_ipv6();
    let tap = Tap::on(&pair.name(A));
    pair.start(A);
    pair.wait_for_owners(&[A], DEAD_TIME + LOADING);
    let first = || {
        tap.first(Instant::now() - LOADING, |frame| {
            frame.announces(address(VIP))
        })
    };
    let first = {
        wait_until(LOADING, || first().is_some()).expect("an announcement");
        first().expect("one")
    };
    let times = |wanted: &Seen| {
        let sent = || -> Vec<Instant> {
            let frames = tap.frames().into_iter();
            let hits = frames.filter(|frame| frame.outgoing && frame.seen == *wanted);
            hits.map(|frame| frame.at).collect()
        };
        wait_until(LOADING, || sent().len() >= TIMES.len()).expect("all announcements");
        sent()
            .iter()
            .map(|at| seconds(first, *at))
            .collect::<Vec<_>>()
    };
    let IpAddr::V4(vip) = address(VIP) else {
        unreachable!("an IPv4 address")
    };
    for form in FORMS {
        assert_eq!(times(&Seen::Arp(form, vip)), TIMES);
    }
    let IpAddr::V6(vip) = address(VIP6) else {
        unreachable!("an IPv6 address")
    };
    assert_eq!(times(&Seen::Advertisement(vip)), TIMES);
    assert!(pair.has(A, VIP6));
    assert!(!pair.has_flag(A, VIP6, "tentative"));
    pair.terminate(A);
    pair.wait_for_owners(&[], LOADING);
    wait_until(LOADING, || !pair.has(A, VIP6)).expect("both go");
}

/// Whole seconds between two moments, without those that the machine stood still; up to three quarters late.
fn seconds(first: Instant, at: Instant) -> u64 {
    let stalled = Stalls::watch().between(first, at);
    let took = at.saturating_duration_since(first);
    let rounded = |took: Duration| (took + Duration::from_millis(250)).as_secs();
    // It may have stood still before the timer was due, which then is not late.
    let in_time = TIMES.into_iter().find(|seconds| *seconds == rounded(took));
    in_time.unwrap_or_else(|| rounded(took.saturating_sub(stalled)))
}

#[test]
fn another_hardware_address_is_announced_within_a_second() {
    let pair = settled();
    let tap = Tap::on(&pair.name(A));
    let changed = Instant::now();
    ip(&format!(
        "-n {} link set eth0 address 02:00:00:00:77:01",
        pair.name(A)
    ));
    let announced = || {
        tap.first(changed, |frame| {
            frame.mac == [2, 0, 0, 0, 0x77, 1] && frame.announces(address(VIP))
        })
    };
    assert!(wait_until(Duration::from_secs(1), || announced().is_some()).is_some());
}

/// A director that cannot serve gives up, and takes nothing back from a partner that serves.
#[test]
fn an_interface_that_went_and_came_back_leaves_one_owner_and_can_be_relied_on_again() {
    let pair = settled();
    pair.pull_out(A);
    pair.wait_for_owners(&[B], DEAD_TIME + LOADING);
    pair.plug_in(A);
    let listens = || pair.log(A).contains("usable again, listening first");
    assert!(wait_until(LOADING, listens).is_some(), "{}", pair.log(A));
    assert!(pair.stays_with(B, DEAD_TIME * 2));
    pair.terminate(B);
    pair.wait_for_owners(&[A], LOADING);
}

/// Alone, for a living partner has the service while the interface is down.
#[test]
fn an_address_on_a_renamed_interface_is_announced_and_given_up_all_the_same() {
    let mut pair = Pair::new();
    pair.start(A);
    pair.wait_for_owners(&[A], LOADING);
    let name = pair.name(A);
    let tap = Tap::on(&name);
    let renamed = Instant::now();
    for step in ["eth0 down", "eth0 name uplink0", "uplink0 up"] {
        ip(&format!("-n {name} link set {step}"));
    }
    let announced = || {
        tap.first(renamed, |frame| {
            frame.outgoing && frame.announces(address(VIP))
        })
    };
    assert!(wait_until(Duration::from_secs(2), || announced().is_some()).is_some());
    assert!(pair.stays_with(A, DEAD_TIME));
    pair.start(B);
    let stands_by = || pair.log(B).contains("STARTING PULSE AS BACKUP");
    assert!(wait_until(LOADING, stands_by).is_some(), "{}", pair.log(B));
    pair.terminate(A);
    pair.wait_for_owners(&[B], LOADING);
}

#[test]
fn an_address_that_keeps_being_removed_is_left_to_the_partner() {
    let pair = settled();
    for _ in 0..3 {
        pair.remove_address(A);
        wait_until(LOADING, || pair.owns(A) || pair.owns(B)).expect("an owner");
    }
    pair.wait_for_owners(&[B], LOADING);
    let log = pair.log(A);
    assert!(
        log.contains("addresses keep being removed: going inactive"),
        "{log}"
    );
    let gone = format!("address {VIP} is gone from eth0");
    assert_eq!(log.matches(&gone).count(), 3, "{log}");
}

#[test]
fn a_flapping_switch_port_costs_two_takeovers_at_most() {
    let pair = settle(Pair::with_private_path("monitor_links = 1\n"));
    let begun = pair.log(A).matches("activating lvs").count()
        + pair.log(B).matches("activating lvs").count();
    for flap in 0..20 {
        pair.port(A, flap % 2 == 1);
        // The flapping itself.
        std::thread::sleep(Duration::from_millis(500));
    }
    pair.port(A, true);
    let said = |side| pair.log(side).matches("activating lvs").count();
    let takeovers = said(A) + said(B) - begun;
    assert!(
        takeovers <= 2,
        "{takeovers}\nA:\n{}\nB:\n{}",
        pair.log(A),
        pair.log(B)
    );
    let one = || pair.owns(A) != pair.owns(B);
    assert!(wait_until(DEAD_TIME + LOADING, one).is_some());
}

#[test]
fn reloads_in_the_middle_of_a_takeover_change_nothing_about_it() {
    for pause in [0, 20, 60, 150] {
        let mut pair = settled();
        pair.die(A);
        let claims = || pair.log(B).contains("partner dead: activating lvs");
        wait_until(DEAD_TIME + LOADING, claims).expect("a takeover");
        // At another moment of the takeover each time.
        std::thread::sleep(Duration::from_millis(pause));
        for _ in 0..5 {
            pair.signal(B, nix::sys::signal::Signal::SIGHUP);
        }
        pair.wait_for_owners(&[B], LOADING);
        assert!(pair.stays_with(B, DEAD_TIME), "{}", pair.log(B));
    }
}
