//! A running nanny, seen from lvsd's end of its socket; servers that behave as told.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use control::{CheckResult, MAX_MESSAGE, Order, Phase, Report, Standing};
use daemon::{Child, Clock, PollFd, PollFlags, Program, Signal, Stdin, Stdout};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, read};

/// `-t` of every nanny here.
pub const INTERVAL: Duration = Duration::from_millis(300);

/// What a busy machine may add to a duration: far less than what would happen otherwise, programs that sleep for a
/// minute and pauses of half of one.
pub const SLACK: Duration = Duration::from_secs(20);

/// A nanny and our end of its socket. Killed when dropped.
pub struct Nanny {
    child: Child,
    clock: Clock,
    is_reaped: bool,
}

impl Nanny {
    /// Starts one for the server at `real`, and adopts nothing.
    pub fn start(real: SocketAddr, args: &[&str]) -> Self {
        Self::adopting(real, args, Standing::default())
    }

    /// Starts one that goes on from `standing`.
    pub fn adopting(real: SocketAddr, args: &[&str], standing: Standing) -> Self {
        Self::with_environment(&[], real, args, standing)
    }

    /// The same with these variables.
    pub fn with_environment(
        variables: &[(&str, &str)],
        real: SocketAddr,
        args: &[&str],
        standing: Standing,
    ) -> Self {
        let mut program = Program::new(env!("CARGO_BIN_EXE_nanny"));
        let (rip, rport) = (real.ip().to_string(), real.port().to_string());
        program.args = [
            "-c", "-h", &rip, "-p", "1", "-r", &rport, "-t", "0.3", "--lvs",
        ]
        .iter()
        .chain(args)
        .map(Into::into)
        .collect();
        program.stdin = Stdin::Report;
        program.stdout = Stdout::Pipe;
        program.parent_name = "lvsd";
        let variables = variables.iter();
        program.env = variables
            .map(|(name, value)| ((*name).to_owned(), value.into()))
            .collect();
        let child = program.start().expect("nanny starts");
        let nanny = Self {
            child,
            clock: Clock::start(),
            is_reaped: false,
        };
        nanny.order(Order::Adopt(standing));
        nanny
    }

    pub fn order(&self, order: Order) {
        let link = self.child.link().expect("its socket");
        let text = order.to_string();
        send(link.as_raw_fd(), text.as_bytes(), MsgFlags::MSG_NOSIGNAL).expect("it listens");
    }

    /// Its next report; panics if none comes within `limit`.
    pub fn report(&self, limit: Duration) -> Report {
        let link = self.child.link().expect("its socket");
        let deadline = self.clock.now() + limit;
        let mut buffer = [0; MAX_MESSAGE];
        loop {
            match recv(link.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(0) => panic!("nanny has ended"),
                Ok(length) => return Report::decode(&buffer[..length]).expect("a report"),
                Err(Errno::EAGAIN) => {}
                Err(errno) => panic!("{errno}"),
            }
            assert!(self.clock.now() < deadline, "no report within {limit:?}");
            let mut fds = [PollFd::new(link, PollFlags::POLLIN)];
            daemon::wait(&mut fds, &self.clock, Some(deadline)).unwrap();
        }
    }

    /// How its next check goes, in the words of the report, and how long it took.
    pub fn check(&self) -> (String, Duration) {
        let patience = Instant::now();
        while patience.elapsed() < Duration::from_secs(10) {
            if let Report::Check { result, duration } = self.report(Duration::from_secs(10)) {
                let words = match result {
                    CheckResult::Good => "good".to_owned(),
                    CheckResult::Failed(reason) => format!("failed: {reason}"),
                };
                return (words, duration);
            }
        }
        panic!("no check within 10 s");
    }

    pub fn pid(&self) -> i32 {
        self.child.pid()
    }

    /// Whether it has started a program that has not ended.
    pub fn has_child(&self) -> bool {
        let pid = self.child.pid();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        !children.expect("its children").trim().is_empty()
    }

    pub fn signal(&self, signal: Signal) {
        self.child.signal(signal).unwrap();
    }

    /// Its lines, of which it has some with `-n`, until one holds `words` or it ends; panics if that
    /// takes longer than ten seconds.
    pub fn lines_until(&self, words: &str) -> String {
        let output = self.child.output().expect("a pipe");
        let deadline = self.clock.now() + Duration::from_secs(10);
        let mut lines = Vec::new();
        loop {
            let mut fds = [PollFd::new(output, PollFlags::POLLIN)];
            daemon::wait(&mut fds, &self.clock, Some(deadline)).unwrap();
            let mut buffer = [0; 4096];
            let is_ready = fds[0].any() == Some(true);
            let count = is_ready.then(|| read(output, &mut buffer).unwrap());
            lines.extend(&buffer[..count.unwrap_or(0)]);
            let text = String::from_utf8_lossy(&lines);
            if count == Some(0) || text.contains(words) {
                return text.into_owned();
            }
            assert!(self.clock.now() < deadline, "no {words:?} in {text}");
        }
    }

    /// Closes our end of the socket.
    pub fn leave(&mut self) {
        self.child.close_link();
    }

    /// Its exit status; panics if it lives on for longer than `limit`.
    pub fn exit_status(&mut self, limit: Duration) -> i32 {
        let pid = Pid::from_raw(self.child.pid());
        let ended = || match waitpid(pid, Some(WaitPidFlag::WNOHANG)).unwrap() {
            WaitStatus::StillAlive => None,
            WaitStatus::Exited(_, status) => Some(status),
            other => panic!("{other:?}"),
        };
        let status = testkit::found(limit, ended);
        self.is_reaped = status.is_some();
        status.unwrap_or_else(|| panic!("still alive after {limit:?}"))
    }
}

impl Drop for Nanny {
    fn drop(&mut self) {
        if !self.is_reaped {
            let _ = self.child.signal(Signal::SIGKILL);
            let _ = waitpid(Pid::from_raw(self.child.pid()), None);
        }
    }
}

/// A server on a port of its own that treats each connection as `serve` does.
pub fn server(serve: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            thread::spawn(move || {
                let _ = stream.set_nodelay(true);
                serve(stream);
            });
        }
    });
    address
}

/// Writes `pieces` with a pause before each, until the other end has gone.
pub fn write_slowly(mut stream: &TcpStream, pieces: &[&[u8]], pause: Duration) {
    for piece in pieces {
        thread::sleep(pause);
        if stream.write_all(piece).is_err() {
            return;
        }
    }
}

/// A port that nobody listens on.
pub fn closed_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// Holds the connection open without a word.
pub fn hold(mut stream: TcpStream) {
    let _ = stream.read_to_end(&mut Vec::new());
}

/// A script of the shell; what stands in it has no blanks of its own (`-e` is split at them).
pub struct Script(PathBuf);

impl Script {
    /// A file that the shell is told to read.
    pub fn new(name: &str, text: &str) -> Self {
        let name = format!("caribe-nanny-{}-{name}.sh", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    /// A file to execute, in a directory that only its owner can change.
    pub fn executable(name: &str, text: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("caribe-nanny-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join(name);
        std::fs::set_permissions(&dir, PermissionsExt::from_mode(0o755)).unwrap();
        testkit::write_script(&path, text);
        Self(path)
    }

    pub fn path(&self) -> String {
        self.0.display().to_string()
    }

    /// For `-e`.
    pub fn command(&self) -> String {
        format!("/bin/sh {} %h %p", self.0.display())
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
        // A directory of ours goes with the last script in it.
        if let Some(dir) = self.0.parent().filter(|dir| *dir != std::env::temp_dir()) {
            let _ = std::fs::remove_dir(dir);
        }
    }
}

/// What is said of one server first: how its check went, and what follows from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    pub check: Option<CheckResult>,
    /// Its report, word for word.
    pub state: Option<String>,
}

impl Said {
    /// Notes a report; whether both are known.
    pub fn note(&mut self, report: &Report) -> bool {
        match report {
            Report::Check { result, .. } if self.check.is_none() => {
                self.check = Some(result.clone());
            }
            Report::State { standing, .. } if standing.phase != Phase::New => {
                self.state.get_or_insert_with(|| report.to_string());
            }
            _ => {}
        }
        self.check.is_some() && self.state.is_some()
    }
}

/// Waits until `condition` holds; panics if that takes longer than `limit`.
#[track_caller]
pub fn until(limit: Duration, condition: impl FnMut() -> bool) {
    assert!(
        testkit::comes_true(limit, condition),
        "not within {limit:?}"
    );
}
