//! The loop: waits for signals, lvsd, the check, the load program; does what the machine says.

use std::io;
use std::time::Duration;

use control::{Order, Standing};
use daemon::{Clock, PollFd, PollFlags, Signal, Signals};
use healthcheck::{
    Action, Failover, Failure, Input, LoadAnswer, Monitor, Outcome, Probe, ProgramEnd, Settings,
    Severity, load_average,
};
use lvs_model::{ChildExit, Mono};

use crate::lvsd::{Heard, Lvsd};
use crate::network::Exchange;
use crate::options::Kind;
use crate::runner::Run;
use crate::setup::{Check, Setup};
use crate::table::Table;

/// The machine of either kind.
enum Machine {
    RealServer(Monitor),
    FailoverService(Failover),
}

impl Machine {
    fn start(kind: Kind, settings: Settings, now: Mono, out: &mut Vec<Action>) -> Self {
        match kind {
            Kind::RealServer => Self::RealServer(Monitor::start(settings, now, out)),
            Kind::FailoverService => {
                let Settings {
                    subject,
                    interval,
                    seed,
                    ..
                } = settings;
                Self::FailoverService(Failover::start(subject, interval, seed, now, out))
            }
        }
    }

    fn handle(&mut self, now: Mono, input: Input, out: &mut Vec<Action>) {
        match self {
            Self::RealServer(monitor) => monitor.handle(now, input, out),
            Self::FailoverService(watch) => watch.handle(now, input, out),
        }
    }

    fn next_deadline(&self) -> Option<Mono> {
        match self {
            Self::RealServer(monitor) => monitor.next_deadline(),
            Self::FailoverService(watch) => watch.next_deadline(),
        }
    }
}

/// A check on its way.
enum Running {
    Network(Exchange),
    Program(Run),
}

/// One nanny.
pub struct Shell {
    clock: Clock,
    signals: Signals,
    lvsd: Option<Lvsd>,
    table: Option<Table>,
    setup: Setup,
    machine: Machine,
    check: Option<Running>,
    load: Option<Run>,
    /// Programs that were killed and are not reaped yet.
    abandoned: Vec<Run>,
    exit: Option<u8>,
}

/// What the wait found ready.
#[derive(Clone, Copy, Default)]
struct Ready {
    signals: bool,
    lvsd: bool,
    check: bool,
}

impl Shell {
    /// A nanny at its start.
    pub fn new(setup: Setup, signals: Signals, lvsd: Option<Lvsd>, table: Option<Table>) -> Self {
        let clock = Clock::start();
        let mut actions = Vec::new();
        for remark in &setup.remarks {
            log::info!("{remark}");
        }
        let settings = setup.settings.clone();
        let machine = Machine::start(setup.kind, settings, clock.now(), &mut actions);
        let mut shell = Self {
            clock,
            signals,
            lvsd,
            table,
            setup,
            machine,
            check: None,
            load: None,
            abandoned: Vec::new(),
            exit: None,
        };
        shell.perform(actions);
        if !shell.setup.settings.under_lvsd {
            let standing = shell.standing_in_table();
            shell.feed(Input::Order(Order::Adopt(standing)));
        }
        shell
    }

    /// Runs until there is an exit status.
    ///
    /// # Errors
    /// The wait itself failed: no memory.
    pub fn run(mut self) -> io::Result<u8> {
        loop {
            if let Some(status) = self.exit {
                self.kill_programs();
                return Ok(status);
            }
            let ready = self.wait()?;
            self.turn(ready);
        }
    }

    fn standing_in_table(&mut self) -> Standing {
        let target = self.setup.settings.weight;
        match self.table.as_mut().map(Table::place) {
            Some(Ok(place)) => Standing::found(place, target),
            Some(Err(error)) => {
                log::error!("{error}");
                Standing::default()
            }
            None => Standing::default(),
        }
    }

    fn wait(&self) -> io::Result<Ready> {
        let check_fd = match &self.check {
            Some(Running::Network(exchange)) => exchange.poll_fd(),
            Some(Running::Program(run)) => run.poll_fd(),
            None => None,
        };
        let mut fds = Vec::with_capacity(4);
        fds.push(PollFd::new(
            std::os::fd::AsFd::as_fd(&self.signals),
            PollFlags::POLLIN,
        ));
        let lvsd_at = self.lvsd.as_ref().map(|lvsd| {
            fds.push(lvsd.poll_fd());
            fds.len() - 1
        });
        let check_at = check_fd.map(|fd| {
            fds.push(fd);
            fds.len() - 1
        });
        fds.extend(self.load.as_ref().and_then(Run::poll_fd));
        daemon::wait(&mut fds, &self.clock, self.next_deadline())?;
        let is_ready = |at: Option<usize>| {
            let fd = at.and_then(|at| fds.get(at));
            fd.and_then(PollFd::any).unwrap_or(false)
        };
        Ok(Ready {
            signals: is_ready(Some(0)),
            lvsd: is_ready(lvsd_at),
            check: is_ready(check_at),
        })
    }

    fn next_deadline(&self) -> Option<Mono> {
        let check = self.check.as_ref().map(|check| match check {
            Running::Network(exchange) => exchange.deadline(),
            Running::Program(run) => run.deadline(),
        });
        let load = self.load.as_ref().map(Run::deadline);
        let all = [self.machine.next_deadline(), check, load];
        all.into_iter().flatten().min()
    }

    /// One turn of the loop: whatever has happened becomes an input.
    fn turn(&mut self, ready: Ready) {
        if ready.signals {
            for signal in self.signals.pending() {
                self.on_signal(signal);
            }
        }
        if ready.lvsd {
            self.on_lvsd();
        }
        let now = self.clock.now();
        match &mut self.check {
            Some(Running::Network(exchange)) => exchange.advance(now, ready.check),
            Some(Running::Program(run)) => run.advance(now),
            None => {}
        }
        if let Some(load) = &mut self.load {
            load.advance(now);
        }
        self.finish_network_check();
        if self.machine.next_deadline().is_some_and(|due| now >= due) {
            self.feed(Input::Deadline);
        }
    }

    fn on_signal(&mut self, signal: Signal) {
        use healthcheck::Signal as Meaning;
        let meaning = match signal {
            Signal::SIGCHLD => {
                while let Some((pid, exit)) = daemon::reap() {
                    self.on_reaped(pid, exit);
                }
                return;
            }
            Signal::SIGHUP => Meaning::Hangup,
            Signal::SIGUSR1 => Meaning::User1,
            Signal::SIGUSR2 => Meaning::User2,
            other => Meaning::Terminate(other as i32),
        };
        self.feed(Input::Signal(meaning));
    }

    fn on_lvsd(&mut self) {
        if let Some(lvsd) = &mut self.lvsd {
            lvsd.retry();
        }
        while let Some(lvsd) = &self.lvsd {
            match lvsd.hear() {
                Heard::Order(order) => self.feed(Input::Order(order)),
                Heard::Nothing => return,
                Heard::Gone => {
                    self.feed(Input::Orphaned);
                    return;
                }
            }
        }
    }

    fn on_reaped(&mut self, pid: i32, exit: ChildExit) {
        let is_it = |run: &Run| run.pid() == pid;
        let is_check = matches!(&self.check, Some(Running::Program(run)) if is_it(run));
        if is_check {
            if let Some(Running::Program(run)) = self.check.take() {
                let (end, output) = run.end(exit);
                self.program_check_ended(end, &output);
            }
        } else if let Some(run) = self.load.take_if(|run| is_it(run)) {
            let (end, output) = run.end(exit);
            self.load_ended(end, output);
        } else {
            self.abandoned.retain(|run| !is_it(run));
        }
    }

    fn program_check_ended(&mut self, end: ProgramEnd, output: &[u8]) {
        let printed = output.escape_ascii();
        log::debug!(
            "Got result ({printed}) from command sent to ({})",
            self.real()
        );
        if let Check::Program(check) = &self.setup.check {
            let outcome = check.judge(end, output);
            self.feed(Input::Checked(outcome));
        }
    }

    fn load_ended(&mut self, end: ProgramEnd, output: Vec<u8>) {
        let answer = if end.failure().is_some() {
            LoadAnswer::Failed
        } else {
            match load_average(&output) {
                Some(load) => LoadAnswer::Average(load),
                None => LoadAnswer::Bad(output.into_boxed_slice()),
            }
        };
        self.feed(Input::Load(answer));
    }

    fn finish_network_check(&mut self) {
        let outcome: Option<Outcome> = match &self.check {
            Some(Running::Network(exchange)) => exchange.outcome().cloned(),
            Some(Running::Program(_)) | None => None,
        };
        if let Some(outcome) = outcome {
            self.check = None;
            self.feed(Input::Checked(outcome));
        }
    }

    fn feed(&mut self, input: Input) {
        let mut actions = Vec::new();
        self.machine.handle(self.clock.now(), input, &mut actions);
        self.perform(actions);
    }

    /// Does the actions in their order. Behind a change of the table that failed no other is
    /// tried: the machine hears of it and comes back to it in its next cycle.
    fn perform(&mut self, actions: Vec<Action>) {
        let mut not_written = None;
        for action in actions {
            match action {
                Action::Check => self.start_check(),
                Action::AbandonCheck => self.abandon_check(),
                Action::AskLoad => self.ask_load(),
                Action::Write { from, to } => {
                    if not_written.is_none() && !self.write(from, to) {
                        not_written = Some(from);
                    }
                }
                Action::Report(report) => {
                    if let Some(lvsd) = &mut self.lvsd {
                        lvsd.say(report);
                    }
                }
                Action::Notice(notice) => match notice.severity() {
                    Severity::Error => log::error!("{notice}"),
                    Severity::Warning => log::warn!("{notice}"),
                    Severity::Info => log::info!("{notice}"),
                    Severity::Debug => log::debug!("{notice}"),
                },
                Action::Exit(status) => {
                    self.exit = Some(status.max(u8::from(not_written.is_some())));
                }
            }
        }
        if let Some(place) = not_written {
            self.feed(Input::NotWritten(place));
        }
    }

    fn start_check(&mut self) {
        let now = self.clock.now();
        match &self.setup.check {
            Check::Network(check) => {
                let probe = Probe::new(check.clone(), now);
                let mut exchange = Exchange::new(probe, check.transport, self.real());
                exchange.advance(now, false);
                self.check = Some(Running::Network(exchange));
                self.finish_network_check();
            }
            Check::Program(check) => {
                log::debug!("Invoking:  {}", check.command.words.join(" "));
                let interval = self.setup.settings.interval;
                match Run::start(&check.command, &self.setup.variables, now, interval) {
                    Ok(run) => self.check = Some(Running::Program(run)),
                    Err(end) => self.program_check_ended(end, b""),
                }
            }
        }
    }

    fn abandon_check(&mut self) {
        if let Some(Running::Program(run)) = self.check.take() {
            log::info!("Killing child {}", run.pid());
            run.kill();
            self.abandoned.push(run);
        }
    }

    fn ask_load(&mut self) {
        let Some(command) = &self.setup.load else {
            return;
        };
        let interval = self.setup.settings.interval;
        let now = self.clock.now();
        match Run::start(command, &self.setup.variables, now, interval) {
            Ok(run) => self.load = Some(run),
            Err(end) => {
                if let Some(failure) = end.failure() {
                    log::warn!("{}", Failure::Program(failure));
                }
                self.feed(Input::Load(LoadAnswer::Failed));
            }
        }
    }

    /// Whether it worked, or there is nothing to write to.
    fn write(&mut self, from: control::Place, to: control::Place) -> bool {
        let Some(table) = &mut self.table else {
            return true;
        };
        let written = table.write(from, to);
        if let Err(error) = &written {
            let program = self.setup.external.as_deref();
            let program = program.unwrap_or(std::path::Path::new("/sbin/ipvsadm"));
            log::error!("{} command failed! ({error})", program.display());
        }
        written.is_ok()
    }

    /// Leaves no program behind; waits a moment for each to be reaped by init otherwise.
    fn kill_programs(&mut self) {
        self.abandon_check();
        if let Some(run) = self.load.take() {
            run.kill();
            self.abandoned.push(run);
        }
        let deadline = self.clock.now() + Duration::from_millis(200);
        while !self.abandoned.is_empty() && self.clock.now() < deadline {
            while let Some((pid, _)) = daemon::reap() {
                self.abandoned.retain(|run| run.pid() != pid);
            }
            let mut fds = [PollFd::new(
                std::os::fd::AsFd::as_fd(&self.signals),
                PollFlags::POLLIN,
            )];
            if self.abandoned.is_empty()
                || daemon::wait(&mut fds, &self.clock, Some(deadline)).is_err()
            {
                return;
            }
            self.signals.pending();
        }
    }

    fn real(&self) -> std::net::SocketAddr {
        self.setup.settings.subject.real
    }
}
