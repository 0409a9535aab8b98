//! The running nannies: their processes and the sockets on which they report.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use control::{MAX_MESSAGE, Order, Report};
use daemon::{Child, Program, Signal, Stdin, Stdout, User};
use director::{NannyId, NannyOptions, StartError};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{MsgFlags, recv, send};

/// Most nannies that are listened to in one turn of the loop.
const SPEAKERS: usize = 64;

/// The running nannies.
pub struct Nannies {
    children: BTreeMap<NannyId, Child>,
    by_pid: BTreeMap<i32, NannyId>,
    /// Their sockets: the cost of a turn does not grow with the number of those that are silent.
    links: Epoll,
    user: Option<User>,
    stdout: Stdout,
}

impl Nannies {
    /// None yet. `foreground`: their output goes where ours goes.
    ///
    /// As root they run as `lvscheck`; otherwise as who we are.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn new(foreground: bool) -> io::Result<Self> {
        Ok(Self {
            children: BTreeMap::new(),
            by_pid: BTreeMap::new(),
            links: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            user: User::for_checks(),
            stdout: if foreground {
                Stdout::Inherit
            } else {
                Stdout::Null
            },
        })
    }

    /// Starts one and returns its pid.
    pub fn start(&mut self, nanny: NannyId, options: &NannyOptions) -> Result<u32, StartError> {
        let mut program = Program::new(&options.program);
        program.args = options.argv().split_off(1);
        program.stdin = Stdin::Report;
        program.stdout = self.stdout;
        program.user = self.user;
        program.parent_name = "lvsd";
        let started = program.start().and_then(|child| self.take_in(nanny, child));
        started.map_err(|error| StartError {
            is_shortage: is_shortage(&error),
            reason: format!("{}: {error}", options.program.display()),
        })
    }

    /// Listens to a new one. If that is not possible its link is dropped, which ends it.
    fn take_in(&mut self, nanny: NannyId, child: Child) -> io::Result<u32> {
        if let Some(link) = child.link() {
            let event = EpollEvent::new(EpollFlags::EPOLLIN, nanny.0);
            self.links.add(link, event)?;
        }
        let pid = child.pid();
        self.by_pid.insert(pid, nanny);
        self.children.insert(nanny, child);
        Ok(pid.unsigned_abs())
    }

    /// Says something to one; one that is about to end may miss it.
    pub fn tell(&self, nanny: NannyId, order: &Order) {
        let link = self.children.get(&nanny).and_then(Child::link);
        if let Some(link) = link {
            let text = order.to_string();
            if let Err(errno) = send(link.as_raw_fd(), text.as_bytes(), MsgFlags::MSG_NOSIGNAL) {
                log::debug!("{nanny} does not take orders: {errno}");
            }
        }
    }

    /// Sends a signal to one that is not reaped yet.
    pub fn signal(&self, nanny: NannyId, signal: Signal) {
        if let Some(child) = self.children.get(&nanny)
            && let Err(error) = child.signal(signal)
        {
            log::error!("{nanny}: cannot send {signal}: {error}");
        }
    }

    /// The one with this pid has ended and was reaped.
    pub fn remove(&mut self, pid: i32) -> Option<NannyId> {
        let nanny = self.by_pid.remove(&pid)?;
        self.children.remove(&nanny);
        Some(nanny)
    }

    /// Those that have said something, or closed their end; not necessarily all.
    pub fn speakers(&self) -> Vec<NannyId> {
        let mut events = [EpollEvent::empty(); SPEAKERS];
        let count = self.links.wait(&mut events, EpollTimeout::ZERO);
        let events = events.iter().take(count.unwrap_or(0));
        events.map(|event| NannyId(event.data())).collect()
    }

    /// Everything that a nanny has said since the last time.
    pub fn reports(&mut self, nanny: NannyId) -> Vec<Report> {
        let mut reports = Vec::new();
        let Some(child) = self.children.get_mut(&nanny) else {
            return reports;
        };
        // One byte more, to see what is too long.
        let mut buffer = [0; MAX_MESSAGE + 1];
        while let Some(link) = child.link() {
            match recv(link.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
                // It has closed its end: nothing will come, and its silence will be noticed.
                Ok(0) => child.close_link(),
                Ok(length) => match Report::decode(buffer.get(..length).unwrap_or_default()) {
                    Ok(report) => reports.push(report),
                    Err(error) => log::warn!("{nanny}: {error}"),
                },
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Err(_) => child.close_link(),
            }
        }
        reports
    }
}

impl AsFd for Nannies {
    /// Readable when one of them has said something.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.links.0.as_fd()
    }
}

/// Whether the machine lacked something, rather than the program being at fault.
fn is_shortage(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(
        errno,
        Some(Errno::EAGAIN | Errno::ENOMEM | Errno::EMFILE | Errno::ENFILE)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_machine_lacks_is_a_shortage() {
        let shortage = |errno: Errno| is_shortage(&io::Error::from(errno));
        assert!(shortage(Errno::EAGAIN));
        assert!(shortage(Errno::EMFILE));
        assert!(!shortage(Errno::ENOENT));
        assert!(!shortage(Errno::EACCES));
    }
}
