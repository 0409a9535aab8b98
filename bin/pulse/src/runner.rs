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

use daemon::{Awaited, Child, Clock, Event, EventHandler, PollFd, PollFlags, Signal};
use lvs_model::{ChildExit, EndStep};

use crate::beside::Beside;
use crate::helper::{self, Helper, LONGEST, Part, Received};
use crate::hook_queue::{HookQueue, Job};
use crate::program;
use crate::runner_letter::{
    Failures, Letter, RunnerState, decode, decode_state, encode, encode_state,
};

/// The process.
pub const PART: Part = Part {
    argument: "--runner",
    name: "pulse-runner",
};
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

/// Runs hooks until pulse is gone and all are done.
pub fn run(args: &[OsString]) -> ExitCode {
    PART.work(args, Queue::open)
}

/// The program that runs.
struct Running {
    child: Child,
    path: String,
    number: u32,
}

/// What is to be run, and what runs.
struct Queue {
    clock: Clock,
    pulse: io::Stdin,
    plan: HookQueue,
    running: Option<Running>,
    beside: Beside,
    /// The number of the last order.
    heard: u32,
    /// Those that failed.
    failures: Failures,
    /// What pulse knows of us.
    told: RunnerState,
    is_open: bool,
}

/// What the runner waits for.
#[derive(Clone, Copy)]
struct Pulse;

impl EventHandler for Queue {
    type Source = Pulse;
    type End = ();

    fn work(&mut self) -> Option<()> {
        let is_over = !self.is_open && self.plan.is_idle() && self.beside.is_idle();
        is_over.then_some(())
    }

    fn await_on<'h>(&'h self, awaited: &mut Awaited<'h, Pulse>) {
        if self.is_open {
            let mut flags = PollFlags::POLLIN;
            flags.set(PollFlags::POLLOUT, self.state() != self.told);
            awaited.polling(Pulse, PollFd::new(self.pulse.as_fd(), flags));
        }
        awaited.until(self.plan.deadline());
        awaited.until(self.beside.deadline());
    }

    fn take(&mut self, event: Event<Pulse>) {
        match event {
            Event::Ready(Pulse) => self.read(),
            Event::Signal(Signal::SIGCHLD) => self.end_group(),
            Event::Signal(_) => {}
            Event::Ended(pid, exit) => self.ended(pid, exit),
            Event::Time => {
                self.check_deadline();
                self.start_next();
                self.beside.turn(self.clock.now());
                self.tell();
            }
        }
    }
}

impl Queue {
    fn open(clock: Clock) -> Self {
        Self {
            clock,
            pulse: io::stdin(),
            plan: HookQueue::default(),
            running: None,
            beside: Beside::default(),
            heard: 0,
            failures: Failures::default(),
            told: RunnerState::default(),
            is_open: true,
        }
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
            failures: self.failures.clone(),
            open: self.plan.open().collect(),
            running: hook.chain(self.beside.pids()).collect(),
        }
    }

    /// Tells pulse what has changed, also one that only waits for our end; what finds no room is told later.
    fn tell(&mut self) {
        let state = self.state();
        if state != self.told {
            let told = helper::say(self.pulse.as_fd(), &encode_state(&state));
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
            match program::start(path, args, input) {
                Ok(child) => {
                    let path = path.display().to_string();
                    let number = order.number;
                    self.running = Some(Running {
                        child,
                        path,
                        number,
                    });
                }
                Err(error) => {
                    log::error!("{} was not run: {error}", path.display());
                    self.failures.add(order.number);
                    self.plan.ended();
                }
            }
        }
    }

    fn ended(&mut self, pid: i32, exit: ChildExit) {
        self.beside.ended(self.clock.now(), pid, exit);
        let ended = self.running.take_if(|hook| hook.child.pid() == pid);
        if let Some(hook) = ended {
            let level = if exit.is_success() {
                log::Level::Info
            } else {
                self.failures.add(hook.number);
                log::Level::Warn
            };
            log::log!(level, "{} {exit}", hook.path);
            self.plan.ended();
        }
    }

    /// A hook that was asked to end has ended: what it started goes too, while its group is its own.
    fn end_group(&self) {
        let Some(hook) = self.running.as_ref().filter(|_| self.plan.is_ending()) else {
            return;
        };
        if hook.child.has_ended() {
            // ESRCH: nothing is left of it.
            let _ = hook.child.signal_group(Signal::SIGKILL);
        }
    }

    fn check_deadline(&mut self) {
        let was_stuck = self.plan.is_stuck();
        let Some(step) = self.plan.due(self.clock.now()) else {
            return;
        };
        let signal = match step {
            EndStep::Ask => Signal::SIGTERM,
            EndStep::Kill | EndStep::Stuck => Signal::SIGKILL,
        };
        if let Some(hook) = &self.running {
            let path = &hook.path;
            match step {
                // Said once: the kernel may keep it for weeks.
                EndStep::Stuck if was_stuck => {}
                EndStep::Stuck => {
                    log::error!("{path} was killed and does not end: the kernel keeps it");
                }
                EndStep::Ask | EndStep::Kill => {
                    log::error!("{path} has not ended in time: {signal}");
                }
            }
            // ESRCH: it has just ended, and is reaped at the next turn.
            let _ = hook.child.signal_group(signal);
        }
    }
}
