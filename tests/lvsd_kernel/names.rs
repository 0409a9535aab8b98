//! A reload with a host name while the name server is silent: lvsd serves on, and gives up in time.

use std::fs;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use caribe_lab::measure::Stalls;
use caribe_tests::{SOON, wait_until};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::Signal;

use crate::director::*;

/// Names get five seconds, all together; the rest is for a loaded guest.
const LIMIT: Duration = Duration::from_secs(5);

#[test]
fn r_lvsd_serves_while_a_name_server_is_silent() {
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
    // One that waited for names would have needed longer.
    let took = Stalls::watch().ran_since(began);
    assert!(took < LIMIT, "blocked for {took:?}");

    let why = "the host name director.example.com does not resolve";
    director.wait_for_log(why);
    let (at_least, took) = (began.elapsed(), Stalls::watch().ran_since(began));
    assert!(
        at_least >= LIMIT && took < LIMIT * 2,
        "{at_least:?} {took:?}"
    );
    director.wait_for_log("not all names were found in 5 s");

    // Another one meanwhile takes its place.
    director.reload(&format!("primary = director.example.com\n{file}"));
    director.reload(&file);
    let loaded = || director.wait_for_log("serial_no").len() == 2;
    assert!(wait_until(SOON, loaded).is_some());
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

/// At a cold start, and behind it: what needs the name is out, the rest serves, and the name server may
/// be one that is reached through this very director.
#[test]
fn a_server_and_a_block_whose_names_do_not_resolve_are_out_until_they_do() {
    let mut director = Director::new(&[1, 2]);
    let name_server = silent_name_server(&director);
    let gone = " server late {\n address = gone.example\n active = 1\n }\n";
    let web = block("web", "192.0.2.1", "", &[&server(1), gone]);
    let mail = block("mail", "mail.example", "", &[&server(2)]);
    director.start(&format!("audit_interval = 0.3\n{web}{mail}"));
    let table = director.wait_for_table(2);
    assert!(
        table.iter().all(|line| line.contains("192.0.2.1")),
        "{table:?}"
    );
    let why = "server late: the host name gone.example does not resolve";
    let of_block = "virtual mail: the host name mail.example does not resolve";
    assert_eq!(director.wait_for_log(why).len(), 1);
    assert_eq!(director.wait_for_log(of_block).len(), 1);
    let status = director.status();
    assert!(
        status[0].contains(why) && status[0].contains(of_block),
        "{}",
        status[0]
    );

    // What stands on disk meanwhile is half a file, and none of its business.
    director.write("serial_no = ");
    std::thread::spawn(move || answer_everything(&name_server, [127, 0, 0, 2], SOON));
    let table = director.wait_for_table(5);
    assert!(
        table
            .iter()
            .any(|line| line == "-A -t 192.0.2.7:8080 -s wlc"),
        "{table:?}"
    );
    director.wait_for_line("-a -t 192.0.2.1:8080 -r 127.0.0.2:8080 -m -w 1");
    assert_eq!(
        director.wait_for_log("gone.example is 127.0.0.2 now").len(),
        1
    );
    assert_eq!(director.wait_for_log(why).len(), 1, "each error once");
    assert!(director.status()[0].contains("\"faults\":[]"));
    assert_eq!(director.end(Signal::SIGTERM).code(), Some(0));
}

/// What was found at the start stays when nobody answers at the reload.
#[test]
fn a_name_that_resolved_before_keeps_its_address_at_a_reload() {
    let mut director = Director::new(&[1]);
    let name_server = silent_name_server(&director);
    let named = " server s1 {\n address = server.example\n active = 1\n }\n";
    let file = block("web", "192.0.2.1", "", &[named]);
    let answering = name_server.try_clone().unwrap();
    let answers = std::thread::spawn(move || {
        answer_everything(&answering, [127, 0, 0, 1], Duration::from_secs(1));
    });
    director.start(&file);
    director.wait_for_table(2);
    answers.join().unwrap();
    let more = block("more", "192.0.2.2", "", &[&server(1)]);
    director.reload(&format!("{file}{more}"));
    let stays = "server.example does not resolve: its last address, 127.0.0.1, stays";
    director.wait_for_log(stays);
    director.wait_for_table(4);
    assert_eq!(director.end(Signal::SIGTERM).code(), Some(0));
}

/// Answers each question until none has come for some time: for the address of the block 192.0.2.7, for any
/// other name `server`.
fn answer_everything(name_server: &UdpSocket, server: [u8; 4], idle: Duration) {
    let mut query = [0; 512];
    name_server.set_read_timeout(Some(SOON)).unwrap();
    while let Ok((length, resolver)) = name_server.recv_from(&mut query) {
        let query = &query[..length];
        let is_block = query.windows(4).any(|word| word == b"mail");
        let address = if is_block { [192, 0, 2, 7] } else { server };
        name_server
            .send_to(&answer(query, address), resolver)
            .unwrap();
        name_server.set_read_timeout(Some(idle)).unwrap();
    }
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
