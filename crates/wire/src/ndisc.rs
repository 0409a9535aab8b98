//! Unsolicited neighbour advertisement: ARP's announcement for IPv6 (RFC 4861, 7.2.6).
//!
//! `link` sends it at a takeover to all nodes of the link. The whole Ethernet frame is built here,
//! so that it can leave while the kernel still regards the address as new.

use std::net::Ipv6Addr;

use crate::arp::Mac;

/// Length of the frame: Ethernet 14, IPv6 40, advertisement 24, target link-layer option 8.
pub const FRAME_LENGTH: usize = 86;

/// All nodes of the link (RFC 4291, 2.7.1).
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// Hardware address of all nodes of the link (RFC 2464, 7).
pub const ALL_NODES_MAC: Mac = Mac([0x33, 0x33, 0, 0, 0, 1]);
const NEXT_HEADER_ICMPV6: u8 = 58;
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
/// Length of the ICMPv6 part.
const ICMP_LENGTH: u8 = 32;

/// The frame that says to `destination`, in general [`ALL_NODES_MAC`], "`address` is at `mac`",
/// override flag set.
///
/// `router` is the R flag: set it where the director forwards, or hosts that route through the
/// address drop it from their list of routers (RFC 4861, 7.2.5).
#[must_use]
pub fn encode(destination: Mac, mac: Mac, address: Ipv6Addr, router: bool) -> [u8; FRAME_LENGTH] {
    let flags = if router { 0xa0 } else { 0x20 };
    let source = address.octets();
    let group = ALL_NODES.octets();
    let head = [NEIGHBOUR_ADVERTISEMENT, 0];
    // Option 2, target link-layer address, length 1 (in units of 8 bytes).
    let body: [&[u8]; 4] = [&[flags, 0, 0, 0], &source, &[2, 1], &mac.0];
    let pseudo: [&[u8]; 2] = [&[0, 0, 0, ICMP_LENGTH], &[0, 0, 0, NEXT_HEADER_ICMPV6]];
    let checksum = checksum(
        [&source[..], &group[..]]
            .into_iter()
            .chain(pseudo)
            .chain([&head[..]])
            .chain(body)
            .flatten()
            .copied(),
    );
    let ip: [&[u8]; 3] = [
        &[0x60, 0, 0, 0, 0, ICMP_LENGTH, NEXT_HEADER_ICMPV6, 255],
        &source,
        &group,
    ];
    let ethernet: [&[u8]; 3] = [&destination.0, &mac.0, &[0x86, 0xdd]];
    let icmp: [&[u8]; 2] = [&head, &checksum];
    let mut frame = [0; FRAME_LENGTH];
    let bytes = ethernet.into_iter().chain(ip).chain(icmp).chain(body);
    for (byte, value) in frame.iter_mut().zip(bytes.flatten()) {
        *byte = *value;
    }
    frame
}

/// The Internet checksum (RFC 1071) over an even number of bytes.
fn checksum(bytes: impl Iterator<Item = u8>) -> [u8; 2] {
    let mut sum: u32 = bytes
        .enumerate()
        .map(|(position, byte)| {
            let byte = u32::from(byte);
            if position % 2 == 0 { byte << 8 } else { byte }
        })
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let [_, _, high, low] = (!sum).to_be_bytes();
    [high, low]
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = Mac([0x02, 0, 0, 0, 1, 0]);

    #[test]
    fn the_frame_is_an_override_advertisement_to_all_nodes() {
        let frame = encode(ALL_NODES_MAC, MAC, "2001:db8::50".parse().unwrap(), false);
        assert_eq!(frame[..6], [0x33, 0x33, 0, 0, 0, 1]);
        assert_eq!(frame[12..15], [0x86, 0xdd, 0x60]);
        assert_eq!(frame[20..22], [58, 255]);
        assert_eq!(frame[54..56], [136, 0]);
        assert_eq!(frame[58], 0x20);
        assert_eq!(frame[62..78], frame[22..38]);
        assert_eq!(frame[78..], [2, 1, 0x02, 0, 0, 0, 1, 0]);
        assert_eq!(
            encode(ALL_NODES_MAC, MAC, Ipv6Addr::LOCALHOST, true)[58],
            0xa0
        );
    }

    #[test]
    fn a_receiver_that_adds_everything_up_gets_zero() {
        for text in ["2001:db8::50", "fd00::ffff:ffff:ffff:ffff", "::"] {
            let frame = encode(ALL_NODES_MAC, MAC, text.parse().unwrap(), true);
            let pseudo = [0, 0, 0, ICMP_LENGTH, 0, 0, 0, NEXT_HEADER_ICMPV6];
            let all = frame[22..54].iter().chain(&pseudo).chain(&frame[54..]);
            assert_eq!(checksum(all.copied()), [0, 0], "{text}");
        }
    }
}
