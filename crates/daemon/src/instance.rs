//! What makes a daemon the only one, and what it is found by.

use std::path::{Path, PathBuf};

use crate::{Lock, LockError, PidFile};

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
    #[must_use]
    pub fn faults(&self) -> &[String] {
        &self.faults
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

fn said<T, E: std::fmt::Display>(faults: &mut Vec<String>, result: Result<T, E>) -> Option<T> {
    let keep = |error: E| {
        log::error!("{error}");
        faults.push(error.to_string());
    };
    result.map_err(keep).ok()
}
