//! The kernel's replies.
//!
//! Liberal about attributes: unknown ones are passed over, and those that older kernels do not send take
//! the value that those kernels mean. Strict about lengths.

#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::arithmetic_side_effects
)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use lvs_model::{
    AddressFamily, Counters, Destination, DestinationEntry, DestinationKey, EngineName,
    ForwardingMethod, FwMark, KernelInfo, Netmask, Protocol, SchedulerFlags, SchedulerName,
    ServiceEntry, ServiceKey, SyncDaemon, SyncRole, Thresholds, Timeouts, Tunnel, TunnelFlags,
    TunnelType, VirtualService, Weight,
};

use super::names::{
    AF_INET, AF_INET6, GENL_HEADER, cmd, ctrl_attr, daemon, dest, flag, info, svc, top,
};
use crate::netlink::{Attribute, Attributes, DecodeError, Message};

type Decoded<T> = Result<T, DecodeError>;

/// What of a reply is decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Everything.
    #[default]
    All,
    /// Everything but the counters, which stay zero. They cost a third of a destination's decoding.
    NoCounters,
}

/// The number that the family asked for has on this kernel.
///
/// # Errors
/// [`DecodeError`] if the reply does not hold it.
pub fn decode_family_id(message: &Message<'_>) -> Decoded<u16> {
    for attribute in message.attributes_behind(GENL_HEADER)? {
        let attribute = attribute?;
        if attribute.kind == ctrl_attr::FAMILY_ID {
            return attribute.u16("family id");
        }
    }
    Err(DecodeError::Missing("family id"))
}

/// A service of [`Query::Service`](super::Query::Service) or a dump.
///
/// # Errors
/// [`DecodeError`], as for all replies: broken lengths, a missing key, another command's reply.
pub fn decode_service(message: &Message<'_>, detail: Detail) -> Decoded<ServiceEntry> {
    let attributes = reply(message, cmd::NEW_SERVICE)?;
    let mut raw = RawService::default();
    for attribute in nest(attributes, top::SERVICE, "service")? {
        raw.take(attribute?)?;
    }
    raw.entry(detail)
}

/// A destination of a dump; `service` is its service's family, which old kernels do not repeat.
///
/// # Errors
/// As [`decode_service`].
pub fn decode_destination(
    message: &Message<'_>,
    service: AddressFamily,
    detail: Detail,
) -> Decoded<DestinationEntry> {
    let attributes = reply(message, cmd::NEW_DEST)?;
    let mut raw = RawDestination::default();
    for attribute in nest(attributes, top::DEST, "destination")? {
        raw.take(attribute?)?;
    }
    raw.entry(service, detail)
}

/// A sync daemon of a dump.
///
/// # Errors
/// As [`decode_service`].
pub fn decode_daemon(message: &Message<'_>) -> Decoded<SyncDaemon> {
    let attributes = reply(message, cmd::NEW_DAEMON)?;
    let (mut role, mut interface, mut sync_id) = (None, None, None);
    let (mut max_length, mut group, mut port, mut ttl) = (None, None, None, None);
    for attribute in nest(attributes, top::DAEMON, "daemon")? {
        let attribute = attribute?;
        match attribute.kind {
            daemon::STATE => role = Some(role_of(attribute.u32("daemon state")?)?),
            daemon::MCAST_IFN => interface = Some(attribute.text("daemon interface")?.to_owned()),
            daemon::SYNC_ID => sync_id = Some(attribute.u32("sync id")?),
            daemon::SYNC_MAXLEN => max_length = Some(attribute.u16("sync length")?),
            daemon::MCAST_GROUP => group = Some(inet(&attribute, "multicast group")?),
            daemon::MCAST_GROUP6 => group = Some(inet6(&attribute, "multicast group")?),
            daemon::MCAST_PORT => port = Some(attribute.u16("multicast port")?),
            daemon::MCAST_TTL => ttl = Some(attribute.u8("multicast ttl")?),
            _ => {}
        }
    }
    Ok(SyncDaemon {
        role: role.ok_or(DecodeError::Missing("daemon state"))?,
        interface: interface.ok_or(DecodeError::Missing("daemon interface"))?,
        sync_id: sync_id.ok_or(DecodeError::Missing("sync id"))?,
        max_length,
        group,
        port,
        ttl,
    })
}

/// The three idle times.
///
/// # Errors
/// As [`decode_service`].
pub fn decode_timeouts(message: &Message<'_>) -> Decoded<Timeouts> {
    let mut timeouts = Timeouts::default();
    for attribute in reply(message, cmd::SET_CONFIG)? {
        let attribute = attribute?;
        match attribute.kind {
            top::TIMEOUT_TCP => timeouts.tcp = attribute.u32("tcp timeout")?,
            top::TIMEOUT_TCP_FIN => timeouts.tcp_fin = attribute.u32("tcp fin timeout")?,
            top::TIMEOUT_UDP => timeouts.udp = attribute.u32("udp timeout")?,
            _ => {}
        }
    }
    Ok(timeouts)
}

/// Version and table size.
///
/// # Errors
/// As [`decode_service`].
pub fn decode_info(message: &Message<'_>) -> Decoded<KernelInfo> {
    let (mut version, mut size) = (None, None);
    for attribute in reply(message, cmd::SET_INFO)? {
        let attribute = attribute?;
        match attribute.kind {
            info::VERSION => version = Some(attribute.u32("version")?),
            info::CONN_TAB_SIZE => size = Some(attribute.u32("connection table size")?),
            _ => {}
        }
    }
    let version = version.ok_or(DecodeError::Missing("version"))?;
    let [_, major, minor, patch] = version.to_be_bytes();
    Ok(KernelInfo {
        version: (major, minor, patch),
        connection_table_size: size.ok_or(DecodeError::Missing("connection table size"))?,
    })
}

/// The service that a request names; `None` if it names none.
///
/// # Errors
/// As [`decode_service`], whatever the command.
#[cfg(feature = "netlink-packet-generic")]
pub fn named_service(message: &Message<'_>) -> Decoded<Option<ServiceKey>> {
    let attributes = message.attributes_behind(GENL_HEADER)?;
    let nest = match nest(attributes, top::SERVICE, "service") {
        Err(DecodeError::Missing(_)) => return Ok(None),
        nest => nest?,
    };
    let mut raw = RawService::default();
    for attribute in nest {
        raw.take(attribute?)?;
    }
    let family = raw.family.ok_or(DecodeError::Missing("address family"))?;
    raw.key(family_of(family)?).map(Some)
}

/// The destination that a request names; `service` as for [`decode_destination`].
///
/// # Errors
/// As [`decode_service`], whatever the command.
#[cfg(feature = "netlink-packet-generic")]
pub fn named_destination(message: &Message<'_>, service: AddressFamily) -> Decoded<DestinationKey> {
    let attributes = message.attributes_behind(GENL_HEADER)?;
    let mut raw = RawDestination::default();
    for attribute in nest(attributes, top::DEST, "destination")? {
        raw.take(attribute?)?;
    }
    raw.key(service)
}

/// The end of connection synchronisation that a request names.
///
/// # Errors
/// As [`decode_service`], whatever the command.
#[cfg(feature = "netlink-packet-generic")]
pub fn named_role(message: &Message<'_>) -> Decoded<SyncRole> {
    let attributes = message.attributes_behind(GENL_HEADER)?;
    for attribute in nest(attributes, top::DAEMON, "daemon")? {
        let attribute = attribute?;
        if attribute.kind == daemon::STATE {
            return role_of(attribute.u32("daemon state")?);
        }
    }
    Err(DecodeError::Missing("daemon state"))
}

/// The attributes of a reply, if it is `command`'s.
fn reply<'a>(message: &Message<'a>, command: u8) -> Decoded<Attributes<'a>> {
    let attributes = message.attributes_behind(GENL_HEADER)?;
    if message.body.first() == Some(&command) {
        Ok(attributes)
    } else {
        Err(DecodeError::Invalid("reply command"))
    }
}

/// What is inside the attribute `kind`.
fn nest<'a>(attributes: Attributes<'a>, kind: u16, what: &'static str) -> Decoded<Attributes<'a>> {
    for attribute in attributes {
        let attribute = attribute?;
        if attribute.kind == kind {
            return Ok(attribute.nested());
        }
    }
    Err(DecodeError::Missing(what))
}

fn inet(attribute: &Attribute<'_>, what: &'static str) -> Decoded<IpAddr> {
    attribute
        .array::<4>(what)
        .map(|octets| Ipv4Addr::from(octets).into())
}

fn inet6(attribute: &Attribute<'_>, what: &'static str) -> Decoded<IpAddr> {
    attribute
        .array::<16>(what)
        .map(|octets| Ipv6Addr::from(octets).into())
}

/// An address of `family` out of `union nf_inet_addr`.
fn address(
    attribute: Option<Attribute<'_>>,
    family: AddressFamily,
    what: &'static str,
) -> Decoded<IpAddr> {
    let attribute = attribute.ok_or(DecodeError::Missing(what))?;
    match family {
        AddressFamily::Inet => inet(&attribute, what),
        AddressFamily::Inet6 => inet6(&attribute, what),
    }
}

const fn family_of(number: u16) -> Decoded<AddressFamily> {
    match number {
        AF_INET => Ok(AddressFamily::Inet),
        AF_INET6 => Ok(AddressFamily::Inet6),
        _ => Err(DecodeError::Invalid("address family")),
    }
}

const fn role_of(number: u32) -> Decoded<SyncRole> {
    match number {
        1 => Ok(SyncRole::Master),
        2 => Ok(SyncRole::Backup),
        _ => Err(DecodeError::Invalid("daemon state")),
    }
}

/// Counters of `STATS` and `STATS64`: the same numbering, values of four or eight bytes.
fn counters(detail: Detail, stats: Option<Attribute<'_>>) -> Decoded<Counters> {
    const WHAT: &str = "counter";
    let (Detail::All, Some(stats)) = (detail, stats) else {
        return Ok(Counters::default());
    };
    let mut slots = [0; 11];
    for attribute in stats.nested() {
        let attribute = attribute?;
        // Number 11 is padding, empty; later kernels may add more.
        let Some(slot) = slots.get_mut(usize::from(attribute.kind)) else {
            continue;
        };
        *slot = match attribute.u64(WHAT) {
            Ok(value) => value,
            Err(_) => u64::from(attribute.u32(WHAT)?),
        };
    }
    let [
        _,
        connections,
        packets_in,
        packets_out,
        bytes_in,
        bytes_out,
        rates @ ..,
    ] = slots;
    let [cps, pps_in, pps_out, bps_in, bps_out] = rates;
    Ok(Counters {
        connections,
        packets_in,
        packets_out,
        bytes_in,
        bytes_out,
        connections_per_second: cps,
        packets_in_per_second: pps_in,
        packets_out_per_second: pps_out,
        bytes_in_per_second: bps_in,
        bytes_out_per_second: bps_out,
    })
}

/// A service nest as it came. What depends on the family waits for the end: the order is not promised.
#[derive(Default)]
struct RawService<'a> {
    family: Option<u16>,
    protocol: Option<u16>,
    address: Option<Attribute<'a>>,
    port: Option<u16>,
    mark: Option<u32>,
    scheduler: Option<&'a str>,
    engine: Option<&'a str>,
    flags: u32,
    timeout: u32,
    netmask: Option<Attribute<'a>>,
    stats: Option<Attribute<'a>>,
    stats64: Option<Attribute<'a>>,
}

impl<'a> RawService<'a> {
    fn take(&mut self, attribute: Attribute<'a>) -> Decoded<()> {
        match attribute.kind {
            svc::AF => self.family = Some(attribute.u16("address family")?),
            svc::PROTOCOL => self.protocol = Some(attribute.u16("protocol")?),
            svc::ADDR => self.address = Some(attribute),
            svc::PORT => self.port = Some(attribute.u16_be("port")?),
            svc::FWMARK => self.mark = Some(attribute.u32("firewall mark")?),
            svc::SCHED_NAME => self.scheduler = Some(attribute.text("scheduler")?),
            svc::PE_NAME => self.engine = Some(attribute.text("engine")?),
            svc::FLAGS => self.flags = attribute.u32("service flags")?,
            svc::TIMEOUT => self.timeout = attribute.u32("persistence timeout")?,
            svc::NETMASK => self.netmask = Some(attribute),
            svc::STATS => self.stats = Some(attribute),
            svc::STATS64 => self.stats64 = Some(attribute),
            _ => {}
        }
        Ok(())
    }

    fn entry(self, detail: Detail) -> Decoded<ServiceEntry> {
        let family = family_of(self.family.ok_or(DecodeError::Missing("address family"))?)?;
        let scheduler = self.scheduler.ok_or(DecodeError::Missing("scheduler"))?;
        let engine = match self.engine {
            None | Some("") => None,
            Some(name) => Some(EngineName::new(name).map_err(|_| DecodeError::Invalid("engine"))?),
        };
        Ok(ServiceEntry {
            service: VirtualService {
                key: self.key(family)?,
                scheduler: SchedulerName::new(scheduler)
                    .map_err(|_| DecodeError::Invalid("scheduler"))?,
                scheduler_flags: SchedulerFlags::from_bits(self.flags),
                persistence: (self.flags & flag::PERSISTENT != 0).then_some(self.timeout),
                netmask: self.netmask(family)?,
                engine,
                one_packet: self.flags & flag::ONE_PACKET != 0,
            },
            counters: counters(detail, self.stats64.or(self.stats))?,
        })
    }

    fn key(&self, family: AddressFamily) -> Decoded<ServiceKey> {
        if let Some(mark) = self.mark {
            let mark = FwMark::new(mark).ok_or(DecodeError::Invalid("firewall mark"))?;
            return Ok(ServiceKey::FwMark { mark, family });
        }
        let protocol = self.protocol.ok_or(DecodeError::Missing("protocol"))?;
        Ok(ServiceKey::Address {
            protocol: Protocol::from_number(protocol),
            address: address(self.address, family, "service address")?,
            port: self.port.ok_or(DecodeError::Missing("port"))?,
        })
    }

    fn netmask(&self, family: AddressFamily) -> Decoded<Netmask> {
        let Some(attribute) = self.netmask else {
            return Ok(Netmask::host(family));
        };
        match family {
            AddressFamily::Inet => Ok(Netmask::Inet(attribute.array::<4>("netmask")?.into())),
            AddressFamily::Inet6 => u8::try_from(attribute.u32("netmask")?)
                .ok()
                .filter(|prefix| *prefix <= 128)
                .map(Netmask::Inet6)
                .ok_or(DecodeError::Invalid("netmask")),
        }
    }
}

/// A destination nest as it came.
#[derive(Default)]
struct RawDestination<'a> {
    family: u16,
    address: Option<Attribute<'a>>,
    port: Option<u16>,
    forwarding: Option<u32>,
    weight: Option<u32>,
    thresholds: Thresholds,
    tunnel: Tunnel,
    active: u32,
    inactive: u32,
    persistent: u32,
    stats: Option<Attribute<'a>>,
    stats64: Option<Attribute<'a>>,
}

impl<'a> RawDestination<'a> {
    fn take(&mut self, attribute: Attribute<'a>) -> Decoded<()> {
        match attribute.kind {
            dest::ADDR => self.address = Some(attribute),
            dest::PORT => self.port = Some(attribute.u16_be("port")?),
            dest::FWD_METHOD => self.forwarding = Some(attribute.u32("forwarding method")?),
            dest::WEIGHT => self.weight = Some(attribute.u32("weight")?),
            dest::U_THRESH => self.thresholds.upper = attribute.u32("upper threshold")?,
            dest::L_THRESH => self.thresholds.lower = attribute.u32("lower threshold")?,
            dest::ACTIVE_CONNS => self.active = attribute.u32("active connections")?,
            dest::INACT_CONNS => self.inactive = attribute.u32("inactive connections")?,
            dest::PERSIST_CONNS => self.persistent = attribute.u32("persistent connections")?,
            dest::STATS => self.stats = Some(attribute),
            dest::STATS64 => self.stats64 = Some(attribute),
            dest::ADDR_FAMILY => self.family = attribute.u16("address family")?,
            dest::TUN_TYPE => {
                self.tunnel.kind = TunnelType::from_number(attribute.u8("tunnel type")?);
            }
            dest::TUN_PORT => self.tunnel.port = attribute.u16_be("tunnel port")?,
            dest::TUN_FLAGS => {
                self.tunnel.flags = TunnelFlags(attribute.u16("tunnel flags")?);
            }
            _ => {}
        }
        Ok(())
    }

    fn entry(self, service: AddressFamily, detail: Detail) -> Decoded<DestinationEntry> {
        let forwarding = self
            .forwarding
            .ok_or(DecodeError::Missing("forwarding method"))?;
        let weight = self.weight.ok_or(DecodeError::Missing("weight"))?;
        Ok(DestinationEntry {
            destination: Destination {
                key: self.key(service)?,
                forwarding: ForwardingMethod::from_number(forwarding),
                // Netlink lets no larger one in. A table that has one all the same is listed.
                weight: Weight::new(weight).unwrap_or(Weight::MAX),
                thresholds: self.thresholds,
                tunnel: self.tunnel,
            },
            active_connections: self.active,
            inactive_connections: self.inactive,
            persistent_connections: self.persistent,
            counters: counters(detail, self.stats64.or(self.stats))?,
        })
    }

    fn key(&self, service: AddressFamily) -> Decoded<DestinationKey> {
        let family = match self.family {
            0 => service,
            number => family_of(number)?,
        };
        Ok(DestinationKey {
            address: address(self.address, family, "destination address")?,
            port: self.port.ok_or(DecodeError::Missing("port"))?,
        })
    }
}
