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
