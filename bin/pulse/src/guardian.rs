//! The process that takes the addresses away when pulse is killed.
//!
//! pulse starts its own program again as a guardian and tells it over its standard input which
//! addresses it is about to hold, one a line. When that input ends and addresses were told last,
//! pulse has died holding them, and the guardian removes them. It does nothing else.

use std::cell::RefCell;
use std::ffi::OsString;
use std::io::{self, BufRead};
use std::os::fd::BorrowedFd;
use std::process::ExitCode;

use daemon::{Child, Signal, Signals, Stdin};
use link::{Assignment, Change, Links};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::addresses::said;
use crate::helper::Part;

/// The process.
pub const PART: Part = Part {
    argument: "--guardian",
    name: "pulse-guardian",
};
/// Ends a list of addresses, which then replaces the one before.
const END_OF_LIST: &str = ".";

/// pulse's end of its guardian.
pub struct Guardian {
    child: Child,
    unsaid: RefCell<Unsaid>,
}

/// What the pipe has not taken yet.
#[derive(Default)]
struct Unsaid {
    /// The rest of a list that was begun.
    begun: Vec<u8>,
    /// The list behind it; only the last one matters.
    next: Option<Vec<u8>>,
}

impl Unsaid {
    /// Writes as much as fits.
    fn go_on(&mut self, link: BorrowedFd<'_>) -> io::Result<()> {
        loop {
            if self.begun.is_empty() {
                match self.next.take() {
                    Some(list) => self.begun = list,
                    None => return Ok(()),
                }
            }
            match nix::unistd::write(link, &self.begun) {
                Ok(taken) => drop(self.begun.drain(..taken)),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Ok(()),
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

impl Guardian {
    /// Starts the guardian.
    ///
    /// # Errors
    /// Those of starting a program.
    pub fn start(foreground: bool) -> io::Result<Self> {
        let child = PART.program(foreground, Stdin::Lifeline).start()?;
        if let Some(link) = child.link() {
            fcntl(link, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        Ok(Self {
            child,
            unsaid: RefCell::default(),
        })
    }

    /// Its process id.
    pub const fn pid(&self) -> i32 {
        self.child.pid()
    }

    /// Tells it what pulse holds from now on; nothing is the empty list. One that does not listen is not
    /// waited for: [`go_on`](Self::go_on) tells it later.
    ///
    /// # Errors
    /// It has ended.
    pub fn tell(&self, held: &[Assignment]) -> io::Result<()> {
        let mut text: String = held.iter().map(print_line).collect();
        text.push_str(END_OF_LIST);
        text.push('\n');
        self.unsaid.borrow_mut().next = Some(text.into_bytes());
        self.go_on()
    }

    /// Tells it what it did not take before.
    ///
    /// # Errors
    /// It has ended.
    pub fn go_on(&self) -> io::Result<()> {
        let link = self.child.link();
        link.map_or(Ok(()), |link| self.unsaid.borrow_mut().go_on(link))
    }
}

pub fn print_line(held: &Assignment) -> String {
    format!(
        "{} {} {} {}\n",
        held.address, held.prefix, held.interface, held.label
    )
}

pub fn parse_line(line: &str) -> Option<Assignment> {
    let mut words = line.split(' ');
    Some(Assignment {
        address: words.next()?.parse().ok()?,
        prefix: words.next()?.parse().ok()?,
        interface: words.next()?.to_owned(),
        label: words.next()?.to_owned(),
    })
}

/// Waits for pulse's end and cleans up after it.
pub fn run(args: &[OsString]) -> ExitCode {
    PART.begin(args);
    // What ends pulse in order must not end its guardian first.
    let ignored = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP];
    let _signals = Signals::new(&ignored);
    let held = last_told(io::stdin().lock());
    if held.is_empty() {
        return ExitCode::SUCCESS;
    }
    match Links::open().and_then(|mut links| links.drop(&held)) {
        Ok(done) => {
            said::say(&done);
            let removed = done
                .iter()
                .filter(|it| matches!(it, (Change::Remove(_), Ok(()))));
            let removed = match removed.count() {
                1 => "1 address".to_owned(),
                count => format!("{count} addresses"),
            };
            log::error!("pulse was killed: {removed} removed");
            ExitCode::SUCCESS
        }
        Err(error) => {
            log::error!("pulse was killed, its addresses stay: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The last complete list before the end.
fn last_told(input: impl BufRead) -> Vec<Assignment> {
    let (mut held, mut list) = (Vec::new(), Vec::new());
    for line in input.lines().map_while(Result::ok) {
        if line == END_OF_LIST {
            held = std::mem::take(&mut list);
        } else {
            list.extend(parse_line(&line));
        }
    }
    held
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn writing_to_a_guardian_does_not_wait() {
        // Here it is this test, which does not know the argument and ends.
        let guardian = Guardian::start(false).unwrap();
        let flags = fcntl(guardian.child.link().unwrap(), FcntlArg::F_GETFL).unwrap();
        assert!(OFlag::from_bits_retain(flags).contains(OFlag::O_NONBLOCK));
    }

    /// Stopped by whoever, while hundreds of addresses come and go.
    #[test]
    fn a_guardian_that_does_not_listen_is_not_waited_for_and_hears_the_last_list() {
        let (theirs, ours) = nix::unistd::pipe2(OFlag::O_CLOEXEC).unwrap();
        fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        let held = |number: u8| Assignment {
            address: [10, 1, 0, number].into(),
            prefix: 24,
            interface: "eth0".into(),
            label: "eth0:1".into(),
        };
        let list = |numbers: &[u8]| {
            let lines: String = numbers.iter().map(|n| print_line(&held(*n))).collect();
            format!("{lines}{END_OF_LIST}\n").into_bytes()
        };
        let mut unsaid = Unsaid::default();
        // Two of them are more than the pipe takes.
        let many = list(&[1; 2000]);
        for list in [many.clone(), many, list(&[]), list(&[2, 3])] {
            unsaid.next = Some(list);
            unsaid.go_on(ours.as_fd()).unwrap();
        }
        assert!(!unsaid.begun.is_empty());
        let reader =
            std::thread::spawn(move || last_told(io::BufReader::new(std::fs::File::from(theirs))));
        while !unsaid.begun.is_empty() || unsaid.next.is_some() {
            unsaid.go_on(ours.as_fd()).unwrap();
        }
        drop(ours);
        assert_eq!(reader.join().unwrap(), [held(2), held(3)]);
    }

    #[test]
    fn the_last_complete_list_counts() {
        let text = "10.1.0.50 24 eth0 eth0:1\n.\n10.1.0.51 32 eth0 eth0:2\n2001:db8::1 128 eth0 eth0\n.\n10.9";
        let held = last_told(text.as_bytes());
        let lines: String = held.iter().map(print_line).collect();
        assert_eq!(
            lines,
            "10.1.0.51 32 eth0 eth0:2\n2001:db8::1 128 eth0 eth0\n"
        );
        assert!(last_told("10.1.0.50 24 eth0 eth0:1\n.\n.\n".as_bytes()).is_empty());
    }
}
