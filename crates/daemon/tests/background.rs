//! A daemon started for real. Not under libtest: its threads would forbid the fork.
//!
//! The program runs itself: `daemon good PIDFILE` becomes a daemon and waits for SIGTERM,
//! `daemon bad PIDFILE` fails before it is ready.

use std::io::Write as _;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use daemon::{Clock, Lock, PidFile, PollFd, PollFlags, Signal, Signals, background, wait};
use nix::sys::signal::kill;
use nix::unistd::Pid;

fn locks(pid_file: &Path) -> PathBuf {
    pid_file.with_extension("lock")
}

fn be_daemon(how: &str, pid_file: &Path) {
    let _lock = Lock::take_in(&locks(pid_file), "test").unwrap();
    let mut signals = Signals::new(&[Signal::SIGTERM]).unwrap();
    let background = background().unwrap();
    if how == "bad" {
        return;
    }
    let _file = PidFile::write(pid_file).unwrap();
    background.ready().unwrap();
    let clock = Clock::start();
    let deadline = clock.now() + Duration::from_secs(20);
    while signals.pending().is_empty() && clock.now() < deadline {
        let mut fds = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        wait(&mut fds, &clock, Some(deadline)).unwrap();
    }
}

fn start(how: &str, pid_file: &Path) -> Option<i32> {
    let own = std::env::current_exe().unwrap();
    let mut command = Command::new(own);
    command
        .args(["daemon", how])
        .arg(pid_file)
        .stdin(Stdio::null());
    command.status().unwrap().code()
}

fn a_daemon_that_is_ready_lets_its_starter_exit_0(pid_file: &Path) {
    assert_eq!(start("good", pid_file), Some(0));
    // Once the starter has returned the file is there, and its process leads its own session.
    let text = std::fs::read_to_string(pid_file).unwrap();
    let pid = Pid::from_raw(text.trim().parse().unwrap());
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let session: i32 = after_name
        .split_whitespace()
        .nth(3)
        .unwrap()
        .parse()
        .unwrap();
    assert_ne!(
        session,
        pid.as_raw(),
        "a session leader could get a terminal"
    );
    assert!(
        Lock::take_in(&locks(pid_file), "test").is_err(),
        "the lock went through both forks"
    );

    kill(pid, Signal::SIGTERM).unwrap();
    testkit::wait_until("the pid file goes", || !pid_file.exists());
}

fn a_daemon_that_fails_before_it_is_ready_lets_its_starter_exit_1(pid_file: &Path) {
    assert_eq!(start("bad", pid_file), Some(1));
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, word, how, pid_file] = args.as_slice() {
        assert_eq!(word, "daemon");
        return be_daemon(how, Path::new(pid_file));
    }
    let pid_file: PathBuf =
        std::env::temp_dir().join(format!("caribe-background-{}.pid", std::process::id()));
    a_daemon_that_is_ready_lets_its_starter_exit_0(&pid_file);
    a_daemon_that_fails_before_it_is_ready_lets_its_starter_exit_1(&pid_file);
    let _ = std::fs::remove_file(&pid_file);
    let _ = std::fs::remove_dir_all(locks(&pid_file));
    let _ = writeln!(
        std::io::stdout(),
        "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out"
    );
}
