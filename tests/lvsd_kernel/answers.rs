//! The sample files of lvs.cf with real servers that answer: the destinations that enter the table.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;

use caribe_tests::{SOON, c_ipvsadm, wait_until};
use nix::sys::signal::Signal;

use crate::director::*;

/// A real server: its address and port, and how it answers.
pub type Server = (&'static str, u16, Answer);

#[derive(Clone, Copy)]
pub enum Answer {
    /// TCP: sends this to each client that connects, whatever it asks.
    Says(&'static str),
    /// UDP: answers each datagram with this.
    Echoes(&'static str),
}

use Answer::{Echoes, Says};

/// Makes the addresses the director's own and serves on them; the threads end with the test binary.
pub fn serve(servers: &[Server]) {
    for (address, port, answer) in servers {
        run("ip", &format!("addr replace {address}/32 dev lo"));
        match *answer {
            Says(text) => {
                let listener = TcpListener::bind((*address, *port)).unwrap();
                thread::spawn(move || {
                    for mut client in listener.incoming().flatten() {
                        // One that has gone away needs no answer.
                        let _ = client.write_all(text.as_bytes());
                        let _ = client.read(&mut [0; 512]);
                    }
                });
            }
            Echoes(text) => {
                let socket = UdpSocket::bind((*address, *port)).unwrap();
                thread::spawn(move || {
                    while let Ok((_, client)) = socket.recv_from(&mut [0; 512]) {
                        let _ = socket.send_to(text.as_bytes(), client);
                    }
                });
            }
        }
    }
}

/// Programs of `send_program`, in this test's own directory over the machine's.
fn check_programs() {
    run("mkdir", "-p /etc/sysconfig/ha");
    run("mount", "-t tmpfs -o mode=755 tmpfs /etc/sysconfig/ha");
    for name in ["check-tls", "check-dns"] {
        let path = Path::new("/etc/sysconfig/ha").join(name);
        fs::write(&path, "#!/bin/sh\nprintf OK\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// Runs lvsd on a sample until `destinations` have entered; ends it and sees the table empty. The
/// lines by which they entered.
fn a_sample(name: &str, servers: &[Server], destinations: &[&str]) -> Vec<String> {
    a_sample_with(name, servers, destinations, |_| {})
}

/// The same, and `meanwhile` once they are in.
fn a_sample_with(
    name: &str,
    servers: &[Server],
    destinations: &[&str],
    meanwhile: impl FnOnce(&Director),
) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/lvs-config/tests/samples");
    let mut director = Director::new(&[]);
    check_programs();
    serve(servers);
    director.start(&fs::read_to_string(root.join(format!("{name}.cf"))).unwrap());
    let entered = destinations
        .iter()
        .flat_map(|line| director.wait_for_log(&format!("ipvsadm -a {line}")))
        .collect();
    let table = director.table();
    let found = table.iter().filter(|line| line.starts_with("-a ")).count();
    assert_eq!(found, destinations.len(), "{table:?}");
    meanwhile(&director);
    assert_eq!(director.end(Signal::SIGTERM).code(), Some(0));
    assert_eq!(director.table(), [""; 0]);
    entered
}

/// The kernel's idle times.
fn timeouts() -> String {
    let mut list = Command::new(c_ipvsadm());
    let output = list.args(["-L", "--timeout"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn weights_grow(director: &Director) {
    // 2 may be in the line by which they entered.
    for (last, weights) in [(21, &[4, 8, 10][..]), (22, &[4, 8, 16, 20])] {
        for weight in weights {
            let step = format!("-e -t 192.0.2.80:80 -r 10.20.0.{last}:8080 -m -w {weight}");
            let is_done = || director.has_logged(&format!("ipvsadm {step}"));
            wait_until(SOON, is_done).unwrap_or_else(|| panic!("no {step}"));
        }
    }
}

/// With `CARIBE_SLOW_START` the weights are watched until they are those of the file, some 90 s.
#[test]
fn nat_with_ports_of_its_own_and_weights_that_start_small() {
    let is_long = std::env::var_os("CARIBE_SLOW_START").is_some();
    let entered = a_sample_with(
        "nat",
        &[
            ("10.20.0.21", 8080, Says("HTTP/1.1 200 OK\r\n\r\n")),
            ("10.20.0.22", 8080, Says("HTTP/1.1 200 OK\r\n\r\n")),
        ],
        &[
            "-t 192.0.2.80:80 -r 10.20.0.21:8080 -m",
            "-t 192.0.2.80:80 -r 10.20.0.22:8080 -m",
        ],
        |director| {
            if is_long {
                weights_grow(director);
            }
        },
    );
    // Of 10; the first two steps are one operation if lvsd reads both reports in one turn.
    let is_small = |line: &String| line.ends_with(" -w 1") || line.ends_with(" -w 2");
    assert!(entered.iter().all(is_small), "{entered:?}");
}

#[test]
fn direct_routing_without_the_server_that_is_not_active_and_quiesced_when_one_fails() {
    a_sample_with(
        "direct",
        &[
            ("192.0.2.31", 25, Says("220 mx1 ESMTP\r\n")),
            ("192.0.2.32", 25, Says("220 mx2 ESMTP\r\n")),
            ("192.0.2.33", 25, Says("220 mx3 ESMTP\r\n")),
        ],
        &[
            "-t 192.0.2.25:25 -r 192.0.2.31:25 -g -w 1",
            "-t 192.0.2.25:25 -r 192.0.2.32:25 -g -w 1",
        ],
        |director| {
            run("ip", "addr del 192.0.2.31/32 dev lo");
            director.wait_for_log("ipvsadm -e -t 192.0.2.25:25 -r 192.0.2.31:25 -g -w 0");
            director.wait_for_line("-a -t 192.0.2.25:25 -r 192.0.2.31:25 -g -w 0");
        },
    );
}

#[test]
fn tunnelling_with_a_port_by_name() {
    a_sample(
        "tunnel",
        &[
            ("203.0.113.5", 119, Says("200 news\r\n")),
            ("198.51.100.77", 119, Says("201 news\r\n")),
        ],
        &[
            "-t 192.0.2.119:119 -r 203.0.113.5:119 -i -w 1",
            "-t 192.0.2.119:119 -r 198.51.100.77:119 -i -w 1",
        ],
    );
}

#[test]
fn a_mark_with_persistence_and_a_program_that_checks() {
    a_sample(
        "fwmark",
        &[],
        &[
            "-f 80 -r 192.0.2.41:443 -g -w 1",
            "-f 80 -r 192.0.2.42:443 -g -w 1",
        ],
    );
}

#[test]
fn ftp_by_its_greeting() {
    a_sample(
        "ftp",
        &[
            ("10.20.0.51", 21, Says("220 vault1\r\n")),
            ("10.20.0.52", 21, Says("220 vault2\r\n")),
        ],
        &[
            "-t 192.0.2.21:21 -r 10.20.0.51:21 -m -w 1",
            "-t 192.0.2.21:21 -r 10.20.0.52:21 -m -w 1",
        ],
    );
}

#[test]
fn udp_checked_by_a_program_and_by_any_answer() {
    a_sample_with(
        "udp",
        &[("192.0.2.71", 7007, Echoes("pong"))],
        &[
            "-u 192.0.2.53:53 -r 192.0.2.61:53 -g -w 1",
            "-u 192.0.2.53:7007 -r 192.0.2.71:7007 -g -w 1",
        ],
        |director| {
            director.wait_for_log("ipvsadm --set 0 0 30");
            assert!(timeouts().contains(" 30\n"), "{}", timeouts());
        },
    );
}

#[test]
fn the_sorry_server_stays_out_while_a_real_one_answers() {
    a_sample(
        "sorry",
        &[("10.20.0.82", 80, Says("HTTP/1.0 200 OK\r\n\r\n"))],
        &["-t 192.0.2.90:80 -r 10.20.0.82:80 -m -w 1"],
    );
}

#[test]
fn a_regular_expression_that_one_of_two_servers_meets() {
    a_sample(
        "regex",
        &[
            ("192.0.2.101", 80, Says("HTTP/1.1 204 No Content\r\n\r\n")),
            ("192.0.2.102", 80, Says("HTTP/1.1 404 Not Found\r\n\r\n")),
        ],
        &["-t 192.0.2.100:80 -r 192.0.2.101:80 -g -w"],
    );
}

#[test]
fn idle_times_and_servers_that_only_need_to_accept() {
    a_sample_with(
        "sync",
        &[
            ("192.0.2.131", 389, Says("")),
            ("192.0.2.132", 389, Says("")),
        ],
        &[
            "-t 192.0.2.38:389 -r 192.0.2.131:389 -g -w 1",
            "-t 192.0.2.38:389 -r 192.0.2.132:389 -g -w 1",
        ],
        |_| assert!(timeouts().contains("900 60 60"), "{}", timeouts()),
    );
}
