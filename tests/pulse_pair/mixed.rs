//! The partner's own address is on this machine: a typing error, an old alias, a copied disk.

use std::process::ExitStatus;

use caribe_tests::wait_until;

use crate::pair::{A, B, Pair, ip};
use crate::{DEAD_TIME, LOADING, settled};

fn wait_for_line(pair: &Pair, side: usize, line: &str) {
    let said = wait_until(LOADING, || pair.log(side).contains(line));
    assert!(said.is_some(), "no '{line}' in\n{}", pair.log(side));
}

/// Adds or takes away the other director's address.
fn partners(pair: &Pair, side: usize, verb: &str, device: &str) {
    let (name, number) = (pair.name(side), 2 - side);
    ip(&format!(
        "-n {name} addr {verb} 10.1.0.{number}/32 dev {device}"
    ));
}

/// `pulse -t --here`.
fn would_serve(pair: &Pair, side: usize) -> (ExitStatus, String) {
    let output = pair.command(side).args(["-t", "--here"]).output();
    let output = output.expect("pulse runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status, text)
}

#[test]
fn r_an_active_director_that_gets_the_partners_address_leaves_the_service_to_it() {
    for device in ["eth0", "lo"] {
        let pair = settled();
        partners(&pair, A, "add", device);
        let here = format!("the partner's address 10.1.0.2 is on {device} of this machine");
        wait_for_line(&pair, A, &here);
        pair.wait_for_owners(&[B], LOADING);
        assert!(pair.stays_with(B, DEAD_TIME * 2), "{}", pair.log(A));
        partners(&pair, A, "del", device);
        wait_for_line(&pair, A, "the partner's address 10.1.0.2 is gone from");
        assert!(pair.stays_with(B, DEAD_TIME * 2), "{}", pair.log(A));
        // It hears and is heard: the service comes back when the partner stops.
        pair.terminate(B);
        pair.wait_for_owners(&[A], LOADING);
    }
}

#[test]
fn r_a_standby_that_gets_the_partners_address_claims_nothing() {
    let pair = settled();
    partners(&pair, B, "add", "lo");
    wait_for_line(&pair, B, "the partner's address 10.1.0.1 is on lo");
    assert!(pair.stays_with(A, DEAD_TIME * 3), "{}", pair.log(B));
    partners(&pair, B, "del", "lo");
    wait_for_line(&pair, B, "the partner's address 10.1.0.1 is gone from lo");
    assert!(pair.stays_with(A, DEAD_TIME * 2), "{}", pair.log(B));
}

#[test]
fn r_a_director_with_both_addresses_waits_until_it_is_one_of_the_two() {
    let mut pair = Pair::new();
    pair.start(A);
    pair.wait_for_owners(&[A], LOADING);
    partners(&pair, B, "add", "lo");
    let both = "this machine has both primary = 10.1.0.1 on lo and backup = 10.1.0.2 on eth0";
    let (status, said) = would_serve(&pair, B);
    assert!(status.code() == Some(6) && said.contains(both), "{said}");
    pair.start(B);
    wait_for_line(&pair, B, both);
    assert!(pair.stays_with(A, DEAD_TIME * 3), "{}", pair.log(B));
    partners(&pair, B, "del", "lo");
    wait_for_line(&pair, B, "STARTING PULSE AS BACKUP");
    assert!(pair.stays_with(A, DEAD_TIME * 2), "{}", pair.log(B));
}

/// Nobody else could serve.
#[test]
fn a_director_without_a_partner_says_it_and_serves() {
    let mut pair = Pair::new();
    pair.replace("backup_active = 1", "backup_active = 0");
    partners(&pair, A, "add", "lo");
    pair.start(A);
    pair.wait_for_owners(&[A], LOADING);
    wait_for_line(&pair, A, "the partner's address 10.1.0.2 is on lo");
    let (status, said) = would_serve(&pair, A);
    assert!(
        status.success() && said.contains("10.1.0.2 is on lo"),
        "{said}"
    );
}
