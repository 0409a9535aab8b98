//! The text of each log line.

use std::fmt;
use std::net::IpAddr;

use crate::datagram::Service;
use lvs_model::Mac;

use super::{Notice, Unserved};
use crate::pair::{ConfiguredRole, PairPath};
use crate::said::DiscardReason;

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting(ConfiguredRole::Primary) => f.write_str("STARTING PULSE AS MASTER"),
            Self::Starting(ConfiguredRole::Backup) => f.write_str("STARTING PULSE AS BACKUP"),
            Self::AddressDuplicate(address, mac) => duplicate(f, *address, *mac),
            Self::AddressFree(address) => {
                write!(f, "address {address} is in use by nobody else: used again")
            }
            Self::Partner(paths) => partner(f, paths),
            Self::Terminating { signal } => write!(f, "Terminating due to signal {signal}"),
            Self::ForcedActive(service) => {
                write!(f, "Forced active on startup: activating {service}")
            }
            Self::PartnerDead(Service::Lvs) => f.write_str("partner dead: activating lvs"),
            Self::PartnerDead(Service::Fos) => {
                f.write_str("partner dead: activating failover services")
            }
            Self::PartnerInactive { role, service } => {
                let partner = match role {
                    ConfiguredRole::Primary => "backup",
                    ConfiguredRole::Backup => "primary",
                };
                write!(f, "{partner} inactive: activating {service}")
            }
            Self::Yielding(service) => {
                write!(f, "partner active: deactivating {}", upper(*service))
            }
            Self::Reasserting(Service::Lvs) => f.write_str("partner active: resending arps"),
            Self::Reasserting(Service::Fos) => f.write_str("partner active"),
            Self::AnnouncementsFinished(service) => {
                write!(f, "gratuitous {service} arps finished")
            }
            Self::LinkFailureDeactivating(service) => {
                write!(f, "local link failure: deactivating {}", upper(*service))
            }
            Self::ChildExited { pid, status } => {
                write!(f, "Child process {pid} exited with status {status}")
            }
            Self::ChildKilled { pid, signal, by_us } => killed(f, *pid, *signal, *by_us),
            Self::UnknownChild { pid } => write!(f, "Skipping death of unknown child {pid}"),
            Self::BadPacket(error) => error.fmt(f),
            Self::PathSilent(path) => write!(f, "no heartbeat on the {} path", name(*path)),
            Self::PathBack(path) => write!(f, "heartbeat on the {} path again", name(*path)),
            Self::Refused(refusal, path, keys) => refused(f, *refusal, *path, keys),
            Self::HandedOver { taken: true } => f.write_str("partner active: stopping"),
            Self::HandedOver { taken: false } => {
                f.write_str("partner does not take over: stopping")
            }
            Self::Late { milliseconds } => write!(
                f,
                "woke up {milliseconds} ms late: going inactive and listening first"
            ),
            Self::ServiceRetried { milliseconds } => write!(
                f,
                "service does not stay up and no partner is ready to take over: next attempt in {milliseconds} ms"
            ),
            Self::WarmServiceRetried { milliseconds } => write!(
                f,
                "standby: service does not stay up, unfit to take over: next attempt in {milliseconds} ms"
            ),
            Self::MonitorsRetried { milliseconds } => write!(
                f,
                "fos process exited -- starting it again in {milliseconds} ms"
            ),
            Self::HookHangs { seconds } => write!(
                f,
                "inactive_cmd has not ended after {seconds} s: the partner is told that we have let go"
            ),
            Self::NoPartner(service) => write!(f, "no backup director: activating {service}"),
            Self::PathsSilent(silence) => silence.fmt(f),
            Self::Unserved(0, _) => f.write_str("every address can be served here"),
            Self::Unserved(count, what) => {
                let count = addresses(*count);
                write!(f, "{count} cannot be served here: {}", follows(*what))
            }
            Self::ServingPartly(count) => {
                write!(f, "serving without {}", addresses(*count))
            }
            Self::Ordered(order) => write!(f, "order: {order}"),
            Self::OrderRefused(order, refused) => write!(f, "order refused: {order}: {refused}"),
            Self::OrdersInForce(orders) => write!(f, "order in force: {orders}"),
            Self::NobodyServes(orders) => {
                write!(
                    f,
                    "nobody serves, and an order keeps this director from taking over: {orders}"
                )
            }
            Self::OtherContent { own, theirs } => write!(
                f,
                "the partner has another lvs.cf: {theirs:016x} there, {own:016x} here"
            ),
            Self::SameRole(it) => it.fmt(f),
            Self::TwoOwners(it) => it.fmt(f),
            Self::Uninvited(it) => it.fmt(f),
            Self::UninvitedGone(it) => uninvited_gone(f, it.partner),
            fixed => f.write_str(fixed.fixed_text()),
        }
    }
}

impl Notice {
    /// The texts without a value in them.
    const fn fixed_text(&self) -> &'static str {
        match self {
            Self::UndefinedBackup => "Undefined backup node marked as active? -- clearing that!",
            Self::BackupInactive => {
                "We are backup node and backup is marked inactive -- exiting pulse"
            }
            Self::WantingControl => "partner active: we want control!",
            Self::NotifyingPartner => "Notifying partner WE are taking control!",
            Self::StartingMonitors => "Starting Failover Service Monitors",
            Self::NoFosBackup => "Warning: FOS backup node not defined -- skipping checks",
            Self::FosRestarted => "fos process exited -- restarting it",
            Self::FosExitedChecking => "fos process exited -- checking network connectivity",
            Self::GatewaySeen => "remote service unavailable but we can see the gateway",
            Self::ServiceFailover => {
                "seems like a remote network fault; performing service failover"
            }
            Self::GatewayLost => "remote service unavailable; gateway unavailable",
            Self::GatewayUnknown => {
                "remote service unavailable; no default gateway can be asked whose network is at fault: not taking over"
            }
            Self::NetworkFault => "I SEEM TO HAVE A NETWORK FAULT!",
            Self::NetworkFaultOver => "Network fault seems to be fixed",
            Self::ToldToGoInactive => "PARTNER HAS TOLD US TO GO INACTIVE!",
            Self::PublicLinkDown => "Primary NIC: link down",
            Self::PrivateLinkDown => "Private NIC: link down",
            Self::LinkFailure => "Local NIC link failure: Pulse disabled",
            Self::LinksUnmonitored => "links are not monitored any more: Pulse enabled",
            Self::LinksRestored => "Local NIC link(s) restored: Pulse enabled",
            Self::PartnerLost => "partner dead: staying active",
            Self::PartnerBack => "partner alive again",
            Self::PartnerServes => "the partner is active, this director stands by",
            Self::ServiceRestarted { holding: true } => {
                "service ended: starting it again, addresses stay"
            }
            Self::ServiceRestarted { holding: false } => "service ended: starting it again",
            Self::WarmServiceRestarted => "standby: service ended, starting it again",
            Self::ServiceUnfit => "service does not stay up: going inactive",
            Self::ServiceStuck => {
                "service was killed and does not end, a disk may not answer: no other one is started until it is gone"
            }
            Self::StuckDeactivating => "service does not end: going inactive",
            Self::HookFailed => {
                "active_cmd failed or could not be run: its addresses may be nowhere, and this director is not fit"
            }
            Self::HookDeactivating => "active_cmd failed: going inactive",
            Self::ServiceNotReady => "service not ready in time",
            Self::ServiceHangs => "service hangs: no sign of life for 60 seconds, killing it",
            Self::AddressRestored => "address was removed by somebody else: putting it back",
            Self::AddressesTaken => "addresses keep being removed: going inactive",
            Self::AddressesDuplicate => {
                "every address is in use by another machine: going inactive"
            }
            Self::NothingCounts => {
                "until a heartbeat of the partner counts, both directors will serve: heartbeat_auth and the keys must fit on both"
            }
            Self::PartnerDeaf => "partner active and deaf to us: going inactive",
            Self::HandingOver => "stopping: waiting for the partner to take over",
            Self::Reloaded => "configuration read again",
            Self::LettingGo => "the partner can serve more: going inactive",
            Self::OwnAddressGone => {
                "an own address of the heartbeat cannot be used: nothing is taken over from a living partner"
            }
            Self::OwnAddressDeactivating => {
                "an own address of the heartbeat cannot be used: going inactive"
            }
            Self::OwnAddressBack => "own addresses of the heartbeat: usable again, listening first",
            Self::CutOff => {
                "no own address of the heartbeat can be used: nothing is taken over until one can"
            }
            Self::CutOffDeactivating => {
                "no own address of the heartbeat could be used for a dead time: going inactive"
            }
            Self::ServingUnheard => {
                "serving on though the partner can neither hear this node nor be heard: it may serve as well"
            }
            Self::Stranded => {
                "no heartbeat can be sent and no address could be served here: nothing is taken over until one can"
            }
            Self::HandingOverByOrder => "waiting for the partner to take over",
            Self::HandOverUnanswered => "the partner does not answer: going inactive",
            Self::FailoverDeactivating => "going inactive by order",
            Self::FailoverDone => "partner active: going inactive",
            Self::FailoverFailed => "the partner does not take over: staying active",
            Self::StandbyVoid => "the order to stand by is void: nobody else could serve",
            Self::OtherRole => "the partner does not say any more that it is of our role",
            Self::OneOwner => "one owner again: the partner says that it is not active",
            Self::SameContent => "the partner has the same lvs.cf again",
            _ => "",
        }
    }
}

fn partner(f: &mut fmt::Formatter<'_>, paths: &[IpAddr]) -> fmt::Result {
    f.write_str("the partner is")?;
    for (number, path) in paths.iter().enumerate() {
        let sign = if number == 0 { " " } else { ", private path " };
        write!(f, "{sign}{path}")?;
    }
    Ok(())
}

fn uninvited_gone(f: &mut fmt::Formatter<'_>, partner: IpAddr) -> fmt::Result {
    write!(
        f,
        "no heartbeats from {partner} any more: without a backup director, as lvs.cf says"
    )
}

const fn follows(what: Unserved) -> &'static str {
    match what {
        Unserved::Left => "left to a partner that lives and can",
        Unserved::ServedOn => "serving on without",
        Unserved::NotTaken => "not taken over from a partner that lives and can",
    }
}

fn addresses(count: u16) -> String {
    match count {
        1 => "1 address".to_owned(),
        count => format!("{count} addresses"),
    }
}

const fn upper(service: Service) -> &'static str {
    match service {
        Service::Lvs => "LVS",
        Service::Fos => "FOS",
    }
}

const fn name(path: PairPath) -> &'static str {
    match path {
        PairPath::Public => "public",
        PairPath::Private => "private",
    }
}

fn killed(f: &mut fmt::Formatter<'_>, pid: i32, signal: i32, by_us: bool) -> fmt::Result {
    let by_us = if by_us { ": pulse has killed it" } else { "" };
    write!(
        f,
        "Child process {pid} terminated with signal {signal}{by_us}"
    )
}

fn refused(
    f: &mut fmt::Formatter<'_>,
    refusal: DiscardReason,
    path: PairPath,
    keys: &str,
) -> fmt::Result {
    write!(f, "{refusal}, on the {} path", name(path))?;
    match refusal {
        DiscardReason::Signature(_) => write!(f, "; the keys here: {keys}"),
        _ => Ok(()),
    }
}

fn duplicate(f: &mut fmt::Formatter<'_>, address: IpAddr, mac: Option<Mac>) -> fmt::Result {
    write!(f, "address {address} is in use by another machine")?;
    if let Some(mac) = mac {
        write!(f, " ({mac})")?;
    }
    f.write_str(": not used here")
}
