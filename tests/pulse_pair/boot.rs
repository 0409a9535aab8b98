//! A start before the machine has its addresses: slow DHCP, a bond that comes late.

use caribe_tests::wait_until;
use nix::sys::signal::Signal;

use crate::pair::{A, B, Pair, ip};
use crate::{DEAD_TIME, KEEPALIVE, LOADING, settle};

fn own(pair: &Pair, side: usize, verb: &str) {
    let (name, number) = (pair.name(side), side + 1);
    ip(&format!(
        "-n {name} addr {verb} 10.1.0.{number}/24 dev eth0"
    ));
}

const WAITING: &str = "this machine has neither primary = 10.1.0.1 nor backup = 10.1.0.2 yet";

fn wait_for_line(pair: &Pair, side: usize, line: &str) {
    let said = wait_until(LOADING, || pair.log(side).contains(line));
    assert!(said.is_some(), "no '{line}' in\n{}", pair.log(side));
}

#[test]
fn r_signals_that_end_no_pulse_do_not_end_one_that_waits() {
    let mut pair = Pair::with("copy_config = 1\n");
    own(&pair, A, "del");
    pair.start(A);
    wait_for_line(&pair, A, WAITING);
    for signal in [Signal::SIGUSR1, Signal::SIGUSR2] {
        pair.signal(A, signal);
    }
    wait_for_line(&pair, A, "lvs.cf is not copied while this director waits");
    own(&pair, A, "add");
    wait_for_line(&pair, A, "STARTING PULSE AS MASTER");
    pair.wait_for_owners(&[A], LOADING);
}

#[test]
fn a_director_waits_for_its_own_address_and_goes_on_when_it_comes() {
    let mut pair = Pair::new();
    own(&pair, A, "del");
    pair.start(A);
    wait_for_line(&pair, A, WAITING);
    assert!(wait_until(DEAD_TIME, || pair.owns(A)).is_none());
    let is_told = || {
        let status = pair.report(A);
        status.contains(WAITING) && status.contains("waiting")
    };
    let told = wait_until(LOADING, is_told);
    assert!(told.is_some(), "{}\n{}", pair.report(A), pair.log(A));
    // A reload meanwhile reads the file, and it waits on.
    pair.reload(A, "keepalive = 0.5", "keepalive = 0.6");
    assert!(wait_until(KEEPALIVE, || pair.log(A).contains("STARTING")).is_none());
    own(&pair, A, "add");
    wait_for_line(&pair, A, "STARTING PULSE AS MASTER");
    pair.wait_for_owners(&[A], LOADING);
}

/// Seen and gone again before it could be bound, as with an address that flaps: here it belongs to another routing
/// domain for a while, where it is seen and cannot be bound.
#[test]
fn r_an_address_that_cannot_be_bound_yet_is_waited_for() {
    let mut pair = Pair::new();
    let name = pair.name(A);
    own(&pair, A, "del");
    pair.start(A);
    wait_for_line(&pair, A, WAITING);
    ip(&format!("-n {name} link add vrf0 type vrf table 10"));
    ip(&format!("-n {name} link set vrf0 up"));
    ip(&format!("-n {name} link set eth0 master vrf0"));
    own(&pair, A, "add");
    let refused = "10.1.0.1";
    let said = || pair.log(A).matches("yet: waiting for it").count() == 2;
    assert!(wait_until(LOADING, said).is_some(), "{}", pair.log(A));
    assert!(wait_until(DEAD_TIME * 2, || pair.owns(A)).is_none());
    assert!(pair.report(A).contains(refused), "{}", pair.log(A));
    ip(&format!("-n {name} link set eth0 nomaster"));
    wait_for_line(&pair, A, "STARTING PULSE AS MASTER");
    pair.wait_for_owners(&[A], LOADING);
    assert_eq!(pair.log(A).matches("yet: waiting for it").count(), 2);
}

/// What a killed predecessor left is no reason for two owners.
#[test]
fn a_director_that_waits_holds_no_address() {
    let mut pair = Pair::new();
    own(&pair, A, "del");
    pair.add_address(A);
    pair.start(A);
    wait_for_line(&pair, A, WAITING);
    let gone = wait_until(LOADING, || !pair.owns(A));
    assert!(gone.is_some(), "{}", pair.log(A));
}

#[test]
fn a_director_that_waits_ends_cleanly() {
    let mut pair = Pair::new();
    own(&pair, A, "del");
    pair.start(A);
    wait_for_line(&pair, A, WAITING);
    pair.terminate(A);
    assert_eq!(pair.status(A), Some(0), "{}", pair.log(A));
}

#[test]
fn a_director_starts_on_the_path_that_is_there_and_opens_the_other_when_its_address_comes() {
    let mut pair = Pair::with_private_path("");
    let name = pair.name(B);
    ip(&format!("-n {name} addr del 10.9.0.2/24 dev eth1"));
    pair = settle(pair);
    wait_for_line(&pair, B, "own address 10.9.0.2 is on no interface");
    assert!(pair.stays_with(A, DEAD_TIME), "{}", pair.log(B));
    ip(&format!("-n {name} addr add 10.9.0.2/24 dev eth1"));
    wait_for_line(&pair, B, "own address 10.9.0.2 is on eth1 again");
    wait_for_line(&pair, A, "heartbeat on the private path again");
    // Only that path is left, and it carries.
    pair.cut(B, true);
    assert!(pair.stays_with(A, DEAD_TIME * 2), "{}", pair.log(B));
}

#[test]
fn an_ipv6_address_is_waited_for_while_the_kernel_asks_who_else_has_it() {
    let mut pair = Pair::new();
    let name = pair.name(A);
    pair.replace("primary = 10.1.0.1", "primary = 2001:db8::1");
    pair.replace("backup = 10.1.0.2", "backup = 2001:db8::2");
    ip(&format!("-n {name} addr add 2001:db8::1/64 dev eth0"));
    pair.start(A);
    wait_until(LOADING, || pair.owns(A)).expect("it becomes active");
}

/// In the background: the command that started it returns.
#[test]
fn a_start_in_the_background_returns_while_the_address_is_waited_for() {
    let pair = Pair::new();
    own(&pair, A, "del");
    let started = pair.start_in_background(A);
    assert!(started.success(), "{started}");
    // The process that started it may be about to end, and a helper has no name of its own yet.
    let pulses = || -> Vec<i32> {
        let all = pair.processes(A).into_iter();
        let all = all.filter(|(_, name)| name == "pulse");
        all.map(|(pid, _)| pid).collect()
    };
    wait_until(LOADING, || pulses().len() == 1).expect("it waits");
    let before = pulses();
    assert!(wait_until(DEAD_TIME, || pair.owns(A)).is_none());
    own(&pair, A, "add");
    wait_until(LOADING, || pair.owns(A)).expect("it goes on");
    let same = wait_until(LOADING, || pulses() == before);
    assert!(same.is_some(), "{before:?} {:?}", pulses());
}
