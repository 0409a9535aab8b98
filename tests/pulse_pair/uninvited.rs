//! A backup that is being added, or taken away: one lvs.cf has it switched off, the other one does not.

use caribe_tests::wait_until;

use crate::pair::{A, B, Pair};
use crate::signed::keyed;
use crate::{DEAD_TIME, LOADING};

const OFF: &str = "backup_active = 0";
const ON: &str = "backup_active = 1";
const LINE: &str = "backup_active = 0 here, but a director at 10.1.0.2 sends heartbeats";

fn wait_for_line(pair: &Pair, side: usize, line: &str) {
    let said = wait_until(LOADING, || pair.log(side).contains(line));
    assert!(said.is_some(), "no '{line}' in\n{}", pair.log(side));
}

/// A serves alone, its file says that there is no backup; B is started with one that says so.
fn backup_is_added(mut pair: Pair) -> Pair {
    pair.replace(ON, OFF);
    pair.start(A);
    pair.wait_for_owners(&[A], LOADING);
    // The files of a pair are one; A has read it.
    pair.replace(OFF, ON);
    pair.start(B);
    wait_for_line(&pair, A, LINE);
    pair
}

#[test]
fn r_a_backup_that_is_started_before_the_primary_knows_of_it_is_no_second_owner() {
    let pairs: [fn() -> Pair; 2] = [Pair::new, || keyed("require")];
    for new in pairs {
        let mut pair = backup_is_added(new());
        pair.wait_for_owners(&[A], LOADING);
        assert!(pair.stays_with(A, DEAD_TIME * 3), "{}", pair.log(B));
        assert!(pair.report(A).contains(LINE), "{}", pair.report(A));
        assert_eq!(pair.log(A).matches(LINE).count(), 1, "{}", pair.log(A));
        // A partner in all things: a clean stop is handed over, and its file has been switched on meanwhile.
        pair.terminate(A);
        pair.wait_for_owners(&[B], LOADING);
        pair.start(A);
        wait_for_line(&pair, A, "the partner is active, this director stands by");
        assert!(pair.stays_with(B, DEAD_TIME * 2), "{}", pair.log(A));
    }
}

#[test]
fn r_a_primary_that_switches_its_active_backup_off_is_no_second_owner_for_long() {
    let mut pair = crate::settled();
    pair.terminate(A);
    pair.wait_for_owners(&[B], LOADING);
    pair.replace(ON, OFF);
    pair.start(A);
    wait_for_line(&pair, A, LINE);
    pair.wait_for_owners(&[A], LOADING);
    assert!(pair.stays_with(A, DEAD_TIME * 3), "{}", pair.log(B));
    // Killed, it leaves the addresses to nobody for a while: the partner takes over.
    pair.kill_pulse(A);
    pair.wait_for_owners(&[B], LOADING);
    pair.terminate(B);
    pair.wait_for_owners(&[], LOADING);
    pair.start(A);
    pair.wait_for_owners(&[A], LOADING);
    assert!(!pair.report(A).contains(LINE), "{}", pair.report(A));
}
