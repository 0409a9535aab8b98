//! A Unix socket that tells its text to everybody who connects, and listens to nobody.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lvs_model::Mono;
use nix::poll::{PollFd, PollFlags};
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, listen, socket};
use nix::sys::stat::{Mode, fchmod};

/// Of the file: owner and group connect.
const MODE: u32 = 0o660;
/// Most that wait to be accepted.
const WAITING: i32 = 128;
/// Most readers at once; one more is turned away.
const MOST_READERS: usize = 8;
/// A reader that has not taken everything after this time is left.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pause after a connection that could not be accepted for lack of descriptors.
const PAUSE: Duration = Duration::from_secs(1);

/// The socket. Dropping it removes its file.
///
/// Its owner and its group may connect, others not: the file has mode 0660, and the group is the
/// process's own.
#[derive(Debug)]
pub struct StatusSocket {
    listener: UnixListener,
    path: PathBuf,
    readers: Vec<Reader>,
    /// Accepting failed; it is tried again from then on.
    deaf_until: Mono,
}

/// Nobody else may connect at any moment. The process's umask is left alone: it is all threads'.
fn bind(path: &Path) -> io::Result<UnixListener> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    // The file has the socket's mode, less the umask.
    fchmod(&socket, Mode::from_bits_truncate(MODE))?;
    nix::sys::socket::bind(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
    fs::set_permissions(path, fs::Permissions::from_mode(MODE))?;
    listen(&socket, Backlog::new(WAITING)?)?;
    Ok(UnixListener::from(socket))
}

#[derive(Debug)]
struct Reader {
    stream: UnixStream,
    text: Vec<u8>,
    sent: usize,
    until: Mono,
}

impl StatusSocket {
    /// Makes the socket, and its directory if there is none. A file that a killed process left is
    /// replaced.
    ///
    /// # Errors
    /// `AddrInUse` if another process answers there; those of bind(2).
    pub fn open(path: &Path) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        match UnixStream::connect(path) {
            Ok(_) => return Err(ErrorKind::AddrInUse.into()),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path)?,
            Err(_) => {}
        }
        Ok(Self {
            listener: bind(path)?,
            path: path.to_owned(),
            readers: Vec::new(),
            deaf_until: Mono::ZERO,
        })
    }

    /// What to wait for.
    pub fn poll_fds(&self, now: Mono) -> impl Iterator<Item = PollFd<'_>> {
        let hears = self.deaf_until <= now;
        let listener = hears.then(|| PollFd::new(self.listener.as_fd(), PollFlags::POLLIN));
        let readers = self.readers.iter();
        let readers = readers.map(|r| PollFd::new(r.stream.as_fd(), PollFlags::POLLOUT));
        listener.into_iter().chain(readers)
    }

    /// Tells `text` to who has connected, and goes on with those who are slow. Never waits.
    pub fn serve(&mut self, now: Mono, text: impl Fn() -> String) {
        if self.deaf_until <= now {
            self.accept(now, &text);
        }
        self.readers.retain_mut(|reader| reader.go_on(now));
    }

    fn accept(&mut self, now: Mono, text: &impl Fn() -> String) {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    if self.readers.len() < MOST_READERS && stream.set_nonblocking(true).is_ok() {
                        self.readers.push(Reader {
                            stream,
                            text: text().into_bytes(),
                            sent: 0,
                            until: now + PATIENCE,
                        });
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // The connection stays in the queue: without a pause the loop would spin.
                Err(_) => {
                    self.deaf_until = now + PAUSE;
                    return;
                }
            }
        }
    }
}

impl Drop for StatusSocket {
    fn drop(&mut self) {
        // A file that cannot be removed is replaced by the next start.
        let _ = fs::remove_file(&self.path);
    }
}

impl Reader {
    /// Writes as much as fits; whether there is more.
    fn go_on(&mut self, now: Mono) -> bool {
        if now >= self.until {
            return false;
        }
        while let Some(rest @ [_, ..]) = self.text.get(self.sent..) {
            match self.stream.write(rest) {
                Ok(written) => self.sent += written,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("status-{}-{name}", std::process::id()))
    }

    fn read(mut stream: UnixStream) -> String {
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn everybody_who_connects_gets_the_text_and_the_end() {
        let path = path("text");
        let mut socket = StatusSocket::open(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        let clients = [path.as_path(); 2].map(|path| UnixStream::connect(path).unwrap());
        socket.serve(Mono::ZERO, || "state\n".into());
        assert_eq!(clients.map(read), ["state\n", "state\n"]);
        drop(socket);
        assert!(!path.exists());
    }

    #[test]
    fn a_slow_reader_is_waited_for_but_not_for_ever() {
        let path = path("slow");
        let mut socket = StatusSocket::open(&path).unwrap();
        let long = || "x".repeat(4 << 20);
        let patient = UnixStream::connect(&path).unwrap();
        socket.serve(Mono::ZERO, long);
        assert_eq!(socket.poll_fds(Mono::ZERO).count(), 2);
        let reader = std::thread::spawn(move || read(patient).len());
        while socket.readers.len() == 1 {
            socket.serve(Mono::ZERO, long);
        }
        assert_eq!(reader.join().unwrap(), 4 << 20);

        let _idle = UnixStream::connect(&path).unwrap();
        socket.serve(Mono::ZERO, long);
        assert_eq!(socket.readers.len(), 1);
        socket.serve(Mono::ZERO + PATIENCE, long);
        assert_eq!(socket.readers.len(), 0);
    }

    #[test]
    fn eight_readers_are_served_at_once_and_the_ninth_is_turned_away() {
        let path = path("many");
        let mut socket = StatusSocket::open(&path).unwrap();
        let long = || "x".repeat(4 << 20);
        let connect = || UnixStream::connect(&path).unwrap();
        let _idle: Vec<UnixStream> = (0..MOST_READERS).map(|_| connect()).collect();
        socket.serve(Mono::ZERO, long);
        assert_eq!(socket.readers.len(), 8);
        let ninth = connect();
        socket.serve(Mono::ZERO, long);
        assert_eq!(socket.readers.len(), 8);
        assert_eq!(read(ninth), "", "its end comes at once");
        // When one of them is done there is room again.
        socket.serve(Mono::ZERO + PATIENCE, long);
        let next = connect();
        socket.serve(Mono::ZERO + PATIENCE, || "state\n".into());
        assert_eq!(read(next), "state\n");
    }

    /// Another thread's files have the mode that they would have without it.
    #[test]
    fn r_the_umask_stays_as_it_is() {
        let path = path("umask");
        let opens = std::thread::spawn(move || {
            for _ in 0..500 {
                drop(StatusSocket::open(&path).unwrap());
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
        let socket = StatusSocket::open(&path).unwrap();
        let second = StatusSocket::open(&path).unwrap_err();
        assert_eq!(second.kind(), ErrorKind::AddrInUse);
        // As a killed process leaves it.
        let copy = path.with_extension("old");
        fs::rename(&path, &copy).unwrap();
        drop(socket);
        fs::rename(&copy, &path).unwrap();
        StatusSocket::open(&path).unwrap();
    }
}
