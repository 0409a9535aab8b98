//! The child's end of the lifeline.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd;

/// The environment variable by which a parent says that standard input is a lifeline; its value
/// is the parent's name (`pulse`, `lvsd`, `fos`).
///
/// Said explicitly, because sshd and inetd hand out pipes and sockets as standard input too.
pub const PARENT_VARIABLE: &str = "CARIBE_PARENT";

/// The daemon that started this one and watches over it.
///
/// Its lifeline is our standard input: a pipe or a socket whose other end only the parent holds,
/// so that the kernel closes it when the parent ends, however that happens.
#[derive(Debug)]
pub struct Parent {
    name: String,
    stdin: io::Stdin,
}

impl Parent {
    /// The parent, if there is one that watches; `None` when started by hand.
    ///
    /// # Errors
    /// Standard input is closed although the environment says that it is a lifeline.
    pub fn from_env() -> io::Result<Option<Self>> {
        let Ok(name) = std::env::var(PARENT_VARIABLE) else {
            return Ok(None);
        };
        let parent = Self {
            name,
            stdin: io::stdin(),
        };
        let flags = OFlag::from_bits_retain(fcntl(&parent, FcntlArg::F_GETFL)?);
        fcntl(&parent, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        Ok(Some(parent))
    }

    /// Its program name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it has ended. Reads and drops what it may have written: for a lifeline that
    /// carries no messages.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        let mut bytes = [0; 64];
        loop {
            match unistd::read(self, &mut bytes) {
                Ok(0) => return true,
                Ok(_) | Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return false,
                Err(_) => return true,
            }
        }
    }
}

impl AsFd for Parent {
    /// Readable when the parent is gone (or, on a report socket, has sent something).
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stdin.as_fd()
    }
}
