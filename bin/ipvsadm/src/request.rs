//! From what a line said to what to do: the checks between options, in the original's order. The entry and
//! the restore call it with every line.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use lvs_model::{
    Destination, DestinationKey, EngineName, ForwardingMethod, IpvsOp, Netmask, Protocol,
    SchedulerFlags, SchedulerName, ServiceKey, SyncDaemon, VirtualService,
};

use crate::command::Command;
use crate::connections::Columns;
use crate::error::UsageError;
use crate::given::{Given, Name};
use crate::legality;
use crate::line::{Line, Sync};
use crate::listing::{Format, Listing};
use crate::tunnel;

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// A change of the kernel's state.
    Change(IpvsOp),
    /// An addition, or its edit if the entry is there.
    Ensure(IpvsOp),
    /// Services and their servers.
    List(Listing),
    /// The same again and again, with this many seconds between.
    Watch(Listing, u32),
    /// The connection table.
    Connections(Columns),
    /// The idle times.
    Timeouts { json: bool },
    /// The sync daemons.
    Daemons { json: bool },
    /// The table as commands.
    Save { numeric: bool },
    /// Lines from standard input.
    Restore,
    /// The lines of standard input as the whole table.
    Replace { is_dry_run: bool },
}

/// Most bytes of a flag list that are looked at.
const FLAGS_LENGTH: usize = 127;
/// Most bytes of an interface name.
const INTERFACE_LENGTH: usize = 15;
/// The interface of synchronisation if none is named.
const DEFAULT_INTERFACE: &str = "eth0";
/// No interface can have this name: stands for one that is too long to exist.
const NO_INTERFACE: &str = "/";

/// Checks the line as a whole and says what it asks for.
pub(crate) fn resolve(line: &Line<'_>) -> Result<Request, UsageError> {
    let flags = scheduler_flags(line)?;
    legality::check(line.command, line.given)?;
    Ok(match (line.command, line.service) {
        (Command::AddService, Some(key)) => {
            addition(line, IpvsOp::AddService(service(line, key, flags)?))
        }
        (Command::EditService, Some(key)) => {
            Request::Change(IpvsOp::EditService(service(line, key, flags)?))
        }
        (Command::DeleteService, Some(key)) => Request::Change(IpvsOp::DeleteService(key)),
        (Command::AddServer, Some(key)) => {
            addition(line, IpvsOp::AddDestination(key, destination(line, key)?))
        }
        (Command::EditServer, Some(key)) => {
            Request::Change(IpvsOp::EditDestination(key, destination(line, key)?))
        }
        (Command::DeleteServer, Some(key)) => {
            Request::Change(IpvsOp::DeleteDestination(key, server(line)?))
        }
        (Command::Flush, _) => Request::Change(IpvsOp::Flush),
        (Command::Zero, key) => Request::Change(IpvsOp::Zero(key.filter(|key| !is_zero(key)))),
        (Command::SetTimeouts, _) => Request::Change(IpvsOp::SetTimeouts(line.timeouts)),
        (Command::StartDaemon, _) => Request::Change(IpvsOp::StartDaemon(sync_daemon(&line.sync))),
        (Command::StopDaemon, _) => Request::Change(IpvsOp::StopDaemon(line.sync.role)),
        (Command::Restore, _) => restore(line.given)?,
        (Command::Save, _) => Request::Save {
            numeric: line.given.has(Name::Numeric),
        },
        (Command::List, key) => list(line, key)?,
        // The table of legal options has refused these by now.
        (command, None) => return Err(UsageError::Missing(Name::Service, command)),
    })
}

fn addition(line: &Line<'_>, op: IpvsOp) -> Request {
    if line.given.has(Name::Ensure) {
        Request::Ensure(op)
    } else {
        Request::Change(op)
    }
}

fn restore(given: Given) -> Result<Request, UsageError> {
    legality::check_restore(given)?;
    if !given.has(Name::Atomic) {
        return Ok(Request::Restore);
    }
    Ok(Request::Replace {
        is_dry_run: given.has(Name::DryRun),
    })
}

fn list(line: &Line<'_>, service: Option<ServiceKey>) -> Result<Request, UsageError> {
    let given = line.given;
    legality::check_list(given)?;
    let (numeric, json) = (given.has(Name::Numeric), given.has(Name::Json));
    if given.has(Name::Connection) {
        return Ok(Request::Connections(Columns {
            numeric,
            with_engine: given.has(Name::PersistentConn),
            json,
        }));
    }
    if given.has(Name::Timeout) {
        return Ok(Request::Timeouts { json });
    }
    if given.has(Name::Daemon) {
        return Ok(Request::Daemons { json });
    }
    let listing = Listing {
        service,
        format: Format::of(given),
        numeric,
        exact: given.has(Name::Exact),
        sorted: !given.has(Name::NoSort),
        json,
    };
    Ok(match line.watch {
        0 => Request::List(listing),
        seconds => Request::Watch(
            Listing {
                format: Format::Rate,
                ..listing
            },
            seconds,
        ),
    })
}

/// `-Z` with the address and port all zero means every service.
fn is_zero(key: &ServiceKey) -> bool {
    matches!(key, ServiceKey::Address { address, port: 0, .. } if address.is_unspecified())
}

/// The name as the kernel's field takes it: cut, and without the bytes that the kernel cannot have.
fn kernel_name(text: &OsStr, limit: usize) -> String {
    let bytes = text.as_bytes();
    let cut = bytes.get(..limit.min(bytes.len())).unwrap_or_default();
    let printable = |&byte: &u8| match byte {
        b'!'..=b'~' => char::from(byte),
        _ => '?',
    };
    cut.iter().map(printable).collect()
}

fn scheduler(text: &OsStr) -> SchedulerName {
    // Only an empty name is refused by now, and that means the default.
    SchedulerName::new(&kernel_name(text, SchedulerName::MAX_LEN)).unwrap_or_default()
}

fn engine(text: &OsStr) -> Option<EngineName> {
    EngineName::new(&kernel_name(text, EngineName::MAX_LEN)).ok()
}

/// The flags of `-b`: their name, their bit, the only scheduler that has them.
const FLAGS: [(&[u8], SchedulerFlags, Option<&str>); 7] = [
    (b"flag-1", SchedulerFlags::FLAG_1, None),
    (b"flag-2", SchedulerFlags::FLAG_2, None),
    (b"flag-3", SchedulerFlags::FLAG_3, None),
    (b"sh-fallback", SchedulerFlags::FLAG_1, Some("sh")),
    (b"sh-port", SchedulerFlags::FLAG_2, Some("sh")),
    (b"mh-fallback", SchedulerFlags::FLAG_1, Some("mh")),
    (b"mh-port", SchedulerFlags::FLAG_2, Some("mh")),
];

fn scheduler_flags(line: &Line<'_>) -> Result<SchedulerFlags, UsageError> {
    let bytes = line.scheduler_flags.as_bytes();
    if bytes.is_empty() {
        return Ok(SchedulerFlags::NONE);
    }
    let scheduler = scheduler(line.scheduler);
    let bytes = bytes
        .get(..FLAGS_LENGTH.min(bytes.len()))
        .unwrap_or_default();
    let mut flags = SchedulerFlags::NONE;
    for name in bytes
        .split(|&byte| byte == b',')
        .filter(|it| !it.is_empty())
    {
        let refuse = |what| UsageError::QuotedValue {
            what,
            text: OsStr::from_bytes(name).to_owned(),
            end: "",
        };
        match FLAGS.iter().find(|row| row.0 == name) {
            None => return Err(refuse("invalid scheduler flag")),
            Some((_, _, Some(only))) if *only != scheduler.as_str() => {
                return Err(refuse("incompatible scheduler flag"));
            }
            Some((_, flag, _)) => flags = flags.with(*flag),
        }
    }
    Ok(flags)
}

fn service(
    line: &Line<'_>,
    key: ServiceKey,
    scheduler_flags: SchedulerFlags,
) -> Result<VirtualService, UsageError> {
    if let (ServiceKey::Address { port: 0, .. }, None) = (key, line.persistence) {
        return Err(UsageError::Value(
            "Zero port specified for non-persistent service",
        ));
    }
    let one_packet = line.given.has(Name::OnePacket);
    let takes_one_packet = matches!(
        key,
        ServiceKey::FwMark { .. }
            | ServiceKey::Address {
                protocol: Protocol::Udp,
                ..
            }
    );
    if one_packet && !takes_one_packet {
        return Err(UsageError::Value(
            "One-Packet Scheduling is only for UDP virtual services",
        ));
    }
    Ok(VirtualService {
        key,
        scheduler: scheduler(line.scheduler),
        scheduler_flags,
        persistence: line.persistence,
        netmask: line.netmask.unwrap_or(Netmask::host(key.family())),
        engine: engine(line.engine),
        one_packet,
    })
}

fn server(line: &Line<'_>) -> Result<DestinationKey, UsageError> {
    line.server
        .ok_or(UsageError::Missing(Name::Server, line.command))
}

fn check_family(
    line: &Line<'_>,
    service: ServiceKey,
    server: DestinationKey,
) -> Result<(), UsageError> {
    if server.family() == service.family() || line.forwarding == ForwardingMethod::Tunnelling {
        return Ok(());
    }
    Err(UsageError::Value(
        "Different address family is allowed only for tunneling servers",
    ))
}

fn destination(line: &Line<'_>, service: ServiceKey) -> Result<Destination, UsageError> {
    let mut key = server(line)?;
    if let (ServiceKey::Address { port, .. }, true) =
        (service, line.forwarding != ForwardingMethod::Masquerading)
    {
        key.port = port;
    }
    check_family(line, service, key)?;
    Ok(Destination {
        key,
        forwarding: line.forwarding,
        weight: line.weight,
        thresholds: line.thresholds,
        tunnel: tunnel::resolve(line)?,
    })
}

fn sync_daemon(sync: &Sync<'_>) -> SyncDaemon {
    let interface = match sync.interface.as_bytes() {
        b"" => DEFAULT_INTERFACE.to_owned(),
        name if name.len() > INTERFACE_LENGTH => NO_INTERFACE.to_owned(),
        _ => sync.interface.to_string_lossy().into_owned(),
    };
    SyncDaemon {
        role: sync.role,
        interface,
        sync_id: sync.id,
        max_length: sync.max_length,
        group: sync.group,
        port: sync.port,
        ttl: sync.ttl,
    }
}
