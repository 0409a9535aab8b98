//! A lock that nobody can remove: an abstract name of a Unix socket, which the kernel has for each network namespace
//! and which goes with its process.
//!
//! Any user may take such a name and keep it from us. So it counts only where a process of our own user has it, and
//! is the second lock beside the [file](crate::Lock): what holds when somebody has emptied /run.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, getsockopt, listen,
    socket, sockopt::PeerCredentials,
};
use nix::unistd::geteuid;

/// The name, while this exists.
#[derive(Debug)]
pub struct NameLock(OwnedFd);

impl NameLock {
    /// Takes the name of `program`; `None` if it is not to be had here, or somebody else's.
    ///
    /// # Errors
    /// The process of our own user that has it.
    pub fn take(program: &str) -> Result<Option<Self>, u32> {
        match try_take(program) {
            Ok(taken) => Ok(Some(taken)),
            Err(Errno::EADDRINUSE) => holder(program).map_or(Ok(None), Err),
            Err(_) => Ok(None),
        }
    }

    /// Tells others that this process has it: again after a fork.
    pub fn write_pid(&self) {
        // The kernel notes the caller. Nobody is ever accepted.
        let _ = listen(&self.0, Backlog::MAXALLOWABLE);
    }
}

fn try_take(program: &str) -> nix::Result<NameLock> {
    let taken = NameLock(unix_socket()?);
    bind(taken.0.as_raw_fd(), &address(program)?)?;
    taken.write_pid();
    Ok(taken)
}

fn holder(program: &str) -> Option<u32> {
    let asks = unix_socket().ok()?;
    connect(asks.as_raw_fd(), &address(program).ok()?).ok()?;
    let peer = getsockopt(&asks, PeerCredentials).ok()?;
    let is_own = peer.uid() == geteuid().as_raw();
    u32::try_from(peer.pid()).ok().filter(|_| is_own)
}

fn address(program: &str) -> nix::Result<UnixAddr> {
    UnixAddr::new_abstract(format!("caribe-lock-{program}").as_bytes())
}

fn unix_socket() -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    socket(AddressFamily::Unix, SockType::Stream, flags, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_had_once_and_goes_with_who_has_it() {
        let name = format!("test-{}", std::process::id());
        let first = NameLock::take(&name).unwrap();
        assert!(first.is_some());
        for _ in 0..3 {
            assert_eq!(NameLock::take(&name).unwrap_err(), std::process::id());
        }
        drop(first);
        assert!(NameLock::take(&name).unwrap().is_some());
    }
}
