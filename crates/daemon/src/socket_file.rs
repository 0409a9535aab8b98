//! A listening Unix socket and its file; what the status and the control socket have in common.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lvs_model::Mono;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, listen, socket,
};
use nix::sys::stat::{Mode, fchmod};

use crate::own_files::{Identity, identity};

/// Of the file: owner and group connect.
const MODE: u32 = 0o660;
/// Most that wait to be accepted.
const WAITING: i32 = 128;
/// Pause after a connection that could not be accepted for lack of descriptors.
const PAUSE: Duration = Duration::from_secs(1);

/// The socket. Dropping it removes its file.
///
/// Its owner and its group may connect, others not: the file has mode 0660, and the group is the
/// process's own.
#[derive(Debug)]
pub struct SocketFile {
    listener: UnixListener,
    path: PathBuf,
    /// Of the file.
    identity: Identity,
    /// Accepting failed; it is tried again from then on.
    deaf_until: Mono,
}

impl SocketFile {
    /// Makes the socket, and its directory if there is none. A file that a killed process left is
    /// replaced.
    ///
    /// # Errors
    /// `AddrInUse` if another process listens there; those of bind(2).
    pub fn open(path: &Path) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            crate::make_directory(directory)?;
        }
        match try_connect(path) {
            // Nobody listens: what is there was left by a killed process.
            Err(Errno::ECONNREFUSED) => fs::remove_file(path)?,
            // One that is busy listens too.
            Ok(()) | Err(Errno::EAGAIN) => return Err(ErrorKind::AddrInUse.into()),
            Err(_) => {}
        }
        let listener = make(path)?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            identity: identity(path)?,
            deaf_until: Mono::ZERO,
        })
    }

    /// Where its file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it again if its file is gone, or another one is there; whether that was so.
    ///
    /// # Errors
    /// Those of [`open`](Self::open); then it is as it was.
    pub fn restore(&mut self) -> io::Result<bool> {
        let is_gone = !self.is_in_place();
        if is_gone {
            *self = Self::open(&self.path)?;
        }
        Ok(is_gone)
    }

    fn is_in_place(&self) -> bool {
        identity(&self.path).is_ok_and(|it| it == self.identity)
    }

    /// What to wait for.
    pub fn poll_fd(&self, now: Mono) -> Option<PollFd<'_>> {
        let hears = self.deaf_until <= now;
        hears.then(|| PollFd::new(self.listener.as_fd(), PollFlags::POLLIN))
    }

    /// When to look again though nobody has connected.
    pub fn next_deadline(&self, now: Mono) -> Option<Mono> {
        (self.deaf_until > now).then_some(self.deaf_until)
    }

    /// The next one that has connected, as a stream that does not block.
    pub fn accept(&mut self, now: Mono) -> Option<UnixStream> {
        while self.deaf_until <= now {
            match self.listener.accept() {
                Ok((stream, _)) if stream.set_nonblocking(true).is_ok() => return Some(stream),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                // The connection stays in the queue: without a pause the loop would spin.
                Err(_) => self.deaf_until = now + PAUSE,
            }
        }
        None
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.is_in_place() {
            // A file that cannot be removed is replaced by the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn unix_socket() -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    socket(AddressFamily::Unix, SockType::Stream, flags, None)
}

/// Whether somebody listens; one whose queue is full must not hold up our start.
fn try_connect(path: &Path) -> nix::Result<()> {
    connect(unix_socket()?.as_raw_fd(), &UnixAddr::new(path)?)
}

/// Nobody else may connect at any moment. The process's umask is left alone: it is all threads'.
fn make(path: &Path) -> io::Result<UnixListener> {
    let socket = unix_socket()?;
    // The file has the socket's mode, less the umask.
    fchmod(&socket, Mode::from_bits_truncate(MODE))?;
    bind(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
    fs::set_permissions(path, fs::Permissions::from_mode(MODE))?;
    listen(&socket, Backlog::new(WAITING)?)?;
    Ok(UnixListener::from(socket))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("socket-{}-{name}", std::process::id()))
    }

    /// Another thread's files have the mode that they would have without it.
    #[test]
    fn r_the_umask_stays_as_it_is() {
        let path = path("umask");
        let opens = std::thread::spawn(move || {
            for _ in 0..500 {
                drop(SocketFile::open(&path).unwrap());
            }
        });
        let directory = std::env::temp_dir().join(format!("umask-{}", std::process::id()));
        while !opens.is_finished() {
            fs::create_dir(&directory).unwrap();
            let mode = fs::metadata(&directory).unwrap().permissions().mode();
            fs::remove_dir(&directory).unwrap();
            assert_eq!(mode & 0o700, 0o700);
        }
        opens.join().unwrap();
    }

    #[test]
    fn a_socket_in_use_is_refused_and_one_that_was_left_is_replaced() {
        let path = path("stale");
        let socket = SocketFile::open(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        let second = SocketFile::open(&path).unwrap_err();
        assert_eq!(second.kind(), ErrorKind::AddrInUse);
        // As a killed process leaves it.
        let copy = path.with_extension("old");
        fs::rename(&path, &copy).unwrap();
        drop(socket);
        fs::rename(&copy, &path).unwrap();
        SocketFile::open(&path).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn r_a_socket_whose_file_was_removed_is_made_again_and_anothers_is_left() {
        let path = path("restored");
        let mut socket = SocketFile::open(&path).unwrap();
        assert!(!socket.restore().unwrap());
        fs::remove_file(&path).unwrap();
        assert!(socket.restore().unwrap());
        assert_eq!(try_connect(&path), Ok(()));
        assert!(socket.accept(Mono::ZERO).is_some());
        // Somebody else was faster.
        fs::remove_file(&path).unwrap();
        let other = SocketFile::open(&path).unwrap();
        let refused = socket.restore().unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AddrInUse);
        drop(socket);
        assert_eq!(try_connect(&path), Ok(()));
        drop(other);
        assert!(!path.exists());
    }

    /// A stopped daemon accepts nobody: whoever tries to take its place is told at once.
    #[test]
    fn a_socket_whose_queue_is_full_is_in_use() {
        let path = path("full");
        let _socket = SocketFile::open(&path).unwrap();
        // Each takes a place, also when it has gone.
        while try_connect(&path).is_ok() {}
        let second = SocketFile::open(&path).unwrap_err();
        assert_eq!(second.kind(), ErrorKind::AddrInUse);
    }
}
