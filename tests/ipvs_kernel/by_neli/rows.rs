//! What each word of `lvs-model` is in attributes, by linux/ip_vs.h. Lengths and byte orders are
//! written out here: nothing is asked of our codec.

use std::net::IpAddr;

use lvs_model::{
    AddressFamily, Counters, Destination, DestinationKey, Netmask, Protocol, SchedulerFlags,
    ServiceKey, SyncDaemon, SyncRole, Timeouts, TunnelType, VirtualService,
};

use super::table::{Nest, Value};

/// `IP_VS_SVC_F_HASHED`: the kernel's own mark on a service that is in its table.
pub const HASHED: u32 = 2;

fn bytes(bytes: &[u8]) -> Value {
    Value::Bytes(bytes.to_vec())
}

pub fn u64(value: u64) -> Value {
    bytes(&value.to_ne_bytes())
}

pub fn u32(value: u32) -> Value {
    bytes(&value.to_ne_bytes())
}

fn u16(value: u16) -> Value {
    bytes(&value.to_ne_bytes())
}

/// Ports that the header calls `__be16`.
fn be16(value: u16) -> Value {
    bytes(&value.to_be_bytes())
}

fn text(value: &str) -> Value {
    let mut bytes = value.as_bytes().to_vec();
    bytes.push(0);
    Value::Bytes(bytes)
}

fn family(family: AddressFamily) -> Value {
    u16(match family {
        AddressFamily::Inet => 2,
        AddressFamily::Inet6 => 10,
    })
}

/// `union nf_inet_addr`: sixteen bytes, whichever address is in it.
fn address(address: IpAddr) -> Value {
    let mut room = [0; 16];
    match address {
        IpAddr::V4(address) => room[..4].copy_from_slice(&address.octets()),
        IpAddr::V6(address) => room = address.octets(),
    }
    bytes(&room)
}

fn protocol(protocol: Protocol) -> u16 {
    match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
        Protocol::Sctp => 132,
        Protocol::Other(number) => number,
    }
}

pub fn service_key(key: &ServiceKey) -> Nest {
    let mut nest = Nest::from([("AF", family(key.family()))]);
    match key {
        ServiceKey::FwMark { mark, .. } => {
            nest.insert("FWMARK", u32(mark.get()));
        }
        ServiceKey::Address {
            protocol: number,
            address: ip,
            port,
        } => nest.extend([
            ("PROTOCOL", u16(protocol(*number))),
            ("ADDR", address(*ip)),
            ("PORT", be16(*port)),
        ]),
    }
    nest
}

/// The settings of a service; `more` are flags that only one side sets.
pub fn service(service: &VirtualService, more: u32) -> Nest {
    let mut nest = service_key(&service.key);
    let mask = match service.netmask {
        Netmask::Inet(mask) => bytes(&mask.octets()),
        Netmask::Inet6(prefix) => u32(prefix.into()),
    };
    let mut flags = (flags(service) | more).to_ne_bytes().to_vec();
    flags.extend([0xff; 4]);
    nest.extend([
        ("SCHED_NAME", text(service.scheduler.as_str())),
        ("FLAGS", Value::Bytes(flags)),
        ("TIMEOUT", u32(service.persistence.unwrap_or(0))),
        ("NETMASK", mask),
    ]);
    if let Some(engine) = &service.engine {
        nest.insert("PE_NAME", text(engine.as_str()));
    }
    nest
}

/// `IP_VS_SVC_F_PERSISTENT`, `_ONEPACKET`, `_SCHED1` to `_SCHED3`.
fn flags(service: &VirtualService) -> u32 {
    [
        (service.persistence.is_some(), 1),
        (service.one_packet, 4),
        (flag(service, SchedulerFlags::FLAG_1), 8),
        (flag(service, SchedulerFlags::FLAG_2), 16),
        (flag(service, SchedulerFlags::FLAG_3), 32),
    ]
    .into_iter()
    .filter_map(|(is_set, bit)| is_set.then_some(bit))
    .sum()
}

fn flag(service: &VirtualService, flag: SchedulerFlags) -> bool {
    service.scheduler_flags.contains(flag)
}

pub fn destination_key(key: &DestinationKey) -> Nest {
    Nest::from([
        ("ADDR_FAMILY", family(key.family())),
        ("ADDR", address(key.address)),
        ("PORT", be16(key.port)),
    ])
}

/// The settings of a destination.
pub fn destination(destination: &Destination) -> Nest {
    let mut nest = destination_key(&destination.key);
    let tunnel = destination.tunnel;
    let kind = match tunnel.kind {
        TunnelType::Ipip => 0,
        TunnelType::Gue => 1,
        TunnelType::Gre => 2,
        TunnelType::Other(number) => number,
    };
    nest.extend([
        ("FWD_METHOD", u32(destination.forwarding.number())),
        ("WEIGHT", u32(destination.weight.get())),
        ("U_THRESH", u32(destination.thresholds.upper)),
        ("L_THRESH", u32(destination.thresholds.lower)),
        ("TUN_TYPE", bytes(&[kind])),
        ("TUN_PORT", be16(tunnel.port)),
        ("TUN_FLAGS", u16(tunnel.flags.0)),
    ]);
    nest
}

pub fn role(role: SyncRole) -> Nest {
    let state = match role {
        SyncRole::Master => 1,
        SyncRole::Backup => 2,
    };
    Nest::from([("STATE", u32(state))])
}

pub fn daemon(daemon: &SyncDaemon) -> Nest {
    let mut nest = role(daemon.role);
    nest.insert("MCAST_IFN", text(&daemon.interface));
    nest.insert("SYNC_ID", u32(daemon.sync_id));
    let group = daemon.group.map(|group| match group {
        IpAddr::V4(group) => ("MCAST_GROUP", bytes(&group.octets())),
        IpAddr::V6(group) => ("MCAST_GROUP6", bytes(&group.octets())),
    });
    nest.extend(group);
    let optional = [
        ("SYNC_MAXLEN", daemon.max_length.map(u16)),
        // In the host's order, unlike a service's.
        ("MCAST_PORT", daemon.port.map(u16)),
        ("MCAST_TTL", daemon.ttl.map(|ttl| bytes(&[ttl]))),
    ];
    nest.extend(
        optional
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    nest
}

pub fn timeouts(timeouts: Timeouts) -> Nest {
    Nest::from([
        ("TIMEOUT_TCP", u32(timeouts.tcp)),
        ("TIMEOUT_TCP_FIN", u32(timeouts.tcp_fin)),
        ("TIMEOUT_UDP", u32(timeouts.udp)),
    ])
}

/// What `STATS` or `STATS64` says.
pub fn counters(nest: &Nest) -> Counters {
    let number = |name| match &nest[name] {
        Value::Bytes(bytes) => match *bytes.as_slice() {
            [a, b, c, d] => u64::from(u32::from_ne_bytes([a, b, c, d])),
            _ => u64::from_ne_bytes(bytes.as_slice().try_into().unwrap()),
        },
        Value::Nest(nest) => panic!("{nest:?}"),
    };
    Counters {
        connections: number("CONNS"),
        packets_in: number("INPKTS"),
        packets_out: number("OUTPKTS"),
        bytes_in: number("INBYTES"),
        bytes_out: number("OUTBYTES"),
        connections_per_second: number("CPS"),
        packets_in_per_second: number("INPPS"),
        packets_out_per_second: number("OUTPPS"),
        bytes_in_per_second: number("INBPS"),
        bytes_out_per_second: number("OUTBPS"),
    }
}
