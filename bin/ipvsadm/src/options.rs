//! The options: one table that feeds the scanner, the messages and the help text.

use popt::{Letters, Row, Table, Takes};

use crate::command::Command;
use crate::given::Name;

/// What the scanner calls an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Command(Command),
    Help,
    Version,
    Tcp,
    Udp,
    Sctp,
    FwMark,
    Gatewaying,
    Ipip,
    Masquerading,
    /// Any other option with a name of its own.
    Named(Name),
    Ipv6,
    Sort,
}

const fn command(command: Command, long: &'static str) -> Row<Key> {
    Row::new(Key::Command(command), long)
}

const fn named(name: Name, long: &'static str) -> Row<Key> {
    Row::new(Key::Named(name), long)
}

/// Where the letters' rows are: a restore looks up five of them a line.
pub(crate) static LETTERS: Letters = TABLE.letters();

/// Commands first, then what they take.
pub(crate) static TABLE: Table<Key> = Table {
    rows: &[
        command(Command::AddService, "add-service")
            .letter('A')
            .help("add a virtual service"),
        command(Command::EditService, "edit-service")
            .letter('E')
            .help("give a virtual service new settings; those not given go back to default"),
        command(Command::DeleteService, "delete-service")
            .letter('D')
            .help("delete a virtual service and its real servers"),
        command(Command::Flush, "clear")
            .letter('C')
            .help("delete every virtual service"),
        command(Command::Restore, "restore")
            .letter('R')
            .help("run the commands on standard input, one a line"),
        command(Command::Save, "save")
            .letter('S')
            .help("print the table as commands for --restore"),
        command(Command::AddServer, "add-server")
            .letter('a')
            .help("add a real server to a virtual service"),
        command(Command::EditServer, "edit-server")
            .letter('e')
            .help("give a real server new settings; those not given go back to default"),
        command(Command::DeleteServer, "delete-server")
            .letter('d')
            .help("take a real server out of a virtual service"),
        command(Command::List, "list")
            .letter('L')
            .help("list the table, or one virtual service"),
        Row::only_letter(Key::Command(Command::List), 'l').help("the same as -L"),
        command(Command::Zero, "zero")
            .letter('Z')
            .help("set the counters of a service, or of all, to zero"),
        command(Command::SetTimeouts, "set")
            .help("set the idle times: three words, tcp, tcpfin and udp, in seconds; 0 keeps"),
        command(Command::StartDaemon, "start-daemon")
            .takes(Takes::Text, "master|backup")
            .help("start a connection synchronisation daemon"),
        command(Command::StopDaemon, "stop-daemon")
            .takes(Takes::Text, "master|backup")
            .help("stop it"),
        Row::new(Key::Help, "help")
            .letter('h')
            .help("print this text"),
        Row::new(Key::Version, "version")
            .letter('v')
            .help("print the version"),
        Row::new(Key::Tcp, "tcp-service")
            .letter('t')
            .takes(Takes::Text, "address[:port]")
            .help("TCP at this address"),
        Row::new(Key::Udp, "udp-service")
            .letter('u')
            .takes(Takes::Text, "address[:port]")
            .help("UDP at this address"),
        Row::new(Key::Sctp, "sctp-service")
            .takes(Takes::Text, "address[:port]")
            .help("SCTP at this address"),
        Row::new(Key::FwMark, "fwmark-service")
            .letter('f')
            .takes(Takes::Text, "mark")
            .help("packets with this firewall mark"),
        Row::new(Key::Ipv6, "ipv6")
            .letter('6')
            .help("the mark's IPv6 packets; behind -f"),
        named(Name::Scheduler, "scheduler")
            .letter('s')
            .takes(Takes::Text, "name")
            .help("one of rr|wrr|lc|wlc|lblc|lblcr|dh|sh|sed|nq|fo|ovf|mh, or any other that the kernel has (wlc)"),
        named(Name::SchedulerFlags, "sched-flags")
            .letter('b')
            .takes(Takes::Text, "flag,...")
            .help("flag-1, flag-2, flag-3; sh-fallback, sh-port; mh-fallback, mh-port"),
        named(Name::Persistent, "persistent")
            .letter('p')
            .takes(Takes::OptionalText, "seconds")
            .help("a client stays with its server this long (360)"),
        named(Name::Netmask, "netmask")
            .letter('M')
            .takes(Takes::Text, "mask")
            .help("persistence by network: a dotted mask, or an IPv6 prefix length"),
        named(Name::Engine, "pe")
            .takes(Takes::Text, "name")
            .help("persistence engine: sip"),
        named(Name::OnePacket, "ops")
            .letter('o')
            .help("one-packet scheduling, for UDP"),
        named(Name::Server, "real-server")
            .letter('r')
            .takes(Takes::Text, "address[:port]")
            .help("the real server"),
        Row::new(Key::Gatewaying, "gatewaying")
            .letter('g')
            .help("forward by direct routing (default)"),
        Row::new(Key::Ipip, "ipip")
            .letter('i')
            .help("forward through a tunnel"),
        Row::new(Key::Masquerading, "masquerading")
            .letter('m')
            .help("forward by address translation"),
        named(Name::TunType, "tun-type")
            .takes(Takes::Text, "type")
            .help("ipip|gue|gre (ipip)"),
        named(Name::TunPort, "tun-port")
            .takes(Takes::Text, "port")
            .help("UDP port of a gue tunnel"),
        named(Name::TunNocsum, "tun-nocsum").help("tunnel without checksum (default)"),
        named(Name::TunCsum, "tun-csum").help("tunnel with checksum"),
        named(Name::TunRemcsum, "tun-remcsum").help("gue tunnel with remote checksum"),
        named(Name::Weight, "weight")
            .letter('w')
            .takes(Takes::Text, "number")
            .help("share of new connections, 0 for none (1)"),
        named(Name::UpperThreshold, "u-threshold")
            .letter('x')
            .takes(Takes::Text, "number")
            .help("no new connections from this many on; 0 is no limit (0)"),
        named(Name::LowerThreshold, "l-threshold")
            .letter('y')
            .takes(Takes::Text, "number")
            .help("new ones again below this many (0)"),
        named(Name::Connection, "connection")
            .letter('c')
            .help("list connections"),
        named(Name::Timeout, "timeout").help("list the idle times"),
        named(Name::Daemon, "daemon").help("list the synchronisation daemons"),
        named(Name::Stats, "stats").help("list totals"),
        named(Name::Rate, "rate").help("list rates per second"),
        named(Name::Thresholds, "thresholds").help("list thresholds"),
        named(Name::PersistentConn, "persistent-conn").help("list persistent connections"),
        named(Name::TunInfo, "tun-info").help("list tunnels"),
        named(Name::Exact, "exact")
            .letter('X')
            .help("counters in full, without K, M, G, T"),
        named(Name::Numeric, "numeric")
            .letter('n')
            .help("addresses and ports as numbers"),
        named(Name::NoSort, "nosort").help("in the kernel's order"),
        Row::new(Key::Sort, "sort").help("sorted (default)"),
        named(Name::Json, "json")
            .help("list as JSON, numbers in full, no names (not in the C ipvsadm)"),
        named(Name::Watch, "watch")
            .takes(Takes::OptionalText, "seconds")
            .help("list rates per second again and again, measured over so many seconds (2; not in the C ipvsadm)"),
        named(Name::Ensure, "ensure")
            .help("with -A or -a: what is there already gets these settings (not in the C ipvsadm)"),
        named(Name::Atomic, "atomic")
            .help("with -R: the commands are the whole table; all of them or none (not in the C ipvsadm)"),
        named(Name::DryRun, "dry-run")
            .help("with --atomic: print the changes, make none (not in the C ipvsadm)"),
        named(Name::McastInterface, "mcast-interface")
            .takes(Takes::Text, "interface")
            .help("where synchronisation is sent or heard (eth0)"),
        named(Name::SyncId, "syncid")
            .takes(Takes::Text, "number")
            .help("id of the synchronisation, 0 to 255 (0)"),
        named(Name::SyncMaxlen, "sync-maxlen")
            .takes(Takes::Text, "bytes")
            .help("longest message, 1 to 65507"),
        named(Name::McastGroup, "mcast-group")
            .takes(Takes::Text, "address")
            .help("multicast group (224.0.0.81)"),
        named(Name::McastPort, "mcast-port")
            .takes(Takes::Text, "port")
            .help("UDP port (8848)"),
        named(Name::McastTtl, "mcast-ttl")
            .takes(Takes::Text, "hops")
            .help("TTL or hop limit (1)"),
    ],
    help_rows: &[],
};
