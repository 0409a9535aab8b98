//! Children that have ended, whatever signal ended them.
//!
//! nix has no value for a real-time signal (34 to 64): its `waitpid` reaps such a child and returns
//! `EINVAL` in the place of its number.

use std::io;

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this exit status.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
}

/// Takes the next child that has ended off the kernel's list, as waitpid(2) with `WNOHANG`.
///
/// # Errors
/// `ECHILD` without children.
pub fn reap_child() -> io::Result<Option<(i32, Ended)>> {
    loop {
        let mut status = 0;
        #[expect(unsafe_code, reason = "nix does not tell of real-time signals")]
        // SAFETY: `status` is an int that lives through the call, which writes nothing else.
        let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
        match pid {
            0 => return Ok(None),
            -1 => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
            pid if libc::WIFSIGNALED(status) => {
                return Ok(Some((pid, Ended::Signalled(libc::WTERMSIG(status)))));
            }
            pid => return Ok(Some((pid, Ended::Exited(libc::WEXITSTATUS(status))))),
        }
    }
}

/// Whether the child `pid` has ended; it is not reaped.
///
/// # Errors
/// `ECHILD` if we have no such child.
pub fn has_ended(pid: i32) -> io::Result<bool> {
    let id = libc::id_t::try_from(pid).map_err(io::Error::other)?;
    let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    loop {
        let mut info = std::mem::MaybeUninit::<libc::siginfo_t>::zeroed();
        #[expect(unsafe_code, reason = "nix does not tell of real-time signals")]
        // SAFETY: the kernel writes at most one siginfo_t there, which is the size of `info`.
        let result = unsafe { libc::waitid(libc::P_PID, id, info.as_mut_ptr(), flags) };
        if result == 0 {
            #[expect(unsafe_code, reason = "a C structure")]
            // SAFETY: of integers and addresses, of which each value is one, zero among them.
            let info = unsafe { info.assume_init() };
            // Zero if it has not ended.
            return Ok(info.si_signo != 0);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
