//! The loop: waits, makes inputs of what happened, does what the machine says.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;

use config_file::{ConfigFile, Follower, Outcome, Program};
use control::FileStatus;
use daemon::{
    Awaited, Clock, ControlSocket, Event, EventHandler, EventLoop, Instance, Parent, SignOfLife,
    Signal, Signals, Tidying,
};
use director::{Action, Input, Lvsd, Notice, Site};
use lvs_model::ChildExit;

use crate::kernel::Kernel;
use crate::nannies::Nannies;

/// What the loop needs from the start of the program.
pub struct Setup<'a> {
    /// The machine, not started yet.
    pub machine: Lvsd,
    /// The kernel's table.
    pub kernel: Kernel,
    /// The nannies.
    pub nannies: Nannies,
    /// The signals of [`SIGNALS`].
    pub signals: Signals,
    /// pulse, if it started us.
    pub parent: Option<Parent>,
    /// By which it sees that we live, if it wants to.
    pub sign_of_life: Option<SignOfLife>,
    /// Where the state can be read, if the socket could be made.
    pub status: Option<ControlSocket>,
    /// By which it is the only one.
    pub instance: Instance,
    /// lvs.cf, as it was accepted.
    pub follower: Follower,
    /// What it was when it was read.
    pub file: FileStatus,
    /// What an lvs.cf that was read again asks for.
    pub accept: Box<dyn Fn(&ConfigFile) -> Site + 'a>,
    /// Called once, when the table is as lvs.cf wants it.
    pub ready: Box<dyn FnOnce() + 'a>,
    /// Called once behind it, when every real server has been checked.
    pub checked: Box<dyn FnOnce() + 'a>,
}

/// The signals that lvsd handles.
pub const SIGNALS: [Signal; 7] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGHUP,
    Signal::SIGCHLD,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGQUIT,
];

/// Runs until the end and returns the exit status.
///
/// # Errors
/// Waiting failed: too many descriptors for the process, no memory.
pub fn run(setup: Setup<'_>) -> io::Result<u8> {
    let clock = Clock::start();
    let mut shell = Shell {
        clock,
        tidying: Tidying::after(clock.now()),
        machine: setup.machine,
        kernel: setup.kernel,
        nannies: setup.nannies,
        parent: setup.parent,
        sign_of_life: setup.sign_of_life,
        status: setup.status,
        instance: setup.instance,
        follower: setup.follower,
        file: setup.file,
        accept: setup.accept,
        ready: Some(setup.ready),
        checked: Some(setup.checked),
        answers: VecDeque::new(),
        events: VecDeque::from([Input::Start]),
        has_strays: false,
    };
    EventLoop::new(clock, setup.signals).run(&mut shell)
}

struct Shell<'a> {
    clock: Clock,
    tidying: Tidying,
    machine: Lvsd,
    kernel: Kernel,
    nannies: Nannies,
    parent: Option<Parent>,
    sign_of_life: Option<SignOfLife>,
    status: Option<ControlSocket>,
    instance: Instance,
    /// lvs.cf: read again on request, its names looked up meanwhile.
    follower: Follower,
    file: FileStatus,
    accept: Box<dyn Fn(&ConfigFile) -> Site + 'a>,
    ready: Option<Box<dyn FnOnce() + 'a>>,
    checked: Option<Box<dyn FnOnce() + 'a>>,
    /// Results of actions; they come before anything else that happened.
    answers: VecDeque<Input>,
    events: VecDeque<Input>,
    /// Children have ended; they may have left some of theirs behind.
    has_strays: bool,
}

/// What lvsd waits for.
#[derive(Clone, Copy)]
enum Source {
    Nannies,
    /// pulse, whose end is ours.
    Parent,
    /// Names of lvs.cf that are being looked up.
    Names,
    /// Somebody who asks how things are.
    Status,
}

impl EventHandler for Shell<'_> {
    type Source = Source;
    /// The exit status.
    type End = u8;

    /// Feeds the machine until nothing is left.
    fn work(&mut self) -> Option<u8> {
        let mut actions = Vec::new();
        let mut now = self.clock.now();
        while let Some(input) = self.next_input() {
            self.machine.handle(now, input, &mut actions);
            let takes_time = !actions.is_empty();
            for action in actions.drain(..) {
                if let Action::Exit(status) = action {
                    return Some(u8::try_from(status).unwrap_or(u8::MAX));
                }
                self.act(action);
            }
            if takes_time {
                now = self.clock.now();
            }
        }
        self.nannies.flush();
        None
    }

    fn await_on<'h>(&'h self, awaited: &mut Awaited<'h, Source>) {
        awaited.reading(Source::Nannies, self.nannies.as_fd());
        if let Some(parent) = &self.parent {
            awaited.reading(Source::Parent, parent.as_fd());
        }
        if let Some(names) = self.follower.poll_fd() {
            awaited.reading(Source::Names, names);
        }
        awaited.until(self.machine.next_deadline());
        awaited.until(self.follower.deadline());
        awaited.until(Some(self.instance.deadline()));
        awaited.until(self.sign_of_life.as_ref().map(SignOfLife::deadline));
        if let Some(status) = &self.status {
            let now = self.clock.now();
            for fd in status.poll_fds(now) {
                awaited.polling(Source::Status, fd);
            }
            awaited.until(status.next_deadline(now));
        }
    }

    fn take(&mut self, event: Event<Source>) {
        match event {
            Event::Ready(Source::Nannies) => self.events.extend(self.nannies.hear()),
            Event::Ready(Source::Parent) => self.look_at_parent(),
            // Handled when the turn is over, as each of them has a deadline too.
            Event::Ready(Source::Names | Source::Status) => {}
            Event::Signal(signal) => self.signal(signal),
            Event::Ended(pid, exit) => self.ended(pid, exit),
            Event::Time => self.time(),
        }
    }
}

impl Shell<'_> {
    fn next_input(&mut self) -> Option<Input> {
        let told = self.answers.pop_front().or_else(|| self.events.pop_front());
        // All that happened is handed in: the table follows the verdicts in it, many at once.
        let turn_end = || self.machine.has_open_verdicts().then_some(Input::TurnEnd);
        told.or_else(turn_end)
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::ReadTable => {
                let own = self.machine.own_services();
                let table = self.kernel.read(&own).map_err(|error| error.to_string());
                self.answers.push_back(Input::Table(table));
            }
            Action::Apply(ops) => {
                for op in &ops {
                    log::debug!("ipvsadm {op}");
                }
                let refusals = self.kernel.apply(&ops);
                self.answers.push_back(Input::Applied(refusals));
            }
            Action::StartNanny(nanny, options) => {
                let result = self.nannies.start(nanny, &options);
                self.answers.push_back(Input::Started(nanny, result));
            }
            Action::Tell(nanny, order) => self.nannies.tell(nanny, &order),
            Action::Terminate(nanny) => self.nannies.signal(nanny, Signal::SIGTERM),
            Action::Kill(nanny) => self.nannies.signal(nanny, Signal::SIGKILL),
            Action::ReadConfiguration => {
                let outcome = self.follower.reload(self.clock.now());
                self.take_outcome(outcome);
            }
            Action::Ready => {
                if let Some(ready) = self.ready.take() {
                    ready();
                }
            }
            Action::Checked => {
                if let Some(checked) = self.checked.take() {
                    checked();
                }
            }
            Action::Notice(notice) => write_notice(&notice),
            // Ends `work` before it gets here.
            Action::Exit(_) => {}
        }
    }

    /// lvs.cf is read, or its names are still being looked up: then the loop goes on.
    fn take_outcome(&mut self, outcome: Option<Outcome>) {
        let site = match outcome {
            None => return,
            Some(Outcome::Read(Ok(file))) => {
                file.log();
                Ok(self.take_file(&file))
            }
            Some(Outcome::Resolved(file)) => Ok(self.take_file(&file)),
            Some(Outcome::Read(Err(fault))) => Err(fault.lines(Program::Lvsd)),
        };
        self.tidying = Tidying::after(self.clock.now());
        if let Ok(site) = &site {
            self.kernel.use_program(&site.ipvsadm);
        }
        let site = site.map(Box::new);
        self.answers.push_back(Input::Configuration(site));
    }

    /// lvsd refuses no file that could be read.
    fn take_file(&mut self, file: &ConfigFile) -> Site {
        self.follower.accept(file, self.clock.now());
        self.file = file_status(file);
        (self.accept)(file)
    }

    fn time(&mut self) {
        if std::mem::take(&mut self.has_strays) {
            self.nannies.kill_strays();
        }
        self.tidying.turn(self.clock.now());
        if let Some(sign) = &mut self.sign_of_life {
            sign.turn(self.clock.now());
        }
        let outcome = self.follower.advance(self.clock.now());
        self.take_outcome(outcome);
        let due = self.machine.next_deadline();
        if due.is_some_and(|due| due <= self.clock.now()) {
            self.events.push_back(Input::Deadline);
        }
        // Somebody may have emptied /run.
        if self.instance.look(self.clock.now())
            && let Some(status) = &mut self.status
        {
            status.look();
        }
        self.tell_status();
    }

    /// Sends the status to each client that has connected, whatever it says.
    fn tell_status(&mut self) {
        let now = self.clock.now();
        let Some(status) = &mut self.status else {
            return;
        };
        let asked = status.hear(now);
        if asked.is_empty() {
            return;
        }
        let all = self.machine.status(now, std::process::id(), &self.file);
        let text = all.json_lines();
        for it in asked {
            status.answer(now, it.client, text.clone());
        }
    }

    fn look_at_parent(&mut self) {
        if self.parent.as_ref().is_some_and(Parent::is_gone) {
            self.parent = None;
            self.events.push_back(Input::ParentGone);
        }
    }

    fn signal(&mut self, signal: Signal) {
        match signal {
            Signal::SIGCHLD => {}
            Signal::SIGHUP => self.events.push_back(Input::Hangup),
            Signal::SIGTERM | Signal::SIGINT => {
                self.events.push_back(Input::Terminate(signal as i32));
            }
            other => self.events.push_back(Input::StraySignal(other as i32)),
        }
    }

    fn ended(&mut self, pid: i32, exit: ChildExit) {
        self.follower.ended(pid);
        self.events.extend(self.nannies.remove(pid, exit));
        self.has_strays = true;
    }
}

/// Which file it is, for the status.
pub fn file_status(file: &ConfigFile) -> FileStatus {
    FileStatus {
        path: file.path.display().to_string(),
        serial: file.loaded.config.serial,
        content: file.loaded.hash.to_string(),
        faults: file.faults(),
    }
}

/// Writes a log line with its severity.
pub fn write_notice(notice: &Notice) {
    let level = daemon::log::level(notice.severity());
    log::log!(level, "{notice}");
    if let Some(detail) = notice.detail() {
        log::log!(level, "{detail}");
    }
}
