//! The machine: commands one after the other, monitors, their ends, and the way out.

use std::collections::VecDeque;
use std::time::Duration;

use lvs_model::{ChildExit, EndStep, Ending, Mono, Patience, Timers};

use super::record::{Life, Record};
use super::{Action, FailoverService, Input, Mode, MonitorId, Notice, ServiceId, Site};

/// Time that a command of lvs.cf has.
const COMMAND_WITHIN: Duration = Duration::from_secs(60);
/// How a monitor ends that has never seen its service.
const NEVER_SEEN: ChildExit = ChildExit::Status(1);
/// Pause before another one is started, while the service has time to come up.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Time between SIGTERM and SIGKILL, for commands and monitors. A monitor is killed once.
const PATIENCE: Patience = Patience::even(Duration::from_secs(5));

/// What is done one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Run `stop_cmd`.
    Stop(Box<FailoverService>),
    /// Run `start_cmd`.
    Start(Box<FailoverService>),
    /// Start the monitor.
    Watch(ServiceId),
}

/// What fos waits for. What expires together is handled in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// The command that runs has had its time.
    Command,
    /// So has a monitor that nobody wants any more.
    Leaving,
    /// A service is to be watched or started again, or its monitor has had its time to end.
    Service,
}

/// Where fos is between its start and its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Goes through the services of its start.
    Starting,
    /// Has said `Ready`.
    Running,
    /// Waits for commands and monitors, and ends. Never left.
    Ending,
}

/// The command that runs.
#[derive(Clone, Debug)]
struct Running {
    work: Work,
    ending: Ending,
}

/// fos.
#[derive(Clone, Debug)]
pub struct Fos {
    pub(super) mode: Mode,
    pub(super) records: Vec<Record>,
    /// Monitors that lvs.cf no longer wants, and that were told to end.
    pub(super) leaving: Vec<(MonitorId, Ending)>,
    pub(super) work: VecDeque<Work>,
    running: Option<Running>,
    timers: Timers<Timer>,
    next_monitor: u64,
    phase: Phase,
}

impl Fos {
    /// Not started: the first input is [`Input::Start`].
    #[must_use]
    pub fn new(site: Site, mode: Mode) -> Self {
        Self {
            mode,
            records: site.services.into_iter().map(Record::new).collect(),
            leaving: Vec::new(),
            work: VecDeque::new(),
            running: None,
            timers: Timers::new(),
            next_monitor: 0,
            phase: Phase::Starting,
        }
    }

    /// When [`Input::Deadline`] is due.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        self.timers.next()
    }

    /// After each input: sets each deadline where it belongs.
    fn arm(&mut self) {
        let command = self.running.as_ref().and_then(|it| it.ending.deadline());
        let leaving = self.leaving.iter().filter_map(|(_, it)| it.deadline());
        let services = self.records.iter().filter_map(Record::deadline);
        let parts = [
            (Timer::Command, command),
            (Timer::Leaving, leaving.min()),
            (Timer::Service, services.min()),
        ];
        for (timer, due) in parts {
            self.timers.set_or_stop(timer, due);
        }
    }

    /// Takes one input at `now`, which never goes back, and appends what is to be done.
    pub fn handle(&mut self, now: Mono, input: Input, out: &mut Vec<Action>) {
        match input {
            Input::Start => {
                for service in self.services() {
                    self.plan(service, true);
                }
            }
            Input::Deadline => self.tend(now, out),
            Input::CommandEnded(result) => self.command_ended(now, result, out),
            Input::MonitorStarted(monitor, result) => {
                self.monitor_started(now, monitor, result, out);
            }
            Input::MonitorEnded(monitor, exit) => self.monitor_ended(now, monitor, exit, out),
            Input::Hangup if self.phase == Phase::Ending => {}
            Input::Hangup => {
                out.extend([Action::Notice(Notice::Rereading), Action::ReadConfiguration]);
            }
            Input::Configuration(Ok(_)) if self.phase == Phase::Ending => {}
            Input::Configuration(Ok(site)) => self.change(now, *site, out),
            Input::Configuration(Err(lines)) => {
                let lines = lines.into_iter().map(Notice::BadConfiguration);
                out.extend(lines.map(Action::Notice));
            }
            Input::Terminate(signal) => {
                out.push(Action::Notice(Notice::ShuttingDown(signal)));
                self.end(now, out);
            }
            Input::ParentGone => {
                out.push(Action::Notice(Notice::ParentGone));
                self.end(now, out);
            }
        }
        self.advance(now, out);
        self.arm();
    }

    fn services(&self) -> Vec<FailoverService> {
        let services = self.records.iter().map(|record| record.service.clone());
        services.collect()
    }

    /// Stop what may run, then start or not, then watch.
    pub(super) fn plan(&mut self, service: FailoverService, stop_first: bool) {
        let id = service.id;
        let service = Box::new(service);
        if stop_first {
            self.work.push_back(Work::Stop(service.clone()));
        }
        if self.mode == Mode::Active {
            self.work.push_back(Work::Start(service));
        }
        self.work.push_back(Work::Watch(id));
    }

    /// Does the next things, until there is something to wait for.
    fn advance(&mut self, now: Mono, out: &mut Vec<Action>) {
        while self.running.is_none() {
            let Some(work) = self.work.pop_front() else {
                self.idle(out);
                return;
            };
            let argv = match &work {
                Work::Stop(service) => {
                    if self.phase == Phase::Starting {
                        out.push(Action::Notice(Notice::StoppingAny));
                    }
                    out.push(Action::Notice(Notice::Stopping(service.id.address)));
                    service.stop.clone()
                }
                Work::Start(service) => {
                    out.push(Action::Notice(Notice::Starting(service.id.address)));
                    service.start.clone()
                }
                Work::Watch(id) => {
                    self.watch(*id, out);
                    continue;
                }
            };
            out.push(Action::RunCommand(argv));
            self.running = Some(Running {
                work,
                ending: Ending::at(now + COMMAND_WITHIN, PATIENCE),
            });
        }
    }

    /// No command is left: ready, or at the end.
    fn idle(&mut self, out: &mut Vec<Action>) {
        match self.phase {
            Phase::Starting => {
                self.phase = Phase::Running;
                out.push(Action::Ready);
            }
            Phase::Running => {}
            Phase::Ending => {
                let monitors = self.records.iter().filter_map(Record::monitor);
                if monitors.count() == 0 && self.leaving.is_empty() {
                    out.extend([Action::Notice(Notice::WillExit), Action::Exit]);
                }
            }
        }
    }

    fn record(&mut self, id: ServiceId) -> Option<&mut Record> {
        let mut records = self.records.iter_mut();
        records.find(|record| record.service.id == id)
    }

    fn watch(&mut self, id: ServiceId, out: &mut Vec<Action>) {
        let monitor = MonitorId(self.next_monitor);
        let Some(record) = self.record(id).filter(|record| record.life == Life::Off) else {
            return;
        };
        // The answer puts it into its place; before that an end would not count as ours.
        record.life = Life::Ending(monitor, None, true);
        out.push(Action::StartMonitor(
            monitor,
            record.service.monitor.clone(),
            record.service.account.clone(),
        ));
        self.next_monitor += 1;
    }

    fn of_monitor(&mut self, monitor: MonitorId) -> Option<&mut Record> {
        let mut records = self.records.iter_mut();
        records.find(|record| record.monitor() == Some(monitor))
    }

    fn monitor_started(
        &mut self,
        now: Mono,
        monitor: MonitorId,
        result: Result<i32, String>,
        out: &mut Vec<Action>,
    ) {
        let Some(record) = self.of_monitor(monitor) else {
            // Its service has left lvs.cf meanwhile, or has another command line.
            if result.is_ok() {
                self.leaving.push((monitor, Ending::asked(now, PATIENCE)));
                out.push(Action::TerminateMonitor(monitor));
            }
            return;
        };
        let address = record.service.id.address;
        let is_wanted = matches!(record.life, Life::Ending(_, _, true));
        match result {
            Ok(pid) => {
                record.life = Life::Running(monitor, pid, now);
                record.begin_once(now);
                out.push(Action::Notice(Notice::MonitorStarted(address, pid)));
                if !is_wanted {
                    stop_monitor(record, now, false, out);
                }
            }
            Err(reason) if is_wanted => {
                let pause = record.fail(now);
                record.life = Life::Due(now + pause);
                let notice = Notice::MonitorNotStarted(address, reason, pause);
                out.push(Action::Notice(notice));
            }
            Err(_) => record.life = Life::Off,
        }
    }

    fn monitor_ended(
        &mut self,
        now: Mono,
        monitor: MonitorId,
        exit: ChildExit,
        out: &mut Vec<Action>,
    ) {
        let (mode, is_ending) = (self.mode, self.phase == Phase::Ending);
        self.leaving.retain(|(leaving, _)| *leaving != monitor);
        let Some(record) = self.of_monitor(monitor) else {
            return;
        };
        let id = record.service.id;
        let address = id.address;
        if let Life::Ending(_, _, again) = record.life {
            record.life = if again && !is_ending {
                Life::Due(now)
            } else {
                Life::Off
            };
            return;
        }
        if let ChildExit::Signal(_) = exit {
            // Says nothing about the service.
            let pause = record.fail(now);
            record.life = Life::Due(now + pause);
            out.push(Action::Notice(Notice::MonitorDied(address, exit, pause)));
            return;
        }
        if exit == NEVER_SEEN && record.may_be_late(now) {
            record.life = Life::Due(now + LOOK_AGAIN);
            let limit = record.service.start_timeout;
            let notice = Notice::Awaited(address, mode, limit);
            out.extend(record.is_first_wait().then_some(Action::Notice(notice)));
            return;
        }
        record.life = Life::Off;
        match mode {
            Mode::Monitor => {
                out.push(Action::Notice(Notice::FailoverCondition(address)));
                self.end(now, out);
            }
            Mode::Active => self.service_failed(now, id, out),
        }
    }

    /// A service that should run here does not: start it again, or leave it to the partner.
    fn service_failed(&mut self, now: Mono, id: ServiceId, out: &mut Vec<Action>) {
        let Some(record) = self.record(id) else {
            return;
        };
        let pause = record.fail(now);
        if record.is_hopeless() {
            out.push(Action::Notice(Notice::ServiceGivenUp(id.address)));
            self.end(now, out);
        } else {
            record.life = Life::Repair(now + pause);
            let notice = Notice::ServiceRestarted(id.address, pause);
            out.push(Action::Notice(notice));
        }
    }

    fn command_ended(
        &mut self,
        now: Mono,
        result: Result<ChildExit, String>,
        out: &mut Vec<Action>,
    ) {
        let Some(running) = self.running.take() else {
            return;
        };
        let (service, is_start) = match &running.work {
            Work::Stop(service) => (service, false),
            Work::Start(service) => (service, true),
            Work::Watch(_) => return,
        };
        let id = service.id;
        let (status, reason) = match result {
            Ok(exit) if exit.is_success() => {
                if let Some(record) = self.record(id).filter(|_| is_start) {
                    record.begin(now);
                }
                return;
            }
            Ok(ChildExit::Status(status)) => (status, None),
            Ok(exit) => (1, Some(exit.to_string())),
            Err(reason) => (1, Some(reason)),
        };
        let reason = reason.map(|reason| Notice::CommandFailed(id.address, reason));
        out.extend(reason.map(Action::Notice));
        if !is_start {
            let notice = Notice::StopFailed(id.address, status);
            out.push(Action::Notice(notice));
        } else if self.phase != Phase::Ending {
            out.push(Action::Notice(Notice::StartFailed(id.address)));
            // Not watched before it is there.
            self.work.retain(|work| *work != Work::Watch(id));
            self.service_failed(now, id, out);
        }
    }

    fn tend(&mut self, now: Mono, out: &mut Vec<Action>) {
        while let Some(timer) = self.timers.expired(now) {
            match timer {
                Timer::Command => self.end_late_command(now, out),
                Timer::Leaving => self.kill_leaving(now, out),
                Timer::Service => self.tend_services(now, out),
            }
            self.arm();
        }
    }

    fn kill_leaving(&mut self, now: Mono, out: &mut Vec<Action>) {
        self.leaving.retain_mut(|(monitor, ending)| {
            let is_late = ending.due(now).is_some();
            out.extend(is_late.then_some(Action::KillMonitor(*monitor)));
            !is_late
        });
    }

    fn tend_services(&mut self, now: Mono, out: &mut Vec<Action>) {
        let mut repaired = Vec::new();
        for record in &mut self.records {
            match record.life {
                Life::Due(at) if at <= now => {
                    record.life = Life::Off;
                    self.work.push_back(Work::Watch(record.service.id));
                }
                Life::Repair(at) if at <= now => {
                    record.life = Life::Off;
                    repaired.push(record.service.clone());
                }
                Life::Ending(monitor, Some(ending), again) if ending.is_due(now) => {
                    record.life = Life::Ending(monitor, None, again);
                    out.push(Action::KillMonitor(monitor));
                }
                _ => {}
            }
        }
        for service in repaired {
            self.plan(service, true);
        }
    }

    fn end_late_command(&mut self, now: Mono, out: &mut Vec<Action>) {
        let Some(running) = &mut self.running else {
            return;
        };
        match (running.ending.due(now), &running.work) {
            (None, _) | (_, Work::Watch(_)) => {}
            (Some(EndStep::Ask), Work::Stop(service) | Work::Start(service)) => {
                let notice = Notice::CommandLate(service.id.address);
                out.extend([Action::Notice(notice), Action::TerminateCommand]);
            }
            (Some(EndStep::Kill | EndStep::Stuck), _) => out.push(Action::KillCommand),
        }
    }

    /// Begins the way out: monitors end; on the active side every service is stopped.
    fn end(&mut self, now: Mono, out: &mut Vec<Action>) {
        if std::mem::replace(&mut self.phase, Phase::Ending) == Phase::Ending {
            return;
        }
        self.work.clear();
        for record in &mut self.records {
            stop_monitor(record, now, false, out);
        }
        if self.mode == Mode::Active {
            for service in self.services() {
                self.work.push_back(Work::Stop(Box::new(service)));
            }
        }
        // A service that is only now being started is not waited for.
        if let Some(running) = &mut self.running
            && matches!(running.work, Work::Start(_))
            && running.ending.ask(now)
        {
            out.push(Action::TerminateCommand);
        }
    }
}

/// Tells a service's monitor to end, if there is one.
pub(super) fn stop_monitor(record: &mut Record, now: Mono, again: bool, out: &mut Vec<Action>) {
    match record.life {
        Life::Running(monitor, pid, _) => {
            out.push(Action::Notice(Notice::StoppingMonitor {
                name: record.service.name.clone(),
                address: record.service.id.address,
                pid,
            }));
            out.push(Action::TerminateMonitor(monitor));
            record.life = Life::Ending(monitor, Some(Ending::asked(now, PATIENCE)), again);
        }
        Life::Ending(monitor, ending, _) => record.life = Life::Ending(monitor, ending, again),
        Life::Off | Life::Due(_) | Life::Repair(_) if !again => record.life = Life::Off,
        Life::Off | Life::Due(_) | Life::Repair(_) => {}
    }
}
