//! Log lines on a standard output that nobody reads. Not under libtest: its own lines would be among
//! them.
//!
//! The program runs itself: `daemon WORD` logs into whatever it was given, says on standard error that
//! it has, and then waits as a daemon's loop does until its standard input ends.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use daemon::log::Target;
use daemon::{Clock, PollFd, PollFlags, wait};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{LocalFlags, OutputFlags, SetArg, tcgetattr, tcsetattr};
use nix::unistd::{Uid, pipe2, setuid};

/// More than any of the buffers holds.
const LINES: usize = 20_000;
/// Said behind them, and not to be lost.
const WORD: &str = "ready";
/// For what must come and is not timed.
const LIMIT: Duration = Duration::from_secs(60);
/// Has no right to open root's pipe a second time.
const STRANGER: u32 = 64_001;

fn be_daemon(how: &str) {
    if how == "stranger" {
        setuid(Uid::from_raw(STRANGER)).unwrap();
    }
    daemon::log::start("test", Target::Stdout, false);
    for number in 0..LINES {
        log::info!("line {number}");
    }
    daemon::log::tell_reader(WORD);
    std::io::stderr().write_all(b"logged\n").unwrap();
    let (clock, input) = (Clock::start(), std::io::stdin());
    loop {
        let mut fds = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
        if wait(&mut fds, &clock, None).unwrap() {
            return;
        }
    }
}

/// A daemon that has logged; what it logged is still to be read.
struct Daemon {
    child: Child,
}

fn start(how: &str, output: impl Into<Stdio>) -> Daemon {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["daemon", how])
        .stdin(Stdio::piped())
        .stdout(output)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (said, errors) = (mpsc::channel(), child.stderr.take().unwrap());
    let (tell, hear) = said;
    thread::spawn(move || tell.send(BufReader::new(errors).lines().next()));
    let line = hear.recv_timeout(LIMIT);
    if line.is_err() {
        child.kill().unwrap();
        panic!("{how}: a log line waits for its reader");
    }
    assert_eq!(line.unwrap().unwrap().unwrap(), "logged", "{how}");
    Daemon { child }
}

impl Daemon {
    /// Reads its lines, each whole and in its place, and how many were lost between them, until none is
    /// missing; it then ends.
    fn read(mut self, how: &str, output: impl Read + Send + 'static) {
        let (tell, hear) = mpsc::channel();
        thread::spawn(move || {
            let lines = BufReader::new(output).lines();
            lines
                .map_while(Result::ok)
                .try_for_each(|line| tell.send(line))
        });
        let (mut number, mut lost, mut is_said) = (0, 0, false);
        while number < LINES || !is_said {
            let line = hear.recv_timeout(LIMIT);
            let line = line.unwrap_or_else(|_| panic!("{how}: nothing about {number} on"));
            if let Some(count) = line.strip_suffix(" log lines lost: standard output was full") {
                let count: usize = count.strip_prefix("test: ").unwrap().parse().unwrap();
                number += count;
                lost += count;
            } else if line == WORD {
                is_said = true;
            } else {
                assert_eq!(line, format!("test: line {number}"), "{how}");
                number += 1;
            }
        }
        assert_eq!(number, LINES, "{how}");
        assert!(lost > 0 && lost < LINES, "{how}: {lost}");
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success(), "{how}");
    }
}

fn a_full_pipe_holds_nobody_up_and_its_losses_are_said(how: &str) {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).unwrap();
    let daemon = start(how, writer.try_clone().unwrap());
    // Who shares the pipe with it, as the shell that started it does, writes as before.
    let flags = OFlag::from_bits_retain(fcntl(&writer, FcntlArg::F_GETFL).unwrap());
    assert!(!flags.contains(OFlag::O_NONBLOCK), "{how}");
    drop(writer);
    daemon.read(how, File::from(reader));
}

/// As systemd hands out.
fn a_full_socket_holds_nobody_up_and_its_losses_are_said() {
    let (reader, writer) = UnixStream::pair().unwrap();
    writer.shutdown(Shutdown::Read).unwrap();
    let daemon = start("socket", OwnedFd::from(writer));
    daemon.read("socket", reader);
}

/// A terminal whose user has gone to lunch.
fn a_full_terminal_holds_nobody_up_and_its_losses_are_said() {
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname_r(&master).unwrap();
    let terminal = File::options().read(true).write(true).open(name).unwrap();
    let mut settings = tcgetattr(&terminal).unwrap();
    settings.local_flags.remove(LocalFlags::ECHO);
    settings.output_flags.remove(OutputFlags::OPOST);
    tcsetattr(&terminal, SetArg::TCSANOW, &settings).unwrap();
    let daemon = start("terminal", terminal.try_clone().unwrap());
    let flags = OFlag::from_bits_retain(fcntl(&terminal, FcntlArg::F_GETFL).unwrap());
    assert!(!flags.contains(OFlag::O_NONBLOCK));
    daemon.read("terminal", Master(master));
}

struct Master(PtyMaster);

impl Read for Master {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(bytes)
    }
}

/// One that a shell opened with `>` and that others write to as well: nothing is written over.
fn a_file_gets_every_line_behind_what_is_there() {
    let path = std::env::temp_dir().join(format!("caribe-output-{}", std::process::id()));
    let mut options = File::options();
    let options = options.create(true).truncate(true).read(true).write(true);
    let mut file = options.open(&path).unwrap();
    file.write_all(b"before\n").unwrap();
    let mut daemon = start("file", file.try_clone().unwrap());
    drop(daemon.child.stdin.take());
    assert!(daemon.child.wait().unwrap().success());
    file.write_all(b"behind\n").unwrap();
    file.rewind().unwrap();
    let lines: Vec<String> = BufReader::new(file).lines().map(Result::unwrap).collect();
    assert_eq!(lines.len(), LINES + 3);
    assert_eq!(
        (lines[0].as_str(), lines[1].as_str()),
        ("before", "test: line 0")
    );
    assert_eq!(lines[LINES + 1..], [WORD, "behind"]);
    std::fs::remove_file(path).unwrap();
}

/// Started with `<&- >&- 2>&-`: the next files would have the numbers of what was closed.
fn be_closed(path: &str) {
    let file = File::create(path).unwrap();
    daemon::log::start("test", Target::Stdout, false);
    log::error!("into nothing");
    let _ = std::io::stderr().write_all(b"into nothing\n");
    drop(file);
}

fn closed_descriptors_are_no_files_of_ours() {
    let path = std::env::temp_dir().join(format!("caribe-closed-{}", std::process::id()));
    let status = Command::new("/bin/sh")
        .args(["-c", "exec \"$0\" \"$@\" <&- >&- 2>&-"])
        .arg(std::env::current_exe().unwrap())
        .args(["closed", path.to_str().unwrap()])
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
    assert_eq!(std::fs::read(&path).unwrap(), b"");
    std::fs::remove_file(path).unwrap();
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    match args.as_slice() {
        [_, word, how] if word == "daemon" => return be_daemon(how),
        [_, word, path] if word == "closed" => return be_closed(path),
        _ => {}
    }
    closed_descriptors_are_no_files_of_ours();
    a_full_pipe_holds_nobody_up_and_its_losses_are_said("pipe");
    if nix::unistd::geteuid().is_root() {
        a_full_pipe_holds_nobody_up_and_its_losses_are_said("stranger");
    } else {
        testkit::skipped("only root gives its pipe to another user");
    }
    a_full_socket_holds_nobody_up_and_its_losses_are_said();
    a_full_terminal_holds_nobody_up_and_its_losses_are_said();
    a_file_gets_every_line_behind_what_is_there();
    let _ = writeln!(
        std::io::stdout(),
        "test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out"
    );
}
