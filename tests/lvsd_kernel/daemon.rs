//! lvsd as a daemon: pid file, parent, exit statuses, whom its nannies run as.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use caribe_tests::{SOON, wait_until};
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::director::*;

const PID_FILE: &str = "/var/run/lvs.pid";
const A_SECOND: Duration = Duration::from_secs(1);

fn web() -> String {
    block("web", "192.0.2.1", "", &[&server(1)])
}

fn lvsd(director: &Director, options: &[&str]) -> Command {
    let mut command = Command::new("/usr/sbin/lvsd");
    command.args(options).arg("-c").arg(director.config());
    command
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_daemon_has_a_pid_file_and_refuses_a_second_one() {
    let director = Director::new(&[1]);
    director.write(&web());
    let started = lvsd(&director, &[]).output().unwrap();
    assert_eq!(
        (started.status.code(), stderr(&started)),
        (Some(0), String::new())
    );
    // The table stands when the command returns.
    assert!(
        director
            .table()
            .contains(&"-A -t 192.0.2.1:8080 -s wlc".into())
    );
    let pid: i32 = fs::read_to_string(PID_FILE)
        .unwrap()
        .trim_end()
        .parse()
        .unwrap();
    assert!(is_alive(pid));

    let table = director.wait_for_table(2);
    let other = director.file("other.cf");
    fs::write(&other, block("mail", "192.0.2.2", "", &[&server(1)])).unwrap();
    for options in [&[][..], &["-n"], &["--nofork"]] {
        for file in [&director.config(), &other] {
            let mut second = Command::new("/usr/sbin/lvsd");
            let second = second.args(options).arg("-c").arg(file).output().unwrap();
            assert_eq!(second.status.code(), Some(1));
            let said = format!("lvs: another lvsd runs (pid {pid})\n");
            assert_eq!(stderr(&second), said, "{options:?}");
        }
    }
    assert_eq!(director.table(), table);

    kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    wait_until(SOON, || !is_alive(pid)).expect("lvsd ends");
    assert!(!Path::new(PID_FILE).exists());
    assert_eq!(director.table(), [""; 0]);
}

/// Everybody may read the pid file, and a user who may read a file may lock it.
#[test]
fn r_a_lock_on_the_pid_file_keeps_no_lvsd_from_starting() {
    let director = Director::new(&[1]);
    director.write(&web());
    fs::write(PID_FILE, "1\n").unwrap();
    let file = File::open(PID_FILE).unwrap();
    let _lock = Flock::lock(file, FlockArg::LockShared).unwrap();
    let started = lvsd(&director, &[]).output().unwrap();
    let said = (started.status.code(), stderr(&started));
    assert_eq!(said, (Some(0), String::new()));
    let pid = fs::read_to_string(PID_FILE).unwrap();
    let pid: i32 = pid.trim_end().parse().unwrap();
    // The lock that counts is out of reach.
    let locks = fs::metadata("/run/lvs/lock").unwrap();
    assert_eq!((locks.uid(), locks.mode() & 0o777), (0, 0o700));
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    wait_until(SOON, || !is_alive(pid)).expect("lvsd ends");
    // Nothing that it started holds it on.
    assert!(lvsd(&director, &[]).status().unwrap().success());
    let pid = fs::read_to_string(PID_FILE).unwrap();
    kill(
        Pid::from_raw(pid.trim_end().parse().unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
}

#[test]
fn a_full_disk_costs_no_director_and_is_said_once() {
    for (options, count) in [(&[][..], 0), (&["-n"], 1)] {
        let director = Director::new(&[1]);
        run("mount", "-t tmpfs -o size=16k tmpfs /run");
        let mut rest = File::create("/run/rest").unwrap();
        while rest.write_all(&[0; 4096]).is_ok() {}
        let log = director.file("output");
        director.write(&web());
        let mut command = lvsd(&director, options);
        let output = File::create(&log).unwrap();
        let mut child = command.stdout(output).spawn().unwrap();
        director.wait_for_table(2);
        let said = fs::read_to_string(log).unwrap();
        assert_eq!(
            said.matches("No space left on device").count(),
            count,
            "{said}"
        );
        assert!(!Path::new(PID_FILE).exists(), "an empty one misleads");
        // Where nobody can write the lock still holds.
        let second = lvsd(&director, &["-n"]).output().unwrap();
        assert_eq!(stderr(&second), "lvs: another lvsd runs\n");
        let pid = match options {
            [] => daemons_pid(),
            _ => i32::try_from(child.id()).unwrap(),
        };
        kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
        wait_until(SOON, || !is_alive(pid)).expect("lvsd ends");
        child.wait().unwrap();
    }
}

/// The lvsd that has no parent but the first process, where there is no pid file.
fn daemons_pid() -> i32 {
    let all = fs::read_dir("/proc").unwrap();
    let pids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let namespace = |pid: i32| fs::read_link(format!("/proc/{pid}/ns/net")).ok();
    let own = fs::read_link("/proc/thread-self/ns/net").ok();
    let is_it = |pid: &i32| {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        name == "lvsd\n" && is_alive(*pid) && namespace(*pid) == own
    };
    pids.into_iter().find(is_it).expect("an lvsd")
}

#[test]
fn a_file_that_cannot_be_used_is_refused_with_status_1() {
    let director = Director::new(&[]);
    let missing = lvsd(&director, &[]).output().unwrap();
    assert_eq!(missing.status.code(), Some(1));
    let name = director.config().display().to_string();
    assert!(stderr(&missing).starts_with(&format!("lvs: failed to open {name}\n")));

    director.write("network = direct\nbogus = 1\n");
    let bad = lvsd(&director, &["-t"]).output().unwrap();
    assert_eq!(bad.status.code(), Some(1));
    let text = stderr(&bad);
    assert!(
        text.starts_with(&format!("lvs: error parsing {name} on line 2.\n")),
        "{text}"
    );
    assert!(
        text.contains(&format!("{name}:2:1: unknown command")),
        "{text}"
    );
}

#[test]
fn under_pulse_it_says_ready_and_checked_and_ends_with_it_and_the_table_stays() {
    let director = Director::new(&[1]);
    director.write(&web());
    let mut command = lvsd(&director, &["--nofork"]);
    command.env("CARIBE_PARENT", "pulse");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\nchecked\n");
    assert_eq!(
        output.read_line(&mut line).unwrap(),
        0,
        "it lets go of the pipe"
    );
    let table = director.wait_for_table(2);
    drop(child.stdin.take());
    let took = wait_until(SOON, || child.try_wait().unwrap().is_some());
    assert!(took.expect("lvsd ends") <= A_SECOND);
    assert_eq!(director.table(), table);
}

#[test]
fn nannies_hold_no_privilege() {
    for form in ["process", "shared"] {
        let mut director = Director::new(&[1]);
        director.start(&format!("nannies = {form}\n{}", web()));
        director.wait_for_table(2);
        let pid = director.nannies(1)[0];
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line[name.len()..]
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert!(field("Uid:").iter().all(|uid| uid != "0"), "{status}");
        assert!(field("Gid:").iter().all(|gid| gid != "0"), "{status}");
        assert_eq!(field("Groups:"), [""; 0]);
        for set in ["CapEff:", "CapPrm:", "CapInh:", "CapAmb:"] {
            assert_eq!(field(set), ["0000000000000000"], "{status}");
        }
        assert_eq!(field("NoNewPrivs:"), ["1"], "{status}");
    }
}
