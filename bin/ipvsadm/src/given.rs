//! The options that a command may take, by the names that messages call them, and which of them a line gave.

/// Options that a command may take, in the order in which they are checked.
///
/// Options that exclude each other by nature share one name: the four that give a service, the
/// three forwarding methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Numeric,
    Connection,
    Service,
    Scheduler,
    Persistent,
    Netmask,
    Server,
    Forwarding,
    Weight,
    UpperThreshold,
    LowerThreshold,
    McastInterface,
    Timeout,
    Daemon,
    Stats,
    Rate,
    Thresholds,
    PersistentConn,
    NoSort,
    SyncId,
    Exact,
    OnePacket,
    Engine,
    SchedulerFlags,
    McastGroup,
    McastPort,
    McastTtl,
    SyncMaxlen,
    TunInfo,
    TunType,
    TunPort,
    TunNocsum,
    TunCsum,
    TunRemcsum,
    // Ours, not the original's.
    Atomic,
    DryRun,
    Ensure,
    Json,
    Watch,
}

impl Name {
    /// As messages call it.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Numeric => "numeric",
            Self::Connection => "connection",
            Self::Service => "service-address",
            Self::Scheduler => "scheduler",
            Self::Persistent => "persistent",
            Self::Netmask => "netmask",
            Self::Server => "real-server",
            Self::Forwarding => "forwarding-method",
            Self::Weight => "weight",
            Self::UpperThreshold => "u-threshold",
            Self::LowerThreshold => "l-threshold",
            Self::McastInterface => "mcast-interface",
            Self::Timeout => "timeout",
            Self::Daemon => "daemon",
            Self::Stats => "stats",
            Self::Rate => "rate",
            Self::Thresholds => "thresholds",
            Self::PersistentConn => "persistent-conn",
            Self::NoSort => "nosort",
            Self::SyncId => "syncid",
            Self::Exact => "exact",
            Self::OnePacket => "ops",
            Self::Engine => "pe",
            Self::SchedulerFlags => "sched-flags",
            Self::McastGroup => "mcast-group",
            Self::McastPort => "mcast-port",
            Self::McastTtl => "mcast-ttl",
            Self::SyncMaxlen => "sync-maxlen",
            Self::TunInfo => "tun-info",
            Self::TunType => "tun-type",
            Self::TunPort => "tun-port",
            Self::TunNocsum => "tun-nocsum",
            Self::TunCsum => "tun-csum",
            Self::TunRemcsum => "tun-remcsum",
            Self::Atomic => "atomic",
            Self::DryRun => "dry-run",
            Self::Ensure => "ensure",
            Self::Json => "json",
            Self::Watch => "watch",
        }
    }
}

/// Which options a line gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Given(u64);

impl Given {
    /// No option.
    pub(crate) const NONE: Self = Self(0);

    /// Whether all of these are among `others`.
    pub(crate) const fn is_within(self, others: Self) -> bool {
        self.0 & !others.0 == 0
    }

    /// How many of `others` are among these.
    pub(crate) const fn count_of(self, others: Self) -> u32 {
        (self.0 & others.0).count_ones()
    }

    const fn bit(name: Name) -> u64 {
        1 << name as u32
    }

    /// Notes the option; false if it was there already.
    pub(crate) const fn insert(&mut self, name: Name) -> bool {
        let is_new = !self.has(name);
        self.0 |= Self::bit(name);
        is_new
    }

    pub(crate) const fn has(self, name: Name) -> bool {
        self.0 & Self::bit(name) != 0
    }

    pub(crate) fn has_any(self, names: &[Name]) -> bool {
        names.iter().any(|&name| self.has(name))
    }
}
