//! The enums of linux/ip_vs.h, written down a second time: what `kernel_wire::ipvs::names` says is
//! held to it.

/// One enum: its attributes, and what stands inside those that hold attributes.
#[derive(Debug)]
pub struct Rows {
    pub name: &'static str,
    pub rows: &'static [(&'static str, u16)],
    pub nests: &'static [(&'static str, &'static Rows)],
}

impl Rows {
    /// The name of an attribute that the kernel sent.
    pub fn name_of(&self, number: u16) -> &'static str {
        let row = self.rows.iter().find(|row| row.1 == number);
        row.unwrap_or_else(|| panic!("{} {number} has no row", self.name))
            .0
    }

    pub fn number_of(&self, name: &str) -> u16 {
        let row = self.rows.iter().find(|row| row.0 == name);
        row.unwrap_or_else(|| panic!("{} has no row {name}", self.name))
            .1
    }

    pub fn inside(&self, name: &str) -> Option<&'static Self> {
        let nest = self.nests.iter().find(|nest| nest.0 == name);
        nest.map(|nest| nest.1)
    }
}

pub static COMMANDS: Rows = Rows {
    name: "IPVS_CMD",
    rows: &[
        ("NEW_SERVICE", 1),
        ("SET_SERVICE", 2),
        ("DEL_SERVICE", 3),
        ("GET_SERVICE", 4),
        ("NEW_DEST", 5),
        ("SET_DEST", 6),
        ("DEL_DEST", 7),
        ("GET_DEST", 8),
        ("NEW_DAEMON", 9),
        ("DEL_DAEMON", 10),
        ("GET_DAEMON", 11),
        ("SET_CONFIG", 12),
        ("GET_CONFIG", 13),
        ("SET_INFO", 14),
        ("GET_INFO", 15),
        ("ZERO", 16),
        ("FLUSH", 17),
    ],
    nests: &[],
};

pub static TOP: Rows = Rows {
    name: "IPVS_CMD_ATTR",
    rows: &[
        ("SERVICE", 1),
        ("DEST", 2),
        ("DAEMON", 3),
        ("TIMEOUT_TCP", 4),
        ("TIMEOUT_TCP_FIN", 5),
        ("TIMEOUT_UDP", 6),
    ],
    nests: &[
        ("SERVICE", &SERVICE),
        ("DEST", &DESTINATION),
        ("DAEMON", &DAEMON),
    ],
};

pub static SERVICE: Rows = Rows {
    name: "IPVS_SVC_ATTR",
    rows: &[
        ("AF", 1),
        ("PROTOCOL", 2),
        ("ADDR", 3),
        ("PORT", 4),
        ("FWMARK", 5),
        ("SCHED_NAME", 6),
        ("FLAGS", 7),
        ("TIMEOUT", 8),
        ("NETMASK", 9),
        ("STATS", 10),
        ("PE_NAME", 11),
        ("STATS64", 12),
    ],
    nests: &[("STATS", &STATS), ("STATS64", &STATS)],
};

pub static DESTINATION: Rows = Rows {
    name: "IPVS_DEST_ATTR",
    rows: &[
        ("ADDR", 1),
        ("PORT", 2),
        ("FWD_METHOD", 3),
        ("WEIGHT", 4),
        ("U_THRESH", 5),
        ("L_THRESH", 6),
        ("ACTIVE_CONNS", 7),
        ("INACT_CONNS", 8),
        ("PERSIST_CONNS", 9),
        ("STATS", 10),
        ("ADDR_FAMILY", 11),
        ("STATS64", 12),
        ("TUN_TYPE", 13),
        ("TUN_PORT", 14),
        ("TUN_FLAGS", 15),
    ],
    nests: &[("STATS", &STATS), ("STATS64", &STATS)],
};

pub static DAEMON: Rows = Rows {
    name: "IPVS_DAEMON_ATTR",
    rows: &[
        ("STATE", 1),
        ("MCAST_IFN", 2),
        ("SYNC_ID", 3),
        ("SYNC_MAXLEN", 4),
        ("MCAST_GROUP", 5),
        ("MCAST_GROUP6", 6),
        ("MCAST_PORT", 7),
        ("MCAST_TTL", 8),
    ],
    nests: &[],
};

pub static INFO: Rows = Rows {
    name: "IPVS_INFO_ATTR",
    rows: &[("VERSION", 1), ("CONN_TAB_SIZE", 2)],
    nests: &[],
};

pub static STATS: Rows = Rows {
    name: "IPVS_STATS_ATTR",
    rows: &[
        ("CONNS", 1),
        ("INPKTS", 2),
        ("OUTPKTS", 3),
        ("INBYTES", 4),
        ("OUTBYTES", 5),
        ("CPS", 6),
        ("INPPS", 7),
        ("OUTPPS", 8),
        ("INBPS", 9),
        ("OUTBPS", 10),
        ("PAD", 11),
    ],
    nests: &[],
};
