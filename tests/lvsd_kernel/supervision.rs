//! Deaths: of a nanny, of lvsd.

use std::time::Duration;

use caribe_tests::{SOON, wait_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::director::*;

fn web() -> String {
    block("web", "192.0.2.1", "", &[&server(1), &server(2)])
}

#[test]
fn a_killed_nanny_is_replaced_within_a_second_and_the_table_stays() {
    let mut director = Director::new(&[1, 2]);
    director.start(&web());
    let table = director.wait_for_table(3);
    director.operations(0);
    let first = director.nannies(1)[0];
    kill(Pid::from_raw(first), Signal::SIGKILL).unwrap();
    let is_replaced = || director.nannies(1).iter().any(|pid| *pid != first);
    let took = wait_until(SOON, is_replaced).expect("a new nanny");
    assert!(took <= Duration::from_secs(1), "{took:?}");
    director.wait_for_log("nanny for child web/s1 died! terminated with signal 9");
    assert_eq!(director.operations(0), [""; 0]);
    assert_eq!(director.table(), table);
}

#[test]
fn a_stopped_nanny_is_killed_within_three_intervals_and_replaced() {
    let mut director = Director::new(&[1, 2]);
    director.start(&web());
    let table = director.wait_for_table(3);
    let first = director.nannies(1)[0];
    kill(Pid::from_raw(first), Signal::SIGSTOP).unwrap();
    let is_replaced = || director.nannies(1).iter().any(|pid| *pid != first);
    let took = wait_until(SOON, is_replaced).expect("a new nanny");
    assert!(took <= Duration::from_secs(5), "{took:?}");
    assert_eq!(director.table(), table);
}

#[test]
fn when_lvsd_is_killed_its_nannies_end_and_the_next_one_adopts_the_table() {
    let mut director = Director::new(&[1, 2]);
    director.start(&web());
    let table = director.wait_for_table(3);
    director.operations(0);
    let nannies = [director.nannies(1), director.nannies(2)].concat();
    director.end(Signal::SIGKILL);
    let gone = || nannies.iter().all(|pid| !is_alive(*pid));
    let took = wait_until(SOON, gone).expect("nannies end");
    assert!(took <= Duration::from_secs(1), "{took:?}");
    assert_eq!(director.table(), table);
    director.start(&web());
    assert_eq!(director.operations(1), ["--set 0 0 0"]);
    assert_eq!(director.table(), table);
}

/// hard_shutdown is on.
#[test]
fn a_nanny_that_keeps_dying_takes_out_its_own_server_only() {
    for form in ["process", "shared"] {
        let mut director = Director::new(&[1, 2]);
        director.start(&format!("nannies = {form}\n{}", web()));
        director.wait_for_table(3);
        for death in 1..=5 {
            wait_until(SOON, || !director.nannies(1).is_empty()).expect("a nanny");
            kill(Pid::from_raw(director.nannies(1)[0]), Signal::SIGKILL).unwrap();
            let said = "nanny for child web/s1 died!";
            let noticed = || director.wait_for_log(said).len() == death;
            wait_until(SOON, noticed).expect("its death is noticed");
        }
        director.wait_for_log("lvs: web/s1 is out: its nannies keep dying");
        let table = director.wait_for_table(2);
        assert!(table[1].contains("-r 127.0.0.2:8080"), "{form}: {table:?}");
        let down = "\"reason\":\"its nannies keep dying\"";
        let status = director.status();
        assert!(status[2].contains(down), "{form}: {status:#?}");
        assert!(director.end(Signal::SIGTERM).success(), "{form}");
    }
}

/// Processes that sleep for this many seconds; zombies have no command line.
fn sleepers(seconds: &str) -> usize {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let wanted = format!("sleep\0{seconds}\0");
    lines.filter(|line| *line == wanted.as_bytes()).count()
}

#[test]
fn a_program_that_hangs_while_its_nanny_is_killed_goes_too() {
    for (form, seconds) in [("process", "100101"), ("shared", "100102")] {
        let mut director = Director::new(&[1]);
        let program = director.file("hangs");
        let script =
            format!("#!/bin/sh\ntrap '' TERM\nsetsid sleep {seconds} &\nsleep {seconds}\n");
        std::fs::write(&program, script).unwrap();
        run("chmod", &format!("755 {}", program.display()));
        let slow = format!(
            " send_program = \"{}\"\n expect = \"OK\"",
            program.display()
        );
        let web = block("web", "192.0.2.1", &slow, &[&server(1)]);
        let web = web.replace(" timeout = 1\n", " timeout = 60\n");
        director.start(&format!("nannies = {form}\n{web}"));
        wait_until(SOON, || sleepers(seconds) == 2).expect("it runs");
        let first = director.nannies(1)[0];
        // No successor that starts the program again: lvs.cf has no such file any more.
        std::fs::remove_file(&program).unwrap();
        kill(Pid::from_raw(first), Signal::SIGKILL).unwrap();
        let took = wait_until(SOON, || sleepers(seconds) == 0);
        assert!(
            took.expect("both end") <= Duration::from_secs(1),
            "{took:?}"
        );
        director.wait_for_log("that a nanny left behind");
        assert!(director.end(Signal::SIGTERM).success());
    }
}
