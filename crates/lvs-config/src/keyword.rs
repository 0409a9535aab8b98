//! Every keyword of an original lvs.cf: where it stands, what value it takes, with which range.
//!
//! One row a keyword and kind of value. The reader, the printer of messages and the tests go by
//! this table; what an original does not know stands in [`crate::extension`].

/// Where a statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Outside blocks.
    Global,
    /// In a `virtual` block.
    Virtual,
    /// In a `failover` block.
    Failover,
    /// In a `server` block.
    Server,
}

impl Place {
    /// For messages: `in a virtual block`.
    pub(crate) const fn shown(self) -> &'static str {
        match self {
            Self::Global => "outside blocks",
            Self::Virtual => "in a virtual block",
            Self::Failover => "in a failover block",
            Self::Server => "in a server block",
        }
    }
}

/// What value a keyword takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Decimal number, both bounds included.
    Integer {
        /// Smallest.
        min: u32,
        /// Largest.
        max: u32,
    },
    /// `0` or `1`.
    Bool,
    /// Seconds, with decimals if need be; bounds in milliseconds, both included.
    Seconds {
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
    /// Address, or name that resolves; none of all zeros.
    Host,
    /// The same, where all zeros means none.
    HostOrNone,
    /// Address, no name; all zeros means none.
    Address,
    /// [`Kind::HostOrNone`] and an interface: two words.
    AddressDevice,
    /// Contiguous netmask; for IPv6 a prefix length.
    Mask,
    /// Port number or service name; 0 is judged with the block.
    Port,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Any word.
    Word,
    /// A word that names a program.
    Program,
    /// A command line; empty means none.
    Command,
    /// A command line that the original cannot run from single quotes; empty means none.
    QuotedCommand,
    /// External check: as [`Kind::QuotedCommand`], never empty.
    CheckProgram,
    /// Text with the escapes of `send` and `expect`.
    Text,
    /// Interface name.
    Device,
    /// Name of a user of this machine.
    User,
    /// Any scheduler's name.
    Scheduler,
    /// Words between `[` and `]`.
    List,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Keyword {
    /// As written.
    pub name: &'static str,
    /// Where it is accepted.
    pub places: &'static [Place],
    /// What it takes.
    pub kind: Kind,
    /// Where it is accepted and does nothing, and a warning says so.
    pub idle: &'static [Place],
}

const GLOBAL: &[Place] = &[Place::Global];
const BLOCKS: &[Place] = &[Place::Virtual, Place::Failover];
const VIRTUAL_ONLY: &[Place] = &[Place::Virtual];
const FAILOVER_ONLY: &[Place] = &[Place::Failover];
const SERVER: &[Place] = &[Place::Server];
const ALL_BLOCKS: &[Place] = &[Place::Virtual, Place::Failover, Place::Server];

pub(crate) const fn row(name: &'static str, places: &'static [Place], kind: Kind) -> Keyword {
    Keyword {
        name,
        places,
        kind,
        idle: &[],
    }
}

/// A keyword that both kinds of block accept and only one of them uses.
const fn idle_in(idle: &'static [Place], name: &'static str, kind: Kind) -> Keyword {
    Keyword {
        name,
        places: BLOCKS,
        kind,
        idle,
    }
}

const fn any_integer() -> Kind {
    Kind::Integer {
        min: 0,
        max: u32::MAX,
    }
}

const fn up_to(max: u32) -> Kind {
    Kind::Integer { min: 0, max }
}

/// Largest idle time that the kernel takes, seconds.
const MAX_IDLE: u32 = 2_147_483;
/// Longest persistence, seconds: the limit of `ipvsadm -p`, 31 days.
const MAX_PERSISTENCE: u32 = 2_678_400;

/// The keywords of an original, in the order of its manual page and of the web page's files.
pub const KEYWORDS: &[Keyword] = &[
    row("serial_no", GLOBAL, any_integer()),
    row("primary", GLOBAL, Kind::Host),
    row("primary_private", GLOBAL, Kind::Host),
    row("primary_shared", GLOBAL, Kind::Word),
    row("service", GLOBAL, Kind::Choice(&["lvs", "fos"])),
    row("rsh_command", GLOBAL, Kind::Program),
    row("backup_active", GLOBAL, Kind::Bool),
    row("backup", GLOBAL, Kind::HostOrNone),
    row("backup_private", GLOBAL, Kind::Host),
    row("backup_shared", GLOBAL, Kind::Word),
    row("heartbeat", GLOBAL, Kind::Bool),
    row("heartbeat_port", GLOBAL, Kind::Port),
    row(
        "keepalive",
        GLOBAL,
        Kind::Seconds {
            min: 10,
            max: 3_600_000,
        },
    ),
    row(
        "deadtime",
        GLOBAL,
        Kind::Seconds {
            min: 30,
            max: 86_400_000,
        },
    ),
    row(
        "network",
        GLOBAL,
        Kind::Choice(&["nat", "direct", "tunnel"]),
    ),
    row("nat_router", GLOBAL, Kind::AddressDevice),
    row("nat_nmask", GLOBAL, Kind::Mask),
    row(
        "reservation_conflict_action",
        GLOBAL,
        Kind::Choice(&["nothing", "preempt"]),
    ),
    row("debug_level", GLOBAL, Kind::Word),
    row("monitor_links", GLOBAL, any_integer()),
    row("syncdaemon", GLOBAL, Kind::Bool),
    row("syncd_iface", GLOBAL, Kind::Device),
    row("syncd_id", GLOBAL, up_to(255)),
    row("tcp_timeout", GLOBAL, up_to(MAX_IDLE)),
    row("tcpfin_timeout", GLOBAL, up_to(MAX_IDLE)),
    row("udp_timeout", GLOBAL, up_to(MAX_IDLE)),
    row("ipvsadm", GLOBAL, Kind::Program),
    row("active_cmd", GLOBAL, Kind::Command),
    row("inactive_cmd", GLOBAL, Kind::Command),
    row("hard_shutdown", GLOBAL, Kind::Bool),
    row("sync", GLOBAL, Kind::Bool),
    row("active", ALL_BLOCKS, Kind::Bool),
    row("address", BLOCKS, Kind::AddressDevice),
    row("address", SERVER, Kind::HostOrNone),
    row("vip_nmask", BLOCKS, Kind::Mask),
    idle_in(FAILOVER_ONLY, "sorry_server", Kind::Address),
    idle_in(FAILOVER_ONLY, "fwmark", any_integer()),
    row("port", BLOCKS, Kind::Port),
    row(
        "port",
        SERVER,
        Kind::Integer {
            min: 1,
            max: 65_535,
        },
    ),
    idle_in(FAILOVER_ONLY, "persistent", up_to(MAX_PERSISTENCE)),
    idle_in(FAILOVER_ONLY, "pmask", Kind::Mask),
    row("send", BLOCKS, Kind::Text),
    row("expect", BLOCKS, Kind::Text),
    idle_in(FAILOVER_ONLY, "use_regex", Kind::Bool),
    row("send_program", BLOCKS, Kind::CheckProgram),
    row("client_monitor", BLOCKS, Kind::Program),
    idle_in(FAILOVER_ONLY, "load_monitor", Kind::Word),
    idle_in(FAILOVER_ONLY, "scheduler", Kind::Scheduler),
    row("protocol", BLOCKS, Kind::Choice(&["tcp", "udp"])),
    row(
        "timeout",
        BLOCKS,
        Kind::Seconds {
            min: 100,
            max: 3_600_000,
        },
    ),
    idle_in(
        FAILOVER_ONLY,
        "reentry",
        Kind::Seconds {
            min: 0,
            max: 86_400_000,
        },
    ),
    idle_in(FAILOVER_ONLY, "quiesce_server", Kind::Bool),
    idle_in(VIRTUAL_ONLY, "start_cmd", Kind::QuotedCommand),
    idle_in(VIRTUAL_ONLY, "stop_cmd", Kind::QuotedCommand),
    row("master", BLOCKS, Kind::Word),
    row("dirs", BLOCKS, Kind::List),
    row("weight", SERVER, up_to(65_535)),
];

/// Schedulers that an original takes.
pub(crate) const ORIGINAL_SCHEDULERS: [&str; 8] =
    ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh"];
