//! What the status says of a takeover.

use caribe_tests::{SOON, wait_until};

use crate::pair::*;

#[test]
fn the_status_names_the_silent_paths_and_the_reason_of_a_takeover() {
    let mut pair = Pair::with_private_path("");
    let is_in = |pair: &Pair, side, phase: &str| {
        let phase = format!("\"phase\":\"{phase}\"");
        wait_until(SOON, || pair.report(side).contains(&phase)).is_some()
    };
    pair.start(A);
    assert!(is_in(&pair, A, "active"), "{}", pair.log(A));
    pair.start(B);
    assert!(is_in(&pair, B, "standby"), "{}", pair.log(B));
    let hears = || pair.report(B).contains("\"alive\":true");
    assert!(wait_until(SOON, hears).is_some(), "{}", pair.report(B));
    let report = pair.report(B);
    assert!(
        report.contains("\"path\":\"private\",\"own\":\"10.9.0.2:539\""),
        "{report}"
    );
    pair.die(A);
    assert!(is_in(&pair, B, "active"), "{}", pair.log(B));
    let report = pair.report(B);
    let begun = report
        .lines()
        .find(|line| line.contains("\"to\":\"starting\""))
        .unwrap();
    for said in [
        "\"from\":\"standby\"",
        "\"reason\":\"the partner is silent\"",
        "\"silence\":\"no heartbeat for ",
        " s on the public path, no heartbeat for ",
        " s on the private path",
    ] {
        assert!(begun.contains(said), "{said}: {begun}");
    }
    assert!(report.contains("\"alive\":false"), "{report}");
    let up = "\"address\":\"10.1.0.50\",\"prefix\":24,\"device\":\"eth0\",\"label\":\"eth0:1\",\"state\":\"up\"";
    let is_up = || pair.report(B).contains(up);
    assert!(wait_until(SOON, is_up).is_some(), "{}", pair.report(B));
}
