//! Every keyword of an original lvs.cf: its place, its kind of value, its range.
//!
//! One row for each keyword and kind of value. The reader, the messages and the tests go by this table.
//! What an original does not know stands in [`crate::extension`].

use std::fmt;

/// Names each row of a table: code asks for a keyword by that name, so that a misspelt one does not
/// compile.
macro_rules! keywords {
    ($(#[$doc:meta])* $table:ident: $($name:ident = $row:expr;)*) => {
        $(pub(crate) const $name: Keyword = $row;)*

        $(#[$doc])*
        pub const $table: &[Keyword] = &[$($name),*];
    };
}
pub(crate) use keywords;

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
#[derive(Clone, Copy, Debug, PartialEq)]
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

impl fmt::Display for Keyword {
    /// As written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
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

keywords! {
    /// The keywords of an original, in the order of its manual page and of the web page's files.
    KEYWORDS:
    SERIAL_NO = row("serial_no", GLOBAL, any_integer());
    PRIMARY = row("primary", GLOBAL, Kind::Host);
    PRIMARY_PRIVATE = row("primary_private", GLOBAL, Kind::Host);
    PRIMARY_SHARED = row("primary_shared", GLOBAL, Kind::Word);
    SERVICE = row("service", GLOBAL, Kind::Choice(&["lvs", "fos"]));
    RSH_COMMAND = row("rsh_command", GLOBAL, Kind::Program);
    BACKUP_ACTIVE = row("backup_active", GLOBAL, Kind::Bool);
    BACKUP = row("backup", GLOBAL, Kind::HostOrNone);
    BACKUP_PRIVATE = row("backup_private", GLOBAL, Kind::Host);
    BACKUP_SHARED = row("backup_shared", GLOBAL, Kind::Word);
    HEARTBEAT = row("heartbeat", GLOBAL, Kind::Bool);
    HEARTBEAT_PORT = row("heartbeat_port", GLOBAL, Kind::Port);
    KEEPALIVE = row(
        "keepalive",
        GLOBAL,
        Kind::Seconds {
            min: 10,
            max: 3_600_000,
        },
    );
    DEADTIME = row(
        "deadtime",
        GLOBAL,
        Kind::Seconds {
            min: 30,
            max: 86_400_000,
        },
    );
    NETWORK = row(
        "network",
        GLOBAL,
        Kind::Choice(&["nat", "direct", "tunnel"]),
    );
    NAT_ROUTER = row("nat_router", GLOBAL, Kind::AddressDevice);
    NAT_NMASK = row("nat_nmask", GLOBAL, Kind::Mask);
    RESERVATION_CONFLICT_ACTION = row(
        "reservation_conflict_action",
        GLOBAL,
        Kind::Choice(&["nothing", "preempt"]),
    );
    DEBUG_LEVEL = row("debug_level", GLOBAL, Kind::Word);
    MONITOR_LINKS = row("monitor_links", GLOBAL, any_integer());
    SYNCDAEMON = row("syncdaemon", GLOBAL, Kind::Bool);
    SYNCD_IFACE = row("syncd_iface", GLOBAL, Kind::Device);
    SYNCD_ID = row("syncd_id", GLOBAL, up_to(255));
    TCP_TIMEOUT = row("tcp_timeout", GLOBAL, up_to(MAX_IDLE));
    TCPFIN_TIMEOUT = row("tcpfin_timeout", GLOBAL, up_to(MAX_IDLE));
    UDP_TIMEOUT = row("udp_timeout", GLOBAL, up_to(MAX_IDLE));
    IPVSADM = row("ipvsadm", GLOBAL, Kind::Program);
    ACTIVE_CMD = row("active_cmd", GLOBAL, Kind::Command);
    INACTIVE_CMD = row("inactive_cmd", GLOBAL, Kind::Command);
    HARD_SHUTDOWN = row("hard_shutdown", GLOBAL, Kind::Bool);
    SYNC = row("sync", GLOBAL, Kind::Bool);
    ACTIVE = row("active", ALL_BLOCKS, Kind::Bool);
    ADDRESS = row("address", BLOCKS, Kind::AddressDevice);
    SERVER_ADDRESS = row("address", SERVER, Kind::HostOrNone);
    VIP_NMASK = row("vip_nmask", BLOCKS, Kind::Mask);
    SORRY_SERVER = idle_in(FAILOVER_ONLY, "sorry_server", Kind::Address);
    FWMARK = idle_in(FAILOVER_ONLY, "fwmark", any_integer());
    PORT = row("port", BLOCKS, Kind::Port);
    SERVER_PORT = row(
        "port",
        SERVER,
        Kind::Integer {
            min: 1,
            max: 65_535,
        },
    );
    PERSISTENT = idle_in(FAILOVER_ONLY, "persistent", up_to(MAX_PERSISTENCE));
    PMASK = idle_in(FAILOVER_ONLY, "pmask", Kind::Mask);
    SEND = row("send", BLOCKS, Kind::Text);
    EXPECT = row("expect", BLOCKS, Kind::Text);
    USE_REGEX = idle_in(FAILOVER_ONLY, "use_regex", Kind::Bool);
    SEND_PROGRAM = row("send_program", BLOCKS, Kind::CheckProgram);
    CLIENT_MONITOR = row("client_monitor", BLOCKS, Kind::Program);
    LOAD_MONITOR = idle_in(FAILOVER_ONLY, "load_monitor", Kind::Word);
    SCHEDULER = idle_in(FAILOVER_ONLY, "scheduler", Kind::Scheduler);
    PROTOCOL = row("protocol", BLOCKS, Kind::Choice(&["tcp", "udp"]));
    TIMEOUT = row(
        "timeout",
        BLOCKS,
        Kind::Seconds {
            min: 100,
            max: 3_600_000,
        },
    );
    REENTRY = idle_in(
        FAILOVER_ONLY,
        "reentry",
        Kind::Seconds {
            min: 0,
            max: 86_400_000,
        },
    );
    QUIESCE_SERVER = idle_in(FAILOVER_ONLY, "quiesce_server", Kind::Bool);
    START_CMD = idle_in(VIRTUAL_ONLY, "start_cmd", Kind::QuotedCommand);
    STOP_CMD = idle_in(VIRTUAL_ONLY, "stop_cmd", Kind::QuotedCommand);
    MASTER = row("master", BLOCKS, Kind::Word);
    DIRS = row("dirs", BLOCKS, Kind::List);
    WEIGHT = row("weight", SERVER, up_to(65_535));
}

/// Schedulers that an original takes.
pub(crate) const ORIGINAL_SCHEDULERS: [&str; 8] =
    ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh"];
