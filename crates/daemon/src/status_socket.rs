//! A Unix socket that tells its text to everybody who connects, and listens to nobody.

use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use lvs_model::Mono;
use nix::poll::{PollFd, PollFlags};

use crate::socket_file::SocketFile;

/// Most readers at once; one more is turned away.
const MOST_READERS: usize = 8;
/// So many are accepted in one turn; whoever connects without end does not hold the loop.
const MOST_PER_TURN: usize = 64;
/// A reader that has not taken everything after this time is left.
const PATIENCE: Duration = Duration::from_secs(5);

/// The socket. Dropping it removes its file.
///
/// Its owner and its group may connect, others not: the file has mode 0660, and the group is the
/// process's own.
#[derive(Debug)]
pub struct StatusSocket {
    file: SocketFile,
    readers: Vec<Reader>,
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
        Ok(Self {
            file: SocketFile::open(path)?,
            readers: Vec::new(),
        })
    }

    /// What to wait for.
    pub fn poll_fds(&self, now: Mono) -> impl Iterator<Item = PollFd<'_>> {
        let readers = self.readers.iter();
        let readers = readers.map(|r| PollFd::new(r.stream.as_fd(), PollFlags::POLLOUT));
        self.file.poll_fd(now).into_iter().chain(readers)
    }

    /// Tells `text` to who has connected, and goes on with those who are slow. Never waits.
    pub fn serve(&mut self, now: Mono, text: impl Fn() -> String) {
        for _ in 0..MOST_PER_TURN {
            let Some(stream) = self.file.accept(now) else {
                break;
            };
            if self.readers.len() < MOST_READERS {
                self.readers.push(Reader {
                    stream,
                    text: text().into_bytes(),
                    sent: 0,
                    until: now + PATIENCE,
                });
            }
        }
        self.readers.retain_mut(|reader| reader.go_on(now));
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
    use std::path::PathBuf;

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
}
