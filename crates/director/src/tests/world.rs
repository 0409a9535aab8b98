//! The world around an lvsd under test, and shorthands for lvs.cf.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use control::{Order, Phase, Place, Reason, Report, Standing};
use lvs_config::{Config, Device, Persistence, RealServer, VirtualBlock};
use lvs_model::{
    CheckSpec, ChildExit, ForwardingMethod, FwMark, IpvsOp, Mono, Netmask, Protocol,
    SchedulerFlags, SchedulerName, Thresholds, Weight,
};

use crate::{
    Action, Input, Lvsd, NannyId, NannyOptions, Refusal, RefusalKind, Site, StartError, Table,
    TableService,
};

pub fn weight(number: u32) -> Weight {
    Weight::new(number).unwrap()
}

pub fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A block as most scenarios have it: masquerading is the file's, `wlc`, interval 2 s, reentry 4 s.
pub fn block(name: &str, vip: &str, port: u16, servers: Vec<RealServer>) -> VirtualBlock {
    VirtualBlock {
        name: name.into(),
        line: 1,
        vip: address(vip),
        device: Device::new("eth0:1").unwrap(),
        vip_prefix: None,
        protocol: Protocol::Tcp,
        port,
        fwmark: None,
        scheduler: SchedulerName::default(),
        scheduler_flags: SchedulerFlags::NONE,
        one_packet: false,
        persistence: None,
        sorry_server: None,
        check: CheckSpec {
            expect: Some("220".into()),
            timeout: Duration::from_secs(2),
            reentry: Duration::from_secs(4),
            ..CheckSpec::default()
        },
        quiesce: false,
        load_monitor: None,
        monitor: "/usr/sbin/nanny".into(),
        servers,
    }
}

pub fn server(name: &str, rip: &str, port: u16) -> RealServer {
    RealServer {
        name: name.into(),
        line: 1,
        address: address(rip),
        port,
        has_own_port: true,
        weight: Weight::ONE,
        forwarding: ForwardingMethod::Masquerading,
        thresholds: Thresholds::default(),
    }
}

pub fn weighing(server: RealServer, number: u32) -> RealServer {
    RealServer {
        weight: weight(number),
        ..server
    }
}

pub fn direct(mut config: Config) -> Config {
    config.network = ForwardingMethod::DirectRouting;
    for block in &mut config.virtuals {
        for server in &mut block.servers {
            server.forwarding = ForwardingMethod::DirectRouting;
        }
    }
    config
}

pub fn marked(mark: u32, block: VirtualBlock) -> VirtualBlock {
    VirtualBlock {
        fwmark: FwMark::new(mark),
        ..block
    }
}

pub fn persistent(seconds: u32, mask: [u8; 4], block: VirtualBlock) -> VirtualBlock {
    VirtualBlock {
        persistence: Some(Persistence {
            seconds,
            netmask: Netmask::Inet(mask.into()),
        }),
        ..block
    }
}

pub fn with_sorry(sorry: &str, block: VirtualBlock) -> VirtualBlock {
    VirtualBlock {
        sorry_server: Some(address(sorry)),
        ..block
    }
}

pub fn config(virtuals: Vec<VirtualBlock>) -> Config {
    Config {
        virtuals,
        ..Config::default()
    }
}

/// Two servers, 10.0.0.1 and 10.0.0.2, behind 192.0.2.1:80.
pub fn two_servers() -> Config {
    let servers = vec![server("a", "10.0.0.1", 80), server("b", "10.0.0.2", 80)];
    config(vec![block("web", "192.0.2.1", 80, servers)])
}

/// A nanny as the world knows it.
pub struct Running {
    pub options: NannyOptions,
    pub orders: Vec<Order>,
}

pub struct World {
    pub now: Mono,
    pub lvsd: Lvsd,
    pub kernel: Table,
    pub nannies: BTreeMap<NannyId, Running>,
    /// Every operation, order, signal and log line since the last [`World::take_trace`].
    trace: Vec<String>,
    pub exit: Option<i32>,
    /// What the next reading of lvs.cf gives.
    pub file: Result<Config, Vec<String>>,
    /// Whether nannies obey SIGTERM, and start at all.
    pub nannies_end: bool,
    /// Whether SIGKILL ends them: not while they wait for a disk.
    pub nannies_die: bool,
    /// Those that were sent SIGKILL.
    killed: Vec<NannyId>,
    pub start_error: Option<StartError>,
    pub table_error: Option<String>,
    /// Operations that begin with this are refused by the kernel.
    pub refused: Option<String>,
    /// The kernel refuses the operation that comes after this many others, with this meaning.
    pub fault_in: Option<(usize, RefusalKind)>,
}

impl World {
    /// lvsd has started on this file and this table.
    pub fn start(config: Config, kernel: Table) -> Self {
        let mut world = Self::before_start(config, kernel, false);
        world.feed(Input::Start);
        world
    }

    pub fn before_start(config: Config, kernel: Table, clear: bool) -> Self {
        Self {
            now: Mono::ZERO,
            lvsd: Lvsd::new(Site::new(&config, false, false), clear),
            kernel,
            nannies: BTreeMap::new(),
            trace: Vec::new(),
            exit: None,
            file: Ok(config),
            nannies_end: true,
            nannies_die: true,
            killed: Vec::new(),
            start_error: None,
            table_error: None,
            refused: None,
            fault_in: None,
        }
    }

    pub fn feed(&mut self, input: Input) {
        self.feed_together(vec![input]);
    }

    /// What happened within one turn of the loop.
    pub fn feed_together(&mut self, inputs: Vec<Input>) {
        let mut inputs = VecDeque::from(inputs);
        let mut actions = Vec::new();
        loop {
            let turn_end = || {
                let is_open = self.lvsd.has_open_verdicts();
                is_open.then_some(Input::TurnEnd)
            };
            let Some(input) = inputs.pop_front().or_else(turn_end) else {
                return;
            };
            self.lvsd.handle(self.now, input, &mut actions);
            for action in actions.drain(..) {
                assert_eq!(self.exit, None, "nothing comes after Exit: {action:?}");
                self.act(action, &mut inputs);
            }
        }
    }

    fn act(&mut self, action: Action, inputs: &mut VecDeque<Input>) {
        match action {
            Action::ReadTable => inputs.push_back(Input::Table(match &self.table_error {
                None => Ok(self.read_table()),
                Some(reason) => Err(reason.clone()),
            })),
            Action::Apply(ops) => {
                let refusals = self.apply(&ops);
                inputs.push_back(Input::Applied(refusals));
            }
            Action::StartNanny(nanny, options) => {
                let result = match &self.start_error {
                    Some(error) => Err(error.clone()),
                    None => Ok(1000 + u32::try_from(nanny.0).unwrap()),
                };
                if result.is_ok() {
                    self.note(format!("start {} {}", nanny.0, options.rip));
                    let orders = Vec::new();
                    let options = *options;
                    self.nannies.insert(nanny, Running { options, orders });
                }
                inputs.push_back(Input::Started(nanny, result));
            }
            Action::Tell(nanny, order) => {
                self.note(format!("tell {} {order}", nanny.0));
                if let Some(running) = self.nannies.get_mut(&nanny) {
                    running.orders.push(order);
                }
            }
            Action::Terminate(nanny) => {
                self.note(format!("term {}", nanny.0));
                if self.nannies_end && self.nannies.remove(&nanny).is_some() {
                    inputs.push_back(Input::Ended(nanny, ChildExit::Status(0)));
                }
            }
            Action::Kill(nanny) => {
                self.note(format!("kill {}", nanny.0));
                self.killed.push(nanny);
                if self.nannies_die && self.nannies.remove(&nanny).is_some() {
                    inputs.push_back(Input::Ended(nanny, ChildExit::Signal(9)));
                }
            }
            Action::ReadConfiguration => {
                let read = self.file.clone();
                let site = read.map(|config| Box::new(Site::new(&config, false, false)));
                inputs.push_back(Input::Configuration(site));
            }
            Action::Ready => self.note("ready".into()),
            Action::Checked => self.note("checked".into()),
            Action::Notice(notice) => {
                self.note(format!("log {notice}"));
                if let Some(detail) = notice.detail() {
                    self.note(format!("log {detail}"));
                }
            }
            Action::Exit(status) => {
                self.note(format!("exit {status}"));
                self.exit = Some(status);
            }
        }
    }

    /// As the shell: of services that are not lvsd's it reads no destinations.
    fn read_table(&self) -> Table {
        let own = self.lvsd.own_services();
        let read = |service: &TableService| {
            let mut service = service.clone();
            if !own.contains(&service.service.key) {
                service.destinations.clear();
            }
            service
        };
        self.kernel.services().map(read).collect()
    }

    /// As the kernel: adding what is there, or touching what is not, is refused.
    fn apply(&mut self, ops: &[IpvsOp]) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        for (index, op) in ops.iter().enumerate() {
            let text = op.to_string();
            let is_refused = self.refused.as_ref().is_some_and(|r| text.starts_with(r));
            let fault = self.fault_in.take();
            if let Some((count @ 1.., kind)) = fault {
                self.fault_in = Some((count - 1, kind));
            }
            let kind = if let Some((0, kind)) = fault {
                kind
            } else if is_refused {
                RefusalKind::Failed
            } else if self.is_outdated(op) {
                RefusalKind::Outdated
            } else {
                self.note(text);
                self.kernel.follow(op);
                continue;
            };
            refusals.push(Refusal {
                index,
                kind,
                reason: "no".into(),
            });
        }
        refusals
    }

    fn is_outdated(&self, op: &IpvsOp) -> bool {
        let has = |key, destination| {
            let destination = self.kernel.destination(key, destination);
            self.kernel.contains(key).then_some(destination.is_some())
        };
        match op {
            IpvsOp::AddService(service) => self.kernel.contains(&service.key),
            IpvsOp::EditService(service) => !self.kernel.contains(&service.key),
            IpvsOp::AddDestination(key, d) => has(key, &d.key) != Some(false),
            IpvsOp::EditDestination(key, d) => has(key, &d.key) != Some(true),
            _ => false,
        }
    }

    fn note(&mut self, line: String) {
        self.trace.push(line);
    }

    /// What was done since the last call.
    pub fn take_trace(&mut self) -> Vec<String> {
        std::mem::take(&mut self.trace)
    }

    /// The table operations since the last look at the trace.
    pub fn take_ops(&mut self) -> Vec<String> {
        let trace = self.take_trace();
        trace.into_iter().filter(|l| l.starts_with('-')).collect()
    }

    /// The log lines since the last look at the trace.
    pub fn take_log(&mut self) -> Vec<String> {
        let trace = self.take_trace().into_iter();
        trace
            .filter_map(|l| l.strip_prefix("log ").map(str::to_owned))
            .collect()
    }

    /// Lets time pass; every deadline is met on time. Nannies say that they live.
    pub fn pass(&mut self, seconds: f64) {
        self.pass_with(seconds, true);
    }

    /// Lets time pass with nannies that say nothing.
    pub fn pass_in_silence(&mut self, seconds: f64) {
        self.pass_with(seconds, false);
    }

    fn pass_with(&mut self, seconds: f64, nannies_speak: bool) {
        let end = self.now + Duration::from_secs_f64(seconds);
        let mut steps = 0;
        while self.exit.is_none() {
            let tick = self.now + Duration::from_secs(1);
            let deadline = self.lvsd.next_deadline().unwrap_or(end);
            let next = if nannies_speak {
                deadline.min(tick)
            } else {
                deadline
            };
            if next > end {
                break;
            }
            self.now = self.now.max(next);
            if nannies_speak {
                let all: Vec<NannyId> = self.nannies.keys().copied().collect();
                for nanny in all {
                    self.feed(Input::Report(nanny, Report::Alive));
                }
            }
            if deadline <= self.now {
                self.feed(Input::Deadline);
            }
            steps += 1;
            assert!(steps < 10_000, "a deadline that does not go away");
        }
        self.now = end;
    }

    /// The nanny that checks this server; the first of several.
    pub fn nanny(&self, rip: &str) -> NannyId {
        self.nth_nanny(rip, 0)
    }

    pub fn nth_nanny(&self, rip: &str, nth: usize) -> NannyId {
        let rip = address(rip);
        let mut nannies = self.nannies.iter().filter(|(_, n)| n.options.rip == rip);
        *nannies.nth(nth).unwrap().0
    }

    pub fn say(&mut self, nanny: NannyId, phase: Phase, place: Place) {
        self.feed(Self::verdict(nanny, phase, place));
    }

    pub fn verdict(nanny: NannyId, phase: Phase, place: Place) -> Input {
        let report = Report::State {
            standing: Standing {
                phase,
                place,
                count: 0,
            },
            needed: 2,
            target: Weight::ONE,
            reason: Reason::default(),
        };
        Input::Report(nanny, report)
    }

    /// The nanny of this server finds it good.
    pub fn up(&mut self, rip: &str, number: u32) {
        self.say(self.nanny(rip), Phase::Up, Place::In(weight(number)));
    }

    /// The nanny of this server finds it bad.
    pub fn down(&mut self, rip: &str) {
        self.say(self.nanny(rip), Phase::Down, Place::Out);
    }

    /// A nanny dies of SIGKILL.
    pub fn kill(&mut self, rip: &str) {
        let nanny = self.nanny(rip);
        self.nannies.remove(&nanny);
        self.feed(Input::Ended(nanny, ChildExit::Signal(9)));
        self.pass(0.0);
    }

    /// Nothing is refused any more, and SIGKILL takes effect on the processes that it was sent to.
    pub fn end_faults(&mut self) {
        self.start_error = None;
        self.table_error = None;
        self.refused = None;
        self.fault_in = None;
        self.nannies_end = true;
        self.nannies_die = true;
        for nanny in std::mem::take(&mut self.killed) {
            if self.nannies.remove(&nanny).is_some() {
                self.feed(Input::Ended(nanny, ChildExit::Signal(9)));
            }
        }
    }

    /// lvs.cf is changed and SIGHUP sent.
    pub fn reload(&mut self, config: Config) {
        self.file = Ok(config);
        self.feed(Input::Hangup);
    }

    /// The same once the pause after the last reload is over.
    pub fn reload_again(&mut self, config: Config) {
        self.pass(2.0);
        self.reload(config);
    }

    /// The whole table as `ipvsadm -S` writes it.
    pub fn table(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for service in self.kernel.services() {
            lines.push(format!("-A {}", service.service));
            for destination in &service.destinations {
                lines.push(format!("-a {} {destination}", service.service.key));
            }
        }
        lines
    }
}
