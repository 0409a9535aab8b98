//! The options that a command may take, by their names in messages, and which of them a line gave.

/// Makes the names, their texts and the table of legal options of one row each.
macro_rules! names {
    ($($name:ident $text:literal $cells:literal;)*) => {
        /// Options that a command may take, in the order in which they are checked.
        ///
        /// Options that exclude each other by nature share one name: the four that give a service, the
        /// three forwarding methods.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Name {
            $($name,)*
        }

        impl Name {
            /// As messages call it.
            pub(crate) const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }

        /// How each command takes an option, in the order in which they are checked.
        pub(crate) const LEGAL: &[(Name, &[u8; 14])] = &[$((Name::$name, $cells),)*];
    };
}

// A name, its text in messages, and how each command takes it, in the order of `Command`. `+` must be
// there, `o` may be, `.` may not, `1` may be but only one of them.
names! {
    // A E D C L a d e set start stop R S Z
    Numeric        "numeric"            b"....o.......o.";
    Connection     "connection"         b"....1.........";
    Service        "service-address"    b"+++.1+++.....o";
    Scheduler      "scheduler"          b"oo............";
    Persistent     "persistent"         b"oo............";
    Netmask        "netmask"            b"oo............";
    Server         "real-server"        b".....+++......";
    Forwarding     "forwarding-method"  b".....o.o......";
    Weight         "weight"             b".....o.o......";
    UpperThreshold "u-threshold"        b".....o.o......";
    LowerThreshold "l-threshold"        b".....o.o......";
    McastInterface "mcast-interface"    b".........o....";
    Timeout        "timeout"            b"....1.........";
    Daemon         "daemon"             b"....1.........";
    Stats          "stats"              b"....o.........";
    Rate           "rate"               b"....o.........";
    Thresholds     "thresholds"         b"....o.........";
    PersistentConn "persistent-conn"    b"....o.........";
    NoSort         "nosort"             b"....o.........";
    SyncId         "syncid"             b"....o....oo...";
    Exact          "exact"              b"....o.........";
    OnePacket      "ops"                b"oo............";
    Engine         "pe"                 b"oo............";
    SchedulerFlags "sched-flags"        b"oo............";
    McastGroup     "mcast-group"        b".........o....";
    McastPort      "mcast-port"         b".........o....";
    McastTtl       "mcast-ttl"          b".........o....";
    SyncMaxlen     "sync-maxlen"        b".........o....";
    TunInfo        "tun-info"           b"....o.........";
    TunType        "tun-type"           b".....o.o......";
    TunPort        "tun-port"           b".....o.o......";
    TunNocsum      "tun-nocsum"         b".....o.o......";
    TunCsum        "tun-csum"           b".....o.o......";
    TunRemcsum     "tun-remcsum"        b".....o.o......";
    // Ours, not the original's.
    // A E D C L a d e set start stop R S Z
    Atomic         "atomic"             b"...........o..";
    DryRun         "dry-run"            b"...........o..";
    Ensure         "ensure"             b"o....o........";
    Json           "json"               b"....o.........";
    Watch          "watch"              b"....o.........";
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
