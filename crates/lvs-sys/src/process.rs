//! Making processes.

use std::io;

/// Which side of [`fork`] this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forked {
    /// The process that called; the number is the child's pid.
    Parent(i32),
    /// The new process.
    Child,
}

/// Makes a copy of this process, as fork(2).
///
/// # Errors
/// The kernel's, `EAGAIN` without room for a process among them; and [`io::ErrorKind::Other`] if
/// this process has more than one thread, because the copy would have only one and could wait for
/// ever on a lock that another held.
pub fn fork() -> io::Result<Forked> {
    if std::fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(io::Error::other("fork in a process with several threads"));
    }
    #[expect(unsafe_code, reason = "nix offers fork only as unsafe")]
    // SAFETY: the process has one thread, checked above, and no other can start one meanwhile; so
    // no lock is held by a thread that the copy lacks, and the copy may call anything.
    let pid = unsafe { libc::fork() };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        pid => Ok(Forked::Parent(pid)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fork_is_refused_with_more_than_one_thread() {
        // libtest runs this test on a thread of its own, beside the main one.
        let error = fork().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Other);
    }
}
