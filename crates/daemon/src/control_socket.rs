//! A Unix socket on which one line is asked and lines are answered.
//!
//! Whoever connects writes one line and reads to the end. Who writes nothing is answered too, after a
//! moment: a plain reader (`socat`, `nc`) gets what an empty line gets. Nothing here blocks, and
//! places are few: when all are taken the one that has been silent or has not read for longest goes.

use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use lvs_model::Mono;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::socket::{
    self, AddressFamily, SockFlag, SockType, UnixAddr, getsockopt, socket, sockopt::PeerCredentials,
};

use crate::namespace::{is_here, own_name};
use crate::socket_file::SocketFile;

/// Most clients at once.
const MOST_CLIENTS: usize = 16;
/// So many are accepted in one turn; whoever connects without end does not hold the loop.
const MOST_PER_TURN: usize = 64;
/// Longest line that is asked, with its end.
const LONGEST: usize = 4096;
/// Who has not begun to write after this time only wants to read.
const SILENCE: Duration = Duration::from_millis(250);
/// Time to write the whole line, and to read the whole answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The socket. Dropping it removes its file, and answers nobody any more.
#[derive(Debug)]
pub struct ControlSocket {
    file: SocketFile,
    clients: Vec<Client>,
    last: u64,
    /// So long is waited for the first word of a line.
    silence: Duration,
}

/// One that has asked and waits for its [answer](ControlSocket::answer).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientId(u64);

/// What somebody asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// To answer it.
    pub client: ClientId,
    /// The user id that it had when it connected (`SO_PEERCRED`).
    pub uid: u32,
    /// Its process.
    pub pid: i32,
    /// What it wrote.
    pub question: Question,
}

/// What somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Nothing.
    Silence,
    /// A line, without its end.
    Line(Vec<u8>),
    /// More than fits.
    TooLong,
}

#[derive(Debug)]
struct Client {
    id: u64,
    stream: UnixStream,
    uid: u32,
    pid: i32,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Writes its line.
    Asking {
        line: Vec<u8>,
        silent_until: Mono,
        until: Mono,
    },
    /// Its answer is being made.
    Waiting,
    /// Reads.
    Reading {
        text: Vec<u8>,
        sent: usize,
        until: Mono,
    },
    Done,
}

impl ControlSocket {
    /// Makes the socket, and its directory if there is none. A file that a killed process left is
    /// replaced. Owner and group may connect, others not.
    ///
    /// # Errors
    /// `AddrInUse` if another process listens there; those of bind(2).
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::waiting(path, SILENCE)
    }

    /// The same for a daemon that has one thing to tell: nobody is waited for to ask for it.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_for_readers(path: &Path) -> io::Result<Self> {
        Self::waiting(path, Duration::ZERO)
    }

    fn waiting(path: &Path, silence: Duration) -> io::Result<Self> {
        Ok(Self {
            file: SocketFile::open(path)?,
            clients: Vec::new(),
            last: 0,
            silence,
        })
    }

    /// What to wait for.
    pub fn poll_fds(&self, now: Mono) -> impl Iterator<Item = PollFd<'_>> {
        let clients = self.clients.iter().filter_map(Client::poll_fd);
        self.file.poll_fd(now).into_iter().chain(clients)
    }

    /// When to [`hear`](Self::hear) at the latest.
    #[must_use]
    pub fn next_deadline(&self, now: Mono) -> Option<Mono> {
        let clients = self.clients.iter().filter_map(Client::deadline);
        self.file
            .next_deadline(now)
            .into_iter()
            .chain(clients)
            .min()
    }

    /// What has been asked; each is to be answered, now or later. Goes on with those who read.
    pub fn hear(&mut self, now: Mono) -> Vec<Asked> {
        let mut asked = Vec::new();
        for client in &mut self.clients {
            asked.extend(client.go_on(now));
        }
        for _ in 0..MOST_PER_TURN {
            let Some(stream) = self.file.accept(now) else {
                break;
            };
            let Ok(peer) = getsockopt(&stream, PeerCredentials) else {
                continue;
            };
            self.clients.retain(|client| !client.is_done());
            if self.clients.len() >= MOST_CLIENTS && !self.give_up_one() {
                continue;
            }
            self.last += 1;
            let mut client = Client {
                id: self.last,
                stream,
                uid: peer.uid(),
                pid: peer.pid(),
                state: State::Asking {
                    line: Vec::new(),
                    silent_until: now + self.silence,
                    until: now + PATIENCE,
                },
            };
            asked.extend(client.go_on(now));
            self.clients.push(client);
        }
        self.clients.retain(|client| !client.is_done());
        asked
    }

    /// Answers one that has asked; one that has gone meanwhile is not missed.
    pub fn answer(&mut self, now: Mono, client: ClientId, text: String) {
        let Some(client) = self.clients.iter_mut().find(|it| it.id == client.0) else {
            return;
        };
        client.state = State::Reading {
            text: text.into_bytes(),
            sent: 0,
            until: now + PATIENCE,
        };
        client.go_on(now);
        self.clients.retain(|client| !client.is_done());
    }

    /// Makes room; false if everybody waits for an answer that is being made.
    fn give_up_one(&mut self) -> bool {
        let places = self.clients.iter().enumerate();
        let stuck = places.filter_map(|(place, client)| Some((client.patience()?, place)));
        let Some((_, place)) = stuck.min() else {
            return false;
        };
        self.clients.remove(place);
        true
    }
}

impl Client {
    /// Whom nothing is wanted from is not waited for: its hanging up would wake the loop for ever.
    fn poll_fd(&self) -> Option<PollFd<'_>> {
        let what = match self.state {
            State::Asking { .. } => PollFlags::POLLIN,
            State::Reading { .. } => PollFlags::POLLOUT,
            State::Waiting | State::Done => return None,
        };
        Some(PollFd::new(self.stream.as_fd(), what))
    }

    fn deadline(&self) -> Option<Mono> {
        match &self.state {
            State::Asking {
                line, silent_until, ..
            } if line.is_empty() => Some(*silent_until),
            State::Asking { until, .. } | State::Reading { until, .. } => Some(*until),
            State::Waiting | State::Done => None,
        }
    }

    /// When its time is over; none for one that waits for us.
    const fn patience(&self) -> Option<Mono> {
        match self.state {
            State::Asking { until, .. } | State::Reading { until, .. } => Some(until),
            State::Waiting | State::Done => None,
        }
    }

    const fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Reads or writes what there is; what it has asked, once.
    fn go_on(&mut self, now: Mono) -> Option<Asked> {
        let (state, question) = match mem::replace(&mut self.state, State::Done) {
            State::Asking {
                line,
                silent_until,
                until,
            } => self.read(now, line, silent_until, until),
            State::Reading { text, sent, until } => (self.write(now, text, sent, until), None),
            other => (other, None),
        };
        self.state = state;
        Some(Asked {
            client: ClientId(self.id),
            uid: self.uid,
            pid: self.pid,
            question: question?,
        })
    }

    fn read(
        &mut self,
        now: Mono,
        mut line: Vec<u8>,
        silent_until: Mono,
        until: Mono,
    ) -> (State, Option<Question>) {
        let asks = |question| (State::Waiting, Some(question));
        let mut bytes = [0; LONGEST];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) if line.is_empty() => return asks(Question::Silence),
                Ok(0) => return asks(Question::Line(line)),
                Ok(count) => line.extend(bytes.iter().take(count)),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return (State::Done, None),
            }
            let end = line.iter().position(|byte| *byte == b'\n');
            if end.unwrap_or(line.len()) >= LONGEST {
                return asks(Question::TooLong);
            }
            if let Some(end) = end {
                line.truncate(end);
                return asks(Question::Line(line));
            }
        }
        if line.is_empty() && silent_until <= now {
            return asks(Question::Silence);
        }
        if until <= now {
            return (State::Done, None);
        }
        let state = State::Asking {
            line,
            silent_until,
            until,
        };
        (state, None)
    }

    fn write(&mut self, now: Mono, text: Vec<u8>, mut sent: usize, until: Mono) -> State {
        if until <= now {
            return State::Done;
        }
        while let Some(rest @ [_, ..]) = text.get(sent..) {
            match self.stream.write(rest) {
                Ok(written) => sent += written,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return State::Reading { text, sent, until };
                }
                Err(_) => return State::Done,
            }
        }
        State::Done
    }
}

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

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::path::PathBuf;

    use nix::sys::socket::Backlog;

    use super::*;

    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("control-{}-{name}", std::process::id()))
    }

    fn read(mut stream: UnixStream) -> String {
        let mut text = String::new();
        // An end that comes with unread input is an end, too.
        let _ = stream.read_to_string(&mut text);
        text
    }

    /// Answers everything that is asked with what was understood.
    fn serve(socket: &mut ControlSocket, now: Mono) -> usize {
        let asked = socket.hear(now);
        let count = asked.len();
        for it in asked {
            socket.answer(now, it.client, format!("{:?}\n", it.question));
        }
        count
    }

    /// Asks until it is so: another thread has a part in it.
    fn until(is_so: impl FnMut() -> bool) {
        testkit::wait_until("the other thread", is_so);
    }

    fn after(time: Duration) -> Mono {
        Mono::ZERO + time
    }

    #[test]
    fn a_line_is_answered_and_who_asks_is_known() {
        let path = path("line");
        let mut socket = ControlSocket::open(&path).unwrap();
        let mut client = UnixStream::connect(&path).unwrap();
        assert_eq!(socket.hear(Mono::ZERO), []);
        client.write_all(b"sta").unwrap();
        assert_eq!(socket.hear(Mono::ZERO), []);
        client.write_all(b"tus\nmore").unwrap();
        let asked = socket.hear(Mono::ZERO);
        let [asked] = asked.as_slice() else {
            panic!("{asked:?}");
        };
        assert_eq!(asked.question, Question::Line(b"status".to_vec()));
        assert_eq!(asked.uid, nix::unistd::geteuid().as_raw());
        assert_eq!(asked.pid, nix::unistd::getpid().as_raw());
        assert_eq!(
            socket.poll_fds(Mono::ZERO).count(),
            1,
            "who waits is not polled"
        );
        assert_eq!(socket.next_deadline(Mono::ZERO), None);
        socket.answer(Mono::ZERO, asked.client, "yes\n".into());
        assert_eq!(read(client), "yes\n");
        assert_eq!(socket.clients.len(), 0);
    }

    /// Runs while a terminal waits: each call takes a place that is never free again.
    #[test]
    fn r_a_daemon_that_is_stopped_makes_nobody_wait_for_ever() {
        let path = path("stopped");
        let listener = UnixListener::bind(&path).unwrap();
        socket::listen(&listener, Backlog::new(1).unwrap()).unwrap();
        let (said, heard) = std::sync::mpsc::channel();
        let asked = path.clone();
        std::thread::spawn(move || {
            let within = Duration::from_millis(10);
            for _ in 0..4 {
                let _ = said.send(ask(&asked, "status", 1024, within).map_err(|it| it.kind()));
                let _ = said.send(read_status(&asked, 1024, within).map_err(|it| it.kind()));
            }
        });
        for _ in 0..8 {
            let answer = heard.recv_timeout(Duration::from_secs(60));
            assert_eq!(answer.expect("an end"), Err(ErrorKind::TimedOut));
        }
        let said = ask(&path, "status", 1024, Duration::from_millis(500)).unwrap_err();
        assert_eq!(said.to_string(), "it does not answer within 0.5 s");
        std::fs::remove_file(&path).unwrap();
        let said = ask(&path, "status", 1024, Duration::from_secs(1)).unwrap_err();
        assert_eq!(said.kind(), ErrorKind::NotFound);
    }

    #[test]
    fn who_says_nothing_is_answered_after_a_moment_or_at_its_end() {
        let path = path("silent");
        let mut socket = ControlSocket::open(&path).unwrap();
        let silent = UnixStream::connect(&path).unwrap();
        assert_eq!(serve(&mut socket, Mono::ZERO), 0);
        assert_eq!(socket.next_deadline(Mono::ZERO), Some(after(SILENCE)));
        assert_eq!(serve(&mut socket, after(SILENCE)), 1);
        assert_eq!(read(silent), "Silence\n");
        for (said, heard) in [("", "Silence\n"), ("x", "Line([120])\n")] {
            let mut client = UnixStream::connect(&path).unwrap();
            client.write_all(said.as_bytes()).unwrap();
            client.shutdown(Shutdown::Write).unwrap();
            assert_eq!(serve(&mut socket, Mono::ZERO), 1);
            assert_eq!(read(client), heard);
        }
    }

    #[test]
    fn endless_and_unfinished_lines_have_an_end() {
        let path = path("endless");
        let mut socket = ControlSocket::open(&path).unwrap();
        let mut endless = UnixStream::connect(&path).unwrap();
        endless.write_all(&[b'x'; 3 * LONGEST]).unwrap();
        assert_eq!(serve(&mut socket, Mono::ZERO), 1);
        assert_eq!(read(endless), "TooLong\n");
        let mut longest = UnixStream::connect(&path).unwrap();
        longest.write_all(&[b'x'; LONGEST - 1]).unwrap();
        longest.write_all(b"\n").unwrap();
        assert_eq!(serve(&mut socket, Mono::ZERO), 1);
        assert!(read(longest).starts_with("Line("));
        let mut unfinished = UnixStream::connect(&path).unwrap();
        unfinished.write_all(b"x").unwrap();
        assert_eq!(serve(&mut socket, after(SILENCE)), 0);
        assert_eq!(socket.clients.len(), 1);
        assert_eq!(serve(&mut socket, after(SILENCE + PATIENCE)), 0);
        assert_eq!(socket.clients.len(), 0);
        assert_eq!(read(unfinished), "");
    }

    #[test]
    fn stuck_clients_blind_nobody() {
        let path = path("stuck");
        let mut socket = ControlSocket::open(&path).unwrap();
        let mut stuck = Vec::new();
        for number in 0..200 {
            let mut client = UnixStream::connect(&path).unwrap();
            match number % 3 {
                0 => {}
                1 => client.write_all(b"unfinished").unwrap(),
                _ => client.write_all(b"status\n").unwrap(),
            }
            stuck.push(client);
            for it in socket.hear(Mono::ZERO) {
                // More than the kernel keeps for one that does not read.
                socket.answer(Mono::ZERO, it.client, "x".repeat(4 << 20));
            }
            assert!(socket.clients.len() <= MOST_CLIENTS);
        }
        assert_eq!(socket.clients.len(), MOST_CLIENTS);
        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(b"\n").unwrap();
        assert_eq!(serve(&mut socket, Mono::ZERO), 1);
        assert_eq!(read(client), "Line([])\n");
        serve(&mut socket, after(PATIENCE));
        assert_eq!(socket.clients.len(), 0);
    }

    #[test]
    fn who_waits_for_an_answer_that_is_being_made_is_not_given_up() {
        let path = path("waits");
        let mut socket = ControlSocket::open(&path).unwrap();
        let ask = || {
            let mut client = UnixStream::connect(&path).unwrap();
            client.write_all(b"order\n").unwrap();
            client
        };
        let waiting: Vec<_> = (0..MOST_CLIENTS).map(|_| ask()).collect();
        let asked = socket.hear(Mono::ZERO);
        assert_eq!(asked.len(), MOST_CLIENTS);
        let turned_away = ask();
        assert_eq!(socket.hear(after(PATIENCE)), []);
        assert_eq!(read(turned_away), "");
        for it in asked {
            socket.answer(after(2 * PATIENCE), it.client, "done\n".into());
        }
        assert!(waiting.into_iter().all(|client| read(client) == "done\n"));
    }

    #[test]
    fn who_connects_to_a_daemon_that_only_tells_is_told_at_once() {
        let path = path("tells");
        let mut socket = ControlSocket::open_for_readers(&path).unwrap();
        let mut clients = [(); 3].map(|()| UnixStream::connect(&path).unwrap());
        clients[1].write_all(b"status\n").unwrap();
        clients[2].shutdown(Shutdown::Write).unwrap();
        assert_eq!(serve(&mut socket, Mono::ZERO), 3);
        let told = clients.map(read);
        assert_eq!(
            [&*told[0], &told[2]],
            ["Silence\n", "Silence\n"],
            "{told:?}"
        );
        let reader = std::thread::spawn({
            let path = path.clone();
            move || read_status(&path, 1 << 20, Duration::from_secs(20))
        });
        until(|| serve(&mut socket, Mono::ZERO) > 0);
        assert_eq!(reader.join().unwrap().unwrap(), "Silence\n");
        drop(socket);
        assert!(!path.exists());
    }

    #[test]
    fn a_slow_reader_is_waited_for_but_not_for_ever() {
        let path = path("slow");
        let mut socket = ControlSocket::open_for_readers(&path).unwrap();
        let mut tell = |now| {
            for it in socket.hear(now) {
                socket.answer(now, it.client, "x".repeat(4 << 20));
            }
            socket.clients.len()
        };
        let patient = UnixStream::connect(&path).unwrap();
        assert_eq!(tell(Mono::ZERO), 1);
        let reader = std::thread::spawn(move || read(patient).len());
        until(|| tell(Mono::ZERO) != 1);
        assert_eq!(reader.join().unwrap(), 4 << 20);
        let _idle = UnixStream::connect(&path).unwrap();
        assert_eq!(tell(Mono::ZERO), 1);
        assert_eq!(tell(after(PATIENCE)), 0);
    }

    #[test]
    fn a_program_asks_and_gets_all_of_the_answer() {
        let path = path("ask");
        let mut socket = ControlSocket::open(&path).unwrap();
        let asks = std::thread::spawn({
            let path = path.clone();
            move || ask(&path, "status", 1 << 20, Duration::from_secs(20))
        });
        until(|| serve(&mut socket, Mono::ZERO) > 0);
        let answer = asks.join().unwrap().unwrap();
        assert_eq!(answer, "Line([115, 116, 97, 116, 117, 115])\n");
        drop(socket);
        let gone = ask(&path, "status", 1, PATIENCE).unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::NotFound);
    }
}
