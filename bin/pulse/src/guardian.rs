//! The process that takes the addresses away when pulse is killed.
//!
//! pulse starts its own program again as a guardian and tells it over its standard input which
//! addresses it is about to hold, one a line. When that input ends and addresses were told last,
//! pulse has died holding them, and the guardian removes them: at once, because the partner will have them.
//! Without a partner nobody will: then they wait for the next start, which adopts them, and go when there is
//! none in time.

use std::cell::RefCell;
use std::ffi::OsString;
use std::io::{self, BufRead};
use std::os::fd::BorrowedFd;
use std::process::ExitCode;
use std::time::Duration;

use daemon::{Child, Clock, Lock, LockError, Signal, Signals, Stdin};
use link::{Assignment, Change, Links};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::addresses::said;
use crate::held_file::{HeldFile, parse_line, print_line};
use crate::helper::Part;

/// The process.
pub const PART: Part = Part {
    argument: "--guardian",
    name: "pulse-guardian",
};
/// Ends a list of addresses, which then replaces the one before.
const END_OF_LIST: &str = ".";
/// The same, of a director without a partner.
const END_OF_LIST_ALONE: &str = "alone";
/// So long a director without a partner may be started again before what it held goes: nobody looks after
/// its services meanwhile.
const SUCCESSOR_WITHIN: Duration = Duration::from_secs(30);

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
    /// waited for: [`go_on`](Self::go_on) tells it later. `is_alone`: there is no partner.
    ///
    /// # Errors
    /// It has ended.
    pub fn tell(&self, held: &[Assignment], is_alone: bool) -> io::Result<()> {
        let mut text: String = held.iter().map(print_line).collect();
        text.push_str(match is_alone {
            true => END_OF_LIST_ALONE,
            false => END_OF_LIST,
        });
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

/// Waits for pulse's end and cleans up after it.
pub fn run(args: &[OsString]) -> ExitCode {
    PART.begin(args);
    // What ends pulse in order must not end its guardian first.
    let ignored = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP];
    let _signals = Signals::new(&ignored);
    let told = last_told(io::stdin().lock());
    if told.held.is_empty() {
        return ExitCode::SUCCESS;
    }
    if told.is_alone {
        return end_alone(&told.held);
    }
    remove(&told.held)
}

/// Nobody else will have the addresses: a pulse that is started again adopts them.
fn end_alone(held: &[Assignment]) -> ExitCode {
    let seconds = SUCCESSOR_WITHIN.as_secs();
    log::error!("pulse was killed: its addresses go in {seconds} s unless it is started again");
    let mut file = HeldFile::find();
    let written_at = file.written_at();
    let clock = Clock::start();
    let until = clock.now() + SUCCESSOR_WITHIN;
    while clock.now() < until && daemon::wait(&mut [], &clock, Some(until)).is_ok() {}
    // While it is ours none is started, which would adopt what is about to go.
    let lock = Lock::take("pulse");
    if matches!(lock, Err(LockError::Held(..))) {
        return ExitCode::SUCCESS;
    }
    // One that was started and has ended since: it has let go, or its own guardian waits.
    if file.written_at() != written_at {
        return ExitCode::SUCCESS;
    }
    let status = remove(held);
    file.write(&[]);
    drop(lock);
    status
}

fn remove(held: &[Assignment]) -> ExitCode {
    match Links::open().and_then(|mut links| links.drop(held)) {
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

/// What pulse has said.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    held: Vec<Assignment>,
    is_alone: bool,
}

/// The last complete list before the end.
fn last_told(input: impl BufRead) -> Told {
    let (mut told, mut list) = (Told::default(), Vec::new());
    for line in input.lines().map_while(Result::ok) {
        if line == END_OF_LIST || line == END_OF_LIST_ALONE {
            told.held = std::mem::take(&mut list);
            told.is_alone = line == END_OF_LIST_ALONE;
        } else {
            list.extend(parse_line(&line));
        }
    }
    told
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
        assert_eq!(reader.join().unwrap().held, [held(2), held(3)]);
    }

    #[test]
    fn the_last_complete_list_counts() {
        let text = "10.1.0.50 24 eth0 eth0:1\n.\n10.1.0.51 32 eth0 eth0:2\n2001:db8::1 128 eth0 eth0\n.\n10.9";
        let held = last_told(text.as_bytes()).held;
        let lines: String = held.iter().map(print_line).collect();
        assert_eq!(
            lines,
            "10.1.0.51 32 eth0 eth0:2\n2001:db8::1 128 eth0 eth0\n"
        );
        let nothing = last_told("10.1.0.50 24 eth0 eth0:1\n.\n.\n".as_bytes());
        assert_eq!(nothing, Told::default());
    }

    #[test]
    fn the_end_of_a_list_says_whether_there_is_a_partner() {
        let line = "10.1.0.50 24 eth0 eth0:1\n";
        for (ends, is_alone) in [
            (&["."][..], false),
            (&["alone"], true),
            (&[".", "alone"], true),
            (&["alone", "."], false),
        ] {
            let text: String = ends.iter().map(|end| format!("{line}{end}\n")).collect();
            let told = last_told(text.as_bytes());
            assert_eq!((told.held.len(), told.is_alone), (1, is_alone), "{ends:?}");
        }
    }
}
