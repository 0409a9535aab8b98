//! The processes beside pulse end while it has no descriptor to start others.

use std::process::Command;

use caribe_tests::wait_until;

use crate::pair::*;
use crate::{LOADING, settled};

/// Leaves `pid` so many descriptors.
fn limit(pid: i32, count: usize) {
    let status = Command::new("prlimit")
        .arg(format!("--pid={pid}"))
        .arg(format!("--nofile={count}:65536"))
        .status();
    assert!(status.expect("prlimit runs").success());
}

/// The lowest number that no descriptor has.
fn lowest_free(pid: i32) -> usize {
    let is_open = |fd: &usize| std::fs::symlink_metadata(format!("/proc/{pid}/fd/{fd}")).is_ok();
    (0..).find(|fd| !is_open(fd)).expect("a number")
}

/// Kills a helper that cannot be replaced then; what that is called in the log and in the status.
fn lose(pair: &Pair, name: &str, lacks: &str, impaired: &str) {
    let pulse = pair.pid_of(A, "pulse").expect("pulse runs");
    let helper = pair.pid_of(A, name).expect("a helper");
    limit(pulse, lowest_free(pulse));
    kill(helper);
    let said = || pair.log(A).matches(lacks).count();
    wait_until(LOADING, || said() > 0).expect("said that it lacks");
    // One is for whoever asks; a helper takes two.
    limit(pulse, lowest_free(pulse) + 1);
    let shows = || pair.report(A).contains(impaired);
    wait_until(LOADING, shows).expect("shown in the status");
    limit(pulse, 4096);
    wait_until(LOADING, || pair.pid_of(A, name).is_some()).expect("another one");
    wait_until(LOADING, || !shows()).expect("shown in the status as mended");
    assert_eq!(said(), 1, "{}", pair.log(A));
}

#[test]
fn r_a_helper_that_cannot_be_started_for_a_moment_is_started_later() {
    let mut pair = settled();
    let no_guardian = "no guardian, addresses stay if pulse is killed";
    lose(&pair, "pulse-guardian", no_guardian, no_guardian);
    lose(
        &pair,
        "pulse-runner",
        "no process for the hooks",
        "no hook runs until",
    );
    // The new guardian knows what there is to take away.
    pair.kill_pulse(A);
    wait_until(LOADING, || !pair.owns(A)).expect("the guardian takes the address away");
}
