//! What a program is shut into that a monitor starts: set between fork and exec.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;

use libc::c_long;

use crate::CallFilter;

/// How the C library counts limits.
#[cfg(target_env = "gnu")]
type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_env = "gnu"))]
type Resource = libc::c_int;

/// What all programs of a monitor are shut into.
#[derive(Debug)]
pub struct Cage {
    /// A ruleset of Landlock.
    pub ruleset: Option<OwnedFd>,
    /// System calls that it may make.
    pub filter: Option<CallFilter>,
}

/// What a program may use at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Processes of its user, itself and those of others among them.
    pub processes: u64,
    /// Bytes of memory of its own, each process by itself.
    pub memory: u64,
}

/// Makes `command` start its program in a session of its own, within `limits` and without core dumps,
/// shut into `cage`.
///
/// The start fails if this process may gain privileges (`no_new_privs` is not set).
pub fn shut_in(command: &mut Command, limits: Limits, cage: Arc<Cage>) {
    let shut = move || {
        new_session()?;
        limit(libc::RLIMIT_CORE, 0)?;
        limit(libc::RLIMIT_NPROC, limits.processes)?;
        limit(libc::RLIMIT_DATA, limits.memory)?;
        if let Some(ruleset) = &cage.ruleset {
            restrict_self(ruleset)?;
        }
        cage.filter
            .as_ref()
            .map_or(Ok(()), |filter| filter.install(false))
    };
    #[expect(
        unsafe_code,
        reason = "std has no safe way to act between fork and exec"
    )]
    // SAFETY: between fork and exec the closure only makes system calls, on its own stack: it
    // allocates nothing, takes no lock, and leaves memory and descriptors alone.
    unsafe {
        command.pre_exec(shut);
    }
}

fn new_session() -> io::Result<()> {
    #[expect(unsafe_code, reason = "between fork and exec, so libc's own")]
    // SAFETY: takes nothing.
    let session = unsafe { libc::setsid() };
    done(session.into())
}

/// Lowers a limit; one that is lower already stays.
fn limit(what: Resource, most: u64) -> io::Result<()> {
    let mut limits = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    #[expect(unsafe_code, reason = "between fork and exec, so libc's own")]
    // SAFETY: the pointer is valid for writing one element.
    let got = unsafe { libc::getrlimit(what, &raw mut limits) };
    done(got.into())?;
    limits.rlim_cur = limits.rlim_cur.min(most);
    limits.rlim_max = limits.rlim_max.min(most);
    #[expect(unsafe_code, reason = "between fork and exec, so libc's own")]
    // SAFETY: the pointer is valid for reading one element.
    let set = unsafe { libc::setrlimit(what, &raw const limits) };
    done(set.into())
}

fn restrict_self(ruleset: &OwnedFd) -> io::Result<()> {
    #[expect(unsafe_code, reason = "neither libc nor nix has landlock")]
    // SAFETY: takes a descriptor, which is open, and no flag.
    let result = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0) };
    done(result)
}

fn done(result: c_long) -> io::Result<()> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
