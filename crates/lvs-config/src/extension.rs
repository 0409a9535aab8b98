//! What this suite reads and an original does not: the one table of extensions.
//!
//! A keyword comes in with the change that makes a program act on it, so that nothing is accepted
//! and silently ignored; its entry in `docs/guide/lvs.cf-extensions.md` comes with it.

use crate::keyword::{Keyword, Kind, Place, row};

/// A value that an original refuses for a keyword it knows.
#[derive(Clone, Copy, Debug)]
pub struct ExtendedValue {
    /// The keyword.
    pub keyword: &'static str,
    /// The value.
    pub value: &'static str,
}

const GLOBAL: &[Place] = &[Place::Global];
const VIRTUAL: &[Place] = &[Place::Virtual];
const FAILOVER: &[Place] = &[Place::Failover];
const SERVER: &[Place] = &[Place::Server];

const COUNT: Kind = Kind::Integer { min: 1, max: 100 };
const THRESHOLD: Kind = Kind::Integer {
    min: 0,
    max: u32::MAX,
};
const AUDIT: Kind = Kind::Seconds {
    min: 100,
    max: 3_600_000,
};

const SYNC_WAIT: Kind = Kind::Seconds {
    min: 0,
    max: 60_000,
};

const START: Kind = Kind::Seconds {
    min: 0,
    max: 3_600_000,
};

/// The keywords.
pub const EXTENSIONS: &[Keyword] = &[
    row("audit_interval", GLOBAL, AUDIT),
    row(
        "manual_weight",
        GLOBAL,
        Kind::Choice(&["drain", "keep", "repair"]),
    ),
    row("set_sysctls", GLOBAL, Kind::Bool),
    row("nannies", GLOBAL, Kind::Choice(&["process", "shared"])),
    row("check_user", GLOBAL, Kind::User),
    row("heartbeat_key", GLOBAL, Kind::Program),
    row(
        "heartbeat_auth",
        GLOBAL,
        Kind::Choice(&["off", "accept", "sign", "require"]),
    ),
    row("stay_active", GLOBAL, Kind::Bool),
    row("copy_config", GLOBAL, Kind::Bool),
    row("warm_standby", GLOBAL, Kind::Bool),
    row("sync_wait", GLOBAL, SYNC_WAIT),
    row("send_arp", GLOBAL, Kind::Program),
    row("vip", GLOBAL, Kind::Choice(&["interface", "external"])),
    row("scheduler_flags", VIRTUAL, Kind::Word),
    row("one_packet", VIRTUAL, Kind::Bool),
    row("start_timeout", FAILOVER, START),
    row("fall", VIRTUAL, COUNT),
    row("rise", VIRTUAL, COUNT),
    row(
        "forward",
        SERVER,
        Kind::Choice(&["nat", "direct", "tunnel"]),
    ),
    row("upper_threshold", SERVER, THRESHOLD),
    row("lower_threshold", SERVER, THRESHOLD),
];

/// The values.
pub const VALUES: &[ExtendedValue] = &[ExtendedValue {
    keyword: "protocol",
    value: "sctp",
}];

/// The extended values of a keyword.
pub(crate) fn values(keyword: &str) -> impl Iterator<Item = &'static str> {
    let rows = VALUES.iter().filter(move |row| row.keyword == keyword);
    rows.map(|row| row.value)
}
