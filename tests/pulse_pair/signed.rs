//! A pair with signed heartbeats: the clean stop, one direction cut, the way there.

use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use caribe_tests::wait_until;
use nix::sys::signal::Signal;

use crate::pair::{A, B, Pair, VIP};
use crate::tap::Tap;
use crate::{DEAD_TIME, KEEPALIVE, LOADING, settle};

/// The four bytes of STOPPED (lvs).
const STOPPED: [u8; 4] = [0xbd, 0xda, 0xbd, 0xad];
/// A signed heartbeat between two that read version 2: with its four fields.
const SIGNED_LENGTH: usize = 92;

/// A pair that has keys, and `mode`.
pub fn keyed(mode: &str) -> Pair {
    let more = format!("heartbeat_key = %d/keys\nheartbeat_auth = {mode}\n");
    let pair = Pair::with(&more);
    let keys = pair.file("keys");
    std::fs::write(&keys, format!("1 {}\n", "5a".repeat(32))).expect("a key file");
    std::fs::set_permissions(&keys, PermissionsExt::from_mode(0o600)).expect("a mode");
    pair
}

#[test]
fn a_clean_stop_leaves_the_address_when_the_partner_has_it() {
    clean_stop(keyed("require"), SIGNED_LENGTH);
}

#[test]
fn an_unsigned_clean_stop_does_the_same_by_a_fifth_byte_that_is_sent_for_nothing_else() {
    clean_stop(Pair::new(), 5);
}

/// A leaves, by heartbeats of `length` bytes.
fn clean_stop(pair: Pair, length: usize) {
    let pair = settle(pair);
    let quiet = (Tap::on(&pair.name(B)), Instant::now());
    assert!(pair.stays_with(A, KEEPALIVE * 3));
    let fifth = |frame: &crate::tap::Frame| frame.payload_length() == Some(5);
    assert!(quiet.0.first(quiet.1, fifth).is_none());
    let tap = Tap::on(&pair.name(B));
    let stop = Instant::now();
    pair.terminate(A);
    // The real server is silent: the partner waits a second for its checks, and A serves meanwhile.
    pair.wait_for_owners(&[B], LOADING);
    let vip: IpAddr = VIP.parse().expect("an address");
    let stopped = |tap: &Tap| tap.first(stop, |frame| !frame.outgoing && frame.says(&STOPPED));
    wait_until(LOADING, || stopped(&tap).is_some()).expect("A says STOPPED");
    let announced = tap.first(stop, |frame| frame.outgoing && frame.announces(vip));
    assert!(announced.expect("B announces") < stopped(&tap).expect("said"));
    for (side, line) in [
        (A, "Terminating due to signal 15"),
        (A, "stopping: waiting for the partner to take over"),
        (A, "partner active: stopping"),
        (B, "primary inactive: activating lvs"),
    ] {
        assert!(pair.log(side).contains(line), "{}", pair.log(side));
    }
    let leaving = |frame: &crate::tap::Frame| frame.payload_length() == Some(length);
    assert!(tap.first(stop, leaving).is_some());
}

#[test]
fn with_one_direction_cut_there_is_one_owner_after_a_dead_time() {
    for deaf in [B, A] {
        let pair = settle(keyed("require"));
        assert!(pair.stays_with(A, KEEPALIVE * 3));
        pair.mute(1 - deaf, true);
        // The active one that is deaf stays; a deaf standby takes over, and the active one yields.
        let owner = if deaf == B { B } else { A };
        pair.wait_for_owners(&[owner], LOADING);
        assert!(pair.stays_with(owner, DEAD_TIME * 2 + KEEPALIVE));
        pair.mute(1 - deaf, false);
        assert!(pair.stays_with(owner, DEAD_TIME * 2));
    }
}

#[test]
fn a_running_pair_is_taken_from_off_to_require_by_reloads() {
    let pair = settle(keyed("off"));
    let mut before = "off";
    for mode in ["accept", "sign", "require"] {
        let (old, new) = (
            format!("heartbeat_auth = {before}"),
            format!("heartbeat_auth = {mode}"),
        );
        pair.replace(&old, &new);
        for side in [B, A] {
            pair.signal(side, Signal::SIGHUP);
            assert!(pair.stays_with(A, DEAD_TIME), "{mode}\n{}", pair.log(B));
        }
        before = mode;
    }
    assert!(pair.stays_with(A, DEAD_TIME * 2));
}

/// The partner would be refused from then on, or refuse: taken for dead while it serves.
#[test]
fn a_reload_that_leaves_out_a_step_between_off_and_require_is_refused() {
    for (before, after) in [("off", "require"), ("require", "off")] {
        let pair = settle(keyed(before));
        assert!(pair.stays_with(A, KEEPALIVE * 3));
        let mode = |mode: &str| format!("heartbeat_auth = {mode}");
        pair.replace(&mode(before), &mode(after));
        for side in [B, A] {
            let (status, text) = pair.order(side, "reload");
            assert_eq!(status, Some(1), "{text}");
            assert!(text.contains("both directors would serve"), "{text}");
            // A restart by the init script asks first.
            let (status, text) = pair.check_here(side);
            assert_eq!(status, Some(6), "{text}");
            assert!(text.contains("both directors would serve"), "{text}");
            assert!(pair.stays_with(A, DEAD_TIME * 2), "{}", pair.log(B));
        }
    }
}

/// The key by which the partner signs goes last.
#[test]
fn a_reload_that_loses_the_partners_key_is_refused() {
    let pair = settle(keyed("require"));
    assert!(pair.stays_with(A, KEEPALIVE * 3));
    let keys = |text: String| std::fs::write(pair.file("keys"), text).expect("a key file");
    let (old, new) = (
        format!("1 {}\n", "5a".repeat(32)),
        format!("2 {}\n", "6b".repeat(32)),
    );
    keys(new.clone());
    for side in [B, A] {
        let (status, text) = pair.order(side, "reload");
        assert_eq!(status, Some(1), "{text}");
        assert!(text.contains("the partner signs with key 1"), "{text}");
    }
    assert!(pair.stays_with(A, DEAD_TIME * 2), "{}", pair.log(B));
    // As the manual says.
    for text in [format!("{old}{new}"), format!("{new}{old}"), new] {
        keys(text);
        for side in [B, A] {
            let taken = || pair.order(side, "reload").0 == Some(0);
            assert!(wait_until(LOADING, taken).is_some(), "{}", pair.log(side));
        }
    }
    assert!(pair.stays_with(A, DEAD_TIME * 2), "{}", pair.log(B));
}

#[test]
fn a_start_that_refuses_what_the_partner_sends_names_the_consequence_once() {
    let mut pair = keyed("off");
    pair.start(A);
    pair.wait_for_owners(&[A], LOADING);
    pair.replace("heartbeat_auth = off", "heartbeat_auth = require");
    pair.start(B);
    let count = || pair.log(B).matches("both directors will serve").count();
    assert!(
        wait_until(LOADING, || count() > 0).is_some(),
        "{}",
        pair.log(B)
    );
    // It claims, as one whose partner is dead.
    pair.wait_for_owners(&[A, B], LOADING);
    assert_eq!(count(), 1, "{}", pair.log(B));
}

#[test]
fn keys_that_others_can_read_are_refused() {
    let mut pair = keyed("require");
    let keys = pair.file("keys");
    std::fs::set_permissions(&keys, PermissionsExt::from_mode(0o644)).expect("a mode");
    pair.start(A);
    let said = || pair.log(A).contains("readable by nobody else");
    assert!(wait_until(LOADING, said).is_some(), "{}", pair.log(A));
}

#[test]
fn a_standby_that_restarts_within_the_dead_time_moves_nothing() {
    let mut pair = settle(keyed("require"));
    assert!(pair.stays_with(A, KEEPALIVE * 3));
    for _ in 0..3 {
        pair.kill_pulse(B);
        pair.start(B);
        assert!(pair.stays_with(A, DEAD_TIME), "{}", pair.log(B));
    }
    assert!(!pair.log(B).contains("activating"), "{}", pair.log(B));
}

/// B's lvs.cf has the two directors the other way round: each is the primary.
fn both_primary(mut pair: Pair) -> Pair {
    pair.start(A);
    pair.wait_for_owners(&[A], LOADING);
    pair.replace("primary = 10.1.0.1\n", "primary = 10.1.0.9\n");
    pair.replace("backup = 10.1.0.2\n", "backup = 10.1.0.1\n");
    pair.replace("primary = 10.1.0.9\n", "primary = 10.1.0.2\n");
    pair.start(B);
    pair
}

#[test]
fn r_of_two_primaries_the_lower_address_serves_and_both_say_what_to_do() {
    for signed in [true, false] {
        let pair = both_primary(if signed {
            keyed("require")
        } else {
            Pair::new()
        });
        if !signed {
            // Nothing is wrong before both are active.
            pair.cut(A, true);
            pair.wait_for_owners(&[A, B], LOADING);
            pair.cut(A, false);
        }
        for (side, other, first) in [(A, "10.1.0.2", "this"), (B, "10.1.0.1", "that")] {
            let line = format!(
                "both directors are primary, {other} as well: swap primary and backup in one lvs.cf; \
                 until then the one with the lower address counts as primary, {first} one"
            );
            let said = || pair.log(side).contains(&line);
            assert!(wait_until(LOADING, said).is_some(), "{}", pair.log(side));
            let shown = || pair.report(side).contains(&line);
            assert!(
                wait_until(LOADING, shown).is_some(),
                "{}",
                pair.report(side)
            );
        }
        pair.wait_for_owners(&[A], LOADING);
        assert!(pair.stays_with(A, DEAD_TIME * 3));
    }
}
