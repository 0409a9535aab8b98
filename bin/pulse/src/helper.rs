//! pulse's own program as a helper beside its loop: how one is started, spoken to and listened to.
//!
//! Its standard input is a socket. Each message is one datagram, mostly words with a NUL behind every one.

use std::cell::Cell;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::ExitCode;

use daemon::log::Target;
use daemon::{Child, Clock, EventHandler, EventLoop, Program, Signal, Signals, Stdin, Stdout};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, Shutdown, recv, send, shutdown};

/// Longest message.
pub const LONGEST: usize = 4096;
/// The argument behind the first one if pulse runs in the foreground.
const FOREGROUND: &str = "--nodaemon";

/// What a helper is for.
pub struct Part {
    /// The argument that makes pulse this helper; only with a parent.
    pub argument: &'static str,
    /// What `ps` shows.
    pub name: &'static str,
}

impl Part {
    /// Whether the command line asks for this helper.
    pub fn is_asked_for(&self, args: &[OsString]) -> bool {
        let has_parent = std::env::var_os(daemon::PARENT_VARIABLE).is_some();
        args.first().is_some_and(|first| first == self.argument) && has_parent
    }

    /// The beginning of the helper itself: its name, and its log, which goes where pulse's goes.
    pub fn begin(&self, args: &[OsString]) {
        daemon::show_name(self.name);
        let target = if args.iter().any(|word| word == FOREGROUND) {
            Target::Stdout
        } else {
            Target::Syslog
        };
        daemon::log::start("pulse", target, false);
    }

    /// Does the helper's work until pulse is gone and all is done. What ends pulse in order does not end it.
    pub fn work<H: EventHandler>(
        &self,
        args: &[OsString],
        handler: impl FnOnce(Clock) -> H,
    ) -> ExitCode {
        self.begin(args);
        let handled = [
            Signal::SIGCHLD,
            Signal::SIGTERM,
            Signal::SIGINT,
            Signal::SIGHUP,
        ];
        let clock = Clock::start();
        let ended = Signals::new(&handled)
            .and_then(|signals| EventLoop::new(clock, signals).run(&mut handler(clock)));
        match ended {
            Ok(_) => ExitCode::SUCCESS,
            Err(error) => {
                log::error!("{}: {error}", self.name);
                ExitCode::FAILURE
            }
        }
    }

    /// How it is started.
    pub fn program(&self, foreground: bool, stdin: Stdin) -> Program {
        // The file that runs, even if an upgrade has put another in its place.
        let mut program = Program::new("/proc/self/exe");
        program.name = Some(self.name);
        program.args = vec![self.argument.into()];
        if foreground {
            program.args.push(FOREGROUND.into());
            program.stdout = Stdout::Inherit;
        }
        program.stdin = stdin;
        program.parent_name = "pulse";
        program.own_group = true;
        program
    }
}

/// pulse's end of a helper with which it exchanges messages.
pub struct Helper {
    child: Child,
    /// It has closed its end, which it does only when it ends.
    is_closed: Cell<bool>,
}

impl Helper {
    /// Starts it.
    ///
    /// # Errors
    /// Those of starting a program.
    pub fn start(part: &Part, foreground: bool) -> io::Result<Self> {
        let child = part.program(foreground, Stdin::Report).start()?;
        Ok(Self {
            child,
            is_closed: Cell::new(false),
        })
    }

    /// Its process id.
    pub const fn pid(&self) -> i32 {
        self.child.pid()
    }

    /// Sends it a message.
    ///
    /// # Errors
    /// It has ended, does not keep up, or the message is too long.
    pub fn send(&self, message: &[u8]) -> io::Result<()> {
        if message.len() > LONGEST {
            return Err(Errno::E2BIG.into());
        }
        let link = self.child.link().ok_or(Errno::EPIPE)?;
        Ok(say(link, message)?)
    }

    /// A message of its, put into `bytes`; `None` when there is none left.
    pub fn hear<'a>(&self, bytes: &'a mut [u8]) -> Option<&'a [u8]> {
        let link = self.child.link()?.as_raw_fd();
        let length = recv(link, bytes, MsgFlags::MSG_DONTWAIT).ok()?;
        self.is_closed.set(length == 0);
        bytes.get(..length).filter(|message| !message.is_empty())
    }

    /// Readable when there is something to hear; `None` behind the end of that. Until its end is told as well, it
    /// would be readable in each turn of the loop, and take the processor from who is to end.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.child.link().filter(|_| !self.is_closed.get())
    }

    /// No more messages: it ends when it has done what it was told. What it says until then is heard.
    pub fn finish(&self) {
        if let Some(link) = self.child.link() {
            // ENOTCONN: it has ended.
            let _ = shutdown(link.as_raw_fd(), Shutdown::Write);
        }
    }
}

/// Sends a message, at once or not at all.
///
/// # Errors
/// Those of send(2).
pub fn say(link: BorrowedFd<'_>, message: &[u8]) -> nix::Result<()> {
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    send(link.as_raw_fd(), message, flags).map(drop)
}

/// What a helper finds in its standard input.
pub enum Received<'a> {
    /// A message of pulse.
    Message(&'a [u8]),
    /// Nothing now.
    Nothing,
    /// pulse is gone, or has finished.
    End,
}

/// Receives a message of pulse in the helper.
pub fn receive(bytes: &mut [u8]) -> Received<'_> {
    loop {
        match recv(io::stdin().as_raw_fd(), bytes, MsgFlags::MSG_DONTWAIT) {
            Ok(0) => return Received::End,
            Ok(length) => return Received::Message(bytes.get(..length).unwrap_or_default()),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Received::Nothing,
            Err(_) => return Received::End,
        }
    }
}

/// Words with a NUL behind every one.
pub fn encode(words: &[OsString]) -> Vec<u8> {
    let mut message = Vec::new();
    for word in words {
        message.extend(word.as_bytes());
        message.push(0);
    }
    message
}

/// The words of [`encode`]; one without its NUL is none.
pub fn decode(message: &[u8]) -> Vec<OsString> {
    let words = message.split_inclusive(|byte| *byte == 0);
    words
        .filter_map(|word| word.strip_suffix(&[0]))
        .map(|word| OsString::from_vec(word.to_vec()))
        .collect()
}

#[cfg(test)]
mod tests {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    use super::*;

    #[test]
    fn one_that_ends_is_not_listened_to_again_and_again() {
        // Here it is this test, which does not know the argument and ends.
        let part = Part {
            argument: "--no-such-part",
            name: "none",
        };
        let helper = Helper::start(&part, false).unwrap();
        let mut fds = [PollFd::new(helper.fd().unwrap(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::NONE).unwrap();
        assert_eq!(helper.hear(&mut [0; LONGEST]), None);
        assert!(helper.fd().is_none());
    }
}
