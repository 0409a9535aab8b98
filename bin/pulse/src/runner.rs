//! The process that runs the hooks, with all the rights that pulse was started with.
//!
//! pulse starts its own program again as a runner before it gives up what it does not need itself,
//! and sends it a [`Letter`] for each thing that is to be run: a byte that says what it is and words with a
//! NUL behind every one. The runner does one after the other, in the order and within the times of
//! [`HookQueue`], and logs how each ended. Whenever it has changed it sends its [`RunnerState`] back. When
//! pulse is gone it does what it has been told and ends.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr;

use daemon::{Child, Clock, PollFd, PollFlags, Program, Signal, Signals, reap, wait};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use crate::beside::Beside;
use crate::helper::{self, Helper, LONGEST, Part, Received};
use crate::hook_orders::{Letter, RunnerState};
use crate::hook_queue::{End, HookQueue, Job, Order};

/// The process.
pub const PART: Part = Part {
    argument: "--runner",
    name: "pulse-runner",
};
/// What a message begins with: what is to be run when pulse has been killed; `active_cmd`, `inactive_cmd` and
/// a command, each behind its number, the command behind the file that it reads, or an empty word, too; a
/// program that runs beside the others.
const WILL: u8 = b'!';
const ACTIVE: u8 = b'A';
const INACTIVE: u8 = b'I';
const COMMAND: u8 = b'C';
const BESIDE: u8 = b'B';

/// pulse's end of its runner.
pub struct Runner {
    helper: Helper,
}

impl Runner {
    /// Starts the runner.
    ///
    /// # Errors
    /// Those of starting a program.
    pub fn start(foreground: bool) -> io::Result<Self> {
        Ok(Self {
            helper: Helper::start(&PART, foreground)?,
        })
    }

    /// Its process id.
    pub const fn pid(&self) -> i32 {
        self.helper.pid()
    }

    /// Tells it something.
    ///
    /// # Errors
    /// It has ended, does not keep up, or the command line is too long.
    pub fn tell(&self, letter: &Letter) -> io::Result<()> {
        self.helper.send(&encode(letter))
    }

    /// The state that it told last, if it has told any since this was asked.
    pub fn hear(&self) -> Option<RunnerState> {
        let mut bytes = [0; LONGEST];
        let mut heard = None;
        while let Some(message) = self.helper.hear(&mut bytes) {
            heard = decode_state(message).or(heard);
        }
        heard
    }

    /// Readable when there is something to hear.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.helper.fd()
    }

    /// No more commands: it ends after those it has.
    pub fn finish(&self) {
        self.helper.finish();
    }
}

/// Whether a runner can be told: the command line is not too long.
pub fn can_be_told(letter: &Letter) -> bool {
    encode(letter).len() <= LONGEST
}

fn encode(letter: &Letter) -> Vec<u8> {
    let (what, before, words) = match letter {
        Letter::Will(words) => (WILL, Vec::new(), words),
        Letter::Beside(words) => (BESIDE, Vec::new(), words),
        Letter::Order(Order { number, job }) => {
            let number = number.to_string().into();
            match job {
                Job::Active(words) => (ACTIVE, vec![number], words),
                Job::Inactive(words) => (INACTIVE, vec![number], words),
                Job::Command(input, words) => (COMMAND, vec![number, input.clone()], words),
            }
        }
    };
    let mut message = vec![what];
    message.extend(helper::encode(&before));
    message.extend(helper::encode(words));
    message
}

fn decode(message: &[u8]) -> Option<Letter> {
    let (what, words) = message.split_first()?;
    let mut words = helper::decode(words).into_iter();
    match *what {
        WILL => return Some(Letter::Will(words.collect())),
        BESIDE => return Some(Letter::Beside(words.collect())),
        _ => {}
    }
    let number = words.next()?.to_str()?.parse().ok()?;
    let job = match *what {
        ACTIVE => Job::Active(words.collect()),
        INACTIVE => Job::Inactive(words.collect()),
        COMMAND => Job::Command(words.next()?, words.collect()),
        _ => return None,
    };
    Some(Letter::Order(Order { number, job }))
}

/// Three words: what was heard last, what has not ended, what runs; numbers apart by blanks.
fn encode_state(state: &RunnerState) -> Vec<u8> {
    let open: Vec<String> = state.open.iter().map(ToString::to_string).collect();
    let running: Vec<String> = state.running.iter().map(ToString::to_string).collect();
    let words = [state.heard.to_string(), open.join(" "), running.join(" ")];
    helper::encode(&words.map(OsString::from))
}

fn decode_state(message: &[u8]) -> Option<RunnerState> {
    fn numbers<T: FromStr>(word: &OsString) -> Option<Vec<T>> {
        let words = word.to_str()?.split_ascii_whitespace();
        words.map(|word| word.parse().ok()).collect()
    }
    let words = helper::decode(message);
    let [heard, open, running] = words.as_slice() else {
        return None;
    };
    Some(RunnerState {
        heard: heard.to_str()?.parse().ok()?,
        open: numbers(open)?,
        running: numbers(running)?,
    })
}

/// Runs hooks until pulse is gone and all are done.
pub fn run(args: &[OsString]) -> ExitCode {
    PART.begin(args);
    match Queue::open().and_then(Queue::work) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error!("hooks: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The program that runs.
struct Running {
    child: Child,
    path: String,
}

/// What is to be run, and what runs.
struct Queue {
    clock: Clock,
    signals: Signals,
    plan: HookQueue,
    running: Option<Running>,
    beside: Beside,
    /// The number of the last order.
    heard: u32,
    /// What pulse knows of us.
    told: RunnerState,
    is_open: bool,
}

impl Queue {
    fn open() -> io::Result<Self> {
        // What ends pulse in order must not end its hooks.
        let handled = [
            Signal::SIGCHLD,
            Signal::SIGTERM,
            Signal::SIGINT,
            Signal::SIGHUP,
        ];
        Ok(Self {
            clock: Clock::start(),
            signals: Signals::new(&handled)?,
            plan: HookQueue::default(),
            running: None,
            beside: Beside::default(),
            heard: 0,
            told: RunnerState::default(),
            is_open: true,
        })
    }

    fn work(mut self) -> io::Result<()> {
        while self.is_open || !self.plan.is_idle() || !self.beside.is_idle() {
            let input = io::stdin();
            let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
            if self.is_open {
                let mut flags = PollFlags::POLLIN;
                flags.set(PollFlags::POLLOUT, self.state() != self.told);
                fds.push(PollFd::new(input.as_fd(), flags));
            }
            let deadlines = self
                .plan
                .deadline()
                .into_iter()
                .chain(self.beside.deadline());
            wait(&mut fds, &self.clock, deadlines.min())?;
            drop(fds);
            self.read();
            self.signals.pending();
            self.reap();
            self.check_deadline();
            self.start_next();
            self.beside.turn(self.clock.now());
            self.tell();
        }
        Ok(())
    }

    fn read(&mut self) {
        let mut message = [0; LONGEST];
        while self.is_open {
            match helper::receive(&mut message) {
                Received::Message(message) => self.take(message),
                Received::Nothing => return,
                Received::End => self.close(),
            }
        }
    }

    fn take(&mut self, message: &[u8]) {
        let now = self.clock.now();
        match decode(message) {
            None => {}
            Some(Letter::Will(words)) => self.plan.leave(words),
            Some(Letter::Beside(words)) => self.beside.order(now, words),
            Some(Letter::Order(order)) => {
                // Nothing is announced any more.
                if matches!(order.job, Job::Inactive(_)) {
                    self.beside.end();
                }
                self.heard = order.number;
                if !self.plan.order(now, order) {
                    log::error!("too many commands are waiting: one is left out");
                }
            }
        }
    }

    fn state(&self) -> RunnerState {
        let hook = self.running.iter().map(|hook| hook.child.pid());
        RunnerState {
            heard: self.heard,
            open: self.plan.open().collect(),
            running: hook.chain(self.beside.pids()).collect(),
        }
    }

    /// Tells pulse what has changed, also one that only waits for our end; what finds no room is told later.
    fn tell(&mut self) {
        let state = self.state();
        if state != self.told {
            let told = helper::say(io::stdin().as_fd(), &encode_state(&state));
            if told.is_ok() {
                self.told = state;
            }
        }
    }

    fn close(&mut self) {
        self.is_open = false;
        self.beside.end();
        if self.plan.close(self.clock.now()) {
            log::error!("pulse was killed: running inactive_cmd");
        }
    }

    fn start_next(&mut self) {
        while let Some(order) = self.plan.next(self.clock.now()) {
            let (input, words) = match &order.job {
                Job::Active(words) | Job::Inactive(words) => (None, words),
                Job::Command(input, words) => (Some(input), words),
            };
            let Some((path, args)) = words.split_first() else {
                self.plan.ended();
                continue;
            };
            let path = Path::new(path);
            match start(path, args, input) {
                Ok(child) => {
                    let path = path.display().to_string();
                    self.running = Some(Running { child, path });
                }
                Err(error) => {
                    log::error!("{} was not run: {error}", path.display());
                    self.plan.ended();
                }
            }
        }
    }

    fn reap(&mut self) {
        self.end_group();
        while let Some((pid, exit)) = reap() {
            self.beside.ended(self.clock.now(), pid, exit);
            let ended = self.running.take_if(|hook| hook.child.pid() == pid);
            if let Some(hook) = ended {
                let level = if exit.is_success() {
                    log::Level::Info
                } else {
                    log::Level::Warn
                };
                log::log!(level, "{} {exit}", hook.path);
                self.plan.ended();
            }
        }
    }

    /// A hook that was asked to end has ended: what it started goes too, while its group is its own.
    fn end_group(&self) {
        let Some(hook) = self.running.as_ref().filter(|_| self.plan.is_ending()) else {
            return;
        };
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        let state = waitid(Id::Pid(Pid::from_raw(hook.child.pid())), flags);
        if state.is_ok_and(|state| state != WaitStatus::StillAlive) {
            // ESRCH: nothing is left of it.
            let _ = hook.child.signal_group(Signal::SIGKILL);
        }
    }

    fn check_deadline(&mut self) {
        let signal = match self.plan.due(self.clock.now()) {
            Some(End::Ask) => Signal::SIGTERM,
            Some(End::Kill) => Signal::SIGKILL,
            None => return,
        };
        if let Some(hook) = &self.running {
            log::error!("{} has not ended in time: {signal}", hook.path);
            // ESRCH: it has just ended, and is reaped at the next turn.
            let _ = hook.child.signal_group(signal);
        }
    }
}

/// Starts a hook in a process group of its own, unless others than root could have written it.
pub fn start(path: &Path, args: &[OsString], input: Option<&OsString>) -> io::Result<Child> {
    let file = daemon::installed(path).canonicalize()?;
    if !daemon::only_root_can_change(&file)? {
        return Err(io::Error::other("others than root can change it"));
    }
    let mut program = Program::new(file);
    program.args = args.to_vec();
    program.input = input.filter(|input| !input.is_empty()).map(Into::into);
    program.own_group = true;
    program.start()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_arrive_as_they_were_sent_with_empty_words_too() {
        let words = ["/bin/a b", "", "c"].map(OsString::from).to_vec();
        let number = 7;
        for job in [
            Job::Active(words.clone()),
            Job::Inactive(words.clone()),
            Job::Inactive(Vec::new()),
            Job::Command("file".into(), words.clone()),
            Job::Command(OsString::new(), words.clone()),
        ] {
            let letter = Letter::Order(Order { number, job });
            assert_eq!(decode(&encode(&letter)), Some(letter));
        }
        for letter in [
            Letter::Beside(words.clone()),
            Letter::Will(words),
            Letter::Will(Vec::new()),
        ] {
            assert_eq!(decode(&encode(&letter)), Some(letter));
        }
        for wrong in [&b""[..], b"?", b"?7\0", b"A", b"Ax\0/bin/a\0", b"C7\0"] {
            assert_eq!(decode(wrong), None);
        }
        assert!(helper::decode(b"unfinished").is_empty());
    }

    #[test]
    fn a_state_arrives_as_it_was_told() {
        for (heard, open, running) in [
            (0, vec![], vec![]),
            (7, vec![6, 7], vec![4000]),
            (u32::MAX, vec![7], (4000..4017).collect()),
        ] {
            let state = RunnerState {
                heard,
                open,
                running,
            };
            assert_eq!(decode_state(&encode_state(&state)), Some(state));
        }
        for wrong in [&b""[..], b"7\0", b"x\0\0\0", b"7\0a\0\0"] {
            assert_eq!(decode_state(wrong), None);
        }
    }
}
