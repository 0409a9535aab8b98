//! The loop: wait for a descriptor or a deadline, hand what happened to the machine, do what it
//! says. It decides nothing and never blocks.

mod administration;
mod last_switch;

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use config_file::{ConfigFile, Follower};
use daemon::{
    Awaited, Capabilities, Clock, Event, EventHandler, EventLoop, Instance, PollFd, PollFlags,
    Signal, Signals, notify,
};
use heartbeat::auth::Received;
use heartbeat::datagram::{DecodeError, Value};
use heartbeat::{
    Action, DiscardReason, Echo, Hook, Input, Node, Notice, PairPath, Trouble, TroubleKind,
};
use lvs_config::ServiceKind;
use lvs_model::{ChildExit, Mono, SyncRole};

use crate::addresses::Addresses;
use crate::commands::Commands;
use crate::control_socket::Control;
use crate::gateway::Gateway;
use crate::options::Options;
use crate::orders::OrdersFile;
use crate::report::FileState;
use crate::send_arp::Burst;
use crate::service::{self, Part, Service};
use crate::setup::{self, Setup};
use crate::sockets::Sockets;
use crate::tally::Tally;
use crate::term::TermFile;

const SIGNALS: [Signal; 7] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGHUP,
    Signal::SIGCHLD,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
];
/// Datagrams that are no heartbeat are logged this often at most.
const LOG_PAUSE: Duration = Duration::from_secs(60);
/// Changes of the partner's signatures are logged this often at most.
const REMARK_PAUSE: Duration = Duration::from_secs(10);
/// Addresses that could not be read are looked at again after so long.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What pulse, lvsd and `ipvsadm` need; lvsd starts its monitors as another user.
const RIGHTS: Capabilities = Capabilities::NET_ADMIN
    .and(Capabilities::NET_RAW)
    .and(Capabilities::NET_BIND_SERVICE)
    .and(Capabilities::SET_USER)
    .and(Capabilities::KILL)
    .and(Capabilities::SYS_MODULE);

/// A pulse that runs.
pub struct Shell {
    options: Options,
    setup: Setup,
    clock: Clock,
    node: Node,
    sockets: Sockets,
    addresses: Addresses,
    service: Service,
    commands: Commands,
    term_file: TermFile,
    /// A new term that is not in its file yet.
    unkept_term: Option<u64>,
    /// The last heartbeat could be sent on some path.
    can_send: bool,
    /// How often `send_arp` is still to be run.
    burst: Burst,
    /// The machine has been told so.
    hooks_run: bool,
    orders: OrdersFile,
    /// Why the orders of this moment are not even being kept.
    unkept: Option<String>,
    /// Why those of before are not on the disk.
    orders_fault: Option<String>,
    /// By which it is the only one, and found.
    instance: Option<Instance>,
    control: Control,
    /// The lvs.cf that is in force.
    file: FileState,
    /// What the service manager was told last.
    told_manager: String,
    /// The gateway being asked for.
    gateway: Option<Gateway>,
    /// lvs.cf, read again when told to, its names looked up meanwhile.
    follower: Follower,
    /// What changes is that names have an address now; lvsd and fos find that out by themselves.
    is_about_names: bool,
    bad_packet_logged: Option<Mono>,
    tally: Tally,
    remarked: Option<Mono>,
    /// Answers to actions, handed in at the next turn.
    answers: Vec<Input>,
    watchdog: notify::Watchdog,
    done: bool,
}

/// What pulse waits for.
#[derive(Clone, Copy)]
pub enum Source {
    /// The partner.
    Heartbeats,
    /// What is looked at in every turn, as each has a deadline too or costs nothing to look at.
    Other,
}

impl Shell {
    /// Opens what the loop needs besides the heartbeat's sockets, and the loop. `failure`: why lvs.cf itself is not
    /// in force, if it is not.
    ///
    /// # Errors
    /// Signals, addresses or guardian are not to be had.
    pub fn new(
        options: &Options,
        setup: Setup,
        file: &ConfigFile,
        failure: Vec<String>,
        sockets: Sockets,
    ) -> io::Result<(Self, EventLoop)> {
        let clock = Clock::start();
        let turning = EventLoop::new(clock, Signals::new(&SIGNALS)?);
        let addresses = Addresses::open(&setup, options.foreground)?;
        let commands = Commands::open(options.foreground)?;
        give_up_rights(&setup);
        let term_file = TermFile::find();
        let mut node = Node::new(clock.now(), setup.settings.clone());
        if setup.settings.signs {
            node.remember_term(term_file.read());
        }
        let mut orders = OrdersFile::find();
        let (kept, orders_fault) = orders.read();
        node.remember_orders(kept);
        if orders_fault.is_none() {
            orders.begin(kept)?;
        }
        let mut service = Service::new(options);
        service.take_file(file);
        let shell = Self {
            node,
            clock,
            sockets,
            addresses,
            service,
            commands,
            term_file,
            unkept_term: None,
            can_send: true,
            burst: Burst::default(),
            hooks_run: true,
            orders,
            unkept: None,
            orders_fault,
            instance: None,
            control: Control::open(),
            file: FileState {
                failure,
                ..FileState::of(file)
            },
            told_manager: String::new(),
            gateway: None,
            follower: Follower::new(file, clock.now()),
            is_about_names: false,
            options: options.clone(),
            setup,
            bad_packet_logged: None,
            tally: Tally::default(),
            remarked: None,
            answers: Vec::new(),
            watchdog: notify::Watchdog::from_env(),
            done: false,
        };
        Ok((shell, turning))
    }

    /// Runs until a signal ends it.
    ///
    /// # Errors
    /// Waiting failed.
    pub fn run(mut self, mut turning: EventLoop, instance: Instance) -> io::Result<()> {
        self.instance = Some(instance);
        // The partner believes the first heartbeat: what is wrong here is known before it.
        if self.addresses.look_for_own() {
            self.tell_own();
        }
        self.check_serving();
        self.check_links();
        self.give(Input::Start);
        self.keep_term();
        notify::ready();
        turning
            .run(&mut self)
            .map_err(|error| io::Error::other(format!("select() failed: {error}")))?;
        self.addresses.end();
        self.service.end();
        notify::stopping();
        self.control.close();
        // A look-up of names is ended while its pid is still its own: who reaps from here on does not know it.
        drop(self.follower);
        // The partner has been told; the sync daemon may take its time, but not for ever.
        last_switch::finish(
            &mut turning,
            self.clock,
            &mut self.commands,
            &self.setup.config,
            last_switch::Files {
                term: &mut self.term_file,
                orders: &mut self.orders,
            },
        )
    }
}

impl EventHandler for Shell {
    type Source = Source;
    type End = ();

    /// What actions have led to comes before anything that happened after them.
    fn work(&mut self) -> Option<()> {
        for answer in std::mem::take(&mut self.answers) {
            self.give(answer);
        }
        self.done.then_some(())
    }

    fn await_on<'h>(&'h self, awaited: &mut Awaited<'h, Source>) {
        for fd in self.sockets.fds() {
            awaited.reading(Source::Heartbeats, fd);
        }
        let others = self
            .service
            .fd()
            .into_iter()
            .chain(self.commands.fds())
            .chain(self.follower.poll_fd())
            .chain(self.gateway.as_ref().map(AsFd::as_fd))
            .chain(self.addresses.fds());
        for fd in others {
            awaited.reading(Source::Other, fd);
        }
        let now = self.clock.now();
        for fd in self.control.poll_fds(now) {
            awaited.polling(Source::Other, fd);
        }
        if let Some(crowded) = self.commands.crowded_fd() {
            awaited.polling(Source::Other, PollFd::new(crowded, PollFlags::POLLOUT));
        }
        for deadline in self.deadlines(now) {
            awaited.until(deadline);
        }
    }

    /// Everything that has happened, and only then the time.
    fn take(&mut self, event: Event<Source>) {
        match event {
            Event::Ready(Source::Heartbeats) => self.listen_to_partner(),
            // They have ended the sleep: each turn ends with `Event::Time`, which reads every one of them.
            Event::Ready(Source::Other) => {}
            // What has ended comes as `Event::Ended`.
            Event::Signal(Signal::SIGCHLD) => {}
            Event::Signal(signal) => self.signal(signal),
            Event::Ended(pid, exit) => self.ended(pid, exit),
            Event::Time => self.time(),
        }
    }
}

impl Shell {
    fn deadlines(&self, now: Mono) -> [Option<Mono>; 11] {
        let has_to_do = !self.answers.is_empty()
            || self.commands.is_deserted()
            || self.commands.has_news_of_taking();
        [
            has_to_do.then_some(Mono::ZERO),
            self.addresses.is_unsure().then(|| now + LOOK_AGAIN),
            self.node.next_deadline(),
            self.follower.deadline(),
            self.gateway.as_ref().map(Gateway::deadline),
            self.watchdog.next(),
            self.control.next_deadline(now),
            self.addresses.next_deadline(),
            self.commands.deadline(),
            self.term_file.deadline(),
            self.instance.as_ref().map(Instance::deadline),
        ]
    }

    fn listen_to_partner(&mut self) {
        for (path, received) in self.sockets.drain(self.clock.now()) {
            self.hear(path, received);
        }
    }

    fn time(&mut self) {
        self.remark_on_signatures();
        for said in self.service.read() {
            self.give(said);
        }
        self.commands.hear(self.clock.now());
        let (now, config) = (self.clock.now(), &self.setup.config);
        self.commands.start_keeper(now, config);
        if self.commands.has_let_go() {
            self.give(Input::HookEnded(Hook::Inactive));
        }
        self.look_at_hooks();
        let outcome = self.follower.advance(self.clock.now());
        self.take_outcome(outcome);
        self.watchdog.feed(self.clock.now());
        self.addresses.start_guardian(self.clock.now());
        self.addresses.tell_guardian_the_rest();
        self.look_at_gateway();
        self.look_at_addresses();
        self.listen_to_control();
        self.give(Input::Tick);
        self.term_file.look(self.clock.now());
        self.look_at_files();
        self.keep_term();
    }

    /// Behind everything else of a turn: neither the partner nor a client waits for the file.
    fn keep_term(&mut self) {
        if let Some(term) = self.unkept_term.take() {
            self.term_file.keep(self.clock.now(), term);
        }
    }

    /// Somebody may have emptied /run.
    fn look_at_files(&mut self) {
        let now = self.clock.now();
        if self.instance.as_mut().is_some_and(|it| it.look(now)) {
            self.control.look();
            self.addresses.look_at_held_file();
            self.service.look_at_file();
        }
    }

    fn look_at_hooks(&mut self) {
        match self.commands.has_taken() {
            Some(true) => self.give(Input::HookEnded(Hook::Active)),
            Some(false) => self.give(Input::HookFailed),
            None => {}
        }
        let they_run = self.commands.runs_hooks();
        if std::mem::replace(&mut self.hooks_run, they_run) != they_run {
            self.give(Input::HooksRun(they_run));
        }
    }

    fn hear(&mut self, path: PairPath, received: Received) {
        self.tally.count(&received);
        match received {
            Received::Refused(DiscardReason::NoHeartbeat(error @ DecodeError::TooShort)) => {
                self.log_bad_packet(error);
            }
            received => {
                for input in received.inputs(path) {
                    self.give(input);
                }
            }
        }
    }

    fn give(&mut self, input: Input) {
        let mut actions = Vec::new();
        self.node.handle(self.clock.now(), input, &mut actions);
        let is_news = |action: &Action| !matches!(action, Action::Send(_));
        let has_news = actions.iter().any(is_news);
        for action in actions {
            // Stopped or suspended between the decision and the deed: the partner may be active.
            if !action.claims() || !self.node.is_late(self.clock.now()) {
                self.perform(action);
            }
        }
        if has_news {
            self.tell_manager();
        }
        // One that lvs.cf has switched off may come and go.
        if self.addresses.be_alone(!self.node.has_partner()) {
            self.leave_to_hook();
        }
    }

    fn signal(&mut self, signal: Signal) {
        match signal {
            Signal::SIGHUP => self.reload(),
            // What the original's manual promised; it died of it, addresses up.
            Signal::SIGUSR1 => self.copy_config(),
            Signal::SIGUSR2 => {}
            other => self.give(Input::Stop {
                signal: other as i32,
            }),
        }
    }

    fn ended(&mut self, pid: i32, exit: ChildExit) {
        if let Some(said) = self.service.ended(pid) {
            for said in said {
                self.give(said);
            }
            self.service_ended(pid, exit);
            return;
        }
        let now = self.clock.now();
        if self.orders_ended(pid, exit) || self.term_file.ended(now, pid, exit) {
            return;
        }
        if !self.addresses.replace_guardian(now, pid)
            && !self.commands.ended(now, pid, &self.setup.config)
            && !self.follower.ended(pid)
        {
            // Also one that a hook left in the background: whose parent ends comes to us.
            log::debug!("{}", Notice::UnknownChild { pid });
        }
    }

    /// fos speaks by its end: status 0, unless it was asked to end, is a message.
    fn service_ended(&mut self, pid: i32, exit: ChildExit) {
        let is_fos = self.setup.config.service == ServiceKind::Fos;
        if is_fos && exit.is_success() {
            self.give(Input::ServiceSurrendered);
            return;
        }
        let notice = match exit {
            ChildExit::Status(status) => Notice::ChildExited { pid, status },
            ChildExit::Signal(signal) => Notice::ChildKilled {
                pid,
                signal,
                by_us: self.service.was_killed() && signal == Signal::SIGKILL as i32,
            },
        };
        // That it ends is what it is for.
        if self.service.part() != Part::Removal || !exit.is_success() {
            let now = self.clock.now();
            self.service.log_end(now, Some((notice, exit)), None);
        }
        if self.service.part() == Part::Removal && !exit.is_success() {
            self.give(Input::ClearingFailed);
        }
        self.give(Input::ServiceEnded);
    }

    fn look_at_gateway(&mut self) {
        let now = self.clock.now();
        if let Some(found) = self.gateway.as_mut().and_then(|g| g.advance(now)) {
            self.gateway = None;
            self.give(Input::Gateway(found));
        }
    }

    fn start_service(&mut self, part: Part) {
        if let Err(error) = self.service.start(part) {
            let program = service::command(&self.options, part);
            let failure = format!("{}: {error}", program.path.display());
            self.service.log_end(self.clock.now(), None, Some(failure));
            if part == Part::Removal {
                self.answers.push(Input::ClearingFailed);
            }
            self.answers.push(Input::ServiceEnded);
        }
    }

    fn look_at_addresses(&mut self) {
        let found = self.addresses.look(self.clock.now());
        if found.own_changed {
            self.tell_own();
        }
        if found.link_changed {
            self.check_serving();
            self.check_links();
        }
        if found.interface_changed {
            self.give(Input::InterfaceChanged);
        } else if found.removed {
            self.give(Input::AddressRemoved);
        }
        for said in self.addresses.hear(self.clock.now()) {
            self.give(Input::AddressAnswered {
                address: said.address.into(),
                mac: said.mac,
            });
        }
    }

    /// Whether the addresses are there that heartbeats are sent from.
    fn tell_own(&mut self) {
        self.sockets.open_absent();
        let (public, private) = self.addresses.own_are_usable();
        self.give(Input::OwnAddresses { public, private });
    }

    /// Whether every address could be served from here.
    fn check_serving(&mut self) {
        let monitors_links = self.setup.config.heartbeat.monitor_links;
        let wanted = &self.setup.addresses;
        if let Some(troubles) = self.addresses.troubles(wanted, monitors_links) {
            let troubles = troubles.iter().map(trouble).collect();
            self.give(Input::Serving(troubles));
        }
    }

    /// The links under both heartbeat addresses, if lvs.cf wants them monitored.
    fn check_links(&mut self) {
        let wanted = self.setup.config.heartbeat.monitor_links && self.setup.settings.has_partner;
        let own = |path: &setup::HeartbeatPath| path.own.ip();
        let public = self.setup.paths.first().map(own);
        let private = self.setup.paths.last().map(own);
        if let (true, Some(public), Some(private)) = (wanted, public, private) {
            let report = self.addresses.report(public, private);
            self.give(Input::Links(report));
        } else {
            self.give(Input::LinksUnmonitored);
        }
    }

    fn send(&mut self, echo: Echo, value: Value) {
        let now = self.clock.now();
        let statement = self.node.statement(now, value);
        self.sockets.send(now, echo, value, statement);
        let can_send = self.sockets.can_send();
        if std::mem::replace(&mut self.can_send, can_send) != can_send {
            self.answers.push(Input::CanSend(can_send));
        }
    }

    fn switch_sync(&mut self, role: SyncRole) {
        let now = self.clock.now();
        self.commands.switch_sync(now, &self.setup.config, role);
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Send(value) => self.send(Echo::Partner, value),
            Action::Challenge(value) => self.send(Echo::Unproven, value),
            Action::KeepTerm(term) => self.unkept_term = Some(term),
            Action::Notice(notice) => {
                log::log!(daemon::log::level(notice.severity()), "{notice}");
            }
            Action::KeepOrders(orders) => self.keep_orders(orders),
            Action::Answer(answer) => self.answer_order(answer),
            Action::HandOverEnded(end) => self.control.handed_over(self.clock.now(), end),
            Action::RunHook(hook) => self.run_hook(hook),
            Action::SyncDaemon(role) => self.switch_sync(role),
            Action::StartService => self.start_service(match self.setup.config.service {
                ServiceKind::Lvs => Part::Lvsd,
                ServiceKind::Fos => Part::FosActive,
            }),
            Action::ClearTable => self.start_service(Part::Removal),
            Action::StartMonitors => self.start_service(Part::FosMonitor),
            Action::TestGateway => {
                self.gateway = Gateway::begin(self.clock.now());
                if self.gateway.is_none() {
                    self.answers
                        .push(Input::Gateway(heartbeat::Gateway::Unknown));
                }
            }
            Action::StopService => self.service.signal(Signal::SIGTERM),
            Action::KillService => self.service.signal(Signal::SIGKILL),
            Action::ReloadService if self.is_about_names => {}
            Action::ReloadService => self.service.reload(),
            Action::RaiseAddresses => {
                let mut usable = self.setup.addresses.clone();
                usable.retain(|wanted| !self.node.is_unused(wanted.address));
                self.addresses.raise(self.clock.now(), &usable);
                self.burst.begin();
            }
            Action::DropAddresses => self.addresses.drop_all(self.clock.now()),
            Action::Announce => {
                self.addresses.announce();
                self.send_arp();
            }
            Action::AskForAddresses => self.addresses.ask(&self.setup.addresses),
            Action::Exit => self.done = true,
        }
    }

    /// The program of lvs.cf's `send_arp`, for what is held.
    fn send_arp(&mut self) {
        if !self.burst.takes() {
            return;
        }
        if let Some(program) = &self.setup.config.send_arp {
            let programs = self.addresses.send_arp(program);
            self.commands.run_beside(self.clock.now(), programs);
        }
    }

    /// With `vip = external` the addresses are where `active_cmd` has moved them: when pulse is
    /// killed, `inactive_cmd` has to let them go.
    fn run_hook(&mut self, hook: Hook) {
        let config = &self.setup.config;
        let is_external = setup::is_external(config);
        match hook {
            Hook::Active => {
                if is_external && self.node.has_partner() {
                    self.commands.leave(config.inactive_cmd.as_ref());
                }
                self.commands.run_active(config.active_cmd.as_ref());
            }
            Hook::Inactive => {
                self.commands.run_inactive(config.inactive_cmd.as_ref());
                if is_external {
                    self.commands.leave(None);
                }
            }
        }
    }

    fn remark_on_signatures(&mut self) {
        let now = self.clock.now();
        let recent = |logged: Mono| now - logged < REMARK_PAUSE;
        if self.remarked.is_some_and(recent) {
            return;
        }
        if let Some(remark) = self.sockets.auth_mut().remark() {
            self.remarked = Some(now);
            log::info!("{remark}");
        }
    }

    fn log_bad_packet(&mut self, error: DecodeError) {
        let now = self.clock.now();
        let recent = |logged: Mono| now - logged < LOG_PAUSE;
        if !self.bad_packet_logged.is_some_and(recent) {
            self.bad_packet_logged = Some(now);
            log::info!("{}", Notice::BadPacket(error));
        }
    }
}

fn trouble(found: &link::Trouble) -> Trouble {
    Trouble {
        address: found.address,
        device: found.device.clone(),
        what: match found.what {
            link::Fault::NoDevice => TroubleKind::NoDevice,
            link::Fault::Down => TroubleKind::Down,
            link::Fault::NoCarrier => TroubleKind::NoCarrier,
            link::Fault::NoIpv6 => TroubleKind::NoIpv6,
            link::Fault::Refused => TroubleKind::Refused,
        },
    }
}

/// Nothing is kept that pulse and its children do not need. fos's children are the administrator's
/// services, so fos has to have what they need.
fn give_up_rights(setup: &Setup) {
    if setup.config.service == ServiceKind::Fos {
        return;
    }
    let given_up =
        daemon::keep_capabilities(RIGHTS).and_then(|()| Ok(nix::sys::prctl::set_no_new_privs()?));
    if let Err(error) = given_up {
        log::warn!("cannot give up rights that are not needed: {error}");
    }
}
