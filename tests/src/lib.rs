//! Shared parts of the tests that run the programs.
//!
//! A test that needs a kernel with IPVS is a `[[test]]` of its own with `required-features =
//! ["lab"]`; `lab test` runs it as root in a guest. There is no skipping: outside the lab such a
//! test fails with the reason.

use std::time::{Duration, Instant};

use caribe_lab::measure::Stalls;

/// The C ipvsadm in the lab, kept when ours takes its place.
///
/// # Panics
/// Outside the lab.
#[must_use]
pub fn c_ipvsadm() -> String {
    demand_lab();
    std::env::var("CARIBE_C_IPVSADM").expect("the lab sets CARIBE_C_IPVSADM")
}

/// Fails unless this runs in a guest of the lab.
///
/// # Panics
/// Outside the lab: run these tests with `lab test`.
pub fn demand_lab() {
    assert!(
        std::env::var_os("CARIBE_LAB").is_some(),
        "needs the lab: run it with `lab test`"
    );
}

/// Waits until `condition` holds; how long it took, or `None` if it did not within `limit`.
///
/// Both are times in which the machine ran: a stall that the lab has measured (a busy or slow host)
/// is on no program's account.
pub fn wait_until(limit: Duration, mut condition: impl FnMut() -> bool) -> Option<Duration> {
    let (stalls, start) = (Stalls::watch(), Instant::now());
    while !condition() {
        if stalls.ran_since(start) >= limit {
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Some(stalls.ran_since(start))
}
