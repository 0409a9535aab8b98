//! A second pulse where one runs already, and another program on the heartbeat's port.

use std::net::UdpSocket;

use caribe_tests::wait_until;
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::Signal;

use crate::pair::{A, Pair, kill};
use crate::{DEAD_TIME, LOADING, settled};

/// What a pulse says that does not start beside what is there.
fn refused(pair: &Pair, side: usize) -> String {
    let output = pair.command(side).output().expect("ip runs");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// Two of one machine are refused.
#[test]
fn a_second_pulse_is_refused_and_the_first_one_serves_on() {
    let pair = settled();
    let first = pair.pid_of(A, "pulse").expect("pulse runs");
    let processes = pair.processes(A);
    let said = format!("pulse: another pulse runs (pid {first})\n");
    assert_eq!(refused(&pair, A), said);
    // Whatever its file says: here another port.
    pair.replace("keepalive", "heartbeat_port = 1539\nkeepalive");
    assert_eq!(refused(&pair, A), said);
    assert_eq!(pair.processes(A), processes);
    assert!(pair.stays_with(A, DEAD_TIME));
}

/// As the unit does after the refused one has ended.
#[test]
fn r_addresses_of_a_pulse_that_runs_are_not_dropped() {
    let pair = settled();
    let first = pair.pid_of(A, "pulse").expect("pulse runs");
    let mut command = pair.command(A);
    let output = command.arg("--drop-addresses").output().expect("ip runs");
    let said = String::from_utf8_lossy(&output.stderr);
    let expected = format!("pulse: another pulse runs (pid {first}): its addresses stay\n");
    assert_eq!(
        (output.status.code(), said.as_ref()),
        (Some(1), expected.as_str())
    );
    assert!(!pair.log(A).contains("removed by somebody else"));
    assert!(pair.stays_with(A, DEAD_TIME));
}

/// At once: pulse has no time to start another guardian, nor the guardian to clean up.
fn kill_with_guardian(pair: &mut Pair) {
    let guardian = pair.pid_of(A, "pulse-guardian").expect("a guardian");
    pair.signal(A, Signal::SIGSTOP);
    kill(guardian);
    pair.kill_pulse(A);
    assert!(pair.owns(A), "somebody took it away\n{}", pair.log(A));
}

/// As under a service manager that kills all of a unit at once: nobody is left who knows, and lvs.cf, which
/// somebody is about to change, says nothing.
#[test]
fn r_what_was_held_goes_though_lvs_cf_is_refused_and_the_guardian_was_killed_too() {
    let mut pair = settled();
    kill_with_guardian(&mut pair);
    pair.replace("keepalive", "no keyword\nkeepalive");
    let mut command = pair.command(A);
    let output = command.arg("--drop-addresses").output().expect("ip runs");
    assert!(output.status.success(), "{output:?}");
    assert!(!pair.owns(A), "{output:?}\n{}", pair.log(A));
}

#[test]
fn an_address_that_a_killed_pulse_held_and_lvs_cf_has_no_more_goes_at_the_next_start() {
    let mut pair = settled();
    kill_with_guardian(&mut pair);
    pair.replace("10.1.0.50", "10.1.0.51");
    pair.start(A);
    let gone = wait_until(LOADING, || !pair.owns(A));
    assert!(gone.is_some(), "{}", pair.log(A));
}

#[test]
fn a_heartbeat_port_that_another_program_has_is_named() {
    let pair = Pair::new();
    let namespace = std::fs::File::open(format!("/run/netns/{}", pair.name(A))).unwrap();
    let other = std::thread::spawn(move || {
        setns(&namespace, CloneFlags::CLONE_NEWNET).unwrap();
        UdpSocket::bind("0.0.0.0:539").unwrap()
    });
    let _other = other.join().unwrap();
    let said = refused(&pair, A);
    let reason = "cannot create heartbeat socket on 10.1.0.1, port 539: Address already in use";
    assert_eq!(said.matches(reason).count(), 1, "{said}");
}
