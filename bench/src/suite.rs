//! The three measurements: whose values are shown beside each other, what must be reached.

use crate::figure::{Subject, Unit};
use crate::goals::{Goal, Limit};

/// What one kind of run shows.
#[derive(Debug)]
pub struct Suite {
    /// The columns of the table; the first is what the others are held against.
    pub columns: &'static [Column],
    /// What must be reached.
    pub goals: &'static [Goal],
    /// A line below the table.
    pub remark: &'static str,
}

/// A column: its heading, and whose value stands in it, the first of these that was measured.
#[derive(Debug)]
pub struct Column {
    /// Its heading, at most ten letters.
    pub heading: &'static str,
    /// In order of preference.
    pub subjects: &'static [Subject],
}

const fn column(heading: &'static str, subjects: &'static [Subject]) -> Column {
    Column { heading, subjects }
}

/// What ipvsadm costs: [`crate::guest`].
pub static TABLES: Suite = Suite {
    columns: &[
        column("C", &[Subject::Peer]),
        column("candidate", &[Subject::Candidate]),
        column("floor", &[Subject::Floor, Subject::Empty]),
    ],
    goals: &TABLE_GOALS,
    remark: "start: the floor is an empty program of the same build",
};

/// What health checks cost: [`crate::checks`].
pub static CHECKS: Suite = Suite {
    columns: &[
        column("keepalived", &[Subject::Keepalived]),
        column("nannies", &[Subject::Nannies]),
        column("shared", &[Subject::Shared]),
    ],
    goals: &CHECK_GOALS,
    remark: "nannies: one process for each real server; shared: lvs.cf nannies = shared",
};

/// How long a client goes without an answer: [`crate::failover`].
pub static FAILOVER: Suite = Suite {
    columns: &[
        column("keepalived", &[Subject::Keepalived]),
        column("pulse", &[Subject::Pulse]),
        column("warm", &[Subject::Warm]),
    ],
    goals: &FAILOVER_GOALS,
    remark: "behind the dash: keepalive or advert_int in seconds; default: lvs.cf says nothing, \
             2 and 5 s, unsigned; warm: pulse with warm_standby = 1",
};

const TABLE_GOALS: [Goal; 8] = [
    Goal {
        title: "restore of 100 x 100, times C",
        what: "restore-100x100",
        unit: Unit::Kiloinstructions,
        subject: Subject::Candidate,
        limit: Limit::Times(Subject::Peer, 0.10),
    },
    Goal {
        title: "restore, system calls a rule without start-up",
        what: "restore-100x100",
        unit: Unit::Calls,
        subject: Subject::Candidate,
        limit: Limit::PerEntry {
            each: 0.01,
            entries: 10_100,
            base: "restore-nothing",
        },
    },
    Goal {
        title: "restore of 100 000 rules, peak KiB",
        what: "restore-1000x99",
        unit: Unit::Kibibytes,
        subject: Subject::Candidate,
        limit: Limit::AtMost(6144.0),
    },
    Goal {
        title: "-Ln of 100 x 100, times C",
        what: "list-100x100",
        unit: Unit::Kiloinstructions,
        subject: Subject::Candidate,
        limit: Limit::Times(Subject::Peer, 0.38),
    },
    Goal {
        title: "-Ln of 1000 x 1, times C",
        what: "list-1000x1",
        unit: Unit::Kiloinstructions,
        subject: Subject::Candidate,
        limit: Limit::Times(Subject::Peer, 0.55),
    },
    Goal {
        title: "start-up (-Ln, empty table), times C",
        what: "start",
        unit: Unit::Kiloinstructions,
        subject: Subject::Candidate,
        limit: Limit::Times(Subject::Peer, 0.6),
    },
    Goal {
        title: "start-up, system calls above an empty program",
        what: "start",
        unit: Unit::Calls,
        subject: Subject::Candidate,
        limit: Limit::AboveEmpty(20.0),
    },
    Goal {
        title: "-Lcn at 30 000 entries, times C",
        what: "connections-30000",
        unit: Unit::Kiloinstructions,
        subject: Subject::Candidate,
        limit: Limit::Times(Subject::Peer, 0.32),
    },
];

const CHECK_GOALS: [Goal; 3] = [
    Goal {
        title: "PSS of a nanny, KiB",
        what: "pss-of-one",
        unit: Unit::Kibibytes,
        subject: Subject::Nannies,
        limit: Limit::AtMost(100.0),
    },
    Goal {
        title: "shared: PSS, times keepalived",
        what: "pss",
        unit: Unit::Kibibytes,
        subject: Subject::Shared,
        limit: Limit::Times(Subject::Keepalived, 1.0),
    },
    Goal {
        title: "shared: a check, times keepalived",
        what: "check",
        unit: Unit::Instructions,
        subject: Subject::Shared,
        limit: Limit::Times(Subject::Keepalived, 1.0),
    },
];

const FAILOVER_GOALS: [Goal; 14] = [
    crash("crash at 1 s, times keepalived", "crash-1", Subject::Pulse),
    crash(
        "crash at 0.1 s, times keepalived",
        "crash-0.1",
        Subject::Pulse,
    ),
    crash(
        "crash at 0.01 s, times keepalived",
        "crash-0.01",
        Subject::Pulse,
    ),
    crash(
        "warm: crash at 1 s, times keepalived",
        "crash-1",
        Subject::Warm,
    ),
    crash(
        "warm: crash at 0.1 s, times keepalived",
        "crash-0.1",
        Subject::Warm,
    ),
    crash(
        "warm: crash at 0.01 s, times keepalived",
        "crash-0.01",
        Subject::Warm,
    ),
    at_most("clean stop at 1 s, us", "stop-1", Subject::Pulse, STOP),
    at_most("clean stop at 0.1 s, us", "stop-0.1", Subject::Pulse, STOP),
    at_most(
        "clean stop at 0.01 s, us",
        "stop-0.01",
        Subject::Pulse,
        STOP,
    ),
    at_most("warm: clean stop at 1 s, us", "stop-1", Subject::Warm, STOP),
    at_most(
        "warm: clean stop at 0.1 s, us",
        "stop-0.1",
        Subject::Warm,
        STOP,
    ),
    at_most(
        "warm: clean stop at 0.01 s, us",
        "stop-0.01",
        Subject::Warm,
        STOP,
    ),
    at_most(
        "crash at the defaults, us",
        "crash-default",
        Subject::Pulse,
        DEFAULTS,
    ),
    at_most(
        "warm: crash at the defaults, us",
        "crash-default",
        Subject::Warm,
        DEFAULTS,
    ),
];

/// Microseconds of a clean stop.
const STOP: f64 = 5_000.0;
/// Microseconds of a crash with the dead time that lvs.cf has by default: 5 s, and a tenth.
const DEFAULTS: f64 = 5_100_000.0;

const fn crash(title: &'static str, what: &'static str, subject: Subject) -> Goal {
    Goal {
        title,
        what,
        unit: Unit::Microseconds,
        subject,
        limit: Limit::Times(Subject::Keepalived, 1.0),
    }
}

const fn at_most(title: &'static str, what: &'static str, subject: Subject, most: f64) -> Goal {
    Goal {
        title,
        what,
        unit: Unit::Microseconds,
        subject,
        limit: Limit::AtMost(most),
    }
}
