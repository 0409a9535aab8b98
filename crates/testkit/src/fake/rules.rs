//! What the kernel refuses and what it fills in, as seen on Linux 5.10, 6.1 and 6.12.

use std::net::{IpAddr, Ipv4Addr};

use ipvs::Errno;
use lvs_model::{Destination, Netmask, SyncDaemon, SyncRole, Timeouts, TunnelType, VirtualService};

/// Schedulers that a distribution's kernel has modules for.
const SCHEDULERS: [&str; 14] = [
    "dh", "fo", "lblc", "lblcr", "lc", "mh", "none", "nq", "ovf", "rr", "sed", "sh", "wlc", "wrr",
];
/// Engines that a distribution's kernel has modules for.
const ENGINES: [&str; 1] = ["sip"];
/// Largest idle time in seconds on a kernel with 100 ticks a second.
const MAX_TIMEOUT: u32 = 21_474_836;
/// Longest interface name.
const MAX_INTERFACE: usize = 15;

/// Scheduler, engine, prefix: in this order.
pub fn check_service(service: &VirtualService) -> Result<(), Errno> {
    if !SCHEDULERS.contains(&service.scheduler.as_str()) {
        return Err(Errno::ENOENT);
    }
    let mut engine = service.engine.iter();
    if engine.any(|engine| !ENGINES.contains(&engine.as_str())) {
        return Err(Errno::ENOENT);
    }
    match service.netmask {
        Netmask::Inet6(prefix) if !(1..=128).contains(&prefix) => Err(Errno::EINVAL),
        _ => Ok(()),
    }
}

/// Thresholds, then the tunnel's port, whatever the forwarding method.
pub fn check_destination(destination: &Destination) -> Result<(), Errno> {
    if destination.thresholds.lower > destination.thresholds.upper {
        return Err(Errno::ERANGE);
    }
    if destination.tunnel.kind == TunnelType::Gue && destination.tunnel.port == 0 {
        return Err(Errno::EINVAL);
    }
    Ok(())
}

/// Only of a new destination: unicast, and not link-local. Subnet broadcasts, which the kernel
/// refuses too, depend on routes that a fake does not have.
pub fn check_address(address: &IpAddr) -> Result<(), Errno> {
    let refused = match address {
        IpAddr::V4(address) => {
            address.is_unspecified() || address.is_multicast() || address.is_broadcast()
        }
        IpAddr::V6(address) => {
            address.is_unspecified() || address.is_multicast() || address.is_unicast_link_local()
        }
    };
    if refused { Err(Errno::EINVAL) } else { Ok(()) }
}

/// Too long an idle time changes none of them.
pub fn check_timeouts(wanted: Timeouts) -> Result<(), Errno> {
    let Timeouts { tcp, tcp_fin, udp } = wanted;
    if [tcp, tcp_fin, udp].into_iter().any(|s| s > MAX_TIMEOUT) {
        Err(Errno::EINVAL)
    } else {
        Ok(())
    }
}

/// Name and group; an interface without a name does not exist, any other does.
pub fn check_daemon(wanted: &SyncDaemon) -> Result<(), Errno> {
    if wanted.interface.len() > MAX_INTERFACE {
        return Err(Errno::EINVAL);
    }
    if wanted.group.is_some_and(|group| !group.is_multicast()) {
        return Err(Errno::EINVAL);
    }
    if wanted.interface.is_empty() {
        return Err(Errno::ENODEV);
    }
    Ok(())
}

/// A daemon as it is listed: what was left to the kernel is filled in, for an MTU of 1500.
pub fn as_started(wanted: &SyncDaemon) -> SyncDaemon {
    let default = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 81));
    let group = wanted.group.unwrap_or(default);
    let longest = match group {
        IpAddr::V4(_) => 1500 - 28,
        IpAddr::V6(_) => 1500 - 48,
    };
    let set = |value: Option<u16>| value.filter(|value| *value != 0);
    let length = match (set(wanted.max_length), wanted.role) {
        (None, _) => longest,
        (Some(length), SyncRole::Master) => length,
        (Some(length), SyncRole::Backup) => length.max(1024),
    };
    SyncDaemon {
        max_length: Some(length),
        group: Some(group),
        port: Some(set(wanted.port).unwrap_or(8848)),
        ttl: Some(wanted.ttl.filter(|ttl| *ttl != 0).unwrap_or(1)),
        ..wanted.clone()
    }
}
