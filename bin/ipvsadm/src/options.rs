//! The options: one table that feeds the scanner, the messages and the help text.

use std::ffi::OsStr;

use lvs_model::{ForwardingMethod, Protocol};
use popt::{Letters, Row, Table, Takes};

use crate::command::Command;
use crate::error::UsageError;
use crate::given::Name;
use crate::line::Line;
use crate::names::Names;
use crate::take::{ANY, multicast_group, ranged};

/// What the scanner calls an option.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Key {
    Command(Command),
    Help,
    Version,
    /// Anything behind a command.
    Setting(Setting),
}

/// What an option behind a command does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// As messages call it, and given once at most; `None` for what may be repeated.
    pub(crate) name: Option<Name>,
    pub(crate) block: Block,
    pub(crate) set: Set,
}

/// Where an option stands in the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Block {
    Commands,
    Service,
    Options,
    Daemon,
}

/// How an option sets its part of a line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Set {
    /// That it was given says it all.
    Nothing,
    Flag(fn(&mut Line<'_>) -> Result<(), UsageError>),
    Text(for<'a> fn(&mut Line<'a>, &'a OsStr, &dyn Names) -> Result<(), UsageError>),
    OptionalText(for<'a> fn(&mut Line<'a>, Option<&'a OsStr>) -> Result<(), UsageError>),
}

const fn command(command: Command, long: &'static str) -> Row<Key> {
    Row::new(Key::Command(command), long)
}

const fn setting(name: Option<Name>, block: Block, long: &'static str, set: Set) -> Row<Key> {
    Row::new(Key::Setting(Setting { name, block, set }), long)
}

/// An option whose being there says it all.
const fn flag(name: Name, long: &'static str) -> Row<Key> {
    setting(Some(name), Block::Options, long, Set::Nothing)
}

const fn forwarding(
    long: &'static str,
    set: fn(&mut Line<'_>) -> Result<(), UsageError>,
) -> Row<Key> {
    let name = Some(Name::Forwarding);
    setting(name, Block::Options, long, Set::Flag(set))
}

type SetText = for<'a> fn(&mut Line<'a>, &'a OsStr, &dyn Names) -> Result<(), UsageError>;

const fn text(name: Name, long: &'static str, value: &'static str, set: SetText) -> Row<Key> {
    setting(Some(name), Block::Options, long, Set::Text(set)).takes(Takes::Text, value)
}

/// What the service is.
const fn service(long: &'static str, value: &'static str, set: SetText) -> Row<Key> {
    let name = Some(Name::Service);
    setting(name, Block::Service, long, Set::Text(set)).takes(Takes::Text, value)
}

/// What a sync daemon does.
const fn daemon(name: Name, long: &'static str, value: &'static str, set: SetText) -> Row<Key> {
    setting(Some(name), Block::Daemon, long, Set::Text(set)).takes(Takes::Text, value)
}

const fn optional(
    name: Name,
    long: &'static str,
    value: &'static str,
    set: for<'a> fn(&mut Line<'a>, Option<&'a OsStr>) -> Result<(), UsageError>,
) -> Row<Key> {
    let row = setting(Some(name), Block::Options, long, Set::OptionalText(set));
    row.takes(Takes::OptionalText, value)
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
            .help(
                "give a virtual service new settings; those not given go back to \
                default",
            ),
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
        command(Command::SetTimeouts, "set").help(
            "set the idle times: three words, tcp, tcpfin and udp, in seconds; \
                0 keeps",
        ),
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
        service("tcp-service", "address[:port]", |line, text, names| {
            line.take_address(Protocol::Tcp, text, names)
        })
        .letter('t')
        .help("TCP at this address"),
        service("udp-service", "address[:port]", |line, text, names| {
            line.take_address(Protocol::Udp, text, names)
        })
        .letter('u')
        .help("UDP at this address"),
        service("sctp-service", "address[:port]", |line, text, names| {
            line.take_address(Protocol::Sctp, text, names)
        })
        .help("SCTP at this address"),
        service("fwmark-service", "mark", |line, text, _| {
            line.take_mark(text)
        })
        .letter('f')
        .help("packets with this firewall mark"),
        setting(
            None,
            Block::Service,
            "ipv6",
            Set::Flag(|line| line.take_ipv6()),
        )
        .letter('6')
        .help("the mark's IPv6 packets; behind -f"),
        text(Name::Scheduler, "scheduler", "name", |line, text, _| {
            line.scheduler = text;
            Ok(())
        })
        .letter('s')
        .help(
            "one of rr|wrr|lc|wlc|lblc|lblcr|dh|sh|sed|nq|fo|ovf|mh, or any \
                other that the kernel has (wlc)",
        ),
        text(
            Name::SchedulerFlags,
            "sched-flags",
            "flag,...",
            |line, text, _| {
                line.scheduler_flags = text;
                Ok(())
            },
        )
        .letter('b')
        .help("flag-1, flag-2, flag-3; sh-fallback, sh-port; mh-fallback, mh-port"),
        optional(Name::Persistent, "persistent", "seconds", |line, text| {
            line.take_persistence(text)
        })
        .letter('p')
        .help("a client stays with its server this long (360)"),
        text(Name::Netmask, "netmask", "mask", |line, text, names| {
            line.take_netmask(text, names)
        })
        .letter('M')
        .help("persistence by network: a dotted mask, or an IPv6 prefix length"),
        text(Name::Engine, "pe", "name", |line, text, _| {
            line.engine = text;
            Ok(())
        })
        .help("persistence engine: sip"),
        flag(Name::OnePacket, "ops")
            .letter('o')
            .help("one-packet scheduling, for UDP"),
        text(
            Name::Server,
            "real-server",
            "address[:port]",
            |line, text, names| line.take_server(text, names),
        )
        .letter('r')
        .help("the real server"),
        forwarding("gatewaying", |line| {
            line.forwarding = ForwardingMethod::DirectRouting;
            Ok(())
        })
        .letter('g')
        .help("forward by direct routing (default)"),
        forwarding("ipip", |line| {
            line.forwarding = ForwardingMethod::Tunnelling;
            Ok(())
        })
        .letter('i')
        .help("forward through a tunnel"),
        forwarding("masquerading", |line| {
            line.forwarding = ForwardingMethod::Masquerading;
            Ok(())
        })
        .letter('m')
        .help("forward by address translation"),
        text(Name::TunType, "tun-type", "type", |line, text, _| {
            line.take_tunnel_type(text)
        })
        .help("ipip|gue|gre (ipip)"),
        text(Name::TunPort, "tun-port", "port", |line, text, _| {
            line.tunnel_port = ranged(text, 1..=65535, "illegal tunnel port specified")?;
            Ok(())
        })
        .help("UDP port of a gue tunnel"),
        flag(Name::TunNocsum, "tun-nocsum").help("tunnel without checksum (default)"),
        flag(Name::TunCsum, "tun-csum").help("tunnel with checksum"),
        flag(Name::TunRemcsum, "tun-remcsum").help("gue tunnel with remote checksum"),
        text(Name::Weight, "weight", "number", |line, text, _| {
            line.take_weight(text)
        })
        .letter('w')
        .help("share of new connections, 0 for none (1)"),
        text(
            Name::UpperThreshold,
            "u-threshold",
            "number",
            |line, text, _| {
                line.thresholds.upper = ranged(text, ANY, "illegal u_threshold specified")?;
                Ok(())
            },
        )
        .letter('x')
        .help("no new connections from this many on; 0 is no limit (0)"),
        text(
            Name::LowerThreshold,
            "l-threshold",
            "number",
            |line, text, _| {
                line.thresholds.lower = ranged(text, ANY, "illegal l_threshold specified")?;
                Ok(())
            },
        )
        .letter('y')
        .help("new ones again below this many (0)"),
        flag(Name::Connection, "connection")
            .letter('c')
            .help("list connections"),
        flag(Name::Timeout, "timeout").help("list the idle times"),
        flag(Name::Daemon, "daemon").help("list the synchronisation daemons"),
        flag(Name::Stats, "stats").help("list totals"),
        flag(Name::Rate, "rate").help("list rates per second"),
        flag(Name::Thresholds, "thresholds").help("list thresholds"),
        flag(Name::PersistentConn, "persistent-conn").help("list persistent connections"),
        flag(Name::TunInfo, "tun-info").help("list tunnels"),
        flag(Name::Exact, "exact")
            .letter('X')
            .help("counters in full, without K, M, G, T"),
        flag(Name::Numeric, "numeric")
            .letter('n')
            .help("addresses and ports as numbers"),
        flag(Name::NoSort, "nosort").help("in the kernel's order"),
        setting(None, Block::Options, "sort", Set::Nothing).help("sorted (default)"),
        flag(Name::Json, "json")
            .help("list as JSON, numbers in full, no names (not in the C ipvsadm)"),
        optional(Name::Watch, "watch", "seconds", |line, text| {
            line.take_watch(text)
        })
        .help(
            "list rates per second again and again, measured over so many \
                seconds (2; not in the C ipvsadm)",
        ),
        flag(Name::Ensure, "ensure").help(
            "with -A or -a: what is there already gets these settings (not in \
                the C ipvsadm)",
        ),
        flag(Name::Atomic, "atomic").help(
            "with -R: the commands are the whole table; all of them or none \
                (not in the C ipvsadm)",
        ),
        flag(Name::DryRun, "dry-run")
            .help("with --atomic: print the changes, make none (not in the C ipvsadm)"),
        daemon(
            Name::McastInterface,
            "mcast-interface",
            "interface",
            |line, text, _| {
                line.sync.interface = text;
                Ok(())
            },
        )
        .help("where synchronisation is sent or heard (eth0)"),
        daemon(Name::SyncId, "syncid", "number", |line, text, _| {
            line.sync.id = ranged(text, 0..=255, "illegal syncid specified")?;
            Ok(())
        })
        .help("id of the synchronisation, 0 to 255 (0)"),
        daemon(Name::SyncMaxlen, "sync-maxlen", "bytes", |line, text, _| {
            let length = ranged(text, 1..=65507, "illegal sync-maxlen specified")?;
            line.sync.max_length = Some(length);
            Ok(())
        })
        .help("longest message, 1 to 65507"),
        daemon(
            Name::McastGroup,
            "mcast-group",
            "address",
            |line, text, _| {
                line.sync.group = Some(multicast_group(text)?);
                Ok(())
            },
        )
        .help("multicast group (224.0.0.81)"),
        daemon(Name::McastPort, "mcast-port", "port", |line, text, _| {
            line.sync.port = Some(ranged(text, 1..=65535, "illegal mcast-port specified")?);
            Ok(())
        })
        .help("UDP port (8848)"),
        daemon(Name::McastTtl, "mcast-ttl", "hops", |line, text, _| {
            line.sync.ttl = Some(ranged(text, 1..=255, "illegal mcast-ttl specified")?);
            Ok(())
        })
        .help("TTL or hop limit (1)"),
    ],
    help_rows: &[],
};
