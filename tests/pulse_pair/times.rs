//! How long detection and takeover take, measured on the wire of the director that takes over.

use std::time::{Duration, Instant};

use caribe_lab::measure::Stalls;
use caribe_tests::wait_until;

use crate::pair::{A, B, Pair, VIP};
use crate::tap::Tap;
use crate::{LOADING, settle};

/// A takeover, and how far the machine's own stalls may have moved its times.
struct Takeover {
    /// From the last heartbeat heard to the claim.
    detected: Duration,
    /// From the claim to the first announcement.
    announced: Duration,
    stalled: Duration,
}

fn takeover(keepalive: &str, dead_time: &str) -> Takeover {
    let stalls = Stalls::watch();
    let pair = Pair::new();
    pair.replace("keepalive = 0.5", &format!("keepalive = {keepalive}"));
    pair.replace("deadtime = 1.5", &format!("deadtime = {dead_time}"));
    let mut pair = settle(pair);
    let tap = Tap::on(&pair.name(B));
    let beats = || {
        tap.frames()
            .into_iter()
            .filter(|it| !it.outgoing && it.says_running())
    };
    wait_until(LOADING, || beats().count() >= 2).expect("A is heard");
    let cut = Instant::now();
    pair.die(A);
    pair.wait_for_owners(&[B], LOADING);
    let vip = VIP.parse().expect("an address");
    let claim = || tap.first(cut, |frame| frame.outgoing && frame.says_running());
    let announced = || tap.first(cut, |frame| frame.outgoing && frame.announces(vip));
    // The address is there before its announcement is, and the tap is behind both.
    wait_until(LOADING, || claim().is_some() && announced().is_some());
    let (claim, announced) = (claim(), announced());
    let (claim, announced) = (claim.expect("B claims"), announced.expect("B announces"));
    let frames = tap.frames();
    let heard = frames
        .iter()
        .rfind(|frame| !frame.outgoing && frame.says_running())
        .expect("A was heard")
        .at;
    // The tap itself may have been late for the heartbeat, before it noted the time.
    let before = heard.checked_sub(Duration::from_secs(1)).unwrap_or(heard);
    Takeover {
        detected: claim - heard,
        announced: announced - claim,
        stalled: stalls.between(before, announced),
    }
}

#[test]
fn death_is_declared_a_dead_time_after_the_last_heartbeat() {
    for (keepalive, dead_time, seconds) in [("1", "3", 3.0), ("0.1", "0.3", 0.3)] {
        let Takeover {
            detected,
            announced,
            stalled,
        } = takeover(keepalive, dead_time);
        let (late, stalled_s) = (detected.as_secs_f64() - seconds, stalled.as_secs_f64());
        assert!(
            (-0.01 - stalled_s..0.1 + stalled_s).contains(&late),
            "{keepalive}: {detected:?}, the machine stood still for {stalled:?}"
        );
        assert!(
            announced < Duration::from_secs(1) + stalled,
            "{keepalive}: {announced:?}, the machine stood still for {stalled:?}"
        );
    }
}
