//! A director whose kernel sends no heartbeat on any path: a route that forbids it, the only card down.

use caribe_tests::wait_until;

use crate::pair::{A, B, Pair, ip};
use crate::{DEAD_TIME, LOADING, settled};

fn wait_for_line(pair: &Pair, side: usize, line: &str) {
    let said = wait_until(LOADING, || pair.log(side).contains(line));
    assert!(said.is_some(), "no '{line}' in\n{}", pair.log(side));
}

/// The partner hears nothing and takes over; this one hears that.
#[test]
fn r_an_owner_that_can_send_nothing_leaves_the_service_to_the_partner_that_has_taken_over() {
    let pair = settled();
    let name = pair.name(A);
    ip(&format!("-n {name} route add prohibit 10.1.0.2"));
    pair.wait_for_owners(&[B], LOADING);
    wait_for_line(&pair, A, "partner active and deaf to us: going inactive");
    assert!(pair.stays_with(B, DEAD_TIME * 2), "{}", pair.log(A));
    ip(&format!("-n {name} route del prohibit 10.1.0.2"));
    wait_for_line(&pair, A, "heartbeats are sent on the public path");
    assert!(pair.stays_with(B, DEAD_TIME * 2), "{}", pair.log(A));
}

#[test]
fn r_a_director_whose_only_card_is_down_claims_nothing_and_nothing_moves_when_it_is_up() {
    let pair = settled();
    let name = pair.name(A);
    ip(&format!("-n {name} link set eth0 down"));
    pair.wait_for_owners(&[B], LOADING);
    let line = "no heartbeat can be sent and no address could be served here";
    wait_for_line(&pair, A, line);
    assert!(pair.stays_with(B, DEAD_TIME * 3), "{}", pair.log(A));
    ip(&format!("-n {name} link set eth0 up"));
    wait_for_line(&pair, A, "heartbeats are sent on the public path");
    assert!(pair.stays_with(B, DEAD_TIME * 3), "{}", pair.log(A));
    assert_eq!(pair.log(A).matches("activating").count(), 1);
    assert!(!pair.log(B).contains("deactivating"), "{}", pair.log(B));
}
