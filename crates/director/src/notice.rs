//! Every log line of lvsd. A text of the original stands alone on its line, as scripts look for it. What is
//! new stands on a line of its own behind it: [`Notice::detail`].

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use lvs_model::{ChildExit, DestinationKey, IpvsOp, ServiceKey, Severity, Timeouts, Weight};

/// Name of a monitor in log lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    /// Name of the `virtual` block.
    pub name: String,
    /// Name of the `server` block.
    pub server: String,
}

impl fmt::Display for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name, self.server)
    }
}

/// What comes after the death of a nanny.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterDeath {
    /// Another is started after this time.
    Restart(Duration),
    /// Another is started after this time, though an administrator should act before.
    ManualAction(Duration),
    /// lvsd ends.
    GiveUp,
}

/// One log line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A block's service is about to be created.
    StartingVirtual {
        /// Name of the block.
        name: String,
        /// Its port.
        port: u16,
    },
    /// A block's service is about to be deleted.
    StoppingVirtual(String),
    /// A nanny runs.
    MonitorStarted(Child, u32),
    /// A nanny could not be started.
    MonitorNotStarted(Child, String),
    /// A nanny has ended without having been told to.
    MonitorDied(Child, ChildExit, AfterDeath),
    /// Its nannies keep dying, and it goes out of the table.
    ServerUnwatched(Child),
    /// A nanny has been silent for this long and is killed.
    MonitorSilent(Child, Duration),
    /// A nanny did not end when told to and is killed.
    MonitorStuck(usize),
    /// So many were killed, and the kernel keeps them.
    MonitorKept(usize),
    /// SIGTERM or SIGINT.
    ShuttingDown(i32),
    /// The file is read again.
    Rereading,
    /// The file is bad; the old configuration stays.
    BadConfiguration(String),
    /// A service operation was refused.
    ServiceFailed {
        /// Names of its blocks.
        name: String,
        /// The operation.
        op: IpvsOp,
        /// The kernel's reason.
        reason: String,
    },
    /// A destination operation was refused.
    DestinationFailed {
        /// Program of lvs.cf's `ipvsadm`.
        program: PathBuf,
        /// The operation.
        op: IpvsOp,
        /// The kernel's reason.
        reason: String,
    },
    /// The idle times were refused.
    TimeoutsFailed(Timeouts, String),
    /// The table could not be read.
    TableUnreadable(String),
    /// Somebody else had changed our part of the table; this many operations put it right.
    Repaired(usize),
    /// Somebody else has set a destination's weight, which stays.
    WeightHeld(ServiceKey, DestinationKey, Weight),
    /// It does so no longer.
    WeightLetGo(ServiceKey, DestinationKey),
    /// Services that lvs.cf does not name.
    Foreign(Vec<ServiceKey>),
    /// The sorry server goes in.
    SorryIn {
        /// Name of the block.
        name: String,
        /// The sorry server.
        address: IpAddr,
    },
    /// The sorry server goes out.
    SorryOut {
        /// Name of the block.
        name: String,
        /// Real servers that are up.
        up: usize,
        /// The sorry server.
        address: IpAddr,
    },
    /// The last real server of a service without a sorry server is down.
    NoServers {
        /// Names of its blocks.
        name: String,
        /// The service.
        service: ServiceKey,
        /// How many it has.
        servers: usize,
    },
    /// The kernel has refused all destinations of a service that should get connections.
    ServersRefused {
        /// Names of its blocks.
        name: String,
        /// The service.
        service: ServiceKey,
        /// How many they are.
        refused: usize,
    },
    /// Real servers of such a service are up again.
    ServersBack {
        /// Names of its blocks.
        name: String,
        /// How many are up.
        up: usize,
    },
    /// A signal without meaning for lvsd.
    SignalIgnored(i32),
    /// pulse is gone.
    ParentGone,
}

impl Notice {
    /// How bad it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::MonitorDied(_, _, AfterDeath::ManualAction(_) | AfterDeath::GiveUp)
            | Self::MonitorNotStarted(..)
            | Self::ServerUnwatched(_)
            | Self::BadConfiguration(_)
            | Self::ServiceFailed { .. }
            | Self::DestinationFailed { .. }
            | Self::TimeoutsFailed(..)
            | Self::TableUnreadable(_)
            | Self::NoServers { .. }
            | Self::ServersRefused { .. }
            | Self::ParentGone => Severity::Error,
            Self::MonitorDied(..)
            | Self::MonitorSilent(..)
            | Self::MonitorStuck(_)
            | Self::MonitorKept(_)
            | Self::Repaired(_)
            | Self::WeightHeld(..)
            | Self::SorryIn { .. } => Severity::Warning,
            Self::StartingVirtual { .. }
            | Self::StoppingVirtual(_)
            | Self::MonitorStarted(..)
            | Self::ShuttingDown(_)
            | Self::Rereading
            | Self::WeightLetGo(..)
            | Self::Foreign(_)
            | Self::SorryOut { .. }
            | Self::ServersBack { .. }
            | Self::SignalIgnored(_) => Severity::Info,
        }
    }
}

impl Notice {
    /// The line behind it: what an original did not say.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        Some(match self {
            Self::ServiceFailed { op, reason, .. } | Self::DestinationFailed { op, reason, .. } => {
                format!("refused: {op}: {reason}")
            }
            Self::TimeoutsFailed(_, reason) => format!("refused: --set: {reason}"),
            Self::MonitorDied(child, death, AfterDeath::ManualAction(delay)) => {
                let seconds = delay.as_secs();
                format!("{child}: nanny {death}, starting another in {seconds} s")
            }
            Self::MonitorDied(child, death, AfterDeath::GiveUp) => {
                format!("{child}: nanny {death}")
            }
            Self::NoServers {
                service, servers, ..
            } => {
                let said = format!("no client of {service} is served");
                format!("{said}: {servers} real servers, none is up, and no sorry_server")
            }
            Self::ServersRefused {
                service, refused, ..
            } => {
                let said = format!("no client of {service} is served");
                format!(
                    "{said}: the kernel has refused all of {refused} that shall get connections"
                )
            }
            _ => return None,
        })
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StartingVirtual { name, port } => {
                write!(f, "starting virtual service {name} active: {port}")
            }
            Self::StoppingVirtual(name) => write!(f, "shutting down virtual service {name}"),
            Self::MonitorStarted(child, pid) => {
                write!(f, "create_monitor for {child} running as pid {pid}")
            }
            Self::MonitorNotStarted(child, reason) => {
                write!(f, "create_monitor for {child} failed: {reason}")
            }
            Self::MonitorDied(child, death, after) => print_death(f, child, *death, *after),
            Self::ServerUnwatched(child) => {
                write!(f, "{child} is out: its nannies keep dying")
            }
            Self::MonitorSilent(child, silence) => {
                let seconds = silence.as_secs_f32();
                write!(
                    f,
                    "nanny for child {child} silent for {seconds:.1} s, killing it"
                )
            }
            Self::MonitorStuck(count) => {
                write!(f, "{count} nannies did not end when told to, killing them")
            }
            Self::MonitorKept(count) => {
                write!(
                    f,
                    "{count} nannies were killed and do not end: the kernel keeps them"
                )
            }
            Self::ShuttingDown(number) => write!(f, "shutting down due to signal {number}"),
            Self::Rereading => f.write_str("rereading configuration file"),
            Self::BadConfiguration(line) => f.write_str(line),
            Self::ServiceFailed { name, .. } => {
                write!(f, "ipvsadm failed for virtual server {name}!")
            }
            Self::DestinationFailed { program, .. } => {
                write!(f, "{} command failed!", program.display())
            }
            Self::TimeoutsFailed(Timeouts { tcp, tcp_fin, udp }, _) => {
                write!(f, "ipvsadm failed to set timeouts ({tcp} {tcp_fin} {udp})")
            }
            Self::TableUnreadable(reason) => write!(f, "cannot read the table: {reason}"),
            Self::Repaired(count) => {
                let s = if *count == 1 { "" } else { "s" };
                write!(
                    f,
                    "table was changed from outside, repaired with {count} operation{s}"
                )
            }
            Self::WeightHeld(service, destination, weight) => write!(
                f,
                "weight of {service} -r {destination} was set to {weight} from outside, left so \
                 until another is set"
            ),
            Self::WeightLetGo(service, destination) => {
                write!(
                    f,
                    "weight of {service} -r {destination} follows its checks again"
                )
            }
            Self::Foreign(keys) => print_foreign(f, keys),
            Self::SorryIn { name, address } => write!(
                f,
                "Virtual Server {name}: No real servers; activate sorry_server {address}"
            ),
            Self::SorryOut { name, up, address } => write!(
                f,
                "Virtual Server {name}: {up} real servers; deactivate sorry_server {address}"
            ),
            Self::NoServers { name, .. } | Self::ServersRefused { name, .. } => {
                write!(f, "Virtual Server {name}: No real servers")
            }
            Self::ServersBack { name, up } => {
                write!(f, "Virtual Server {name}: {up} real servers")
            }
            Self::SignalIgnored(number) => write!(f, "signal {number} means nothing here, ignored"),
            Self::ParentGone => f.write_str("pulse is gone, ending; the table stays as it is"),
        }
    }
}

fn print_death(
    f: &mut fmt::Formatter<'_>,
    child: &Child,
    death: ChildExit,
    after: AfterDeath,
) -> fmt::Result {
    write!(f, "nanny for child {child} died! ")?;
    match after {
        AfterDeath::Restart(delay) if delay.is_zero() => {
            write!(f, "{death}, starting another at once")
        }
        AfterDeath::Restart(delay) => {
            write!(f, "{death}, starting another in {} s", delay.as_secs())
        }
        AfterDeath::ManualAction(_) => f.write_str("manual action needed!"),
        AfterDeath::GiveUp => f.write_str("shutting down lvs"),
    }
}

/// Names the first few; a table of thousands would fill the log.
fn print_foreign(f: &mut fmt::Formatter<'_>, keys: &[ServiceKey]) -> fmt::Result {
    const SHOWN: usize = 5;
    write!(
        f,
        "{} services are not in lvs.cf and stay as they are:",
        keys.len()
    )?;
    for key in keys.iter().take(SHOWN) {
        write!(f, " {key}")?;
    }
    if keys.len() > SHOWN {
        f.write_str(" …")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The original logged every line as info.
    #[test]
    fn what_fails_is_an_error_what_a_part_does_a_warning_and_the_rest_information() {
        let child = Child {
            name: "web".into(),
            server: "a".into(),
        };
        let died = |after| Notice::MonitorDied(child.clone(), ChildExit::Signal(9), after);
        let minute = Duration::from_secs(60);
        let address = IpAddr::from([192, 0, 2, 1]);
        let name = || "web".to_owned();
        let timeouts = Timeouts::default();
        for (notice, severity) in [
            (Notice::BadConfiguration(name()), Severity::Error),
            (Notice::TableUnreadable(name()), Severity::Error),
            (Notice::TimeoutsFailed(timeouts, name()), Severity::Error),
            (died(AfterDeath::GiveUp), Severity::Error),
            (died(AfterDeath::ManualAction(minute)), Severity::Error),
            (died(AfterDeath::Restart(minute)), Severity::Warning),
            (Notice::ServerUnwatched(child.clone()), Severity::Error),
            (
                Notice::MonitorSilent(child.clone(), minute),
                Severity::Warning,
            ),
            (Notice::Repaired(1), Severity::Warning),
            (
                Notice::SorryIn {
                    name: name(),
                    address,
                },
                Severity::Warning,
            ),
            (Notice::Rereading, Severity::Info),
            (Notice::ShuttingDown(15), Severity::Info),
            (Notice::MonitorStarted(child.clone(), 7), Severity::Info),
        ] {
            assert_eq!(notice.severity(), severity, "{notice}");
        }
    }
}

#[cfg(test)]
mod texts {
    use lvs_model::VirtualService;

    use super::*;

    /// What an original logs, without `-v`; its other lines are about events that do not exist here.
    #[test]
    fn each_text_of_the_original_stands_alone_on_its_line() {
        let child = Child {
            name: "web".into(),
            server: "a".into(),
        };
        let died = |after| Notice::MonitorDied(child.clone(), ChildExit::Signal(9), after);
        let key = ServiceKey::Address {
            protocol: lvs_model::Protocol::Tcp,
            address: [192, 0, 2, 1].into(),
            port: 80,
        };
        let op = || IpvsOp::AddService(VirtualService::new(key));
        let name = || "web".to_owned();
        let address = IpAddr::from([192, 0, 2, 9]);
        let timeouts = Timeouts {
            tcp: 1,
            tcp_fin: 2,
            udp: 3,
        };
        for (notice, line, detail) in [
            (
                Notice::StartingVirtual {
                    name: name(),
                    port: 80,
                },
                "starting virtual service web active: 80",
                None,
            ),
            (
                Notice::MonitorStarted(child.clone(), 7),
                "create_monitor for web/a running as pid 7",
                None,
            ),
            (
                Notice::StoppingVirtual(name()),
                "shutting down virtual service web",
                None,
            ),
            (
                Notice::ServiceFailed {
                    name: name(),
                    op: op(),
                    reason: "no".into(),
                },
                "ipvsadm failed for virtual server web!",
                Some("refused: -A -t 192.0.2.1:80 -s wlc: no"),
            ),
            (
                Notice::DestinationFailed {
                    program: "/sbin/ipvsadm".into(),
                    op: op(),
                    reason: "no".into(),
                },
                "/sbin/ipvsadm command failed!",
                Some("refused: -A -t 192.0.2.1:80 -s wlc: no"),
            ),
            (
                Notice::TimeoutsFailed(timeouts, "no".into()),
                "ipvsadm failed to set timeouts (1 2 3)",
                Some("refused: --set: no"),
            ),
            (
                died(AfterDeath::GiveUp),
                "nanny for child web/a died! shutting down lvs",
                Some("web/a: nanny terminated with signal 9"),
            ),
            (
                died(AfterDeath::ManualAction(Duration::from_secs(8))),
                "nanny for child web/a died! manual action needed!",
                Some("web/a: nanny terminated with signal 9, starting another in 8 s"),
            ),
            (
                Notice::ShuttingDown(15),
                "shutting down due to signal 15",
                None,
            ),
            (Notice::Rereading, "rereading configuration file", None),
            (
                Notice::SorryIn {
                    name: name(),
                    address,
                },
                "Virtual Server web: No real servers; activate sorry_server 192.0.2.9",
                None,
            ),
            (
                Notice::SorryOut {
                    name: name(),
                    up: 1,
                    address,
                },
                "Virtual Server web: 1 real servers; deactivate sorry_server 192.0.2.9",
                None,
            ),
        ] {
            assert_eq!(notice.to_string(), line);
            assert_eq!(notice.detail().as_deref(), detail, "{line}");
        }
    }
}
