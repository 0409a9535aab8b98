//! What makes a daemon the only one, and what it is found by.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lvs_model::Mono;

use crate::{Lock, LockError, PidFile};

/// Pause between two looks at the files.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The one daemon of its name in this network namespace: its lock and, in the background, its pid file.
///
/// A machine whose disk is full, or whose /run cannot be written, still gets its director: what cannot
/// be had is logged.
#[derive(Debug)]
pub struct Instance {
    path: Option<PathBuf>,
    // Removed before another one may start.
    pid_file: Option<PidFile>,
    lock: Option<Lock>,
    /// The process that the lock's file names, or was to name.
    named: u32,
    /// What could not be had, as it was logged.
    faults: Vec<String>,
    /// Which files are gone and could not be made again, and why.
    lost: Vec<String>,
    look_at: Mono,
}

impl Instance {
    /// Makes sure that there is no other one of `program`. `pid_file` is written by
    /// [`write`](Self::write).
    ///
    /// # Errors
    /// [`LockError::Held`].
    pub fn begin(program: &'static str, pid_file: Option<&Path>) -> Result<Self, LockError> {
        let mut faults = Vec::new();
        let lock = match Lock::take(program) {
            Ok(lock) => Some(lock),
            Err(held @ LockError::Held(..)) => return Err(held),
            Err(error) => {
                let line = format!("{error}: nothing keeps a second {program} from starting");
                said(&mut faults, Err(line))
            }
        };
        let mut instance = Self {
            path: pid_file.map(Path::to_owned),
            pid_file: None,
            lock,
            named: 0,
            faults,
            lost: Vec::new(),
            look_at: Mono::ZERO,
        };
        instance.write_lock();
        Ok(instance)
    }

    /// Says the pid to others, once this is the process that stays.
    pub fn write(&mut self) {
        self.write_lock();
        let path = self.path.as_deref();
        let faults = &mut self.faults;
        self.pid_file = path.and_then(|path| said(faults, PidFile::write(path)));
    }

    /// What of it could not be had, as it was logged: /run is full, or cannot be written.
    pub fn faults(&self) -> impl Iterator<Item = &String> {
        self.faults.iter().chain(&self.lost)
    }

    /// When to [`look`](Self::look).
    #[must_use]
    pub const fn deadline(&self) -> Mono {
        self.look_at
    }

    /// Makes again what somebody has removed of lock and pid file, each said once. True now and then: the time to
    /// look at other files of /run, too.
    pub fn look(&mut self, now: Mono) -> bool {
        if now < self.look_at {
            return false;
        }
        self.look_at = now + LOOK_EVERY;
        let before = std::mem::take(&mut self.lost);
        if let Some(lock) = &mut self.lock {
            let made = lock.restore();
            self.lost.extend(lacking(lock.path(), made));
        }
        if let Some(pid_file) = &self.pid_file {
            self.lost
                .extend(lacking(pid_file.path(), pid_file.restore()));
        }
        for line in self.lost.iter().filter(|line| !before.contains(line)) {
            log::error!("{line}");
        }
        true
    }

    /// Once in each process: again after a fork.
    fn write_lock(&mut self) {
        let own = std::process::id();
        if let Some(lock) = self.lock.as_mut().filter(|_| self.named != own) {
            self.named = own;
            said(&mut self.faults, lock.write_pid());
        }
    }
}

/// Says that a file was made again; what is to be said if it could not be.
fn lacking(path: &Path, made: Result<bool, impl Display>) -> Option<String> {
    let path = path.display();
    match made {
        Ok(was_gone) => {
            if was_gone {
                log::warn!("{path}: was removed by somebody else, made again");
            }
            None
        }
        Err(error) => Some(format!(
            "{path}: was removed by somebody else, and not made again: {error}"
        )),
    }
}

fn said<T, E: Display>(faults: &mut Vec<String>, result: Result<T, E>) -> Option<T> {
    let keep = |error: E| {
        log::error!("{error}");
        faults.push(error.to_string());
    };
    result.map_err(keep).ok()
}
