//! What this suite reads and an original does not: the one table of extensions.
//!
//! A keyword comes in with the change that makes a program act on it, so that nothing is accepted and
//! ignored in silence. Its entry in `docs/guide/lvs.cf-extensions.md` comes with it.

use crate::keyword::{Keyword, Kind, PROTOCOL, Place, keywords, row};

/// A value that an original refuses for a keyword it knows.
#[derive(Clone, Copy, Debug)]
pub struct ExtendedValue {
    /// The keyword.
    pub keyword: Keyword,
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

const WAIT: Kind = Kind::Seconds {
    min: 0,
    max: 60_000,
};

const START: Kind = Kind::Seconds {
    min: 0,
    max: 3_600_000,
};

keywords! {
    /// The keywords.
    EXTENSIONS:
    AUDIT_INTERVAL = row("audit_interval", GLOBAL, AUDIT);
    MANUAL_WEIGHT = row(
        "manual_weight",
        GLOBAL,
        Kind::Choice(&["drain", "keep", "repair"]),
    );
    SET_SYSCTLS = row("set_sysctls", GLOBAL, Kind::Bool);
    NANNIES = row("nannies", GLOBAL, Kind::Choice(&["process", "shared"]));
    CHECK_USER = row("check_user", GLOBAL, Kind::User);
    HEARTBEAT_KEY = row("heartbeat_key", GLOBAL, Kind::Program);
    HEARTBEAT_AUTH = row(
        "heartbeat_auth",
        GLOBAL,
        Kind::Choice(&["off", "accept", "sign", "require"]),
    );
    STAY_ACTIVE = row("stay_active", GLOBAL, Kind::Bool);
    COPY_CONFIG = row("copy_config", GLOBAL, Kind::Bool);
    WARM_STANDBY = row("warm_standby", GLOBAL, Kind::Bool);
    SYNC_WAIT = row("sync_wait", GLOBAL, WAIT);
    SEND_ARP = row("send_arp", GLOBAL, Kind::Program);
    VIP = row("vip", GLOBAL, Kind::Choice(&["interface", "external"]));
    SCHEDULER_FLAGS = row("scheduler_flags", VIRTUAL, Kind::Word);
    ONE_PACKET = row("one_packet", VIRTUAL, Kind::Bool);
    START_TIMEOUT = row("start_timeout", FAILOVER, START);
    FALL = row("fall", VIRTUAL, COUNT);
    RISE = row("rise", VIRTUAL, COUNT);
    FORWARD = row(
        "forward",
        SERVER,
        Kind::Choice(&["nat", "direct", "tunnel"]),
    );
    UPPER_THRESHOLD = row("upper_threshold", SERVER, THRESHOLD);
    LOWER_THRESHOLD = row("lower_threshold", SERVER, THRESHOLD);
}

/// The values.
pub const VALUES: &[ExtendedValue] = &[ExtendedValue {
    keyword: PROTOCOL,
    value: "sctp",
}];

/// The extended values of a keyword.
pub(crate) fn values(keyword: &Keyword) -> impl Iterator<Item = &'static str> {
    let rows = VALUES.iter().filter(|row| row.keyword == *keyword);
    rows.map(|row| row.value)
}
