//! The words between the machine and its shell.

use std::net::IpAddr;
use std::time::Duration;

use crate::datagram::{Service, Value};
use lvs_model::Mac;
use lvs_model::SyncRole;

use crate::fitness::Trouble;
use crate::hand_over::HandOverFailed;
use crate::notice::Notice;
use crate::orders::{Begun, Order, OrderRefused, Orders};
use crate::pair::{ConfiguredRole, Ends, PairPath};
use crate::said::{DiscardReason, Said};

/// What lvs.cf and the command line say to the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Primary or backup.
    pub role: ConfiguredRole,
    /// The addresses of the public path, if lvs.cf names a partner, also one that is switched off: of two directors of one role the lower one counts
    /// as the primary.
    pub ends: Option<Ends>,
    /// lvs or fos.
    pub service: Service,
    /// Time between heartbeats, 0.01 s or more. lvs.cf: `keepalive`.
    pub keepalive: Duration,
    /// Silence after which the partner counts as dead, more than `keepalive`. lvs.cf: `deadtime`.
    pub dead_time: Duration,
    /// Whether there is a partner at all. One that is switched off and heard from `ends` counts as one meanwhile.
    /// lvs.cf: `backup_active`.
    pub has_partner: bool,
    /// Whether there is a second path.
    pub has_private_path: bool,
    /// Take over at once at the start. Option `--forceactive`.
    pub force_active: bool,
    /// Our heartbeats are signed. lvs.cf: `heartbeat_auth`.
    pub signs: bool,
    /// When both are active the higher term is to stay, not the primary. lvs.cf: `stay_active`.
    pub by_term: bool,
    /// lvsd runs on the standby too. Of no effect with fos. lvs.cf: `warm_standby`.
    pub warm_standby: bool,
    /// How long a standby's sync daemon listens before this node takes over from a partner that leaves;
    /// zero without a sync daemon. lvs.cf: `sync_wait`.
    pub sync_wait: Duration,
    /// The addresses that are held while active. lvs.cf: `address`, `nat_router`.
    pub addresses: Vec<IpAddr>,
    /// The partner's ends of the paths, for the log: public first, then the private one. lvs.cf: `primary`,
    /// `backup`, `primary_private`, `backup_private`.
    pub partner: Vec<IpAddr>,
    /// Where the keys lie, for the log. lvs.cf: `heartbeat_key`.
    pub keys: String,
    /// The hash of lvs.cf, for the partner to compare.
    pub content: u64,
    /// How long a give-up waits for the end of `inactive_cmd` before it tells the partner; zero if it does
    /// not wait. With lvs.cf `vip = external` the hook takes the addresses away.
    pub hook_patience: Duration,
}

/// State of the two heartbeat links. Without a private path both are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Links {
    /// The link that carries the public address has a carrier.
    pub public_up: bool,
    /// The link that carries the private address has a carrier.
    pub private_up: bool,
}

impl Links {
    /// Both have a carrier.
    pub const UP: Self = Self {
        public_up: true,
        private_up: true,
    };

    /// One of them has none.
    #[must_use]
    pub const fn is_lost(self) -> bool {
        !self.public_up || !self.private_up
    }

    /// Nothing can be heard or said.
    #[must_use]
    pub const fn is_cut_off(self) -> bool {
        !self.public_up && !self.private_up
    }
}

/// What happens to the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The program's sockets are open: from now on heartbeats are sent. Only [`Input::Links`],
    /// [`Input::OwnAddresses`] and [`Input::Serving`] may come before.
    Start,
    /// Time has passed, and everything that had arrived before was handed in.
    Tick,
    /// A heartbeat of the partner, source checked and decoded.
    Beat {
        /// What it says.
        value: Value,
        /// How it came.
        path: PairPath,
        /// What its good signature covers, if it has one.
        said: Option<Said>,
    },
    /// The partner misses our heartbeats and asks for one; follows the `Beat` that asked.
    Asked,
    /// Signed by the partner, which does not know yet that we hear it: it waits for a word of ours.
    Unproven,
    /// The partner's address sent something that must not count.
    Refused(DiscardReason, PairPath),
    /// The partner's address sent four bytes that mean nothing here.
    Incompatible,
    /// The service (lvsd) says that it serves.
    ServiceReady,
    /// It shows that it lives: its loop turns.
    ServiceAlive,
    /// It says that it has checked every real server once, and serves accordingly.
    ServiceChecked,
    /// The service ended or could not be started.
    ServiceEnded,
    /// The process that was to take our services out of the kernel's table failed; `ServiceEnded` follows.
    ClearingFailed,
    /// fos ended unasked with status 0. On the standby a service of the partner is lost; on the active node
    /// ours does not stay up.
    ServiceSurrendered,
    /// Answer to [`Action::TestGateway`].
    Gateway(Gateway),
    /// State of the monitored links; only sent with lvs.cf `monitor_links`.
    Links(Links),
    /// lvs.cf wants no link monitored.
    LinksUnmonitored,
    /// Whether the own addresses, which heartbeats are sent from, can be used: they are on this machine, and the
    /// partner's are not. Sent before the
    /// start if one is missing, and at each change. Without a private path both fields are the same.
    OwnAddresses {
        /// That of the public path.
        public: bool,
        /// That of the private path.
        private: bool,
    },
    /// Whether a heartbeat could be sent on some path when one was sent last; nothing refuses the first one. Sent
    /// at each change.
    CanSend(bool),
    /// All virtual and NAT router addresses that this node could not serve; empty if it can serve every
    /// one. Sent before the start and at each change.
    Serving(Vec<Trouble>),
    /// An administrator's order, answered by one [`Action::Answer`] in the same call.
    Order(Order),
    /// The hook has ended: `inactive_cmd` in any way, `active_cmd` well. Sent also if lvs.cf names none.
    HookEnded(Hook),
    /// `active_cmd` failed, or could not be run.
    HookFailed,
    /// Whether there is a process that runs hooks.
    HooksRun(bool),
    /// Somebody removed an address of ours.
    AddressRemoved,
    /// Another station claims this IPv6 address, which we hold or do not use.
    AddressAnswered {
        /// The address.
        address: IpAddr,
        /// Hardware address of the station.
        mac: Option<Mac>,
    },
    /// An interface came back, was renamed or has another hardware address.
    InterfaceChanged,
    /// lvs.cf was read again and is valid.
    Reload(Box<Settings>),
    /// A signal asks for a clean stop.
    Stop {
        /// Its number.
        signal: i32,
    },
}

/// What a test of the default gateway has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gateway {
    /// It answers.
    Seen,
    /// It does not.
    Silent,
    /// There is none, or no way to ask it.
    Unknown,
}

/// A command of lvs.cf that is run without waiting for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// `active_cmd`.
    Active,
    /// `inactive_cmd`.
    Inactive,
}

/// What the shell is to do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send a heartbeat on every path.
    Send(Value),
    /// The same, as the answer to what is not proven: with [`Echo::Unproven`](crate::auth::Echo).
    Challenge(Value),
    /// Write a log line.
    Notice(Notice),
    /// Run a command of lvs.cf, and end the other one if it still runs. Answered by `HookEnded` or
    /// `HookFailed`.
    RunHook(Hook),
    /// Switch the kernel's connection synchronisation, outside the loop.
    SyncDaemon(SyncRole),
    /// Start the service; answered by `ServiceReady` or `ServiceEnded`.
    StartService,
    /// Start the monitors of the partner's services (`fos --monitor`); answered by `ServiceEnded` or
    /// `ServiceSurrendered`.
    StartMonitors,
    /// Find out whether the default gateway answers; answered by `Gateway`.
    TestGateway,
    /// Ask the service to end; answered by `ServiceEnded`.
    StopService,
    /// End the service the hard way; answered by `ServiceEnded`.
    KillService,
    /// Keep this ownership term for the next start.
    KeepTerm(u64),
    /// Keep these orders for the next start.
    KeepOrders(Orders),
    /// The answer to [`Input::Order`]: what this order has begun, or why it is refused.
    Answer(Result<Begun, OrderRefused>),
    /// The end of a hand-over by order: the partner is active, or why not.
    HandOverEnded(Result<(), HandOverFailed>),
    /// Take lvs.cf's services out of the kernel's table, with a process in the service's place; answered by
    /// `ServiceEnded`.
    ClearTable,
    /// Let the service read its configuration again.
    ReloadService,
    /// Bring up what is missing of the wanted addresses, take down what is no longer wanted or
    /// [not to be used](crate::Node::is_unused).
    RaiseAddresses,
    /// Take all addresses down.
    DropAddresses,
    /// Announce every address.
    Announce,
    /// Ask who has our IPv6 addresses, used or not; answered by `AddressAnswered`.
    AskForAddresses,
    /// The machine is done: end the program with status 0.
    Exit,
}

impl Action {
    /// Whether it tells others that this node is active.
    #[must_use]
    pub const fn claims(&self) -> bool {
        match self {
            Self::Send(value) | Self::Challenge(value) => !matches!(value, Value::Stopped),
            Self::RaiseAddresses | Self::Announce => true,
            _ => false,
        }
    }
}
