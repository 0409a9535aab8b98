//! Becoming a daemon.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

use lvs_sys::{Forked, fork};
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout, setsid};

/// A daemon that its starter still waits for.
///
/// Dropped without [`ready`](Self::ready), the starter exits 1: so a failure on the way is seen by
/// whoever typed the command.
#[derive(Debug)]
pub struct Background {
    starter: UnixStream,
}

impl Background {
    /// Lets the starter exit with status 0, points descriptors 0 to 2 at /dev/null.
    ///
    /// # Errors
    /// /dev/null cannot be opened.
    pub fn ready(mut self) -> io::Result<()> {
        let null = open_null()?;
        dup2_stdin(&null)?;
        dup2_stdout(&null)?;
        dup2_stderr(&null)?;
        // The starter may have been killed; the daemon runs all the same.
        let _ = self.starter.write_all(b"r");
        Ok(())
    }
}

fn open_null() -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).open("/dev/null")
}

/// Lets go of the terminal without a fork (`--nofork`): a session of its own, output and error at
/// /dev/null. Standard input too, unless it is the lifeline of a [`Parent`](crate::Parent).
///
/// # Errors
/// /dev/null cannot be opened.
pub fn detach(has_parent: bool) -> io::Result<()> {
    // The leader of a process group cannot have a new session; it keeps the one it has.
    let _ = setsid();
    let null = open_null()?;
    if !has_parent {
        dup2_stdin(&null)?;
    }
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    Ok(())
}

/// Goes into the background: two forks and a session of its own, so that no terminal can ever
/// become ours. The working directory and the umask stay.
///
/// Only the daemon returns. The starter waits for [`Background::ready`] and exits 0, or exits 1 if
/// the daemon ends before; what it wrote to standard error until then was seen.
///
/// # Errors
/// Those of fork(2) and setsid(2), and more than one thread.
pub fn background() -> io::Result<Background> {
    let (mut ours, daemons) = UnixStream::pair()?;
    if let Forked::Parent(_) = fork()? {
        drop(daemons);
        let mut byte = [0];
        let is_ready = matches!(ours.read(&mut byte), Ok(1));
        std::process::exit(i32::from(!is_ready));
    }
    drop(ours);
    setsid()?;
    match fork()? {
        Forked::Parent(_) => std::process::exit(0),
        Forked::Child => Ok(Background { starter: daemons }),
    }
}
