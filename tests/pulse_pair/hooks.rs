//! Hooks at a takeover, a give-up and a `kill -9`: the old owner lets go before the new one begins.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use caribe_lab::measure::Stalls;
use caribe_tests::wait_until;

use crate::pair::{A, B, Pair, VIP};
use crate::{DEAD_TIME, LOADING};

const HOOKS: &str = "active_cmd = \"%d/hook add\"\ninactive_cmd = \"%d/hook del\"\n";

/// The script that lvs.cf calls `%d/hook`.
pub fn write_hook(pair: &Pair, line: &str) {
    std::fs::write(pair.file("hook"), format!("#!/bin/sh\n{line}\n")).expect("a script");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(pair.file("hook"), mode).expect("a mode");
}

/// A pair whose hooks move the address and write down who ran what. Where there is a file `slow-add` or
/// `slow-del`, that takes the seconds in it, begun in a process of its own that heeds no SIGTERM.
fn slow(more: &str) -> Pair {
    let pair = Pair::with(&format!("{more}{HOOKS}"));
    let d = pair.file("");
    let d = d.display();
    write_hook(
        &pair,
        &format!(
            "me=$(ip -o -4 addr show dev eth0 | grep -o '10\\.1\\.0\\.[12]/' | head -n 1)\n\
             echo \"$me $1\" >> {d}/seen\n\
             if [ -e {d}/slow-$1 ]; then (trap '' TERM; sleep $(cat {d}/slow-$1); echo \"$me late\" >> {d}/seen) & wait; fi\n\
             ip addr $1 {VIP}/24 dev eth0"
        ),
    );
    pair
}

fn seen(pair: &Pair) -> Vec<String> {
    let text = std::fs::read_to_string(pair.file("seen")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn wait_for(pair: &Pair, line: &str) {
    let there = || seen(pair).iter().any(|seen| seen == line);
    let at = wait_until(LOADING, there);
    assert!(
        at.is_some(),
        "no {line:?} in {:?}\n{}",
        seen(pair),
        pair.log(A)
    );
}

/// A active with its `active_cmd` still running, B on standby.
fn active_cmd_runs(pair: &mut Pair) {
    std::fs::write(pair.file("slow-add"), "25").expect("a file");
    pair.start(A);
    wait_for(pair, "10.1.0.1/ add");
    pair.start(B);
    let heard = wait_until(LOADING, || pair.log(B).contains("STARTING PULSE"));
    assert!(heard.is_some());
    // B has heard A's claim, or it would be active by now.
    assert!(wait_until(DEAD_TIME * 2, || pair.log(B).contains("activating")).is_none());
    std::fs::remove_file(pair.file("slow-add")).expect("a file");
}

#[test]
fn a_give_up_ends_active_cmd_and_the_partner_begins_when_inactive_cmd_has_ended() {
    let mut pair = slow("vip = external\n");
    active_cmd_runs(&mut pair);
    let stopped = Instant::now();
    pair.terminate(A);
    wait_for(&pair, "10.1.0.2/ add");
    // Two seconds until SIGKILL, and what a loaded machine takes.
    let took = Stalls::watch().ran_since(stopped);
    assert!(took < Duration::from_secs(12), "{took:?}");
    let order = seen(&pair);
    let place = |line: &str| order.iter().rposition(|seen| seen == line);
    assert!(place("10.1.0.1/ del") < place("10.1.0.2/ add"), "{order:?}");
    pair.wait_for_owners(&[B], LOADING);
    assert!(
        pair.stays_with(B, Duration::from_secs(20)),
        "{:?}",
        seen(&pair)
    );
    assert!(
        !seen(&pair).contains(&"10.1.0.1/ late".to_owned()),
        "left a stray"
    );
}

#[test]
fn an_inactive_cmd_that_hangs_holds_the_partner_up_for_ten_seconds_at_most() {
    let mut pair = slow("vip = external\n");
    pair.start(A);
    pair.wait_for_owners(&[A], LOADING);
    pair.start(B);
    // Its own at its start.
    wait_for(&pair, "10.1.0.2/ del");
    std::fs::write(pair.file("slow-del"), "40").expect("a file");
    let stopped = Instant::now();
    pair.terminate(A);
    wait_for(&pair, "10.1.0.2/ add");
    // Ten seconds, and what a loaded machine takes to begin there.
    let (at_least, took) = (stopped.elapsed(), Stalls::watch().ran_since(stopped));
    assert!(at_least > Duration::from_secs(9), "{at_least:?}");
    assert!(took < Duration::from_secs(20), "{took:?}");
    let said = pair.log(A);
    assert!(
        said.contains("inactive_cmd has not ended after 10 s"),
        "{said}"
    );
}

#[test]
fn hooks_beside_addresses_of_pulse_hold_nobody_up_and_end_as_well() {
    let mut pair = slow("");
    write_hook(
        &pair,
        &format!(
            "echo $1 >> {0}\n[ $1 = del ] || exec sleep 40",
            pair.file("seen").display()
        ),
    );
    pair.start(A);
    pair.wait_for_owners(&[A], LOADING);
    // One that has not begun by the stop is not run at all.
    let begun = wait_until(LOADING, || seen(&pair) == ["del", "add"]);
    assert!(begun.is_some(), "{:?}", seen(&pair));
    let stopped = Instant::now();
    pair.terminate(A);
    let order = ["del", "add", "del"];
    let done = wait_until(LOADING, || seen(&pair) == order);
    assert!(done.is_some(), "{:?}", seen(&pair));
    // Nobody waits for the ten seconds that a hook may have.
    let took = Stalls::watch().ran_since(stopped);
    assert!(took < Duration::from_secs(9), "{took:?}");
}

#[test]
fn kill_9_of_pulse_ends_active_cmd_and_runs_inactive_cmd() {
    let mut pair = slow("vip = external\n");
    active_cmd_runs(&mut pair);
    let before = seen(&pair).len();
    pair.kill_pulse(A);
    let mut own = || {
        let all = seen(&pair);
        all[before..].contains(&"10.1.0.1/ del".to_owned())
    };
    // Before it would have ended by itself.
    let at = wait_until(Duration::from_secs(15), &mut own);
    assert!(at.is_some(), "{:?}\n{}", seen(&pair), pair.log(A));
    pair.wait_for_owners(&[B], LOADING);
    assert!(
        pair.stays_with(B, Duration::from_secs(20)),
        "{:?}",
        seen(&pair)
    );
}

fn kill_runner(pair: &Pair, side: usize) {
    let runner = pair.pid_of(side, "pulse-runner").expect("a runner");
    crate::pair::kill(runner);
}

/// What it ran is ended, not left to let go after the new owner has begun.
#[test]
fn r_a_killed_runner_leaves_no_active_cmd_that_goes_on_beside_the_partner() {
    let mut pair = slow("vip = external\n");
    active_cmd_runs(&mut pair);
    kill_runner(&pair, A);
    pair.terminate(A);
    wait_for(&pair, "10.1.0.2/ add");
    let order = seen(&pair);
    let place = |line: &str| order.iter().rposition(|seen| seen == line);
    assert!(place("10.1.0.1/ del") < place("10.1.0.2/ add"), "{order:?}");
    pair.wait_for_owners(&[B], LOADING);
    assert!(
        pair.stays_with(B, Duration::from_secs(28)),
        "{:?}\n{}",
        seen(&pair),
        pair.log(A)
    );
    let late = "10.1.0.1/ late".to_owned();
    assert!(
        !seen(&pair).contains(&late),
        "left a stray: {}",
        pair.log(A)
    );
}

/// The order was given and is not lost with whom it was given to.
#[test]
fn r_another_runner_runs_what_the_killed_one_had_not_ended() {
    let mut pair = slow("vip = external\n");
    active_cmd_runs(&mut pair);
    kill_runner(&pair, A);
    // Sooner than the 25 s of the one that was killed.
    pair.wait_for_owners(&[A], Duration::from_secs(15));
    let added = || {
        seen(&pair)
            .iter()
            .filter(|it| *it == "10.1.0.1/ add")
            .count()
    };
    assert_eq!(added(), 2, "{:?}", seen(&pair));
    let said = pair.log(A);
    assert!(said.contains("which it ran, is killed"), "{said}");
    // A give-up waits for the inactive_cmd of the next one, too.
    std::fs::write(pair.file("slow-del"), "5").expect("a file");
    let before = seen(&pair).len();
    pair.terminate(A);
    let begun = || {
        seen(&pair)
            .iter()
            .skip(before)
            .any(|it| it == "10.1.0.1/ del")
    };
    wait_until(LOADING, begun).expect("inactive_cmd runs");
    std::fs::remove_file(pair.file("slow-del")).expect("a file");
    kill_runner(&pair, A);
    wait_for(&pair, "10.1.0.2/ add");
    let order = seen(&pair);
    let deleted = order
        .iter()
        .skip(before)
        .filter(|it| *it == "10.1.0.1/ del");
    assert_eq!(deleted.count(), 2, "{order:?}\n{}", pair.log(A));
    let place = |line: &str| order.iter().rposition(|seen| seen == line);
    assert!(place("10.1.0.1/ del") < place("10.1.0.2/ add"), "{order:?}");
}

/// What B's `active_cmd` cannot do A does again, and the order's answer is true.
#[test]
fn r_an_active_cmd_that_fails_leaves_the_address_to_the_partner() {
    let mut pair = Pair::with(&format!("vip = external\n{HOOKS}"));
    let hook = format!(
        "case $1$(ip -o -4 addr show dev eth0) in add*10.1.0.2/*) exit 1;; esac\nip addr $1 {VIP}/24 dev eth0"
    );
    write_hook(&pair, &hook);
    pair.start(A);
    pair.wait_for_owners(&[A], LOADING);
    pair.start(B);
    wait_until(LOADING, || pair.log(B).contains("STARTING PULSE")).expect("B starts");
    let ordered = || {
        let mut order = pair.command_of(A, "/usr/sbin/pulse");
        let output = order.args(["--order", "failover"]).output();
        output.expect("an order")
    };
    // Refused until A has heard B.
    let mut output = None;
    let begun = wait_until(LOADING, || {
        output = Some(ordered());
        pair.log(A).contains("going inactive by order")
    });
    assert!(begun.is_some(), "{output:?}");
    let is_done = output.as_ref().is_some_and(|it| it.status.success());
    assert!(!is_done, "{output:?}");
    let said = "active_cmd failed or could not be run";
    assert!(
        wait_until(LOADING, || pair.log(B).contains(said)).is_some(),
        "{}",
        pair.log(B)
    );
    pair.wait_for_owners(&[A], LOADING);
    assert!(pair.stays_with(A, DEAD_TIME * 2), "{}", pair.log(B));
    assert!(
        pair.report(B).contains("active_cmd failed"),
        "{}",
        pair.report(B)
    );
}
