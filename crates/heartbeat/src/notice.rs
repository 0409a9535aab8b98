//! Every log line of pulse that a decision causes, in the original's words.
//!
//! Administrators grep for these texts. Those under "ours" have no counterpart in the original.

use std::fmt;
use std::net::IpAddr;

use wire::arp::Mac;
use wire::heartbeat::{DecodeError, Service};

use crate::auth::Refusal;
use crate::model::{ConfiguredRole, PairPath};

/// A log line; its `Display` is the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The program runs.
    Starting(ConfiguredRole),
    /// `backup_active = 1` without `backup`.
    UndefinedBackup,
    /// `backup_active = 0` on the backup.
    BackupInactive,
    /// Clean stop.
    Terminating {
        /// Number of the signal.
        signal: i32,
    },
    /// `--forceactive`.
    ForcedActive(Service),
    /// The dead time is over.
    PartnerDead(Service),
    /// The partner said STOPPED.
    PartnerInactive {
        /// Who we are: the text names the other one.
        role: ConfiguredRole,
        /// What is activated.
        service: Service,
    },
    /// Both were active and we yield.
    Yielding(Service),
    /// Both were active and we stay.
    Reasserting(Service),
    /// fos: both are active, and the partner has been told to go inactive.
    WantingControl,
    /// fos: the first STOPME.
    NotifyingPartner,
    /// fos: `fos --monitor` is started.
    StartingMonitors,
    /// fos: `backup_active = 0`.
    NoFosBackup,
    /// fos: it ended on the active node.
    FosRestarted,
    /// fos: it ended on the standby.
    FosExitedChecking,
    /// fos: the gateway was seen.
    GatewaySeen,
    /// fos: and so the partner's service is taken over.
    ServiceFailover,
    /// fos: the gateway was not seen.
    GatewayLost,
    /// fos: and so we are cut off.
    NetworkFault,
    /// fos: a heartbeat came again on the public path.
    NetworkFaultOver,
    /// STOPME obeyed.
    ToldToGoInactive,
    /// The burst of announcements after a takeover is over.
    AnnouncementsFinished(Service),
    /// Carrier of the public link lost.
    PublicLinkDown,
    /// Carrier of the private link lost.
    PrivateLinkDown,
    /// We do not take over any more.
    LinkFailure,
    /// And we were active.
    LinkFailureDeactivating(Service),
    /// All monitored links have their carrier again.
    LinksRestored,
    /// A child of ours ended by itself.
    ChildExited {
        /// Its process id.
        pid: i32,
        /// Its exit status.
        status: i32,
    },
    /// A child of ours was killed.
    ChildKilled {
        /// Its process id.
        pid: i32,
        /// The signal.
        signal: i32,
    },
    /// Neither the service nor a helper.
    UnknownChild {
        /// Its process id.
        pid: i32,
    },
    /// A datagram of the partner that is no heartbeat.
    BadPacket(DecodeError),

    /// Ours: the active node does not hear its partner any more.
    PartnerLost,
    /// Ours: the active node hears its partner again.
    PartnerBack,
    /// Ours: one path is silent while the other one is not.
    PathSilent(PairPath),
    /// Ours: that path carries heartbeats again.
    PathBack(PairPath),
    /// Ours: rule R5.
    Late {
        /// By how many milliseconds the loop was late.
        milliseconds: u128,
    },
    /// Ours: the service ended and is started again in place.
    ServiceRestarted,
    /// Ours: the service does not stay up; the partner is to take over.
    ServiceUnfit,
    /// Ours: the service does not stay up, but nobody else could serve.
    ServiceRetried {
        /// Pause before the next attempt in milliseconds.
        milliseconds: u128,
    },
    /// Ours: the standby's service ended and is started again.
    WarmServiceRestarted,
    /// Ours: the standby's service does not stay up: this node does not take over from a living
    /// partner.
    WarmServiceRetried {
        /// Pause before the next attempt in milliseconds.
        milliseconds: u128,
    },
    /// Ours: fos ended on the standby without a message.
    MonitorsRetried {
        /// Pause before the next attempt in milliseconds.
        milliseconds: u128,
    },
    /// Ours: no word from the service in time.
    ServiceNotReady,
    /// Ours: an address was put back.
    AddressRestored,
    /// Ours: addresses keep disappearing.
    AddressesTaken,
    /// Ours: another machine has an address of ours, and we hold others.
    AddressDuplicate(IpAddr, Option<Mac>),
    /// Ours: it has it no more.
    AddressFree(IpAddr),
    /// Ours: other machines have all of our addresses.
    AddressesDuplicate,
    /// Ours: `vip = external`, and `inactive_cmd` does not end.
    HookHangs {
        /// So long it was waited for.
        seconds: u64,
    },
    /// Ours: the configuration was read again.
    Reloaded,
    /// Ours: a heartbeat from the partner's address must not count.
    Refused(Refusal),
    /// Ours: both are active, and the partner cannot hear that.
    PartnerDeaf,
    /// Ours: a clean stop waits for the partner.
    HandingOver,
    /// Ours: the partner has the addresses, or it does not take them in time.
    HandedOver {
        /// Whether it has them.
        taken: bool,
    },
}

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// For who reads on.
    Info,
    /// The service moved, or may.
    Warning,
    /// Somebody has to do something about it.
    Error,
}

impl Notice {
    /// How much it matters.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::AddressDuplicate(..)
            | Self::AddressesDuplicate
            | Self::AddressesTaken
            | Self::ServiceUnfit
            | Self::ServiceRetried { .. }
            | Self::WarmServiceRetried { .. }
            | Self::LinkFailure
            | Self::LinkFailureDeactivating(_)
            | Self::HookHangs { .. }
            | Self::NetworkFault => Severity::Error,
            Self::ForcedActive(_)
            | Self::PartnerDead(_)
            | Self::PartnerInactive { .. }
            | Self::Yielding(_)
            | Self::Reasserting(_)
            | Self::ServiceFailover
            | Self::ToldToGoInactive
            | Self::PublicLinkDown
            | Self::PrivateLinkDown
            | Self::PartnerLost
            | Self::PathSilent(_)
            | Self::Late { .. }
            | Self::ServiceRestarted
            | Self::WarmServiceRestarted
            | Self::ServiceNotReady
            | Self::AddressRestored
            | Self::Refused(_)
            | Self::BadPacket(_)
            | Self::PartnerDeaf
            | Self::HandedOver { taken: false } => Severity::Warning,
            _ => Severity::Info,
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting(ConfiguredRole::Primary) => f.write_str("STARTING PULSE AS MASTER"),
            Self::Starting(ConfiguredRole::Backup) => f.write_str("STARTING PULSE AS BACKUP"),
            Self::AddressDuplicate(address, mac) => {
                write!(f, "address {address} is in use by another machine")?;
                if let Some(mac) = mac {
                    write!(f, " ({mac})")?;
                }
                f.write_str(": not used here")
            }
            Self::AddressFree(address) => {
                write!(f, "address {address} is in use by nobody else: used again")
            }
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
            Self::ChildKilled { pid, signal } => {
                write!(f, "Child process {pid} terminated with signal {signal}")
            }
            Self::UnknownChild { pid } => write!(f, "Skipping death of unknown child {pid}"),
            Self::BadPacket(error) => error.fmt(f),
            Self::PathSilent(path) => write!(f, "no heartbeat on the {} path", name(*path)),
            Self::PathBack(path) => write!(f, "heartbeat on the {} path again", name(*path)),
            Self::Refused(refusal) => refusal.fmt(f),
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
                "service does not stay up and there is no partner: next attempt in {milliseconds} ms"
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
            Self::NetworkFault => "I SEEM TO HAVE A NETWORK FAULT!",
            Self::NetworkFaultOver => "Network fault seems to be fixed",
            Self::ToldToGoInactive => "PARTNER HAS TOLD US TO GO INACTIVE!",
            Self::PublicLinkDown => "Primary NIC: link down",
            Self::PrivateLinkDown => "Private NIC: link down",
            Self::LinkFailure => "Local NIC link failure: Pulse disabled",
            Self::LinksRestored => "Local NIC link(s) restored: Pulse enabled",
            Self::PartnerLost => "partner dead: staying active",
            Self::PartnerBack => "partner alive again",
            Self::ServiceRestarted => "service ended: starting it again, addresses stay",
            Self::WarmServiceRestarted => "standby: service ended, starting it again",
            Self::ServiceUnfit => "service does not stay up: going inactive",
            Self::ServiceNotReady => "service not ready in time",
            Self::AddressRestored => "address was removed by somebody else: putting it back",
            Self::AddressesTaken => "addresses keep being removed: going inactive",
            Self::AddressesDuplicate => {
                "every address is in use by another machine: going inactive"
            }
            Self::PartnerDeaf => "partner active and deaf to us: going inactive",
            Self::HandingOver => "stopping: waiting for the partner to take over",
            Self::Reloaded => "configuration read again",
            _ => "",
        }
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
