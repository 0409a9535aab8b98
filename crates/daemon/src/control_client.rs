//! The other end of a [`ControlSocket`](crate::ControlSocket), for a program that may wait.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{
    self, AddressFamily, SockFlag, SockType, UnixAddr, getsockopt, socket, sockopt::PeerCredentials,
};

use crate::namespace::{is_here, own_name};

/// Asks the daemon behind the socket at `path`; its answer to the end, `limit` bytes at most. It is the one of this
/// network namespace: `path` is the name without a suffix.
///
/// For a program that may wait; `within` is how long for each part of the answer.
///
/// # Errors
/// `NotFound` or `ConnectionRefused` if nobody listens; `TimedOut` if it does not answer; those of a socket.
pub fn ask(path: &Path, question: &str, limit: u64, within: Duration) -> io::Result<String> {
    let asked = connect_here(path, within).and_then(|mut stream| {
        stream.write_all(question.as_bytes())?;
        stream.write_all(b"\n")?;
        read_answer(stream, limit)
    });
    asked.map_err(|error| silence(error, within))
}

/// Reads what the daemon behind the socket at `path` tells to whoever connects; as [`ask`].
///
/// Nothing is written: what is not read there would take the answer away.
///
/// # Errors
/// As [`ask`].
pub fn read_status(path: &Path, limit: u64, within: Duration) -> io::Result<String> {
    let read = connect_here(path, within).and_then(|stream| {
        stream.shutdown(Shutdown::Write)?;
        read_answer(stream, limit)
    });
    read.map_err(|error| silence(error, within))
}

/// Connects to the daemon of this network namespace, by its [own name](own_name). An older program had the plain one in
/// every namespace, and one that has it in another is none for us.
fn connect_here(path: &Path, within: Duration) -> io::Result<UnixStream> {
    let own = own_name(path);
    match connect(&own, within) {
        Err(error) if own != path && is_nobody(&error) => {}
        other => return other.and_then(who_is_here),
    }
    connect(path, within).and_then(who_is_here)
}

fn who_is_here(stream: UnixStream) -> io::Result<UnixStream> {
    let peer = getsockopt(&stream, PeerCredentials)?;
    match is_here(peer.pid()) {
        Some(false) => Err(ErrorKind::NotFound.into()),
        // Who cannot see that has no reason to doubt it.
        Some(true) | None => Ok(stream),
    }
}

fn is_nobody(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::ConnectionRefused
    )
}

/// Connects. A daemon that is stopped accepts nobody, and once its queue is full connect(2) itself waits: for the
/// time to send.
fn connect(path: &Path, within: Duration) -> io::Result<UnixStream> {
    let flags = SockFlag::SOCK_CLOEXEC;
    let stream = UnixStream::from(socket(AddressFamily::Unix, SockType::Stream, flags, None)?);
    stream.set_read_timeout(Some(within))?;
    stream.set_write_timeout(Some(within))?;
    let address = UnixAddr::new(path)?;
    while let Err(errno) = socket::connect(stream.as_raw_fd(), &address) {
        if errno != Errno::EINTR {
            return Err(errno.into());
        }
    }
    Ok(stream)
}

fn read_answer(stream: UnixStream, limit: u64) -> io::Result<String> {
    let mut answer = String::new();
    stream.take(limit).read_to_string(&mut answer)?;
    Ok(answer)
}

/// Says of a time that is over what that means.
fn silence(error: io::Error, within: Duration) -> io::Error {
    match error.kind() {
        ErrorKind::WouldBlock => {
            let text = format!("it does not answer within {} s", within.as_secs_f32());
            io::Error::new(ErrorKind::TimedOut, text)
        }
        _ => error,
    }
}
