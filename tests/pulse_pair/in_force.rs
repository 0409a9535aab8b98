//! A file on the disk that is not in force: lvsd runs what pulse has in force, at its restart and at a
//! takeover, and the pair serves on.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::process::Command;

use caribe_tests::wait_until;
use nix::sys::signal::Signal;

use crate::pair::{A, B, Pair, kill};
use crate::{DEAD_TIME, LOADING, settled};

const NEW_PORT: (&str, &str) = ("port = 80\n", "port = 8088\n");

/// The services of a director's kernel; destinations follow the checks.
fn services(pair: &Pair, side: usize) -> Vec<String> {
    let output = Command::new("ip")
        .args(["netns", "exec", &pair.name(side), "/sbin/ipvsadm", "-Sn"])
        .output()
        .expect("ipvsadm runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let services = text.lines().filter(|line| line.starts_with("-A"));
    services.map(str::to_owned).collect()
}

fn wait_for(pair: &Pair, what: &str, condition: impl FnMut() -> bool) {
    let done = wait_until(LOADING, condition);
    let logs = (pair.log(A), pair.log(B));
    assert!(done.is_some(), "{what}\nA:\n{}\nB:\n{}", logs.0, logs.1);
}

/// Waits until exactly the service at this port is in the table.
fn wait_for_port(pair: &Pair, side: usize, port: u16) {
    let line = format!("-A -t 10.1.0.50:{port} ");
    let right = || matches!(&services(pair, side)[..], [one] if one.starts_with(&line));
    wait_for(pair, &format!("port {port} on {side}"), right);
}

/// What lvsd says of itself, as JSON lines; nothing while none runs.
fn lvsd_report(pair: &Pair, side: usize) -> String {
    let mut text = String::new();
    let socket = pair.socket(side, "lvsd.sock");
    let read = UnixStream::connect(socket).and_then(|mut it| it.read_to_string(&mut text));
    read.map(|_| text).unwrap_or_default()
}

/// The hash of the content that a report names, after the file's own name: first comes the partner's.
fn content(report: &str) -> Option<String> {
    let (_, file) = report.split_once("\"file\":")?;
    let (_, hash) = file.split_once("\"content\":\"")?;
    Some(hash.split('"').next()?.to_owned())
}

/// Kills lvsd and waits for the next one that serves.
fn restart_lvsd(pair: &Pair, side: usize) {
    let pid = || {
        lvsd_report(pair, side)
            .contains("\"file\":")
            .then(|| pair.pid_of(side, "lvsd"))
            .flatten()
    };
    wait_for(pair, "lvsd runs", || pid().is_some());
    let old = pid();
    old.into_iter().for_each(kill);
    wait_for(pair, "another lvsd", || {
        pid().is_some_and(|new| Some(new) != old)
    });
}

fn refuse_reload(pair: &Pair, side: usize) {
    pair.signal(side, Signal::SIGHUP);
    let refused = || pair.report(side).contains("\"reload_failed\":true");
    wait_for(pair, "the reload is refused", refused);
}

/// lvsd of A is killed, then A dies: nobody else takes over before, and both serve what was in force.
fn serves_on(mut pair: Pair) {
    restart_lvsd(&pair, A);
    wait_for_port(&pair, A, 80);
    assert!(pair.stays_with(A, DEAD_TIME * 2), "{}", pair.log(A));
    assert!(!pair.log(B).contains("partner dead"), "{}", pair.log(B));
    pair.die(A);
    pair.wait_for_owners(&[B], LOADING);
    wait_for_port(&pair, B, 80);
    restart_lvsd(&pair, B);
    wait_for_port(&pair, B, 80);
}

#[test]
fn behind_a_refused_reload_a_killed_lvsd_and_a_takeover_have_what_is_in_force() {
    let pair = settled();
    wait_for_port(&pair, A, 80);
    pair.replace("network = direct", "network = sideways");
    pair.replace(NEW_PORT.0, NEW_PORT.1);
    for side in [A, B] {
        refuse_reload(&pair, side);
    }
    serves_on(pair);
}

#[test]
fn without_lvs_cf_a_killed_lvsd_and_a_takeover_have_what_is_in_force() {
    let pair = settled();
    wait_for_port(&pair, A, 80);
    std::fs::remove_file(pair.file("lvs.cf")).expect("lvs.cf");
    for side in [A, B] {
        refuse_reload(&pair, side);
    }
    serves_on(pair);
}

#[test]
fn a_good_edit_counts_with_the_reload_and_not_before() {
    let mut pair = settled();
    wait_for_port(&pair, A, 80);
    pair.replace(NEW_PORT.0, NEW_PORT.1);
    restart_lvsd(&pair, A);
    let is_same = |side: usize| {
        let hash = content(&pair.report(side));
        hash.is_some() && hash == content(&lvsd_report(&pair, side))
    };
    wait_for(&pair, "the same content", || is_same(A));
    wait_for_port(&pair, A, 80);
    // Nor by a signal to lvsd alone.
    let lvsd = pair.pid_of(A, "lvsd").expect("lvsd runs");
    let lvsd = nix::unistd::Pid::from_raw(lvsd);
    nix::sys::signal::kill(lvsd, Signal::SIGHUP).expect("a signal");
    assert!(wait_until(DEAD_TIME, || !is_same(A)).is_none());
    wait_for_port(&pair, A, 80);
    for side in [A, B] {
        pair.signal(side, Signal::SIGHUP);
    }
    wait_for_port(&pair, A, 8088);
    wait_for(&pair, "the same content", || is_same(A));
    // What is in force now is so after the next refused edit too.
    pair.replace("network = direct", "network = sideways");
    for side in [A, B] {
        refuse_reload(&pair, side);
    }
    restart_lvsd(&pair, A);
    wait_for_port(&pair, A, 8088);
    pair.die(A);
    pair.wait_for_owners(&[B], LOADING);
    wait_for_port(&pair, B, 8088);
}
