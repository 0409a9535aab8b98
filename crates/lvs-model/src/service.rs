//! Virtual services: the key, the settings, the kernel's entry.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;

use crate::{EngineName, SchedulerName};

/// Transport protocol of an address service.
///
/// The kernel stores any number, so a lister must bear them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// TCP, 6.
    Tcp,
    /// UDP, 17.
    Udp,
    /// SCTP, 132.
    Sctp,
    /// A number that no tool of ours sets.
    Other(u16),
}

impl Protocol {
    /// The IANA protocol number.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Sctp => 132,
            Self::Other(number) => number,
        }
    }

    /// The protocol with this IANA number.
    #[must_use]
    pub const fn from_number(number: u16) -> Self {
        match number {
            6 => Self::Tcp,
            17 => Self::Udp,
            132 => Self::Sctp,
            other => Self::Other(other),
        }
    }
}

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressFamily {
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
}

impl AddressFamily {
    /// The family of `address`.
    #[must_use]
    pub const fn of(address: &IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Inet,
            IpAddr::V6(_) => Self::Inet6,
        }
    }
}

/// A firewall mark that names a service; never 0, which the kernel would take for an address.
pub type FwMark = NonZeroU32;

/// What finds a virtual service: an address of its own, or a firewall mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceKey {
    /// Packets to this address and port. Port 0 is any port.
    Address {
        /// The transport protocol.
        protocol: Protocol,
        /// The virtual address (VIP).
        address: IpAddr,
        /// The virtual port, 0 for any.
        port: u16,
    },
    /// Packets that the firewall marked. The same mark is another service for each family.
    FwMark {
        /// The mark.
        mark: FwMark,
        /// The family whose packets it takes.
        family: AddressFamily,
    },
}

impl ServiceKey {
    /// Family of the packets that the service takes.
    #[must_use]
    pub const fn family(&self) -> AddressFamily {
        match self {
            Self::Address { address, .. } => AddressFamily::of(address),
            Self::FwMark { family, .. } => *family,
        }
    }
}

impl fmt::Display for ServiceKey {
    /// As `ipvsadm` takes it: `-t 10.0.0.1:80`, `-u [2001:db8::1]:53`, `-f 9 -6`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address {
                protocol,
                address,
                port,
            } => {
                let option = match protocol {
                    Protocol::Tcp => "-t",
                    Protocol::Udp => "-u",
                    Protocol::Sctp => "--sctp-service",
                    Protocol::Other(_) => "--xxx-service",
                };
                write!(f, "{option} {}", std::net::SocketAddr::new(*address, *port))
            }
            Self::FwMark {
                mark,
                family: AddressFamily::Inet,
            } => write!(f, "-f {mark}"),
            Self::FwMark {
                mark,
                family: AddressFamily::Inet6,
            } => write!(f, "-f {mark} -6"),
        }
    }
}

/// Which part of a client's address persistence looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Netmask {
    /// IPv4: the bits that count. The kernel takes any, holes included.
    Inet(Ipv4Addr),
    /// IPv6: prefix length, 1 to 128.
    Inet6(u8),
}

impl Netmask {
    /// The whole address counts.
    #[must_use]
    pub const fn host(family: AddressFamily) -> Self {
        match family {
            AddressFamily::Inet => Self::Inet(Ipv4Addr::BROADCAST),
            AddressFamily::Inet6 => Self::Inet6(128),
        }
    }

    /// Whether the whole address counts.
    #[must_use]
    pub fn is_host(self) -> bool {
        self == Self::Inet(Ipv4Addr::BROADCAST) || self == Self::Inet6(128)
    }
}

impl fmt::Display for Netmask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(mask) => mask.fmt(f),
            Self::Inet6(prefix) => prefix.fmt(f),
        }
    }
}

/// Three bits whose meaning the scheduler decides (`IP_VS_SVC_F_SCHED1`..`3` in linux/ip_vs.h).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchedulerFlags(u32);

impl SchedulerFlags {
    /// First flag: `sh-fallback`, `mh-fallback`.
    pub const FLAG_1: Self = Self(0x08);
    /// Second flag: `sh-port`, `mh-port`.
    pub const FLAG_2: Self = Self(0x10);
    /// Third flag.
    pub const FLAG_3: Self = Self(0x20);
    /// None of them.
    pub const NONE: Self = Self(0);

    /// The scheduler's bits of the kernel's flag word.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits & 0x38)
    }

    /// As bits of the kernel's flag word.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Both together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether none is set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names of the set flags for `scheduler`, in bit order, as `ipvsadm -b` takes them.
    pub fn names(self, scheduler: &str) -> impl Iterator<Item = &'static str> {
        let table: [(Self, &str); 3] = match scheduler {
            "sh" => [
                (Self::FLAG_1, "sh-fallback"),
                (Self::FLAG_2, "sh-port"),
                (Self::FLAG_3, "flag-3"),
            ],
            "mh" => [
                (Self::FLAG_1, "mh-fallback"),
                (Self::FLAG_2, "mh-port"),
                (Self::FLAG_3, "flag-3"),
            ],
            _ => [
                (Self::FLAG_1, "flag-1"),
                (Self::FLAG_2, "flag-2"),
                (Self::FLAG_3, "flag-3"),
            ],
        };
        table
            .into_iter()
            .filter(move |(flag, _)| self.contains(*flag))
            .map(|(_, name)| name)
    }
}

/// The settings of a virtual service: all that `ipvsadm -A` can say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualService {
    /// What finds it.
    pub key: ServiceKey,
    /// Who picks the destination. `None` is the kernel's `none`: no scheduler bound.
    pub scheduler: SchedulerName,
    /// Flags of that scheduler.
    pub scheduler_flags: SchedulerFlags,
    /// Persistence: seconds that a client stays with its destination; `None` is off.
    pub persistence: Option<u32>,
    /// Which part of the client's address persistence looks at. The kernel keeps it without
    /// persistence too.
    pub netmask: Netmask,
    /// Persistence engine. The kernel keeps it without persistence too.
    pub engine: Option<EngineName>,
    /// One-packet scheduling: each datagram is scheduled anew.
    pub one_packet: bool,
}

impl VirtualService {
    /// A service with every setting at `ipvsadm`'s default.
    #[must_use]
    pub fn new(key: ServiceKey) -> Self {
        Self {
            netmask: Netmask::host(key.family()),
            key,
            scheduler: SchedulerName::default(),
            scheduler_flags: SchedulerFlags::NONE,
            persistence: None,
            engine: None,
            one_packet: false,
        }
    }
}

impl fmt::Display for VirtualService {
    /// As `ipvsadm -S -n` writes it behind `-A`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -s {}", self.key, self.scheduler)?;
        if let Some(seconds) = self.persistence {
            write!(f, " -p {seconds}")?;
            if !self.netmask.is_host() {
                write!(f, " -M {}", self.netmask)?;
            }
        }
        if let Some(engine) = &self.engine {
            write!(f, " --pe {engine}")?;
        }
        if self.one_packet {
            f.write_str(" -o")?;
        }
        if !self.scheduler_flags.is_empty() {
            let mut separator = " -b ";
            for name in self.scheduler_flags.names(self.scheduler.as_str()) {
                write!(f, "{separator}{name}")?;
                separator = ",";
            }
        }
        Ok(())
    }
}

/// Totals and smoothed rates of a service or destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections scheduled.
    pub connections: u64,
    /// Packets from clients.
    pub packets_in: u64,
    /// Packets to clients that passed the director.
    pub packets_out: u64,
    /// Bytes from clients.
    pub bytes_in: u64,
    /// Bytes to clients that passed the director.
    pub bytes_out: u64,
    /// Connections per second.
    pub connections_per_second: u64,
    /// Packets from clients per second.
    pub packets_in_per_second: u64,
    /// Packets to clients per second.
    pub packets_out_per_second: u64,
    /// Bytes from clients per second.
    pub bytes_in_per_second: u64,
    /// Bytes to clients per second.
    pub bytes_out_per_second: u64,
}

/// A service as the kernel lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceEntry {
    /// Its settings.
    pub service: VirtualService,
    /// Its totals and rates.
    pub counters: Counters,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str, protocol: Protocol) -> ServiceKey {
        let address: std::net::SocketAddr = text.parse().unwrap();
        ServiceKey::Address {
            protocol,
            address: address.ip(),
            port: address.port(),
        }
    }

    #[test]
    fn the_schedulers_flags_are_three_bits_of_the_kernels_word() {
        use SchedulerFlags as Flags;
        assert_eq!(Flags::from_bits(u32::MAX).bits(), 0x38);
        assert_eq!(Flags::from_bits(!0x38), Flags::NONE);
        let all = [Flags::FLAG_1, Flags::FLAG_2, Flags::FLAG_3];
        for (place, one) in all.into_iter().enumerate() {
            assert_eq!(Flags::from_bits(one.bits()), one);
            assert_eq!(one.with(one), one);
            assert!(!one.is_empty() && one.contains(one) && one.contains(Flags::NONE));
            let other = all[(place + 1) % 3];
            let both = one.with(other);
            assert_eq!(both.bits(), one.bits() + other.bits());
            assert!(both.contains(one) && both.contains(other));
            assert!(!one.contains(other) && !one.contains(both));
        }
        assert!(Flags::NONE.is_empty());
    }

    #[test]
    fn a_service_prints_as_ipvsadm_saves_it() {
        let mut service = VirtualService::new(address("[fd01::100]:443", Protocol::Tcp));
        service.persistence = Some(100);
        service.netmask = Netmask::Inet6(64);
        assert_eq!(
            service.to_string(),
            "-t [fd01::100]:443 -s wlc -p 100 -M 64"
        );

        let mut service = VirtualService::new(address("10.1.0.100:53", Protocol::Udp));
        service.scheduler = SchedulerName::new("sh").unwrap();
        service.scheduler_flags = SchedulerFlags::FLAG_1.with(SchedulerFlags::FLAG_2);
        service.one_packet = true;
        assert_eq!(
            service.to_string(),
            "-u 10.1.0.100:53 -s sh -o -b sh-fallback,sh-port"
        );
    }

    #[test]
    fn the_same_mark_is_another_service_for_each_family() {
        let mark = FwMark::new(3_000_000_000).unwrap();
        let four = ServiceKey::FwMark {
            mark,
            family: AddressFamily::Inet,
        };
        let six = ServiceKey::FwMark {
            mark,
            family: AddressFamily::Inet6,
        };
        assert_ne!(four, six);
        assert_eq!(six.to_string(), "-f 3000000000 -6");
    }
}
