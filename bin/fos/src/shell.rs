//! The loop: waits, makes inputs of what happened, does what the machine says.

use std::collections::VecDeque;
use std::os::fd::AsFd;

use config_file::{ConfigFile, Follower, Outcome, Program};
use daemon::{Awaited, Clock, Event, EventHandler, Instance, Parent, SignOfLife, Signal, notify};
use director::failover::{Action, Fos, Input, Notice, Site};
use lvs_model::ChildExit;

use crate::children::{Children, Ended};
use crate::load;
use crate::options::Options;

/// The signals that fos handles.
pub const SIGNALS: [Signal; 7] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGHUP,
    Signal::SIGCHLD,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGQUIT,
];

/// A fos that runs.
pub struct Shell<'a> {
    clock: Clock,
    machine: Fos,
    children: Children,
    parent: Option<Parent>,
    /// By which pulse sees that we live, if it wants to.
    sign_of_life: Option<SignOfLife>,
    options: &'a Options,
    /// By which it is the only one.
    instance: Instance,
    /// lvs.cf: read again on request, its names looked up meanwhile.
    file: Follower,
    inputs: VecDeque<Input>,
}

/// What fos waits for.
#[derive(Clone, Copy)]
pub enum Source {
    /// pulse, whose end is ours.
    Parent,
    /// Names of lvs.cf that are being looked up.
    Names,
}

impl<'a> Shell<'a> {
    /// Nothing is started yet.
    pub fn new(
        clock: Clock,
        machine: Fos,
        children: Children,
        options: &'a Options,
        instance: Instance,
        file: &ConfigFile,
    ) -> Self {
        Self {
            clock,
            machine,
            children,
            parent: None,
            sign_of_life: None,
            options,
            instance,
            file: Follower::new(file, clock.now()),
            inputs: VecDeque::from([Input::Start]),
        }
    }

    /// The same as a child of pulse.
    pub fn under(mut self, parent: Option<Parent>, sign_of_life: Option<SignOfLife>) -> Self {
        self.parent = parent;
        self.sign_of_life = sign_of_life;
        self
    }
}

impl EventHandler for Shell<'_> {
    type Source = Source;
    type End = ();

    fn work(&mut self) -> Option<()> {
        while let Some(input) = self.inputs.pop_front() {
            let mut actions = Vec::new();
            self.machine.handle(self.clock.now(), input, &mut actions);
            for action in actions {
                if action == Action::Exit {
                    return Some(());
                }
                self.perform(action);
            }
        }
        None
    }

    fn await_on<'h>(&'h self, awaited: &mut Awaited<'h, Source>) {
        if let Some(parent) = &self.parent {
            awaited.reading(Source::Parent, parent.as_fd());
        }
        if let Some(names) = self.file.poll_fd() {
            awaited.reading(Source::Names, names);
        }
        awaited.until(self.machine.next_deadline());
        awaited.until(self.file.deadline());
        awaited.until(Some(self.instance.deadline()));
        awaited.until(self.sign_of_life.as_ref().map(SignOfLife::deadline));
    }

    fn take(&mut self, event: Event<Source>) {
        match event {
            Event::Ready(Source::Parent) => self.look_at_parent(),
            Event::Ready(Source::Names) => self.advance_names(),
            Event::Signal(signal) => self.signal(signal),
            Event::Ended(pid, exit) => self.ended(pid, exit),
            Event::Time => {
                self.advance_names();
                if let Some(sign) = &mut self.sign_of_life {
                    sign.turn(self.clock.now());
                }
                // Somebody may have emptied /run.
                self.instance.look(self.clock.now());
                let due = self.machine.next_deadline();
                if due.is_some_and(|due| due <= self.clock.now()) {
                    self.inputs.push_back(Input::Deadline);
                }
            }
        }
    }
}

impl Shell<'_> {
    fn perform(&mut self, action: Action) {
        match action {
            Action::Notice(notice) => write_notice(&notice),
            Action::ReadConfiguration => {
                let outcome = self.file.reload(self.clock.now());
                self.take_outcome(outcome);
            }
            Action::Ready => notify::ready(),
            Action::RunCommand(argv) => {
                if let Err(error) = self.children.run(&argv) {
                    let failed = Input::CommandEnded(Err(error.to_string()));
                    self.inputs.push_back(failed);
                }
            }
            Action::TerminateCommand => self.children.signal_command(Signal::SIGTERM),
            Action::KillCommand => self.children.signal_command(Signal::SIGKILL),
            Action::StartMonitor(monitor, argv, account) => {
                let started = self.children.start(monitor, &argv, account.as_ref());
                let started = started.map_err(|error| error.to_string());
                self.inputs
                    .push_back(Input::MonitorStarted(monitor, started));
            }
            Action::TerminateMonitor(monitor) => self.children.signal(monitor, Signal::SIGTERM),
            Action::KillMonitor(monitor) => self.children.signal(monitor, Signal::SIGKILL),
            // `work` ends before it gets here.
            Action::Exit => {}
        }
    }

    /// A reading that has come to its end is an input.
    fn take_outcome(&mut self, outcome: Option<Outcome>) {
        let site = match outcome {
            None => return,
            Some(Outcome::Read(Err(fault))) => Err(fault.lines(Program::Fos)),
            Some(Outcome::Read(Ok(file))) => {
                file.log();
                self.take_file(&file)
            }
            Some(Outcome::Resolved(file)) => self.take_file(&file),
        };
        let site = site.map(Box::new);
        self.inputs.push_back(Input::Configuration(site));
    }

    /// A file that asks nothing of fos is refused; the one in force stays.
    fn take_file(&mut self, file: &ConfigFile) -> Result<Site, Vec<String>> {
        let site = load::site(file, self.options)?;
        self.file.accept(file, self.clock.now());
        Ok(site)
    }

    fn advance_names(&mut self) {
        let outcome = self.file.advance(self.clock.now());
        self.take_outcome(outcome);
    }

    fn look_at_parent(&mut self) {
        if self.parent.as_ref().is_some_and(Parent::is_gone) {
            self.parent = None;
            self.inputs.push_back(Input::ParentGone);
        }
    }

    fn signal(&mut self, signal: Signal) {
        match signal {
            Signal::SIGHUP => self.inputs.push_back(Input::Hangup),
            Signal::SIGTERM | Signal::SIGINT => {
                self.inputs.push_back(Input::Terminate(signal as i32));
            }
            // Other signals mean nothing here, and must not end a director's services.
            _ => {}
        }
    }

    fn ended(&mut self, pid: i32, exit: ChildExit) {
        self.inputs.extend(match self.children.ended(pid) {
            Some(Ended::Command) => Some(Input::CommandEnded(Ok(exit))),
            Some(Ended::Monitor(monitor)) => Some(Input::MonitorEnded(monitor, exit)),
            None => {
                self.file.ended(pid);
                None
            }
        });
    }
}

fn write_notice(notice: &Notice) {
    let level = daemon::log::level(notice.severity());
    log::log!(level, "{notice}");
}
