//! What this suite reads and an original does not: the one table of extensions.
//!
//! A row that no program acts on has `honoured: false`; its keyword is then unknown, so that
//! nothing is accepted and silently ignored. The change that makes a program act on it sets the
//! row, takes *not honoured yet* from the field in [`crate::model`], and moves its entry in
//! `docs/lvs.cf-extensions.md`.

use crate::keyword::{Accept, Keyword, Kind, Place, row};

/// A keyword that an original does not know.
#[derive(Clone, Copy, Debug)]
pub struct Extension {
    /// Its row.
    pub keyword: Keyword,
    /// Whether a program acts on it.
    pub honoured: bool,
}

/// A value that an original refuses for a keyword it knows.
#[derive(Clone, Copy, Debug)]
pub struct ExtendedValue {
    /// The keyword.
    pub keyword: &'static str,
    /// The value.
    pub value: &'static str,
    /// Whether a program acts on it.
    pub honoured: bool,
}

const GLOBAL: &[Place] = &[Place::Global];
const VIRTUAL: &[Place] = &[Place::Virtual];
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

/// The keywords.
pub const EXTENSIONS: &[Extension] = &[
    honoured(row("audit_interval", GLOBAL, AUDIT)),
    honoured(row("set_sysctls", GLOBAL, Kind::Bool)),
    honoured(row("nannies", GLOBAL, Kind::Choice(&["process", "shared"]))),
    honoured(row("heartbeat_key", GLOBAL, Kind::Program)),
    honoured(row(
        "heartbeat_auth",
        GLOBAL,
        Kind::Choice(&["off", "accept", "sign", "require"]),
    )),
    honoured(row("stay_active", GLOBAL, Kind::Bool)),
    honoured(row("copy_config", GLOBAL, Kind::Bool)),
    honoured(row("warm_standby", GLOBAL, Kind::Bool)),
    honoured(row("vip", GLOBAL, Kind::Choice(&["interface", "external"]))),
    honoured(row("scheduler_flags", VIRTUAL, Kind::Word)),
    honoured(row("one_packet", VIRTUAL, Kind::Bool)),
    honoured(row("fall", VIRTUAL, COUNT)),
    honoured(row("rise", VIRTUAL, COUNT)),
    honoured(row(
        "forward",
        SERVER,
        Kind::Choice(&["nat", "direct", "tunnel"]),
    )),
    honoured(row("upper_threshold", SERVER, THRESHOLD)),
    honoured(row("lower_threshold", SERVER, THRESHOLD)),
];

/// The values.
pub const VALUES: &[ExtendedValue] = &[ExtendedValue {
    keyword: "protocol",
    value: "sctp",
    honoured: true,
}];

/// A keyword that a program acts on.
const fn honoured(keyword: Keyword) -> Extension {
    Extension {
        keyword,
        honoured: true,
    }
}

/// A keyword that no program acts on yet.
#[expect(dead_code, reason = "every name that is taken is honoured at present")]
const fn later(keyword: Keyword) -> Extension {
    Extension {
        keyword,
        honoured: false,
    }
}

impl Extension {
    pub(crate) const fn is_taken(&self, accept: Accept) -> bool {
        self.honoured || accept.is_all()
    }
}

/// The extended value of a keyword that is written as `text`.
pub(crate) fn value(keyword: &str, text: &[u8], accept: Accept) -> Option<&'static str> {
    VALUES
        .iter()
        .filter(|row| row.honoured || accept.is_all())
        .find(|row| row.keyword == keyword && row.value.as_bytes() == text)
        .map(|row| row.value)
}
