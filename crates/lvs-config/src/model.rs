//! What lvs.cf means: every setting in its type, in range, with the original's default.
//!
//! The reader in this crate makes it; pulse, lvsd and fos read it. It has only what is in force: no block
//! or real server with `active = 0`, and none that a warning said is left out. Keywords without effect in
//! any program (`heartbeat`, `debug_level`, `sync`, `dirs`, `master`) are checked when read and not kept.
//!
//! A setting that needs no judgement is read here, beside its field and its default (`plain`); the judges
//! make the others.
//!
//! Lines count from 1. Texts are bytes as written: a file need not be UTF-8.
//!
//! Fields marked *extension* have keywords that an original does not know
//! (`docs/guide/lvs.cf-extensions.md`).

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use lvs_model::{
    Account, AddressFamily, CheckSpec, ForwardingMethod, FwMark, Netmask, Protocol, SchedulerFlags,
    SchedulerName, ServiceKey, Thresholds, Timeouts, Weight,
};

use crate::section::Section;
use crate::{extension, keyword};

pub use crate::command::Command;
pub use crate::device::{Device, DeviceError};

/// A whole lvs.cf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Version of the file, for people and logs; no program compares it. lvs.cf: `serial_no`.
    pub serial: u32,
    /// Which blocks count, and so which daemon pulse starts. lvs.cf: `service`.
    pub service: ServiceKind,
    /// The pair of directors and how they watch each other.
    pub heartbeat: Heartbeat,
    /// Forwarding method of every service, unless a real server has its own. lvs.cf: `network`.
    pub network: ForwardingMethod,
    /// Inner gateway address of the real servers; pulse raises it only with `network = nat`.
    pub nat_router: Option<NatRouter>,
    /// The kernel's connection synchronisation. lvs.cf: `syncdaemon`, `syncd_iface`, `syncd_id`.
    pub sync_daemon: Option<SyncSettings>,
    /// Idle times for the kernel, seconds, 0 leaves the present one.
    /// lvs.cf: `tcp_timeout`, `tcpfin_timeout`, `udp_timeout`.
    pub timeouts: Timeouts,
    /// Whether a server whose nanny keeps dying is out, and lvsd ends when those of all servers do; on by
    /// default. lvs.cf: `hard_shutdown`.
    pub hard_shutdown: bool,
    /// Program that asks a real server for its load with `load_monitor = uptime`, and that copies
    /// lvs.cf. lvs.cf: `rsh_command`, `rsh` by default.
    pub rsh_command: OsString,
    /// Whether pulse may copy lvs.cf to the partner on request. *Extension*, `copy_config`; off by default.
    pub copy_config: bool,
    /// Program that is run for each address at a takeover, besides our own announcements.
    /// *Extension*, `send_arp`; none by default.
    pub send_arp: Option<PathBuf>,
    /// Program that edits the kernel's table. lvs.cf: `ipvsadm`, `/sbin/ipvsadm` by default.
    pub ipvsadm: PathBuf,
    /// Run when this director becomes active. lvs.cf: `active_cmd`.
    pub active_cmd: Option<Command>,
    /// Run when it becomes inactive, and once at start. lvs.cf: `inactive_cmd`.
    pub inactive_cmd: Option<Command>,
    /// SCSI disk that both directors share, in fos mode.
    pub shared_disk: SharedDisk,
    /// Active `virtual` blocks in file order. Two may have one firewall mark: one service, several checks.
    /// No two have one protocol, address and port.
    pub virtuals: Vec<VirtualBlock>,
    /// Active `failover` blocks in file order.
    pub failovers: Vec<FailoverBlock>,
    /// Pause between two audits of the kernel's table. *Extension*, `audit_interval`: 0.1 to 3600 s, 5 s by
    /// default.
    pub audit_interval: Duration,
    /// What lvsd does with a weight that somebody else has set. *Extension*, `manual_weight`.
    pub manual_weight: ManualWeight,
    /// Whether lvsd may set the sysctls that the removal of real servers depends on.
    /// *Extension*, `set_sysctls`; off by default.
    pub set_sysctls: bool,
    /// How monitors are spread over processes. *Extension*, `nannies`.
    pub nannies: NannyProcesses,
    /// User of check and load programs; `None` is `lvscheck`, as for the nannies. *Extension*,
    /// `check_user`.
    pub check_user: Option<Account>,
}

/// Which daemon pulse starts. lvs.cf: `service`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServiceKind {
    /// `lvs`: lvsd and the `virtual` blocks.
    #[default]
    Lvs,
    /// `fos`: fos and the `failover` blocks.
    Fos,
}

/// The pair of directors and how they watch each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Public address of the primary. A machine that carries it is the primary. lvs.cf: `primary`.
    pub primary: Option<IpAddr>,
    /// Public address of the backup; `0.0.0.0` in the file is none. lvs.cf: `backup`.
    pub backup: Option<IpAddr>,
    /// Whether there is a backup. pulse says so and goes on alone if this is set and
    /// [`backup`](Self::backup) is not. lvs.cf: `backup_active`.
    pub backup_active: bool,
    /// The second path. It exists only if both private addresses were given and the primary's differs from
    /// its public one.
    pub private: Option<PrivatePath>,
    /// UDP port, 539 by default. lvs.cf: `heartbeat_port`.
    pub port: u16,
    /// Time between heartbeats, 0.01 to 3600 s, 2 s by default. lvs.cf: `keepalive`.
    pub keepalive: Duration,
    /// Silence after which the partner counts as dead, 0.03 to 86 400 s, 5 s by default; more than
    /// [`keepalive`](Self::keepalive) wherever there is a backup. lvs.cf: `deadtime`.
    pub dead_time: Duration,
    /// Whether the link state of the heartbeat interfaces is watched. lvs.cf: `monitor_links`.
    pub monitor_links: bool,
    /// File with the keys of signed heartbeats.
    /// *Extension*, `heartbeat_key`.
    pub key_file: Option<PathBuf>,
    /// How far signed heartbeats are rolled out. *Extension*, `heartbeat_auth`.
    pub authentication: Authentication,
    /// Which director stays when both are active: off, the primary; on, the higher ownership term.
    /// *Extension*, `stay_active`.
    pub stay_active: bool,
    /// Whether lvsd runs on the standby too, so that a takeover finds a loaded table. lvs only.
    /// *Extension*, `warm_standby`; off by default.
    pub warm_standby: bool,
    /// Who moves the virtual addresses. *Extension*, `vip`.
    pub vip: VipMover,
}

/// Second heartbeat path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrivatePath {
    /// lvs.cf: `primary_private`.
    pub primary: IpAddr,
    /// lvs.cf: `backup_private`.
    pub backup: IpAddr,
}

/// Steps of rolling out signed heartbeats; each is safe beside a partner one step away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Authentication {
    /// `off`: as the original.
    #[default]
    Off,
    /// `accept`: sends unsigned, checks a signature that is there.
    Accept,
    /// `sign`: sends signed, takes unsigned ones too.
    Sign,
    /// `require`: unsigned heartbeats do not count.
    Require,
}

/// Who moves the virtual addresses between the directors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VipMover {
    /// `interface`: pulse raises and announces them.
    #[default]
    Interface,
    /// `external`: `active_cmd` and `inactive_cmd` alone.
    External,
}

/// What lvsd does with a weight that somebody else has set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ManualWeight {
    /// `drain`: 0 stays until another is set, any other weight is repaired.
    #[default]
    Drain,
    /// `keep`: it stays until the weight of lvs.cf is set, or the server fails.
    Keep,
    /// `repair`: it is repaired, 0 too.
    Repair,
}

/// How monitors are spread over processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NannyProcesses {
    /// `process`: one for each virtual service and real server.
    #[default]
    Own,
    /// `shared`: one process checks many real servers.
    Shared,
}

/// Floating gateway address of the real servers. lvs.cf: `nat_router`, `nat_nmask`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatRouter {
    /// The address.
    pub address: IpAddr,
    /// Interface, usually an alias, that carries it.
    pub device: Device,
    /// Prefix length of its network, 1 to 32 or 128; `None` leaves the choice to the system.
    pub prefix: Option<u8>,
    /// Where `nat_router` stands.
    pub line: u32,
}

/// Settings of the kernel's sync daemon; which end runs where is pulse's decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncSettings {
    /// Interface of the multicast, `eth0` by default. lvs.cf: `syncd_iface`.
    pub interface: Device,
    /// Only messages with this id are taken, 0 by default. lvs.cf: `syncd_id`.
    pub id: u8,
    /// How long a director listens before it takes over from a partner that stops, 0 to 60 s, 10 s by
    /// default: the partner sends a connection when a packet of it comes. *Extension*, `sync_wait`.
    pub wait: Duration,
}

impl SyncSettings {
    /// [`SyncSettings::wait`] by default.
    pub const WAIT: Duration = Duration::from_secs(10);
}

/// SCSI disk that both directors share, in fos mode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SharedDisk {
    /// Its device as the primary sees it. lvs.cf: `primary_shared`.
    pub primary: Option<OsString>,
    /// Its device as the backup sees it. lvs.cf: `backup_shared`.
    pub backup: Option<OsString>,
    /// What to do when the reservation cannot be had. lvs.cf: `reservation_conflict_action`.
    pub on_conflict: Option<ConflictAction>,
}

/// What to do when the shared disk is reserved by the partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictAction {
    /// `nothing`.
    Nothing,
    /// `preempt`.
    Preempt,
}

/// An active `virtual` block: a virtual service with its real servers and its check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualBlock {
    /// For log lines only; need not be unique. Control characters are escaped.
    pub name: String,
    /// Where the block opens.
    pub line: u32,
    /// Virtual address. With a mark it serves announcements and checks only. lvs.cf: `address`.
    pub vip: IpAddr,
    /// Interface, usually an alias, that carries it. lvs.cf: second word of `address`.
    pub device: Device,
    /// Prefix length of the virtual address, 1 to 32 or 128; `None` leaves the choice to the system.
    /// lvs.cf: `vip_nmask`.
    pub vip_prefix: Option<u8>,
    /// Protocol of the service and of the check. lvs.cf: `protocol`; SCTP is an *extension*.
    pub protocol: Protocol,
    /// Port of the service, 80 by default; 0 is any port and needs persistence. lvs.cf: `port`.
    pub port: u16,
    /// Firewall mark that makes the service, instead of address and port. lvs.cf: `fwmark`.
    pub fwmark: Option<FwMark>,
    /// `wlc` by default. lvs.cf: `scheduler`.
    pub scheduler: SchedulerName,
    /// Flags of the scheduler. *Extension*, `scheduler_flags`.
    pub scheduler_flags: SchedulerFlags,
    /// One-packet scheduling. *Extension*, `one_packet`.
    pub one_packet: bool,
    /// lvs.cf: `persistent`, `pmask`.
    pub persistence: Option<Persistence>,
    /// Destination while no real server is up. lvs.cf: `sorry_server`.
    pub sorry_server: Option<IpAddr>,
    /// How real servers are checked.
    pub check: CheckSpec,
    /// Whether a failed server gets weight 0 instead of being removed. lvs.cf: `quiesce_server`.
    pub quiesce: bool,
    /// How a real server's load is asked, as written (`none` too). lvs.cf: `load_monitor`.
    pub load_monitor: Option<OsString>,
    /// Program to start for each real server, `/usr/sbin/nanny` by default. lvs.cf: `client_monitor`.
    pub monitor: PathBuf,
    /// Active real servers in file order; no two have one address and port.
    pub servers: Vec<RealServer>,
}

impl VirtualBlock {
    /// What finds the service in the kernel's table.
    #[must_use]
    pub fn key(&self) -> ServiceKey {
        match self.fwmark {
            Some(mark) => ServiceKey::FwMark {
                mark,
                family: AddressFamily::of(&self.vip),
            },
            None => ServiceKey::Address {
                protocol: self.protocol,
                address: self.vip,
                port: self.port,
            },
        }
    }
}

/// A client stays with its real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Persistence {
    /// Seconds, 1 to 2 678 400. lvs.cf: `persistent`.
    pub seconds: u32,
    /// Which part of the client's address counts; all of it by default. lvs.cf: `pmask`.
    pub netmask: Netmask,
}

/// An active `server` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealServer {
    /// For log lines only. Control characters are escaped.
    pub name: String,
    /// Where the block opens.
    pub line: u32,
    /// Real server (RIP). lvs.cf: `address`.
    pub address: IpAddr,
    /// Port that is checked, and under masquerading or a mark the destination's. lvs.cf: `port`.
    pub port: u16,
    /// Whether [`port`](Self::port) was given here, not taken from the virtual block.
    pub has_own_port: bool,
    /// Target weight, 0 to 65535, 1 by default. lvs.cf: `weight`.
    pub weight: Weight,
    /// `network`, unless the server has its own. *Extension*, `forward`.
    pub forwarding: ForwardingMethod,
    /// Connection limits. *Extension*, `upper_threshold` and `lower_threshold`.
    pub thresholds: Thresholds,
}

/// An active `failover` block: a local service that follows the active director.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailoverBlock {
    /// For log lines only. Control characters are escaped.
    pub name: String,
    /// Where the block opens.
    pub line: u32,
    /// Address of the service. lvs.cf: `address`.
    pub vip: IpAddr,
    /// Interface, usually an alias, that carries it. lvs.cf: second word of `address`.
    pub device: Device,
    /// Prefix length of the address; `None` leaves the choice to the system. lvs.cf: `vip_nmask`.
    pub vip_prefix: Option<u8>,
    /// Protocol of the check. lvs.cf: `protocol`.
    pub protocol: Protocol,
    /// Port of the check, 80 by default. lvs.cf: `port`.
    pub port: u16,
    /// How the service on the active director is checked.
    pub check: CheckSpec,
    /// Program that checks, `/usr/sbin/nanny` by default. lvs.cf: `client_monitor`.
    pub monitor: PathBuf,
    /// Starts the service on the active director. lvs.cf: `start_cmd`.
    pub start_cmd: Command,
    /// Stops it on both. lvs.cf: `stop_cmd`.
    pub stop_cmd: Command,
    /// Time from its start to its first good check, 60 s by default. *Extension*, `start_timeout`.
    pub start_timeout: Duration,
}

impl FailoverBlock {
    /// [`FailoverBlock::start_timeout`] by default.
    pub const START_TIMEOUT: Duration = Duration::from_secs(60);
}

impl Config {
    /// What needs no judgement: its statements as they stand, or the default. The blocks are not in it.
    pub(crate) fn plain(file: &Section) -> Self {
        let default = Self::default();
        let path = |keyword| file.argument(keyword).map(PathBuf::from);
        Self {
            serial: file.integer(keyword::SERIAL_NO).unwrap_or(0),
            service: match file.choice(keyword::SERVICE) {
                Some("fos") => ServiceKind::Fos,
                _ => ServiceKind::Lvs,
            },
            network: forwarding(file.choice(keyword::NETWORK)).unwrap_or(default.network),
            sync_daemon: SyncSettings::plain(file),
            timeouts: Timeouts {
                tcp: file.integer(keyword::TCP_TIMEOUT).unwrap_or(0),
                tcp_fin: file.integer(keyword::TCPFIN_TIMEOUT).unwrap_or(0),
                udp: file.integer(keyword::UDP_TIMEOUT).unwrap_or(0),
            },
            hard_shutdown: !file.has(keyword::HARD_SHUTDOWN) || file.is_on(keyword::HARD_SHUTDOWN),
            rsh_command: (file.argument(keyword::RSH_COMMAND)).unwrap_or(default.rsh_command),
            copy_config: file.is_on(extension::COPY_CONFIG),
            send_arp: path(extension::SEND_ARP),
            ipvsadm: path(keyword::IPVSADM).unwrap_or(default.ipvsadm),
            active_cmd: file.command(keyword::ACTIVE_CMD),
            inactive_cmd: file.command(keyword::INACTIVE_CMD),
            shared_disk: SharedDisk::plain(file),
            audit_interval: file
                .seconds(extension::AUDIT_INTERVAL)
                .unwrap_or(default.audit_interval),
            manual_weight: match file.choice(extension::MANUAL_WEIGHT) {
                Some("keep") => ManualWeight::Keep,
                Some("repair") => ManualWeight::Repair,
                _ => ManualWeight::Drain,
            },
            set_sysctls: file.is_on(extension::SET_SYSCTLS),
            nannies: match file.choice(extension::NANNIES) {
                Some("shared") => NannyProcesses::Shared,
                _ => NannyProcesses::Own,
            },
            ..default
        }
    }
}

impl Heartbeat {
    /// What needs no judgement: its statements as they stand, or the default.
    pub(crate) fn plain(file: &Section) -> Self {
        let default = Self::default();
        Self {
            primary: file.address(keyword::PRIMARY),
            backup: file.address(keyword::BACKUP),
            backup_active: file.is_on(keyword::BACKUP_ACTIVE),
            keepalive: (file.seconds(keyword::KEEPALIVE)).unwrap_or(default.keepalive),
            dead_time: file.seconds(keyword::DEADTIME).unwrap_or(default.dead_time),
            monitor_links: file.integer(keyword::MONITOR_LINKS).unwrap_or(0) != 0,
            key_file: file.argument(extension::HEARTBEAT_KEY).map(PathBuf::from),
            authentication: match file.choice(extension::HEARTBEAT_AUTH) {
                Some("accept") => Authentication::Accept,
                Some("sign") => Authentication::Sign,
                Some("require") => Authentication::Require,
                _ => Authentication::Off,
            },
            stay_active: file.is_on(extension::STAY_ACTIVE),
            warm_standby: file.is_on(extension::WARM_STANDBY),
            vip: match file.choice(extension::VIP) {
                Some("external") => VipMover::External,
                _ => VipMover::Interface,
            },
            ..default
        }
    }
}

impl SyncSettings {
    fn plain(file: &Section) -> Option<Self> {
        if !file.is_on(keyword::SYNCDAEMON) {
            return None;
        }
        let interface = match file.device(keyword::SYNCD_IFACE) {
            Some(given) => given.clone(),
            None => Device::new("eth0").ok()?,
        };
        let id = file.integer(keyword::SYNCD_ID).unwrap_or(0);
        Some(Self {
            interface,
            id: u8::try_from(id).ok()?,
            wait: file.seconds(extension::SYNC_WAIT).unwrap_or(Self::WAIT),
        })
    }
}

impl SharedDisk {
    fn plain(file: &Section) -> Self {
        Self {
            primary: file.argument(keyword::PRIMARY_SHARED),
            backup: file.argument(keyword::BACKUP_SHARED),
            on_conflict: match file.choice(keyword::RESERVATION_CONFLICT_ACTION) {
                Some("nothing") => Some(ConflictAction::Nothing),
                Some("preempt") => Some(ConflictAction::Preempt),
                _ => None,
            },
        }
    }
}

/// The forwarding method that a word of lvs.cf names.
pub(crate) fn forwarding(word: Option<&str>) -> Option<ForwardingMethod> {
    match word? {
        "nat" => Some(ForwardingMethod::Masquerading),
        "direct" => Some(ForwardingMethod::DirectRouting),
        "tunnel" => Some(ForwardingMethod::Tunnelling),
        _ => None,
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            serial: 0,
            service: ServiceKind::Lvs,
            heartbeat: Heartbeat::default(),
            network: ForwardingMethod::Masquerading,
            nat_router: None,
            sync_daemon: None,
            timeouts: Timeouts::default(),
            hard_shutdown: true,
            rsh_command: "rsh".into(),
            copy_config: false,
            send_arp: None,
            ipvsadm: "/sbin/ipvsadm".into(),
            active_cmd: None,
            inactive_cmd: None,
            shared_disk: SharedDisk::default(),
            virtuals: Vec::new(),
            failovers: Vec::new(),
            audit_interval: Duration::from_secs(5),
            manual_weight: ManualWeight::Drain,
            set_sysctls: false,
            nannies: NannyProcesses::Own,
            check_user: None,
        }
    }
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self {
            primary: None,
            backup: None,
            backup_active: false,
            private: None,
            port: 539,
            keepalive: Duration::from_secs(2),
            dead_time: Duration::from_secs(5),
            monitor_links: false,
            key_file: None,
            authentication: Authentication::Off,
            stay_active: false,
            warm_standby: false,
            vip: VipMover::Interface,
        }
    }
}
