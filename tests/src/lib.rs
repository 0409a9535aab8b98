//! Shared parts of the tests that run the programs.
//!
//! - [`pair`]: two directors on one switch
//! - [`director`]: one lvsd with its real servers
//! - [`wait_until`], [`SOON`]: a condition, and how long it is waited for
//!
//! A test that needs a kernel with IPVS is a `[[test]]` of its own with `required-features =
//! ["lab"]`; `lab test` runs it as root in a guest. There is no skipping: outside the lab such a
//! test fails with the reason.

pub mod director;
pub mod pair;

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use caribe_lab::measure::Stalls;
use nix::fcntl::{FcntlArg, OFlag, fcntl};

/// How long is waited for what must come and is not timed: a limit that is never reached costs nothing.
pub const SOON: Duration = Duration::from_secs(60);

/// The C ipvsadm in the lab, kept when ours takes its place.
///
/// # Panics
/// Outside the lab, and where this machine has no C ipvsadm.
#[must_use]
pub fn c_ipvsadm() -> String {
    demand_lab();
    let program = std::env::var("CARIBE_C_IPVSADM").expect("the lab sets CARIBE_C_IPVSADM");
    assert!(
        std::path::Path::new(&program).exists(),
        "/sbin/ipvsadm is missing or is not the C program, as its help text tells: \
         apt-get install --reinstall ipvsadm"
    );
    program
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

/// Writes into a pipe until it takes nothing more. A program that then writes into it waits, if it waits at
/// all.
///
/// # Errors
/// Those of fcntl(2).
pub fn fill(pipe: &OwnedFd) -> io::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(pipe, FcntlArg::F_GETFL)?);
    fcntl(pipe, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    let mut writer = File::from(pipe.try_clone()?);
    while writer.write_all(b"filled\n").is_ok() {}
    fcntl(pipe, FcntlArg::F_SETFL(flags))?;
    Ok(())
}
