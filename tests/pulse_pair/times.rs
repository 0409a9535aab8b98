//! How long detection and takeover take, measured on the wire of the director that takes over.

use std::time::{Duration, Instant};

use crate::pair::{A, B, Pair, VIP};
use crate::tap::Tap;
use crate::{LOADING, settle};

/// From the last heartbeat heard to the claim, and from the claim to the first announcement.
fn takeover(keepalive: &str, dead_time: &str) -> (Duration, Duration) {
    let pair = Pair::new();
    pair.replace("keepalive = 0.5", &format!("keepalive = {keepalive}"));
    pair.replace("deadtime = 1.5", &format!("deadtime = {dead_time}"));
    let mut pair = settle(pair);
    let tap = Tap::on(&pair.name(B));
    std::thread::sleep(Duration::from_secs(2));
    let cut = Instant::now();
    pair.die(A);
    pair.wait_for_owners(&[B], Duration::from_secs(5) + LOADING);
    let vip = VIP.parse().expect("an address");
    let claim = tap.first(cut, |frame| frame.outgoing && frame.says_running());
    let announced = tap.first(cut, |frame| frame.outgoing && frame.announces(vip));
    let (claim, announced) = (claim.expect("B claims"), announced.expect("B announces"));
    let frames = tap.frames();
    let heard = frames
        .iter()
        .rfind(|frame| !frame.outgoing && frame.says_running());
    (claim - heard.expect("A was heard").at, announced - claim)
}

#[test]
fn death_is_declared_a_dead_time_after_the_last_heartbeat() {
    for (keepalive, dead_time, seconds) in [("1", "3", 3.0), ("0.1", "0.3", 0.3)] {
        let (detected, announced) = takeover(keepalive, dead_time);
        let late = detected.as_secs_f64() - seconds;
        assert!((-0.01..0.1).contains(&late), "{keepalive}: {detected:?}");
        assert!(
            announced < Duration::from_secs(1),
            "{keepalive}: {announced:?}"
        );
    }
}
