//! A reload with a host name while the name server is silent: lvsd serves on, and gives up in time.

use std::fs;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use caribe_tests::wait_until;
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::Signal;

use crate::director::*;

/// Names get five seconds, all together; the rest is for a loaded guest.
const LIMIT: Duration = Duration::from_secs(5);

#[test]
fn r_cf_10_lvsd_serves_while_a_name_server_is_silent() {
    let mut director = Director::new(&[1, 2]);
    let _silent = silent_name_server(&director);
    let servers = [&server(1)[..], &server(2)];
    let file = format!(
        "audit_interval = 0.3\n{}",
        block("web", "192.0.2.1", "", &servers)
    );
    director.start(&file);
    director.wait_for_table(3);

    let began = Instant::now();
    director.reload(&format!("primary = director.example.com\n{file}"));
    // A verdict and a repair.
    director.fell(2);
    let left = director.wait_for_table(2);
    director.by_hand("-C");
    assert_eq!(director.wait_for_table(2), left);
    assert!(!director.has_logged("does not resolve"), "not blocked");

    let why = "the host name director.example.com does not resolve";
    director.wait_for_log(why);
    assert!(
        (LIMIT..LIMIT * 2).contains(&began.elapsed()),
        "{:?}",
        began.elapsed()
    );
    director.wait_for_log("not all names were found in 5 s");

    // Another one meanwhile takes its place.
    director.reload(&format!("primary = director.example.com\n{file}"));
    director.reload(&file);
    let loaded = || director.wait_for_log("serial_no").len() == 2;
    assert!(wait_until(LIMIT, loaded).is_some());
    assert_eq!(director.end(Signal::SIGTERM).code(), Some(0));
}

/// As pulse passes it on: lvsd was still looking names up.
#[test]
fn r_a_hangup_during_a_start_is_a_reload_behind_it() {
    let mut director = Director::new(&[1, 2]);
    let name_server = silent_name_server(&director);
    let one = block("web", "192.0.2.1", "", &[&server(1)]);
    director.start(&format!("primary = director.example.com\n{one}"));
    let mut query = [0; 512];
    let (length, resolver) = name_server.recv_from(&mut query).unwrap();
    director.write(&block("web", "192.0.2.1", "", &[&server(1), &server(2)]));
    director.signal(Signal::SIGHUP);
    let answer = answer(&query[..length], [192, 0, 2, 7]);
    name_server.send_to(&answer, resolver).unwrap();
    director.wait_for_table(3);
}

/// A message of RFC 1035 that answers the one question of `query`.
fn answer(query: &[u8], address: [u8; 4]) -> Vec<u8> {
    let name = query[12..].iter().position(|byte| *byte == 0).unwrap();
    let mut message = query[..12 + name + 5].to_vec();
    // A response, without error; one question and one answer.
    message[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
    // The name of the question, A, IN, 60 seconds, four bytes.
    message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
    message.extend(address);
    message
}

/// What the resolver asks in this test's own view of the file system, and never hears from.
fn silent_name_server(director: &Director) -> UdpSocket {
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    run("mount", "--make-rprivate /");
    for (name, text) in [
        ("resolv.conf", "nameserver 127.0.0.53\n"),
        (
            "nsswitch.conf",
            "hosts: dns\nservices: files\npasswd: files\n",
        ),
    ] {
        let file = director.config().with_file_name(name);
        fs::write(&file, text).unwrap();
        run("mount", &format!("--bind {} /etc/{name}", file.display()));
    }
    UdpSocket::bind("127.0.0.53:53").unwrap()
}
