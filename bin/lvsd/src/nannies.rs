//! The running nannies: their processes and the sockets on which they report.

use std::collections::BTreeMap;
use std::io;

use control::{MAX_MESSAGE, Order, Report};
use daemon::{Child, PollFd, PollFlags, Program, Signal, Stdin, Stdout, User};
use director::{NannyId, NannyOptions, StartError};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send};
use std::os::fd::AsRawFd;

/// The running nannies.
pub struct Nannies {
    children: BTreeMap<NannyId, Child>,
    user: Option<User>,
    stdout: Stdout,
}

impl Nannies {
    /// None yet. `foreground`: their output goes where ours goes.
    ///
    /// As root they run as `lvscheck`; otherwise as who we are.
    pub fn new(foreground: bool) -> Self {
        Self {
            children: BTreeMap::new(),
            user: User::for_checks(),
            stdout: if foreground {
                Stdout::Inherit
            } else {
                Stdout::Null
            },
        }
    }

    /// Starts one and returns its pid.
    pub fn start(&mut self, nanny: NannyId, options: &NannyOptions) -> Result<u32, StartError> {
        let mut program = Program::new(&options.program);
        program.args = options.argv().split_off(1);
        program.stdin = Stdin::Report;
        program.stdout = self.stdout;
        program.user = self.user;
        program.parent_name = "lvsd";
        match program.start() {
            Ok(child) => {
                let pid = child.pid().unsigned_abs();
                self.children.insert(nanny, child);
                Ok(pid)
            }
            Err(error) => Err(StartError {
                is_shortage: is_shortage(&error),
                reason: format!("{}: {error}", options.program.display()),
            }),
        }
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
        let nanny = self.children.iter().find(|(_, child)| child.pid() == pid);
        let nanny = *nanny?.0;
        self.children.remove(&nanny);
        Some(nanny)
    }

    /// What to wait for: every nanny's socket.
    pub fn poll_fds(&self) -> impl Iterator<Item = (NannyId, PollFd<'_>)> {
        self.children.iter().filter_map(|(nanny, child)| {
            let link = child.link()?;
            Some((*nanny, PollFd::new(link, PollFlags::POLLIN)))
        })
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
