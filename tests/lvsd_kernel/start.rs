//! Start on an empty and on a filled table, repair, end.

use std::time::Duration;

use caribe_tests::{SOON, wait_until};
use nix::sys::signal::Signal;

use crate::director::*;

fn web() -> String {
    block("web", "192.0.2.1", "", &[&server(1), &server(2)])
}

#[test]
fn a_start_fills_an_empty_table_and_an_end_empties_it() {
    let mut director = Director::new(&[1, 2]);
    director.start(&format!("tcp_timeout = 100\n{}", web()));
    let mut operations = director.operations(4);
    operations[2..].sort();
    assert_eq!(
        operations,
        [
            "--set 100 0 0",
            "-A -t 192.0.2.1:8080 -s wlc",
            "-a -t 192.0.2.1:8080 -r 127.0.0.1:8080 -m -w 1",
            "-a -t 192.0.2.1:8080 -r 127.0.0.2:8080 -m -w 1",
        ]
    );
    assert_eq!(director.table().len(), 3);
    let nannies = [director.nannies(1), director.nannies(2)].concat();
    assert_eq!(nannies.len(), 2);
    assert_eq!(director.end(Signal::SIGTERM).code(), Some(0));
    assert_eq!(director.table(), [""; 0]);
    assert!(nannies.into_iter().all(|pid| !is_alive(pid)));
}

#[test]
fn a_start_adopts_what_is_there_and_leaves_foreign_services_alone() {
    let mut director = Director::new(&[1, 2]);
    for command in [
        "-A -t 198.51.100.9:25 -s sed",
        "-a -t 198.51.100.9:25 -r 127.0.0.7:25 -m -w 5",
        "-A -t 192.0.2.1:8080 -s rr",
        "-a -t 192.0.2.1:8080 -r 127.0.0.1:8080 -m -w 1",
        "-a -t 192.0.2.1:8080 -r 127.0.0.9:8080 -m -w 1",
    ] {
        director.by_hand(command);
    }
    director.start(&web());
    assert_eq!(
        director.operations(4),
        [
            "--set 0 0 0",
            "-E -t 192.0.2.1:8080 -s wlc",
            "-d -t 192.0.2.1:8080 -r 127.0.0.9:8080",
            "-a -t 192.0.2.1:8080 -r 127.0.0.2:8080 -m -w 1",
        ]
    );
    let said = director.wait_for_log("are not in lvs.cf and stay as they are: -t 198.51.100.9:25");
    assert_eq!(said.len(), 1);
    assert_eq!(director.end(Signal::SIGINT).code(), Some(0));
    assert_eq!(
        director.table(),
        [
            "-A -t 198.51.100.9:25 -s sed",
            "-a -t 198.51.100.9:25 -r 127.0.0.7:25 -m -w 5"
        ]
    );
}

#[test]
fn an_emptied_table_is_back_within_the_audit_interval() {
    let mut director = Director::new(&[1, 2]);
    director.start(&web());
    let before = director.wait_for_table(3);
    director.by_hand("-C");
    let back = wait_until(SOON, || director.table() == before);
    let back = back.expect("the table comes back");
    assert!(back <= Duration::from_secs(6), "{back:?}");
    director.wait_for_log("table was changed from outside, repaired with 3 operations");
}

#[test]
fn a_dead_real_server_leaves_the_table_and_comes_back() {
    let mut director = Director::new(&[1, 2]);
    director.start(&web());
    let whole = director.wait_for_table(3);
    director.fell(2);
    director.wait_for_table(2);
    director.raise(2);
    assert_eq!(director.wait_for_table(3), whole);
}

#[test]
fn the_sorry_server_serves_only_while_all_others_are_out() {
    let mut director = Director::new(&[]);
    let sorry = "sorry_server = 127.0.0.99\n";
    director.start(&block("web", "192.0.2.1", sorry, &[&server(1), &server(2)]));
    let sorry = "-a -t 192.0.2.1:8080 -r 127.0.0.99:8080 -m -w 1";
    assert!(director.wait_for_table(2).contains(&sorry.into()));
    director.raise(1);
    let real = "-a -t 192.0.2.1:8080 -r 127.0.0.1:8080 -m -w 1";
    let only = |director: &Director, line: &str| {
        let table = director.table();
        table.len() == 2 && table.contains(&line.into())
    };
    wait_until(SOON, || only(&director, real)).expect("the real server alone");
    director.fell(1);
    wait_until(SOON, || only(&director, sorry)).expect("the sorry server alone");
}

#[test]
fn a_low_limit_of_descriptors_is_raised_for_a_nanny_each() {
    let last: Vec<u8> = (1..=30).collect();
    let mut director = Director::new(&last);
    let servers: Vec<String> = last.iter().map(|last| server(*last)).collect();
    let servers: Vec<&str> = servers.iter().map(String::as_str).collect();
    director.start_with_descriptors(&block("web", "192.0.2.1", "", &servers), 24);
    director.wait_for_table(31);
}
