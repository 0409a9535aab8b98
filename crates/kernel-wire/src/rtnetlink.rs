//! The part of rtnetlink that a director needs: addresses and links (linux/rtnetlink.h,
//! linux/if_addr.h, linux/if_link.h). `link` is the only caller.
//!
//! Requests are built into [`Requests`]; [`decode`] reads what the kernel says, answers and
//! notifications alike.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::netlink::{
    ACK, Attribute, Attributes, CREATE, DUMP, DecodeError, EXCLUSIVE, Message, REQUEST, Requests,
};
use lvs_model::Mac;

/// `RTMGRP_LINK`, `RTMGRP_IPV4_IFADDR`, `RTMGRP_IPV6_IFADDR`: what a director listens to.
pub const GROUPS: u32 = 0x1 | 0x10 | 0x100;

const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_GETLINK: u16 = 18;
const RTM_SETLINK: u16 = 19;
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
const RTM_GETADDR: u16 = 22;

const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_LABEL: u16 = 3;
const IFA_BROADCAST: u16 = 4;
const IFA_CACHEINFO: u16 = 6;
const IFA_FLAGS: u16 = 8;
/// `struct ifaddrmsg`.
const ADDRESS_HEADER: usize = 8;

const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_OPERSTATE: u16 = 16;
const IFLA_AF_SPEC: u16 = 26;
/// Within `IFLA_AF_SPEC` and `AF_INET`: the switches of /proc/sys/net/ipv4/conf of the interface.
const IFLA_INET_CONF: u16 = 1;
/// `IPV4_DEVCONF_PROMOTE_SECONDARIES` of linux/ip.h; the first switch is 1.
const PROMOTE_SECONDARIES: u16 = 20;
/// Where it is in the list.
const PROMOTE_PLACE: usize = 19;
/// Within `IFLA_AF_SPEC` and `AF_INET6`: those of /proc/sys/net/ipv6/conf.
const IFLA_INET6_CONF: u16 = 2;
/// `DEVCONF_DISABLE_IPV6` of linux/ipv6.h; the first switch is 0.
const DISABLE_IPV6: usize = 26;
/// `struct ifinfomsg`.
const LINK_HEADER: usize = 16;

/// `IFA_F_SECONDARY` (IPv4): not the first of its subnet on the interface. The kernel removes it together
/// with the first, unless it is told to promote it.
pub const SECONDARY: u32 = 0x01;
/// `IFA_F_NODAD` (IPv6): usable at once, no duplicate address detection.
pub const NO_DAD: u32 = 0x02;
/// `IFA_F_OPTIMISTIC` (IPv6): usable though [`TENTATIVE`].
pub const OPTIMISTIC: u32 = 0x04;
/// `IFA_F_DADFAILED` (IPv6): somebody else has it.
pub const DAD_FAILED: u32 = 0x08;
/// `IFA_F_TENTATIVE` (IPv6): not usable yet.
pub const TENTATIVE: u32 = 0x40;
/// `IFF_UP` of linux/if.h.
const UP: u32 = 0x1;
/// `IFF_LOOPBACK`, and `IFF_NOARP` as a dummy or a tunnel has it.
const LOOPBACK: u32 = 0x8;
const NOARP: u32 = 0x80;
/// `IFF_LOWER_UP`: the driver sees a carrier.
const LOWER_UP: u32 = 0x1_0000;
/// `IF_OPER_DOWN` and `IF_OPER_LOWERLAYERDOWN` of linux/if.h.
const OPER_DOWN: [u8; 2] = [2, 3];

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const AF_BRIDGE: u8 = 7;

/// `struct ifa_cacheinfo` of linux/if_addr.h: preferred for 0 s, valid for ever.
///
/// Otherwise the kernel would choose a whole-length virtual address as the source of what the director
/// itself sends (RFC 6724, rule 3 puts a deprecated one last). Real servers that hold the same address
/// would then answer checks to themselves.
const NOT_PREFERRED: [u8; 16] = [0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0];

/// An address on an interface.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// Index of the interface.
    pub interface: u32,
    /// The address.
    pub address: IpAddr,
    /// The other end, of an address that has one; the prefix is then that end's.
    pub peer: Option<IpAddr>,
    /// Length of its network's prefix in bits.
    pub prefix: u8,
    /// Alias label, IPv4 only: `eth0:1`.
    pub label: Option<String>,
    /// `IFA_F_*`.
    pub flags: u32,
}

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its index, which a renaming leaves.
    pub index: u32,
    /// Its name now.
    pub name: String,
    /// Hardware address, if it is one of Ethernet's length.
    pub mac: Option<Mac>,
    /// Nobody has set it down.
    pub up: bool,
    /// It is up, has a carrier, and its operational state is not down.
    pub running: bool,
    /// Its switch `promote_secondaries`; not known of one without IPv4.
    pub promotes: Option<bool>,
    /// IPv6 is not switched off on it.
    pub takes_ipv6: bool,
    /// It has neighbours who are told and asked who has an address: no loopback, and not without ARP.
    pub has_neighbours: bool,
}

/// What a message of the kernel says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// An address is there.
    Address(Address),
    /// An address is gone.
    AddressGone(Address),
    /// An interface is there, or changed.
    Link(Link),
    /// An interface is gone.
    LinkGone(Link),
    /// Something else.
    Other,
}

/// Asks for all addresses of both families.
pub fn request_addresses(requests: &mut Requests, sequence: u32) {
    requests.message(RTM_GETADDR, DUMP, sequence, |message| {
        message.raw(&[0; ADDRESS_HEADER]);
    });
}

/// Asks for all interfaces.
pub fn request_links(requests: &mut Requests, sequence: u32) {
    requests.message(RTM_GETLINK, DUMP, sequence, |message| {
        message.raw(&[0; LINK_HEADER]);
    });
}

/// Asks for the interface of this name; refused with `ENODEV` if there is none.
pub fn request_link(requests: &mut Requests, sequence: u32, name: &str) {
    requests.message(RTM_GETLINK, REQUEST, sequence, |message| {
        message.raw(&[0; LINK_HEADER]);
        message.text(IFLA_IFNAME, name);
    });
}

/// Adds an address; refused with `EEXIST` if it is there. This machine never chooses an IPv6 one added so
/// as the source of what it sends.
pub fn request_add(requests: &mut Requests, sequence: u32, address: &Address) {
    let flags = ACK | CREATE | EXCLUSIVE;
    encode_address(requests, RTM_NEWADDR, flags, sequence, address);
}

/// Removes an address; refused with `EADDRNOTAVAIL` if it is not there.
pub fn request_remove(requests: &mut Requests, sequence: u32, address: &Address) {
    encode_address(requests, RTM_DELADDR, ACK, sequence, address);
}

/// Sets the switch `promote_secondaries` of an interface. With it, when the kernel removes the first IPv4
/// address of a subnet, the next one becomes the first; without it the kernel removes them all.
pub fn request_promotion(requests: &mut Requests, sequence: u32, interface: u32, on: bool) {
    requests.message(RTM_SETLINK, ACK, sequence, |message| {
        let mut header = [0; LINK_HEADER];
        for (byte, value) in header.iter_mut().skip(4).zip(interface.to_ne_bytes()) {
            *byte = value;
        }
        message.raw(&header);
        message.nest(IFLA_AF_SPEC, |families| {
            families.nest(u16::from(AF_INET), |family| {
                family.nest(IFLA_INET_CONF, |switches| {
                    switches.u32(PROMOTE_SECONDARIES, u32::from(on));
                });
            });
        });
    });
}

fn encode_address(
    requests: &mut Requests,
    kind: u16,
    flags: u16,
    sequence: u32,
    address: &Address,
) {
    let family = if address.address.is_ipv4() {
        AF_INET
    } else {
        AF_INET6
    };
    requests.message(kind, flags, sequence, |message| {
        message.raw(&[family, address.prefix, 0, 0]);
        message.raw(&address.interface.to_ne_bytes());
        match address.address {
            IpAddr::V4(ip) => {
                message.attribute(IFA_LOCAL, &ip.octets());
                match address.peer {
                    Some(IpAddr::V4(peer)) => message.attribute(IFA_ADDRESS, &peer.octets()),
                    _ => message.attribute(IFA_ADDRESS, &ip.octets()),
                }
                if address.prefix < 31 && address.peer.is_none() {
                    let broadcast = broadcast(ip, address.prefix);
                    message.attribute(IFA_BROADCAST, &broadcast.octets());
                }
            }
            IpAddr::V6(ip) => {
                if let Some(IpAddr::V6(peer)) = address.peer {
                    message.attribute(IFA_LOCAL, &ip.octets());
                    message.attribute(IFA_ADDRESS, &peer.octets());
                } else {
                    message.attribute(IFA_ADDRESS, &ip.octets());
                }
                message.attribute(IFA_CACHEINFO, &NOT_PREFERRED);
            }
        }
        if let Some(label) = &address.label {
            message.text(IFA_LABEL, label);
        }
        if address.flags != 0 {
            message.u32(IFA_FLAGS, address.flags);
        }
    });
}

/// The broadcast address of `address`'s network.
#[must_use]
pub fn broadcast(address: Ipv4Addr, prefix: u8) -> Ipv4Addr {
    let host = u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
    Ipv4Addr::from_bits(address.to_bits() | host)
}

/// Reads a message of the kernel.
///
/// # Errors
/// [`DecodeError`] if it is shorter than it says.
pub fn decode(message: &Message<'_>) -> Result<Said, DecodeError> {
    Ok(match message.kind {
        RTM_NEWADDR => decode_address(message)?.map_or(Said::Other, Said::Address),
        RTM_DELADDR => decode_address(message)?.map_or(Said::Other, Said::AddressGone),
        RTM_NEWLINK => decode_link(message)?.map_or(Said::Other, Said::Link),
        RTM_DELLINK => decode_link(message)?.map_or(Said::Other, Said::LinkGone),
        _ => Said::Other,
    })
}

fn decode_address(message: &Message<'_>) -> Result<Option<Address>, DecodeError> {
    let Some(([family, prefix, flags, _], rest)) = message.body.split_first_chunk::<4>() else {
        return Ok(None);
    };
    let Some((index, _)) = rest.split_first_chunk::<4>() else {
        return Ok(None);
    };
    let (mut local, mut peer, mut label) = (None, None, None);
    let mut all_flags = u32::from(*flags);
    for attribute in message.attributes_behind(ADDRESS_HEADER)? {
        let attribute = attribute?;
        match attribute.kind {
            IFA_LOCAL => local = ip(*family, attribute.value),
            IFA_ADDRESS => peer = ip(*family, attribute.value),
            IFA_LABEL => label = Some(attribute.text("label")?.to_owned()),
            IFA_FLAGS => all_flags = attribute.u32("address flags")?,
            _ => {}
        }
    }
    // IFA_LOCAL is ours; IFA_ADDRESS is the peer's on a point-to-point link.
    Ok(local.or(peer).map(|address| Address {
        interface: u32::from_ne_bytes(*index),
        address,
        peer: peer.filter(|peer| *peer != address),
        prefix: *prefix,
        label,
        flags: all_flags,
    }))
}

fn ip(family: u8, bytes: &[u8]) -> Option<IpAddr> {
    match family {
        AF_INET => <[u8; 4]>::try_from(bytes)
            .ok()
            .map(|octets| Ipv4Addr::from(octets).into()),
        AF_INET6 => <[u8; 16]>::try_from(bytes)
            .ok()
            .map(|octets| Ipv6Addr::from(octets).into()),
        _ => None,
    }
}

fn decode_link(message: &Message<'_>) -> Result<Option<Link>, DecodeError> {
    let word = |at: usize| {
        let bytes = message.body.get(at..at + 4)?;
        Some(u32::from_ne_bytes(bytes.try_into().ok()?))
    };
    let (Some(index), Some(flags)) = (word(4), word(8)) else {
        return Ok(None);
    };
    // A port of a bridge joined, changed or left. The interface itself has a message of its own, and its
    // families are others here.
    if message.body.first() == Some(&AF_BRIDGE) {
        return Ok(None);
    }
    let (mut name, mut mac, mut down) = (None, None, false);
    let (mut promotes, mut takes_ipv6) = (None, true);
    for attribute in message.attributes_behind(LINK_HEADER)? {
        let attribute = attribute?;
        match attribute.kind {
            IFLA_IFNAME => name = Some(attribute.text("interface name")?.to_owned()),
            IFLA_ADDRESS => mac = <[u8; 6]>::try_from(attribute.value).ok().map(Mac),
            IFLA_OPERSTATE => down = OPER_DOWN.contains(&attribute.u8("operational state")?),
            IFLA_AF_SPEC => {
                promotes = switch(&attribute, AF_INET, IFLA_INET_CONF, PROMOTE_PLACE)?;
                let disabled = switch(&attribute, AF_INET6, IFLA_INET6_CONF, DISABLE_IPV6)?;
                takes_ipv6 = disabled == Some(false);
            }
            _ => {}
        }
    }
    Ok(name.map(|name| Link {
        index,
        name,
        mac,
        up: flags & UP != 0,
        running: flags & (UP | LOWER_UP) == UP | LOWER_UP && !down,
        promotes,
        takes_ipv6,
        has_neighbours: flags & (LOOPBACK | NOARP) == 0,
    }))
}

/// A switch of an interface; none if it has nothing of the family.
fn switch(
    families: &Attribute<'_>,
    family: u8,
    table: u16,
    place: usize,
) -> Result<Option<bool>, DecodeError> {
    let Some(family) = find(families.nested(), u16::from(family))? else {
        return Ok(None);
    };
    let Some(switches) = find(family.nested(), table)? else {
        return Ok(None);
    };
    let value = switches.value.chunks_exact(4).nth(place);
    Ok(value.map(|value| value != [0; 4]))
}

fn find<'a>(
    mut attributes: Attributes<'a>,
    kind: u16,
) -> Result<Option<Attribute<'a>>, DecodeError> {
    attributes
        .find(|it| it.is_err() || it.is_ok_and(|it| it.kind == kind))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::messages;

    fn address(text: &str, prefix: u8, label: Option<&str>) -> Address {
        Address {
            interface: 7,
            address: text.parse().unwrap(),
            peer: None,
            prefix,
            label: label.map(str::to_owned),
            flags: 0,
        }
    }

    #[test]
    fn an_address_comes_back_as_it_was_asked_for() {
        let mut six = address("2001:db8::50", 128, None);
        six.flags = NO_DAD;
        let ends = |text: &str, peer: &str| Address {
            peer: peer.parse().ok(),
            ..address(text, 32, None)
        };
        for address in [
            address("10.1.0.50", 24, Some("eth0:1")),
            address("10.1.0.51", 32, None),
            six,
            ends("10.1.0.51", "10.1.0.9"),
            ends("2001:db8::51", "2001:db8::9"),
        ] {
            let mut requests = Requests::new();
            request_add(&mut requests, 5, &address);
            let message = messages(requests.as_bytes()).next().unwrap().unwrap();
            assert_eq!(message.sequence, 5);
            assert_eq!(decode(&message), Ok(Said::Address(address)));
        }
    }

    #[test]
    fn the_broadcast_address_is_that_of_the_network() {
        let ip = Ipv4Addr::new(10, 1, 2, 3);
        assert_eq!(broadcast(ip, 24), Ipv4Addr::new(10, 1, 2, 255));
        assert_eq!(broadcast(ip, 32), ip);
        assert_eq!(broadcast(ip, 0), Ipv4Addr::BROADCAST);
    }

    #[test]
    fn a_cut_off_message_is_no_address() {
        let mut requests = Requests::new();
        let whole = address("10.1.0.50", 24, Some("eth0:1"));
        request_remove(&mut requests, 1, &whole);
        let message = messages(requests.as_bytes()).next().unwrap().unwrap();
        for length in 0..message.body.len() {
            let cut = Message {
                body: &message.body[..length],
                ..message
            };
            let expected = match length {
                // Not even a header, or nothing behind it.
                0..=8 => Some(Said::Other),
                // Behind the attribute for the address itself, the peer's and the broadcast's.
                16 | 24 | 32 => Some(Said::AddressGone(address("10.1.0.50", 24, None))),
                // Nothing but the padding is missing.
                43 => Some(Said::AddressGone(whole.clone())),
                // Within one.
                _ => None,
            };
            assert_eq!(decode(&cut).ok(), expected, "{length}");
        }
    }

    /// An interface as the kernel reports it, with switches of both families, or none of IPv6.
    #[test]
    fn an_interface_says_whether_it_has_neighbours() {
        for (flags, has_neighbours) in [(0x1_1043_u32, true), (0x1_0049, false), (0x1_00c3, false)]
        {
            let mut requests = Requests::new();
            requests.message(RTM_NEWLINK, 0, 1, |message| {
                let mut header = [0; LINK_HEADER];
                header[8..12].copy_from_slice(&flags.to_ne_bytes());
                message.raw(&header);
                message.text(IFLA_IFNAME, "eth0");
            });
            let message = messages(requests.as_bytes()).next().unwrap().unwrap();
            match decode(&message).unwrap() {
                Said::Link(link) => assert_eq!(link.has_neighbours, has_neighbours, "{flags:x}"),
                other => panic!("{other:?}"),
            }
        }
    }

    fn told(promotes: u32, disables_ipv6: Option<u32>) -> Link {
        let mut requests = Requests::new();
        requests.message(RTM_NEWLINK, 0, 1, |message| {
            message.raw(&[0; LINK_HEADER]);
            message.text(IFLA_IFNAME, "eth0");
            message.nest(IFLA_AF_SPEC, |families| {
                families.nest(2, |family| {
                    let mut switches = [0; 31 * 4];
                    switches[19 * 4..20 * 4].copy_from_slice(&promotes.to_ne_bytes());
                    family.attribute(IFLA_INET_CONF, &switches);
                });
                if let Some(value) = disables_ipv6 {
                    families.nest(10, |family| {
                        let mut switches = [0; 50 * 4];
                        switches[26 * 4..27 * 4].copy_from_slice(&value.to_ne_bytes());
                        family.attribute(IFLA_INET6_CONF, &switches);
                    });
                }
            });
        });
        let message = messages(requests.as_bytes()).next().unwrap().unwrap();
        match decode(&message) {
            Ok(Said::Link(link)) => link,
            other => panic!("{other:?}"),
        }
    }

    /// Its table of families has the bridge's own attributes: 2 is no family but flags and a VLAN.
    #[test]
    fn r_a_port_of_a_bridge_is_no_interface() {
        for kind in [RTM_NEWLINK, RTM_DELLINK] {
            let mut requests = Requests::new();
            requests.message(kind, 0, 1, |message| {
                let mut header = [0; LINK_HEADER];
                header[0] = AF_BRIDGE;
                message.raw(&header);
                message.text(IFLA_IFNAME, "eth0");
                message.nest(IFLA_AF_SPEC, |bridge| bridge.attribute(2, &[0x06, 0, 1, 0]));
            });
            let message = messages(requests.as_bytes()).next().unwrap().unwrap();
            assert_eq!(decode(&message).unwrap(), Said::Other);
        }
    }

    #[test]
    fn an_interface_says_whether_it_promotes_secondaries_and_takes_ipv6() {
        for value in [0, 1] {
            let link = told(value, Some(value));
            assert_eq!(link.promotes, Some(value == 1));
            assert_eq!(link.takes_ipv6, value == 0);
            assert!(!link.up && !link.running);
        }
        assert!(!told(0, None).takes_ipv6);
    }
}
