//! What children leave behind: descendants whose parent has ended come to us instead of init, so
//! that they can be found and killed.

use std::fs;
use std::io;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::{Pid, getpgid};

/// From now on every descendant whose parent ends becomes our child, to be reaped by
/// [`reap`](crate::reap), however far away it put itself. Ends with this process.
///
/// # Errors
/// None that a kernel since Linux 3.4 gives.
pub fn adopt_orphans() -> io::Result<()> {
    Ok(nix::sys::prctl::set_child_subreaper(true)?)
}

/// A child that may have been left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stray {
    /// Its process id.
    pub pid: i32,
    /// Its process group; `None` once it has ended.
    pub group: Option<i32>,
}

/// Kills every child for which `is_known` does not say that it is one of ours, and returns how many
/// there were.
///
/// Their own children come to us when they are reaped: call again at every SIGCHLD until none is
/// left. Only for processes with one thread, which is all of whose children are seen.
///
/// # Errors
/// /proc could not be read.
pub fn kill_strays(is_known: impl Fn(Stray) -> bool) -> io::Result<usize> {
    let mut killed = 0;
    for pid in children()? {
        // Our child, and nobody but us reaps it: the number is not another's meanwhile.
        let stray = Stray {
            pid: pid.as_raw(),
            group: getpgid(Some(pid)).ok().map(Pid::as_raw),
        };
        if is_known(stray) {
            continue;
        }
        match kill(pid, Signal::SIGKILL) {
            Ok(()) => killed += 1,
            Err(Errno::ESRCH) => {}
            Err(errno) => log::error!("cannot kill stray process {pid}: {errno}"),
        }
    }
    Ok(killed)
}

/// The children of this process' only thread, those that have ended and are not reaped among them. To
/// see that there are none takes no file: a nanny without programs has no right to open one.
fn children() -> io::Result<Vec<Pid>> {
    let any = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    if waitid(Id::All, any) == Err(Errno::ECHILD) {
        return Ok(Vec::new());
    }
    let own = nix::unistd::getpid();
    match fs::read_to_string(format!("/proc/self/task/{own}/children")) {
        Ok(text) => Ok(pids(&text)),
        // A kernel without CONFIG_PROC_CHILDREN.
        Err(error) if error.kind() == io::ErrorKind::NotFound => children_by_search(own),
        Err(error) => Err(error),
    }
}

fn pids(text: &str) -> Vec<Pid> {
    let words = text.split_ascii_whitespace();
    words
        .filter_map(|word| word.parse().ok().map(Pid::from_raw))
        .collect()
}

/// The same from every process of the system.
fn children_by_search(own: Pid) -> io::Result<Vec<Pid>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // One that has ended meanwhile has no file.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if parent(&stat) == Some(own) {
            found.push(Pid::from_raw(pid));
        }
    }
    Ok(found)
}

/// The parent in a line of /proc/PID/stat: the second word behind the name, which may itself hold
/// blanks and brackets.
fn parent(stat: &str) -> Option<Pid> {
    let (_, behind) = stat.rsplit_once(')')?;
    let word = behind.split_ascii_whitespace().nth(1)?;
    word.parse().ok().map(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_name_the_same_children() {
        assert_eq!(pids("12 345 \n"), [12, 345].map(Pid::from_raw));
        assert!(pids("").is_empty());
        assert_eq!(parent("7 (a b) c) S 42 7 7 0"), Some(Pid::from_raw(42)));
        assert_eq!(parent("7 (cut"), None);
        let init = Pid::from_raw(1);
        assert!(!children_by_search(init).unwrap().contains(&init));
    }
}
