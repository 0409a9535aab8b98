//! A start that comes to nothing, under a service manager that would try it again every second for ever.
//!
//! What only somebody can mend, a bad file or a pulse that runs already, ends with a status of its own, after
//! which the unit starts nothing by itself (`RestartPreventExitStatus`). What may pass by itself, a name server
//! or a disk that comes late, is tried again, with a pause between.

use std::process::ExitCode;
use std::time::Duration;

use config_file::{Fault, Program};
use daemon::{Clock, LockError, notify};
use lvs_model::Mono;

use crate::setup::SetupError;

/// Status of a start that is of no use to try again; "not configured" in the Linux Standard Base.
pub const NOT_AGAIN: u8 = 6;
/// Somebody may be writing the file just now, or the other pulse be about to end.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_secs(10);

/// Why there is no pulse.
#[derive(Debug)]
pub struct FailedStart {
    /// What is said of it.
    pub lines: Vec<String>,
    /// It stays so until somebody does something.
    stays: bool,
}

impl FailedStart {
    fn new(error: impl std::fmt::Display, stays: bool) -> Self {
        Self {
            lines: vec![format!("pulse: {error}")],
            stays,
        }
    }

    /// Something that may be better at the next start.
    pub fn passing(error: impl std::fmt::Display) -> Self {
        Self::new(error, false)
    }

    /// After a pause, under a manager that starts it again.
    pub fn status(&self) -> ExitCode {
        match (self.stays, notify::has_manager()) {
            (true, true) => ExitCode::from(NOT_AGAIN),
            (false, true) => {
                pause(&Clock::start(), PAUSE);
                ExitCode::FAILURE
            }
            (_, false) => ExitCode::FAILURE,
        }
    }
}

impl From<Fault> for FailedStart {
    fn from(fault: Fault) -> Self {
        Self {
            lines: fault.lines(Program::Pulse),
            stays: !fault.may_pass(),
        }
    }
}

impl From<LockError> for FailedStart {
    fn from(error: LockError) -> Self {
        let stays = matches!(error, LockError::Held(..));
        Self::new(error, stays)
    }
}

impl From<SetupError> for FailedStart {
    fn from(error: SetupError) -> Self {
        let stays = error.is_of_the_file();
        Self::new(error, stays)
    }
}

/// Whether systemd asks after a start that is not tried again. `EXIT_STATUS`: systemd.exec(5).
pub fn was_final() -> bool {
    std::env::var("EXIT_STATUS").is_ok_and(|status| status == NOT_AGAIN.to_string())
}

/// A file of which no address can be taken. Behind a start that has just said what is wrong with it, it is not
/// said again.
pub fn refused_behind_a_start(fault: Fault) -> FailedStart {
    let failed = FailedStart::from(fault);
    if !was_final() {
        return failed;
    }
    FailedStart::new("no address is taken away: lvs.cf is refused", failed.stays)
}

/// What `start` comes to; under a manager again for a moment, if it fails by what somebody else may be at.
pub fn patiently<T>(mut start: impl FnMut() -> Result<T, FailedStart>) -> Result<T, FailedStart> {
    const LOOKS: u32 = 10;
    let clock = Clock::start();
    loop {
        let outcome = start();
        let is_worth_it = matches!(&outcome, Err(failed) if failed.stays) && notify::has_manager();
        if !is_worth_it || clock.now() >= Mono::new(PATIENCE) {
            return outcome;
        }
        pause(&clock, PATIENCE / LOOKS);
    }
}

/// No signal is caught yet: one that ends pulse ends this too.
fn pause(clock: &Clock, time: Duration) {
    let until = clock.now() + time;
    while clock.now() < until && daemon::wait(&mut [], clock, Some(until)).is_ok() {}
}
