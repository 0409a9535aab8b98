//! Extensions of lvs.cf on a kernel: what each changes in the table, and that an audit leaves it so.

use std::fs;
use std::net::UdpSocket;
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::Command;
use std::time::{Duration, Instant};

use caribe_tests::{SOON, c_ipvsadm, wait_until};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockProtocol, SockType, SockaddrIn, bind, listen, socket,
};

use crate::director::*;

/// Longer than an audit interval.
const AUDIT: &str = "audit_interval = 0.2\n";

fn extended(last: u8, extra: &str) -> String {
    format!(" server s{last} {{\n address = 127.0.0.{last}\n active = 1\n{extra}\n }}\n")
}

#[test]
fn scheduler_flags_are_the_kernels() {
    let mut director = Director::new(&[1]);
    let extra = "scheduler = sh\nscheduler_flags = sh-port,sh-fallback";
    director.start(&(AUDIT.to_owned() + &block("web", "192.0.2.1", extra, &[&server(1)])));
    let table = director.wait_for_table(2);
    assert_eq!(
        table[0],
        "-A -t 192.0.2.1:8080 -s sh -b sh-fallback,sh-port"
    );
    assert_eq!(director.operations(3).len(), 3, "nothing to repair");
}

#[test]
fn one_packet_scheduling_is_the_kernels() {
    let mut director = Director::new(&[]);
    let _dns = UdpSocket::bind("127.0.0.1:8080").unwrap();
    let extra = "protocol = udp\none_packet = 1";
    director.start(&(AUDIT.to_owned() + &block("dns", "192.0.2.1", extra, &[&server(1)])));
    let table = director.wait_for_table(2);
    assert_eq!(table[0], "-A -u 192.0.2.1:8080 -s wlc -o");
    assert_eq!(director.operations(3).len(), 3, "nothing to repair");
}

#[test]
fn a_server_has_its_own_forwarding_method_beside_another() {
    let mut director = Director::new(&[1, 2]);
    let servers = [&extended(1, " forward = tunnel")[..], &server(2)];
    director.start(&(AUDIT.to_owned() + &block("web", "192.0.2.1", "", &servers)));
    let table = director.wait_for_table(3);
    assert!(table[1].starts_with("-a -t 192.0.2.1:8080 -r 127.0.0.1:8080 -i "));
    assert!(table[2].starts_with("-a -t 192.0.2.1:8080 -r 127.0.0.2:8080 -m "));
    assert_eq!(director.operations(4).len(), 4, "nothing to repair");
}

#[test]
fn thresholds_are_the_kernels_and_follow_a_reload() {
    let mut director = Director::new(&[1]);
    let file =
        |thresholds| AUDIT.to_owned() + &block("web", "192.0.2.1", "", &[&extended(1, thresholds)]);
    director.start(&file(" upper_threshold = 100\n lower_threshold = 80"));
    director.wait_for_table(2);
    assert_eq!(thresholds(), ["100", "80"]);
    assert_eq!(director.operations(3).len(), 3, "nothing to repair");
    director.reload(&file(" upper_threshold = 9"));
    let edit = ["-e -t 192.0.2.1:8080 -r 127.0.0.1:8080 -m -w 1 -x 9"];
    assert_eq!(director.operations(1), edit);
    assert_eq!(thresholds(), ["9", "0"]);
}

/// Upper and lower threshold of the only destination; `-S` leaves them out.
fn thresholds() -> [String; 2] {
    let mut list = Command::new(c_ipvsadm());
    let output = list.args(["-L", "-n", "--thresholds"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let last = text.lines().last().unwrap();
    let words: Vec<&str> = last.split_whitespace().collect();
    [words[2], words[3]].map(str::to_owned)
}

#[test]
fn fall_and_rise_count_checks_in_a_row() {
    let mut director = Director::new(&[1, 2]);
    let servers = [&server(1)[..], &server(2)];
    director.start(&block("web", "192.0.2.1", "fall = 3\nrise = 3", &servers));
    director.wait_for_table(3);
    // Three checks are two intervals of a second, each up to a tenth shorter.
    let two_intervals = Duration::from_millis(1700);
    let began = Instant::now();
    director.fell(2);
    director.wait_for_table(2);
    assert!(began.elapsed() >= two_intervals, "{:?}", began.elapsed());
    let began = Instant::now();
    director.raise(2);
    director.wait_for_table(3);
    assert!(began.elapsed() >= two_intervals, "{:?}", began.elapsed());
}

#[test]
fn switches_are_only_named_until_lvsd_may_set_them() {
    let switch = "/proc/sys/net/ipv4/vs/expire_quiescent_template";
    let value = || fs::read_to_string(switch).unwrap();
    let extra = "persistent = 60\nquiesce_server = 1";
    let file = block("web", "192.0.2.1", extra, &[&server(1)]);
    let mut director = Director::new(&[1]);
    director.start(&file);
    director.wait_for_table(2);
    director.wait_for_log("net.ipv4.vs.expire_quiescent_template is 0: persistent clients of web");
    assert_eq!(value(), "0\n");
    director.reload(&format!("set_sysctls = 1\n{file}"));
    director.wait_for_log("net.ipv4.vs.expire_quiescent_template set to 1");
    assert_eq!(value(), "1\n");
    // Of what no switch helps against they are told all the same.
    let extra = "protocol = udp\nquiesce_server = 1";
    director.reload(&block("dns", "192.0.2.1", extra, &[&server(1)]));
    director.wait_for_log("UDP flows of dns stay with a quiesced real server until they pause");
}

#[test]
fn sctp_is_checked_by_an_association() {
    let mut director = Director::new(&[]);
    // Other protocols' listeners on the port are no answer to an association.
    director.raise(1);
    let modprobe = Command::new("modprobe").arg("sctp").status().unwrap();
    assert!(modprobe.success(), "the lab's kernels have SCTP");
    let listener = sctp_listener();
    let extra = "protocol = sctp";
    director.start(&(AUDIT.to_owned() + &block("sig", "192.0.2.1", extra, &[&server(1)])));
    let table = director.wait_for_table(2);
    assert_eq!(table[0], "-A --sctp-service 192.0.2.1:8080 -s wlc");
    assert_eq!(director.operations(3).len(), 3, "nothing to repair");
    drop(listener);
    director.wait_for_table(1);
    let _listener = sctp_listener();
    director.wait_for_table(2);
}

/// 127.0.0.1:8080.
fn sctp_listener() -> OwnedFd {
    let (kind, flags) = (SockType::Stream, SockFlag::SOCK_CLOEXEC);
    let address = SockaddrIn::new(127, 0, 0, 1, 8080);
    let made = wait_until(SOON, || bound(kind, flags, &address).is_some());
    assert!(made.is_some(), "the port is still taken");
    let listener = bound(kind, flags, &address).expect("free a moment ago");
    listen(&listener, Backlog::new(16).unwrap()).unwrap();
    listener
}

fn bound(kind: SockType, flags: SockFlag, address: &SockaddrIn) -> Option<OwnedFd> {
    let made = socket(AddressFamily::Inet, kind, flags, SockProtocol::Sctp).unwrap();
    bind(made.as_raw_fd(), address).ok().map(|()| made)
}
