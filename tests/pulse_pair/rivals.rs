//! Two owners, or a wrong one: each director says who else announces its addresses.

use std::fs::File;
use std::net::{IpAddr, UdpSocket};
use std::time::Duration;

use caribe_tests::wait_until;
use nix::sched::{CloneFlags, setns};

use crate::pair::{A, B, Pair, VIP, ip};
use crate::wire::{VIP6, with_ipv6};
use crate::{ASKED, LOADING, settle, settled};

/// Hardware address of a director's card.
fn mac(pair: &Pair, side: usize) -> String {
    hardware_address(&pair.name(side), "eth0")
}

fn hardware_address(namespace: &str, device: &str) -> String {
    let shown = ip(&format!("-n {namespace} -o link show {device}"));
    let mut words = shown.split_whitespace();
    words.find(|word| *word == "link/ether").expect("Ethernet");
    words.next().expect("an address").to_owned()
}

fn wait_for_line(pair: &Pair, side: usize, line: &str) {
    let said = wait_until(ASKED, || pair.log(side).contains(line));
    assert!(said.is_some(), "no '{line}' in\n{}", pair.log(side));
}

#[test]
fn directors_that_do_not_hear_each_other_are_both_told_who_else_is_active() {
    let mut pair = Pair::new();
    pair.start(A);
    pair.wait_for_owners(&[A], LOADING);
    pair.replace("keepalive = 0.5", "keepalive = 0.5\nheartbeat_port = 1539");
    pair.start(B);
    pair.wait_for_owners(&[A, B], LOADING);
    for side in [A, B] {
        let other = mac(&pair, 1 - side);
        wait_for_line(
            &pair,
            side,
            &format!("{VIP} is announced by {other} on eth0 as well"),
        );
    }
}

#[test]
fn an_address_that_somebody_puts_on_the_standby_is_said_by_both() {
    let pair = settled();
    wait_for_line(&pair, B, "STARTING PULSE");
    pair.add_address(B);
    let line = "10.1.0.50 is on eth0, put there by somebody else: this director does not hold it";
    wait_for_line(&pair, B, line);
    let other = mac(&pair, B);
    wait_for_line(
        &pair,
        A,
        &format!("{VIP} is announced by {other} on eth0 as well"),
    );
    assert!(pair.owns(A) && pair.owns(B), "nothing is removed blindly");
    pair.remove_address(B);
    wait_for_line(
        &pair,
        B,
        "10.1.0.50, put on eth0 by somebody else, is gone or held",
    );
    for side in [A, B] {
        let log = pair.log(side);
        assert_eq!(log.matches("put there by somebody").count(), side, "{log}");
    }
}

#[test]
fn a_third_machine_with_an_address_of_ours_is_told_of() {
    let pair = settle(with_ipv6());
    let switch = pair.switch();
    ip(&format!("-n {switch} addr add {VIP}/24 dev br0"));
    let other = hardware_address(&switch, "br0");
    wait_for_line(
        &pair,
        A,
        &format!("{VIP} is announced by {other} on eth0 as well"),
    );
    let said = pair.log(A).matches("is announced by").count();
    assert_eq!(said, 1, "{}", pair.log(A));
    assert!(
        pair.has(A, VIP6) && !pair.log(B).contains("announced by"),
        "{}",
        pair.log(B)
    );
}

/// The partner announces the addresses a moment before they go here: that is as it should be.
#[test]
fn a_clean_stop_is_no_second_owner() {
    let mut pair = settled();
    for (stops, takes) in [(A, B), (B, A)] {
        // Long enough for what is heard to count.
        assert!(pair.stays_with(stops, Duration::from_secs(4)));
        pair.terminate(stops);
        pair.wait_for_owners(&[takes], LOADING);
        assert_eq!(pair.status(stops), Some(0));
        let log = pair.log(stops);
        assert!(!log.contains("announced by"), "{log}");
        pair.start(stops);
        let runs = || pair.log(stops).contains("STARTING PULSE");
        assert!(wait_until(LOADING, runs).is_some(), "{}", pair.log(stops));
    }
}

/// A machine that was cloned: it has the address that heartbeats are sent from.
#[test]
fn another_machine_with_a_directors_own_address_is_told_of() {
    let pair = settled();
    let switch = pair.switch();
    for side in [A, B] {
        let own = format!("10.1.0.{}", side + 1);
        ip(&format!("-n {switch} addr add {own}/24 dev br0"));
        let said_so = || {
            speak(&switch, &own);
            pair.log(side).contains(&format!("{own} is announced by"))
        };
        let said = wait_until(ASKED, said_so);
        assert!(said.is_some(), "{}", pair.log(side));
        ip(&format!("-n {switch} addr del {own}/24 dev br0"));
    }
    assert!(
        !pair.log(B).contains("10.1.0.1 is announced"),
        "the partner's own is its own"
    );
}

/// Sends something from `own`, for which the kernel first asks for a hardware address, as for any use of an
/// address.
fn speak(namespace: &str, own: &str) {
    let file = File::open(format!("/run/netns/{namespace}")).expect("a namespace");
    let own: IpAddr = own.parse().expect("an address");
    let speak = std::thread::spawn(move || {
        setns(&file, CloneFlags::CLONE_NEWNET).expect("the namespace");
        let socket = UdpSocket::bind((own, 0)).expect("a socket");
        // Nobody is there.
        let _ = socket.send_to(b"?", "10.1.0.9:9");
    });
    speak.join().expect("a word");
}

/// Room of each socket for its filter; no more than the kernel's default on any kernel.
const ROOM: &str = "/proc/sys/net/core/optmem_max";
const USUAL_ROOM: u32 = 20_480;
/// Enough for the filters of heartbeats, not for one of 130 addresses.
const LITTLE_ROOM: u32 = 1_500;

/// Sets the room until it is dropped.
struct Room(String);

impl Room {
    fn set(bytes: u32) -> Self {
        let before = std::fs::read_to_string(ROOM).expect("the first network");
        std::fs::write(ROOM, bytes.to_string()).expect("root");
        Self(before)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = std::fs::write(ROOM, self.0.trim());
    }
}

/// Each a block of its own, on one card.
fn with_130_addresses() -> Pair {
    let block = |number: u8| {
        format!(
            "virtual more{number} {{\n active = 1\n address = 10.1.1.{number} eth0:{number}\n \
             vip_nmask = 255.255.255.0\n port = 80\n server a {{\n  address = 10.1.0.11\n  active = 1\n }}\n}}\n"
        )
    };
    let pair = Pair::new();
    let text = std::fs::read_to_string(pair.file("lvs.cf")).expect("lvs.cf");
    let more: String = (1..130).map(block).collect();
    std::fs::write(pair.file("lvs.cf"), text + &more).expect("lvs.cf");
    pair
}

/// Whether the kernel has room for the filter of all of them, or not.
#[test]
fn of_130_addresses_of_one_card_the_last_one_is_watched_like_the_first() {
    for (room, is_exact) in [(USUAL_ROOM, true), (LITTLE_ROOM, false)] {
        let mut pair = with_130_addresses();
        let room = Room::set(room);
        pair.start(A);
        pair.wait_for_owners(&[A], LOADING);
        let last = || pair.has(A, "10.1.1.129");
        wait_until(LOADING, last).expect("all of them");
        let switch = pair.switch();
        let other = hardware_address(&switch, "br0");
        for address in [VIP, "10.1.1.129"] {
            ip(&format!("-n {switch} addr add {address}/24 dev br0"));
            let line = format!("{address} is announced by {other} on eth0 as well");
            wait_for_line(&pair, A, &line);
        }
        let log = pair.log(A);
        let coarse = "the kernel has no room for a filter of 131 addresses (net.core.optmem_max)";
        assert_eq!(log.matches(coarse).count(), usize::from(!is_exact), "{log}");
        drop(room);
    }
}
