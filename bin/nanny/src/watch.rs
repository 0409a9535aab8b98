//! One server and what runs for it: its machine, its check, its question for the load.
//!
//! Owned by the loop, [`shell`](crate::shell), alone or in numbers. Nothing in here waits.

use std::net::SocketAddr;
use std::time::Duration;

use control::{Order, Place, Report, Standing};
use daemon::PollFd;
use healthcheck::{Action, Check, Input, LoadAnswer, Outcome, Probe, ProgramEnd, load_average};
use lvs_model::{ChildExit, Mono};

use crate::load::{self, Asked, LoadRun};
use crate::machine::Machine;
use crate::network::Exchange;
use crate::own_destination::OwnDestination;
use crate::runner::Run;
use crate::setup::Setup;

/// With this many programs that cannot be killed no other one is started.
const MOST_STUCK: usize = 4;

/// A check on its way.
enum Running {
    Network(Exchange),
    Program(Run),
}

/// One server that is watched.
pub struct Watch {
    table: Option<OwnDestination>,
    setup: Setup,
    machine: Machine,
    check: Option<Running>,
    load: Option<LoadRun>,
    /// Programs that were killed and are not reaped yet.
    abandoned: Vec<Run>,
    /// For lvsd, in their order.
    reports: Vec<Report>,
    exit: Option<u8>,
}

/// Which descriptors of a watch the wait found ready.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ready {
    /// That of the check.
    pub check: bool,
    /// That of the question for the load.
    pub load: bool,
}

impl Watch {
    /// Begins to watch. With a `table` it goes on from what is in there; under lvsd it waits for
    /// the first order.
    pub fn start(setup: Setup, table: Option<OwnDestination>, now: Mono) -> Self {
        let mut actions = Vec::new();
        if let Some(remark) = &setup.remark {
            log::info!("{remark}");
        }
        let settings = setup.settings.clone();
        let machine = Machine::start(setup.kind, settings, now, &mut actions);
        let mut watch = Self {
            table,
            setup,
            machine,
            check: None,
            load: None,
            abandoned: Vec::new(),
            reports: Vec::new(),
            exit: None,
        };
        watch.perform(now, actions);
        if !watch.setup.settings.under_lvsd {
            let standing = watch.standing_in_table();
            watch.feed(now, Input::Order(Order::Adopt(standing)));
        }
        watch
    }

    /// The exit status, once there is one.
    pub fn exit(&self) -> Option<u8> {
        self.exit
    }

    /// Pause between two checks.
    pub fn interval(&self) -> Duration {
        self.setup.settings.interval
    }

    /// What lvsd has to be told since the last call.
    pub fn take_reports(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.reports)
    }

    /// What the check waits for.
    pub fn check_fd(&self) -> Option<PollFd<'_>> {
        match &self.check {
            Some(Running::Network(exchange)) => exchange.poll_fd(),
            Some(Running::Program(run)) => run.poll_fd(),
            None => None,
        }
    }

    /// What the question for the load waits for.
    pub fn load_fd(&self) -> Option<PollFd<'_>> {
        self.load.as_ref().and_then(LoadRun::poll_fd)
    }

    /// When to call [`turn`](Self::turn) at the latest.
    pub fn next_deadline(&self) -> Option<Mono> {
        let check = self.check.as_ref().and_then(|check| match check {
            Running::Network(exchange) => Some(exchange.deadline()),
            Running::Program(run) => run.deadline(),
        });
        let load = self.load.as_ref().and_then(LoadRun::deadline);
        let all = [self.machine.next_deadline(), check, load];
        all.into_iter().flatten().min()
    }

    /// Whatever has happened becomes an input. `now` serves for the whole turn.
    pub fn turn(&mut self, now: Mono, ready: Ready) {
        match &mut self.check {
            Some(Running::Network(exchange)) => exchange.advance(now, ready.check),
            Some(Running::Program(run)) => run.advance(now),
            None => {}
        }
        self.finish_network_check(now);
        self.finish_stuck_check(now);
        if let Some(load) = &mut self.load {
            load.advance(now, ready.load);
        }
        if let Some(answer) = self.load.as_ref().and_then(LoadRun::answer) {
            self.load = None;
            self.feed(now, Input::Load(answer));
        }
        if self.machine.next_deadline().is_some_and(|due| now >= due) {
            self.feed(now, Input::Deadline);
        }
    }

    /// A child of this process has ended. Returns whether it was one of ours.
    pub fn reaped(&mut self, now: Mono, pid: i32, exit: ChildExit) -> bool {
        let is_it = |run: &Run| run.pid() == pid;
        let before = self.abandoned.len();
        self.abandoned.retain(|run| !is_it(run));
        if self.abandoned.len() < before {
            return true;
        }
        if matches!(&self.check, Some(Running::Program(run)) if is_it(run)) {
            if let Some(Running::Program(run)) = self.check.take() {
                let (end, output) = run.end(exit);
                self.program_check_ended(now, end, &output);
            }
            return true;
        }
        let is_load = |load: &mut LoadRun| load.program().is_some_and(is_it);
        if let Some(LoadRun::Program(run)) = self.load.take_if(is_load) {
            let (end, output) = run.end(exit);
            self.load_ended(now, end, output);
            return true;
        }
        false
    }

    /// The process groups of its programs: those that run, or were killed and are not reaped yet.
    pub fn groups(&self) -> impl Iterator<Item = i32> {
        self.programs().map(Run::pid)
    }

    fn programs(&self) -> impl Iterator<Item = &Run> {
        let check = match &self.check {
            Some(Running::Program(run)) => Some(run),
            Some(Running::Network(_)) | None => None,
        };
        let load = self.load.as_ref().and_then(LoadRun::program);
        self.abandoned.iter().chain(check).chain(load)
    }

    /// Drops the check and the question for the load, kills their programs.
    pub fn kill_programs(&mut self) {
        self.abandon_check();
        if let Some(LoadRun::Program(run)) = self.load.take() {
            self.abandon(run);
        }
    }

    /// Gives the machine an input and does what it says.
    pub fn feed(&mut self, now: Mono, input: Input) {
        let mut actions = Vec::new();
        self.machine.handle(now, input, &mut actions);
        self.perform(now, actions);
    }

    fn standing_in_table(&mut self) -> Standing {
        let target = self.setup.settings.weight;
        match self.table.as_mut().map(OwnDestination::place) {
            Some(Ok(place)) => Standing::found(place, target),
            Some(Err(error)) => {
                log::error!("{error}");
                Standing::default()
            }
            None => Standing::default(),
        }
    }

    fn program_check_ended(&mut self, now: Mono, end: ProgramEnd, output: &[u8]) {
        let printed = output.escape_ascii();
        log::debug!(
            "Got result ({printed}) from command sent to ({})",
            self.real()
        );
        if let Check::Program(check) = &self.setup.check {
            let outcome = check.judge(end, output);
            self.feed(now, Input::Checked(outcome));
        }
    }

    fn load_ended(&mut self, now: Mono, end: ProgramEnd, output: Vec<u8>) {
        let answer = if let Some(failure) = end.failure() {
            log::warn!("load program for {} {failure}", self.real().ip());
            LoadAnswer::Failed
        } else {
            match load_average(&output) {
                Some(load) => LoadAnswer::Average(load),
                None => {
                    let rip = self.real().ip();
                    log::warn!(
                        "load program for {rip} printed no load average, which is the number behind the last \
                         word \"load\""
                    );
                    LoadAnswer::Bad(output.into_boxed_slice())
                }
            }
        };
        self.feed(now, Input::Load(answer));
    }

    fn finish_network_check(&mut self, now: Mono) {
        let outcome: Option<Outcome> = match &self.check {
            Some(Running::Network(exchange)) => exchange.outcome().cloned(),
            Some(Running::Program(_)) | None => None,
        };
        if let Some(outcome) = outcome {
            self.check = None;
            self.feed(now, Input::Checked(outcome));
        }
    }

    /// A check counts as ended although its program cannot be killed.
    fn finish_stuck_check(&mut self, now: Mono) {
        let is_stuck = |check: &mut Running| match check {
            Running::Program(run) => run.is_stuck(),
            Running::Network(_) => false,
        };
        if let Some(Running::Program(run)) = self.check.take_if(is_stuck) {
            self.abandon(run);
            self.program_check_ended(now, ProgramEnd::Timeout, b"");
        }
    }

    /// Does the actions in their order. After a change of the table that failed no other is tried: the
    /// machine hears of it, and comes back to it in its next cycle.
    fn perform(&mut self, now: Mono, actions: Vec<Action>) {
        let mut not_written = None;
        for action in actions {
            match action {
                Action::Check => self.start_check(now),
                Action::AbandonCheck => self.abandon_check(),
                Action::AskLoad => self.ask_load(now),
                Action::Write { from, to } => {
                    if not_written.is_none() && !self.write(from, to) {
                        not_written = Some(from);
                    }
                }
                Action::Report(report) => self.reports.push(report),
                Action::Notice(notice) => {
                    log::log!(daemon::log::level(notice.severity()), "{notice}");
                }
                Action::Exit(status) => {
                    self.exit = Some(status.max(u8::from(not_written.is_some())));
                }
            }
        }
        if let Some(place) = not_written {
            self.feed(now, Input::NotWritten(place));
        }
    }

    fn start_check(&mut self, now: Mono) {
        match &self.setup.check {
            Check::Network(check) => {
                let probe = Probe::new(check.clone(), now);
                let mut exchange = Exchange::new(probe, check.transport, self.real());
                exchange.advance(now, false);
                self.check = Some(Running::Network(exchange));
                self.finish_network_check(now);
            }
            Check::Program(_) if self.abandoned.len() >= MOST_STUCK => {
                self.program_check_ended(now, ProgramEnd::Timeout, b"");
            }
            Check::Program(check) => {
                log::debug!("Invoking:  {}", check.command.words.join(" "));
                match Run::start(&check.command, &self.setup.programs, now) {
                    Ok(run) => self.check = Some(Running::Program(run)),
                    Err(end) => self.program_check_ended(now, end, b""),
                }
            }
        }
    }

    fn abandon_check(&mut self) {
        if let Some(Running::Program(run)) = self.check.take() {
            self.abandon(run);
        }
    }

    fn abandon(&mut self, mut run: Run) {
        log::info!("Killing child {}", run.pid());
        run.kill();
        self.abandoned.push(run);
    }

    fn ask_load(&mut self, now: Mono) {
        let Some(source) = &self.setup.load else {
            return;
        };
        match load::ask(source, &self.setup, now) {
            Asked::Runs(run) => self.load = Some(run),
            Asked::Answered(answer) => self.feed(now, Input::Load(answer)),
            Asked::NotStarted(end) => self.load_ended(now, end, Vec::new()),
        }
    }

    /// Whether it worked, or there is nothing to write to.
    fn write(&mut self, from: Place, to: Place) -> bool {
        let Some(table) = &mut self.table else {
            return true;
        };
        let written = table.write(from, to);
        if let Err(error) = &written {
            let program = self.setup.external.as_deref();
            let program = program.unwrap_or(std::path::Path::new("/sbin/ipvsadm"));
            log::error!("{} command failed!", program.display());
            log::error!("refused: {error}");
        }
        written.is_ok()
    }

    fn real(&self) -> SocketAddr {
        self.setup.settings.subject.real
    }
}

#[cfg(test)]
mod tests {
    use control::CheckResult;

    use super::*;
    use crate::tests::{by_hand, under_lvsd};

    /// Nobody reaps them here, which is the same for the watch.
    #[test]
    fn r_a_program_that_cannot_be_killed_is_a_failed_check_and_the_fourth_is_the_last() {
        let setup = under_lvsd(&["-h", "192.0.2.1", "--lvs", "-t", "1", "-e", "/bin/sleep 60"]);
        let mut now = Mono::ZERO;
        let mut watch = Watch::start(setup, None, now);
        watch.feed(now, Input::Order(Order::Adopt(Standing::default())));
        let mut failures = 0;
        let mut programs = Vec::new();
        while failures < 6 {
            for group in watch.groups() {
                if !programs.contains(&group) {
                    programs.push(group);
                }
            }
            now = watch.next_deadline().unwrap();
            watch.turn(now, Ready::default());
            let is_failure = |report: &Report| matches!(report, Report::Check { result, .. } if *result != CheckResult::Good);
            failures += watch
                .take_reports()
                .iter()
                .filter(|it| is_failure(it))
                .count();
            assert!(now < Mono::ZERO + Duration::from_secs(60), "{failures}");
        }
        assert_eq!(programs.len(), MOST_STUCK);
    }

    /// It stays out of the table until the write works. Every check tries again.
    #[test]
    fn a_change_of_the_table_that_failed_is_made_after_the_next_check() {
        // One that says nothing: the verdicts are ours.
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port().to_string();
        let args = [
            "--lvs",
            "-h",
            "127.0.0.1",
            "-V",
            "192.0.2.9",
            "-p",
            &port,
            "-x",
            "220",
        ];
        let setup = by_hand(&args);
        let entry = setup.entry.clone().unwrap();
        let mut fake = testkit::FakeIpvs::new();
        let service = lvs_model::VirtualService::new(entry.service);
        let added = ipvs::Ipvs::apply(&mut fake, &[lvs_model::IpvsOp::AddService(service)]);
        assert!(added.unwrap().is_empty());
        fake.refuse_op(0, ipvs::Errno::EBUSY);
        fake.refuse_op(1, ipvs::Errno::EBUSY);
        let table = OwnDestination::new(Box::new(fake), entry);
        let mut now = Mono::ZERO;
        let mut watch = Watch::start(setup, Some(table), now);
        let mut is_in = Vec::new();
        for _ in 0..4 {
            watch.feed(now, Input::Checked(Ok(())));
            let place = watch.table.as_mut().unwrap().place().unwrap();
            is_in.push(place != Place::Out);
            now = watch.machine.next_deadline().unwrap();
            watch.feed(now, Input::Deadline);
        }
        assert_eq!(is_in, [false, false, true, true]);
    }
}
