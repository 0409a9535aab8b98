//! One change of the kernel's table.

use std::fmt;

use crate::{
    Destination, DestinationKey, ServiceKey, SyncDaemon, SyncRole, Timeouts, VirtualService,
};

/// One change of the kernel's state, as plans hold it and `ipvs` carries it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IpvsOp {
    /// `-A`
    AddService(VirtualService),
    /// `-E`: replaces every setting.
    EditService(VirtualService),
    /// `-D`: its destinations go with it, connections stay.
    DeleteService(ServiceKey),
    /// `-a`
    AddDestination(ServiceKey, Destination),
    /// `-e`: replaces every setting.
    EditDestination(ServiceKey, Destination),
    /// `-d`
    DeleteDestination(ServiceKey, DestinationKey),
    /// `--set`
    SetTimeouts(Timeouts),
    /// `--start-daemon`
    StartDaemon(SyncDaemon),
    /// `--stop-daemon`
    StopDaemon(SyncRole),
    /// `-Z`: of one service, or of all.
    Zero(Option<ServiceKey>),
    /// `-C`: every service of the namespace, whoever made it.
    Flush,
}

impl IpvsOp {
    /// Whether it leaves a destination without connections. Its replacement comes before this.
    #[must_use]
    pub fn takes_away(&self) -> bool {
        match self {
            Self::DeleteDestination(..) => true,
            Self::EditDestination(_, destination) => destination.is_quiesced(),
            _ => false,
        }
    }
}

impl fmt::Display for IpvsOp {
    /// The arguments with which `ipvsadm` makes the same change.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddService(service) => write!(f, "-A {service}"),
            Self::EditService(service) => write!(f, "-E {service}"),
            Self::DeleteService(key) => write!(f, "-D {key}"),
            Self::AddDestination(key, destination) => write!(f, "-a {key} {destination}"),
            Self::EditDestination(key, destination) => write!(f, "-e {key} {destination}"),
            Self::DeleteDestination(key, destination) => write!(f, "-d {key} -r {destination}"),
            Self::SetTimeouts(Timeouts { tcp, tcp_fin, udp }) => {
                write!(f, "--set {tcp} {tcp_fin} {udp}")
            }
            Self::StartDaemon(daemon) => {
                write!(f, "--start-daemon {}", daemon.role)?;
                write!(
                    f,
                    " --mcast-interface {} --syncid {}",
                    daemon.interface, daemon.sync_id
                )?;
                print_optional(f, "sync-maxlen", daemon.max_length)?;
                print_optional(f, "mcast-group", daemon.group)?;
                print_optional(f, "mcast-port", daemon.port)?;
                print_optional(f, "mcast-ttl", daemon.ttl)
            }
            Self::StopDaemon(role) => write!(f, "--stop-daemon {role}"),
            Self::Zero(None) => f.write_str("-Z"),
            Self::Zero(Some(key)) => write!(f, "-Z {key}"),
            Self::Flush => f.write_str("-C"),
        }
    }
}

fn print_optional<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    option: &str,
    value: Option<T>,
) -> fmt::Result {
    match value {
        Some(value) => write!(f, " --{option} {value}"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Protocol, Weight};

    #[test]
    fn who_goes_or_gets_weight_0_is_taken_away_and_nobody_else() {
        let service = ServiceKey::FwMark {
            mark: crate::FwMark::new(1).unwrap(),
            family: crate::AddressFamily::Inet,
        };
        let key = DestinationKey {
            address: "10.0.0.2".parse().unwrap(),
            port: 80,
        };
        let weighing = |weight| {
            let mut destination = Destination::new(key);
            destination.weight = Weight::new(weight).unwrap();
            destination
        };
        for op in [
            IpvsOp::DeleteDestination(service, key),
            IpvsOp::EditDestination(service, weighing(0)),
        ] {
            assert!(op.takes_away(), "{op}");
        }
        for op in [
            IpvsOp::AddDestination(service, weighing(1)),
            // It has got no connection before either.
            IpvsOp::AddDestination(service, weighing(0)),
            IpvsOp::EditDestination(service, weighing(1)),
            IpvsOp::AddService(VirtualService::new(service)),
            IpvsOp::DeleteService(service),
        ] {
            assert!(!op.takes_away(), "{op}");
        }
    }

    #[test]
    fn a_change_prints_as_the_ipvsadm_command_that_makes_it() {
        let key = ServiceKey::Address {
            protocol: Protocol::Tcp,
            address: "10.0.0.1".parse().unwrap(),
            port: 80,
        };
        let mut destination = Destination::new(DestinationKey {
            address: "10.0.0.2".parse().unwrap(),
            port: 80,
        });
        destination.weight = Weight::new(7).unwrap();
        let printed = |op: IpvsOp| op.to_string();
        assert_eq!(
            printed(IpvsOp::EditDestination(key, destination)),
            "-e -t 10.0.0.1:80 -r 10.0.0.2:80 -g -w 7"
        );
        assert_eq!(
            printed(IpvsOp::DeleteDestination(key, destination.key)),
            "-d -t 10.0.0.1:80 -r 10.0.0.2:80"
        );
        assert_eq!(printed(IpvsOp::Zero(None)), "-Z");
        let daemon = SyncDaemon {
            role: SyncRole::Backup,
            interface: "d0".into(),
            sync_id: 7,
            max_length: Some(1400),
            group: None,
            port: None,
            ttl: Some(5),
        };
        assert_eq!(
            printed(IpvsOp::StartDaemon(daemon)),
            "--start-daemon backup --mcast-interface d0 --syncid 7 --sync-maxlen 1400 --mcast-ttl 5"
        );
    }
}
