//! The status socket, and what a storm of reloads leaves behind.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use caribe_tests::{SOON, wait_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::director::*;

fn web(serial: u32, weight: u32) -> String {
    let servers = [weighing(1, weight), server(2)];
    let web = block("web", "192.0.2.1", "", &[&servers[0], &servers[1]]);
    format!("serial_no = {serial}\n{web}")
}

#[test]
fn the_status_tells_services_and_servers_and_who_may_ask_is_limited() {
    let mut director = Director::new(&[1]);
    director.start(&web(7, 1));
    director.wait_for_table(2);
    let is_known = || {
        director
            .status()
            .iter()
            .any(|l| l.contains("\"state\":\"down\""))
    };
    wait_until(SOON, is_known).expect("a verdict on the dead server");
    let status = director.status();
    assert_eq!(status.len(), 4, "{status:#?}");
    let pid = format!(
        "{{\"kind\":\"lvsd\",\"pid\":{},\"file\":\"{}\",\"serial_no\":7,\"content\":\"",
        director.pid(),
        director.config().display()
    );
    assert!(status[0].starts_with(&pid), "{}", status[0]);
    let whole = "\",\"reload_failed\":false,";
    assert!(status[0].contains(whole), "{}", status[0]);
    assert!(status[1].contains("\"service\":\"-t 192.0.2.1:8080\""));
    assert!(
        status[1].ends_with("\"servers\":2,\"up\":1,\"serving\":1}"),
        "{}",
        status[1]
    );
    for part in [
        "\"server\":\"s1\"",
        "\"state\":\"up\"",
        "\"weight\":1",
        "\"good\":true",
    ] {
        assert!(status[2].contains(part), "{part}: {}", status[2]);
    }
    for part in [
        "\"server\":\"s2\"",
        "\"weight\":null",
        "\"good\":false",
        "refused",
    ] {
        assert!(status[3].contains(part), "{part}: {}", status[3]);
    }
    let said = |serial| {
        let name = director.config().display().to_string();
        director.wait_for_log(&format!("{name}: serial_no {serial}, content "))[0].clone()
    };
    let logged = said(7);
    let (_, content) = logged.rsplit_once(' ').unwrap();
    assert!(status[0].contains(&format!("\"content\":\"{content}\",")));
    let socket = daemon::own_name(Path::new("/run/lvs/lvsd.sock"));
    let mode = fs::metadata(&socket).unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o660);

    kill(Pid::from_raw(director.nannies(1)[0]), Signal::SIGKILL).unwrap();
    let is_counted = || director.status()[2].ends_with("\"restarts\":1}");
    wait_until(SOON, is_counted).expect("a restart");

    director.reload("bogus = 1\n");
    let has_failed = || director.status()[0].contains("\"reload_failed\":true");
    wait_until(SOON, has_failed).expect("a failed reload");
    director.reload(&web(8, 1));
    wait_until(SOON, || !has_failed()).expect("a good reload");
    assert!(director.status()[0].contains("\"serial_no\":8,"));
    assert_ne!(said(8).rsplit_once(' ').unwrap().1, content);
    director.end(Signal::SIGTERM);
    assert!(!fs::exists(&socket).unwrap());
}

#[test]
fn a_hundred_reloads_are_few_and_leave_descriptors_and_foreign_services_as_they_were() {
    let mut director = Director::new(&[1, 2]);
    for number in 1..=50 {
        director.by_hand(&format!("-A -t 198.51.100.{number}:25 -s sed"));
        director.by_hand(&format!(
            "-a -t 198.51.100.{number}:25 -r 127.0.0.7:25 -m -w 5"
        ));
    }
    let foreign = director.table();
    assert_eq!(foreign.len(), 100);
    director.start(&web(7, 1));
    director.wait_for_table(103);
    director.operations(0);
    let descriptors = director.open_descriptors();
    let begun = Instant::now();
    for number in 0..100 {
        director.write(&web(7, 1 + number % 5));
        director.signal(Signal::SIGHUP);
        // The storm: ten a second.
        std::thread::sleep(Duration::from_millis(100));
    }
    let read = director.wait_for_log("rereading configuration file").len();
    // At 0, 2, 6, 14, 22 … seconds: a busy machine needs more than ten for the storm.
    let took = begun.elapsed();
    let more = took.as_secs().saturating_sub(14 - 8) / 8;
    let most = 3 + usize::try_from(more).unwrap();
    assert!((2..=most).contains(&read), "read {read} times in {took:?}");
    // The last file counts, read or not yet.
    let is_right = || director.status()[2].contains("\"target\":5");
    wait_until(SOON, is_right).expect("the last file's weight");
    assert_eq!(director.open_descriptors(), descriptors);
    assert_eq!(director.nannies(1).len(), 1);
    director.end(Signal::SIGTERM);
    assert_eq!(director.table(), foreign);
}
