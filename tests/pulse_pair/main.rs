//! pulse as a pair of directors on one switch: start, takeover, clean stop, return, partition,
//! and what is left when a part is killed.
//!
//! `CARIBE_PULSE` and `CARIBE_LVSD` name other programs than the installed ones.

mod boot;
mod devices;
mod duplicate;
mod emptied_run;
mod flood;
mod helpers;
mod hooks;
mod in_force;
mod kept;
mod legacy;
mod mixed;
mod mute;
mod output;
mod own_address;
mod paths;
mod peer;
mod reload;
mod rivals;
mod second;
mod send_arp;
mod shared_run;
mod siblings;
mod signed;
mod status;
mod storm;
mod tap;
mod times;
mod unfit;
mod uninvited;
mod warm;
mod wire;

use std::time::{Duration, Instant};

use caribe_lab::measure::Stalls;
use caribe_tests::{pair, wait_until};
use nix::sys::signal::Signal;

use crate::pair::{A, B, Pair};

/// lvs.cf of the pair says `deadtime = 1.5` and `keepalive = 0.5`.
const DEAD_TIME: Duration = Duration::from_millis(1500);
const KEEPALIVE: Duration = Duration::from_millis(500);
/// For what must come and is not timed.
const LOADING: Duration = caribe_tests::SOON;
/// Each announcement asks who else has an address: once a minute at the latest.
const ASKED: Duration = LOADING.saturating_add(Duration::from_secs(60));

fn settled() -> Pair {
    settle(Pair::new())
}

fn settle(mut pair: Pair) -> Pair {
    pair.start(A);
    // A loaded machine may take longer than the dead time to start a program.
    let runs = wait_until(LOADING, || pair.log(A).contains("STARTING PULSE"));
    runs.expect("the primary starts");
    pair.start(B);
    let runs = wait_until(LOADING, || pair.log(B).contains("STARTING PULSE"));
    runs.expect("the backup starts");
    pair.wait_for_owners(&[A], LOADING);
    pair
}

#[test]
fn at_a_common_start_the_primary_becomes_the_only_owner() {
    let pair = Pair::new();
    // However long the backup takes to start, the primary hears it first.
    pair.replace("deadtime = 1.5", "deadtime = 60");
    let pair = settle(pair);
    assert!(pair.log(A).contains("STARTING PULSE AS MASTER"));
    assert!(pair.log(B).contains("STARTING PULSE AS BACKUP"));
    assert!(pair.log(A).contains("backup inactive: activating lvs"));
    assert!(pair.stays_with(A, DEAD_TIME));
    assert!(pair.label(A).contains("eth0:1"), "{}", pair.label(A));
}

#[test]
fn the_backup_takes_over_when_the_primary_dies_and_the_primary_does_not_pre_empt() {
    let mut pair = settled();
    let start = Instant::now();
    pair.die(A);
    pair.wait_for_owners(&[B], LOADING);
    // The last heartbeat came at most a keepalive before, if the machine let it be sent.
    let (took, before) = (start.elapsed(), start.checked_sub(DEAD_TIME));
    let stalled = Stalls::watch().between(before.unwrap_or(start), start);
    assert!(
        took + stalled > DEAD_TIME - KEEPALIVE,
        "{took:?}, the machine stood still for {stalled:?} before"
    );
    assert!(pair.log(B).contains("partner dead: activating lvs"));
    pair.cut(A, false);
    pair.start(A);
    assert!(pair.stays_with(B, DEAD_TIME * 2));
}

#[test]
fn addresses_and_lvsd_go_within_a_second_of_kill_9() {
    let mut pair = settled();
    pair.kill_pulse(A);
    let gone = wait_until(Duration::from_secs(1), || !pair.owns(A));
    assert!(gone.is_some(), "the address stays\n{}", pair.log(A));
    let ended = wait_until(Duration::from_secs(2), || pair.processes(A).is_empty());
    assert!(ended.is_some(), "left: {:?}", pair.processes(A));
    // In the foreground its lines go where those of pulse go.
    let said = || pair.log(A).contains("pulse was killed: 1 address removed");
    assert!(wait_until(LOADING, said).is_some(), "{}", pair.log(A));
    pair.wait_for_owners(&[B], LOADING);
}

#[test]
fn a_killed_lvsd_is_started_again_and_the_address_stays() {
    let pair = settled();
    let old = pair.pid_of(A, "lvsd").expect("lvsd runs");
    pair::kill(old);
    assert!(pair.stays_with(A, DEAD_TIME));
    let is_new = || pair.pid_of(A, "lvsd").is_some_and(|new| new != old);
    wait_until(LOADING, is_new).expect("lvsd runs again");
    let log = pair.log(A);
    assert!(
        log.contains(&format!("Child process {old} terminated with signal 9")),
        "{log}"
    );
    assert!(!pair.log(B).contains("activating"));
}

#[test]
fn a_removed_address_is_back_within_a_second() {
    let pair = settled();
    pair.remove_address(A);
    let back = wait_until(Duration::from_secs(1), || pair.owns(A));
    assert!(back.is_some(), "{}", pair.log(A));
}

#[test]
fn after_a_partition_the_primary_stays_and_the_backup_yields() {
    let pair = settled();
    pair.cut(B, true);
    pair.wait_for_owners(&[A, B], LOADING);
    pair.cut(B, false);
    pair.wait_for_owners(&[A], LOADING);
    let resent = || pair.log(A).contains("partner active: resending arps");
    assert!(wait_until(LOADING, resent).is_some(), "{}", pair.log(A));
    assert!(pair.log(B).contains("partner active: deactivating LVS"));
}

/// For ten seconds the primary stays and the backup does not think it dead.
fn stays_undisturbed(pair: &Pair) {
    assert!(
        pair.stays_with(A, Duration::from_secs(10)),
        "A:\n{}\nB:\n{}",
        pair.log(A),
        pair.log(B)
    );
    assert!(!pair.log(B).contains("partner dead"), "{}", pair.log(B));
}

#[test]
fn three_in_ten_heartbeats_lost_move_nothing() {
    let pair = settled();
    for side in [A, B] {
        pair.disturb(side, "delay 20ms 20ms loss 30% duplicate 10%");
    }
    stays_undisturbed(&pair);
}

/// Each heartbeat that arrives tells the kernel that its neighbour is there. Otherwise it asks,
/// and three lost answers end the heartbeats of a pair that hears each other.
#[test]
fn heartbeats_need_no_answer_to_arp() {
    let pair = settled();
    let know = wait_until(LOADING, || {
        [A, B].iter().all(|side| pair.knows_partner(*side))
    });
    know.expect("both have sent a heartbeat");
    for side in [A, B] {
        pair.keep_silent_about_addresses(side);
    }
    stays_undisturbed(&pair);
}

#[test]
fn a_start_takes_away_what_a_killed_predecessor_left() {
    let mut pair = Pair::new();
    pair.add_address(B);
    pair.start(B);
    let gone = wait_until(LOADING, || !pair.owns(B));
    assert!(gone.is_some(), "{}", pair.log(B));
}

#[test]
fn a_pulse_that_was_stopped_lets_go_as_soon_as_it_runs_again() {
    let pair = settled();
    pair.signal(A, Signal::SIGSTOP);
    pair.wait_for_owners(&[A, B], LOADING);
    let more_than_dead_time = DEAD_TIME * 2;
    assert!(wait_until(more_than_dead_time, || !pair.owns(B)).is_none());
    pair.signal(A, Signal::SIGCONT);
    let took = pair.wait_for_owners(&[B], Duration::from_secs(1));
    assert!(pair.log(A).contains("ms late"), "{took:?} {}", pair.log(A));
    assert!(pair.stays_with(B, DEAD_TIME));
}
