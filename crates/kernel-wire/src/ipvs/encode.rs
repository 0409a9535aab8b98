//! Requests to the kernel.

use std::net::IpAddr;

use lvs_model::{
    AddressFamily, Destination, DestinationKey, IpvsOp, Netmask, ServiceKey, SyncDaemon, SyncRole,
    Timeouts, VirtualService,
};

use super::names::{
    AF_INET, AF_INET6, GENL_ID_CTRL, GENL_VERSION, cmd, ctrl_attr, ctrl_cmd, daemon, dest, flag,
    svc, top,
};
use crate::netlink::{DUMP, Requests};

/// A question to the kernel's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Query<'a> {
    /// Version and table size: one reply.
    Info,
    /// The idle times: one reply.
    Timeouts,
    /// A service: one reply, or a refusal.
    Service(&'a ServiceKey),
    /// Every service: a dump.
    Services,
    /// The destinations of a service: a dump, empty if there is no such service.
    Destinations(&'a ServiceKey),
    /// The sync daemons: a dump.
    Daemons,
}

/// Asks for the number of the generic family `name`: one reply, or `ENOENT`.
pub fn encode_family_query(requests: &mut Requests, sequence: u32, name: &str) {
    requests.message(GENL_ID_CTRL, 0, sequence, |message| {
        message.raw(&[ctrl_cmd::GETFAMILY, GENL_VERSION, 0, 0]);
        message.text(ctrl_attr::FAMILY_NAME, name);
    });
}

/// Asks `query`; `family` is the number that the family has on this kernel.
pub fn encode_query(requests: &mut Requests, family: u16, sequence: u32, query: Query<'_>) {
    let (command, flags) = match query {
        Query::Info => (cmd::GET_INFO, 0),
        Query::Timeouts => (cmd::GET_CONFIG, 0),
        Query::Service(_) => (cmd::GET_SERVICE, 0),
        Query::Services => (cmd::GET_SERVICE, DUMP),
        Query::Destinations(_) => (cmd::GET_DEST, DUMP),
        Query::Daemons => (cmd::GET_DAEMON, DUMP),
    };
    requests.message(family, flags, sequence, |message| {
        message.raw(&[command, GENL_VERSION, 0, 0]);
        if let Query::Service(key) | Query::Destinations(key) = query {
            message.nest(top::SERVICE, |nest| put_service_key(nest, key));
        }
    });
}

/// Orders the change `op`, without asking for a confirmation.
pub fn encode_op(requests: &mut Requests, family: u16, sequence: u32, op: &IpvsOp) {
    requests.message(family, 0, sequence, |message| {
        message.raw(&[command(op), GENL_VERSION, 0, 0]);
        match op {
            IpvsOp::AddService(service) | IpvsOp::EditService(service) => {
                message.nest(top::SERVICE, |nest| put_service(nest, service));
            }
            IpvsOp::DeleteService(key) | IpvsOp::Zero(Some(key)) => {
                message.nest(top::SERVICE, |nest| put_service_key(nest, key));
            }
            IpvsOp::AddDestination(key, destination)
            | IpvsOp::EditDestination(key, destination) => {
                message.nest(top::SERVICE, |nest| put_service_key(nest, key));
                message.nest(top::DEST, |nest| put_destination(nest, destination));
            }
            IpvsOp::DeleteDestination(key, destination) => {
                message.nest(top::SERVICE, |nest| put_service_key(nest, key));
                message.nest(top::DEST, |nest| put_destination_key(nest, destination));
            }
            IpvsOp::SetTimeouts(timeouts) => put_timeouts(message, *timeouts),
            IpvsOp::StartDaemon(wanted) => {
                message.nest(top::DAEMON, |nest| put_daemon(nest, wanted));
            }
            IpvsOp::StopDaemon(role) => {
                message.nest(top::DAEMON, |nest| put_role(nest, *role));
            }
            IpvsOp::Zero(None) | IpvsOp::Flush => {}
        }
    });
}

const fn command(op: &IpvsOp) -> u8 {
    match op {
        IpvsOp::AddService(_) => cmd::NEW_SERVICE,
        IpvsOp::EditService(_) => cmd::SET_SERVICE,
        IpvsOp::DeleteService(_) => cmd::DEL_SERVICE,
        IpvsOp::AddDestination(..) => cmd::NEW_DEST,
        IpvsOp::EditDestination(..) => cmd::SET_DEST,
        IpvsOp::DeleteDestination(..) => cmd::DEL_DEST,
        IpvsOp::SetTimeouts(_) => cmd::SET_CONFIG,
        IpvsOp::StartDaemon(_) => cmd::NEW_DAEMON,
        IpvsOp::StopDaemon(_) => cmd::DEL_DAEMON,
        IpvsOp::Zero(_) => cmd::ZERO,
        IpvsOp::Flush => cmd::FLUSH,
    }
}

const fn family_number(family: AddressFamily) -> u16 {
    match family {
        AddressFamily::Inet => AF_INET,
        AddressFamily::Inet6 => AF_INET6,
    }
}

/// `union nf_inet_addr`: always 16 bytes, an IPv4 address in the first four.
fn put_address(nest: &mut Requests, kind: u16, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            nest.sixteen(kind, [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        }
        IpAddr::V6(address) => nest.sixteen(kind, address.octets()),
    }
}

fn put_service_key(nest: &mut Requests, key: &ServiceKey) {
    nest.u16(svc::AF, family_number(key.family()));
    match key {
        ServiceKey::Address {
            protocol,
            address,
            port,
        } => {
            nest.u16(svc::PROTOCOL, protocol.number());
            put_address(nest, svc::ADDR, *address);
            nest.u16_be(svc::PORT, *port);
        }
        ServiceKey::FwMark { mark, .. } => nest.u32(svc::FWMARK, mark.get()),
    }
}

pub(super) fn put_service(nest: &mut Requests, service: &VirtualService) {
    put_service_key(nest, &service.key);
    nest.text(svc::SCHED_NAME, service.scheduler.as_str());
    if let Some(engine) = &service.engine {
        nest.text(svc::PE_NAME, engine.as_str());
    }
    put_flags(nest, service);
    nest.u32(svc::TIMEOUT, service.persistence.unwrap_or(0));
    match service.netmask {
        Netmask::Inet(mask) => nest.attribute(svc::NETMASK, &mask.octets()),
        Netmask::Inet6(prefix) => nest.u32(svc::NETMASK, u32::from(prefix)),
    }
}

/// `struct ip_vs_flags`: the bits, and which of them the kernel shall take over: all.
fn put_flags(nest: &mut Requests, service: &VirtualService) {
    let mut flags = service.scheduler_flags.bits();
    if service.persistence.is_some() {
        flags |= flag::PERSISTENT;
    }
    if service.one_packet {
        flags |= flag::ONE_PACKET;
    }
    let [a, b, c, d] = flags.to_ne_bytes();
    nest.attribute(svc::FLAGS, &[a, b, c, d, 0xff, 0xff, 0xff, 0xff]);
}

fn put_destination_key(nest: &mut Requests, key: &DestinationKey) {
    nest.u16(dest::ADDR_FAMILY, family_number(key.family()));
    put_address(nest, dest::ADDR, key.address);
    nest.u16_be(dest::PORT, key.port);
}

pub(super) fn put_destination(nest: &mut Requests, destination: &Destination) {
    put_destination_key(nest, &destination.key);
    nest.u32(dest::FWD_METHOD, destination.forwarding.number());
    nest.u32(dest::WEIGHT, destination.weight.get());
    nest.u8(dest::TUN_TYPE, destination.tunnel.kind.number());
    nest.u16_be(dest::TUN_PORT, destination.tunnel.port);
    nest.u16(dest::TUN_FLAGS, destination.tunnel.flags.0);
    nest.u32(dest::U_THRESH, destination.thresholds.upper);
    nest.u32(dest::L_THRESH, destination.thresholds.lower);
}

fn put_timeouts(message: &mut Requests, timeouts: Timeouts) {
    message.u32(top::TIMEOUT_TCP, timeouts.tcp);
    message.u32(top::TIMEOUT_TCP_FIN, timeouts.tcp_fin);
    message.u32(top::TIMEOUT_UDP, timeouts.udp);
}

fn put_role(nest: &mut Requests, role: SyncRole) {
    nest.u32(daemon::STATE, role.number());
}

fn put_daemon(nest: &mut Requests, wanted: &SyncDaemon) {
    put_role(nest, wanted.role);
    nest.text(daemon::MCAST_IFN, &wanted.interface);
    nest.u32(daemon::SYNC_ID, wanted.sync_id);
    if let Some(length) = wanted.max_length {
        nest.u16(daemon::SYNC_MAXLEN, length);
    }
    if let Some(port) = wanted.port {
        nest.u16(daemon::MCAST_PORT, port);
    }
    if let Some(ttl) = wanted.ttl {
        nest.u8(daemon::MCAST_TTL, ttl);
    }
    match wanted.group {
        Some(IpAddr::V4(group)) => nest.attribute(daemon::MCAST_GROUP, &group.octets()),
        Some(IpAddr::V6(group)) => nest.attribute(daemon::MCAST_GROUP6, &group.octets()),
        None => {}
    }
}
