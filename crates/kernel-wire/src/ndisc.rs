//! Neighbour discovery, as far as an address that moves needs it: the unsolicited advertisement, which is
//! ARP's announcement for IPv6 (RFC 4861, 7.2.6), and the question whether another station has the address
//! (RFC 4862, 5.4.2).
//!
//! `link` sends both at a takeover. The whole Ethernet frames are built here, so that they can leave while
//! the kernel still regards the address as new.

use std::net::Ipv6Addr;

use lvs_model::Mac;

/// Length of the frame: Ethernet 14, IPv6 40, advertisement 24, target link-layer option 8.
pub const FRAME_LENGTH: usize = 86;

/// All nodes of the link (RFC 4291, 2.7.1).
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// Hardware address of all nodes of the link (RFC 2464, 7).
pub const ALL_NODES_MAC: Mac = Mac([0x33, 0x33, 0, 0, 0, 1]);
const NEXT_HEADER_ICMPV6: u8 = 58;
const NEIGHBOUR_SOLICITATION: u8 = 135;
/// ICMPv6 type of an advertisement.
pub const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
/// Length of the frame of a question: no option.
pub const QUESTION_LENGTH: usize = 78;
/// Length of its ICMPv6 part.
const QUESTION_ICMP_LENGTH: u8 = 24;
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
    let target = address.octets();
    // Option 2, target link-layer address, length 1 (in units of 8 bytes).
    let body: [&[u8]; 4] = [&[flags, 0, 0, 0], &target, &[2, 1], &mac.0];
    let mut frame = [0; FRAME_LENGTH];
    let packet = Packet {
        link: [destination, mac],
        ip: [address, ALL_NODES],
        kind: NEIGHBOUR_ADVERTISEMENT,
        length: ICMP_LENGTH,
    };
    packet.write(&body, &mut frame);
    frame
}

/// The frame that asks from nobody who has `address`: the station that has it answers to all nodes.
#[must_use]
pub fn encode_question(mac: Mac, address: Ipv6Addr) -> [u8; QUESTION_LENGTH] {
    let target = address.octets();
    let [.., x, y, z] = target;
    // The solicited-node group (RFC 4291, 2.7.1) and its hardware address.
    let mut group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00, 0).octets();
    for (byte, value) in group.iter_mut().skip(13).zip([x, y, z]) {
        *byte = value;
    }
    let body: [&[u8]; 2] = [&[0; 4], &target];
    let mut frame = [0; QUESTION_LENGTH];
    let packet = Packet {
        link: [Mac([0x33, 0x33, 0xff, x, y, z]), mac],
        ip: [Ipv6Addr::UNSPECIFIED, Ipv6Addr::from(group)],
        kind: NEIGHBOUR_SOLICITATION,
        length: QUESTION_ICMP_LENGTH,
    };
    packet.write(&body, &mut frame);
    frame
}

/// What an advertisement says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advertisement {
    /// This address ...
    pub address: Ipv6Addr,
    /// ... is here. An answer to a question from nobody must have it.
    pub mac: Option<Mac>,
}

/// Reads an ICMPv6 message; `None` if it is no advertisement, or cut off.
#[must_use]
pub fn decode(message: &[u8]) -> Option<Advertisement> {
    let (head, rest) = message.split_first_chunk::<8>()?;
    if head.first() != Some(&NEIGHBOUR_ADVERTISEMENT) {
        return None;
    }
    let (address, mut options) = rest.split_first_chunk::<16>()?;
    let mut mac = None;
    while let [kind, length, ..] = options {
        let (option, others) = options.split_at_checked(usize::from(*length) * 8)?;
        if let ([2, 1, address @ ..], true) = (option, *kind == 2) {
            mac = address.try_into().ok().map(Mac);
        }
        // An option without a length would be read for ever (RFC 4861, 4.6).
        options = if option.is_empty() { &[] } else { others };
    }
    options.is_empty().then_some(Advertisement {
        address: Ipv6Addr::from(*address),
        mac,
    })
}

/// Everything of a frame but the body of its message.
struct Packet {
    /// Receiver and sender.
    link: [Mac; 2],
    /// Sender and receiver.
    ip: [Ipv6Addr; 2],
    kind: u8,
    length: u8,
}

impl Packet {
    /// Writes the frame; `body` is what stands behind the checksum.
    fn write(&self, body: &[&[u8]], frame: &mut [u8]) {
        let [source, group] = self.ip.map(|address| address.octets());
        let head = [self.kind, 0];
        let pseudo: [&[u8]; 2] = [&[0, 0, 0, self.length], &[0, 0, 0, NEXT_HEADER_ICMPV6]];
        let checksum = checksum(
            [&source[..], &group[..]]
                .into_iter()
                .chain(pseudo)
                .chain([&head[..]])
                .chain(body.iter().copied())
                .flatten()
                .copied(),
        );
        let ip: [&[u8]; 3] = [
            &[0x60, 0, 0, 0, 0, self.length, NEXT_HEADER_ICMPV6, 255],
            &source,
            &group,
        ];
        let [destination, mac] = &self.link;
        let ethernet: [&[u8]; 3] = [&destination.0, &mac.0, &[0x86, 0xdd]];
        let icmp: [&[u8]; 2] = [&head, &checksum];
        let bytes = ethernet.into_iter().chain(ip).chain(icmp);
        let bytes = bytes.chain(body.iter().copied()).flatten();
        for (byte, value) in frame.iter_mut().zip(bytes) {
            *byte = *value;
        }
    }
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
            let frame = encode_question(MAC, text.parse().unwrap());
            let pseudo = [0, 0, 0, 24, 0, 0, 0, NEXT_HEADER_ICMPV6];
            let all = frame[22..54].iter().chain(&pseudo).chain(&frame[54..]);
            assert_eq!(checksum(all.copied()), [0, 0], "{text}");
        }
    }

    #[test]
    fn a_question_comes_from_nobody_and_goes_to_those_who_may_have_the_address() {
        let frame = encode_question(MAC, "2001:db8::12:3456".parse().unwrap());
        assert_eq!(frame[..6], [0x33, 0x33, 0xff, 0x12, 0x34, 0x56]);
        assert_eq!(frame[22..38], [0; 16]);
        assert_eq!(frame[38..40], [0xff, 0x02]);
        assert_eq!(frame[49..54], [1, 0xff, 0x12, 0x34, 0x56]);
        assert_eq!(frame[54..56], [135, 0]);
        assert_eq!(frame[62..64], [0x20, 0x01]);
    }

    #[test]
    fn an_advertisement_comes_back_and_a_cut_off_one_is_none() {
        let address = "2001:db8::50".parse().unwrap();
        let frame = encode(ALL_NODES_MAC, MAC, address, false);
        let message = &frame[54..];
        let mac = Some(MAC);
        assert_eq!(decode(message), Some(Advertisement { address, mac }));
        for length in 0..message.len() {
            let whole = length == 24;
            assert_eq!(decode(&message[..length]).is_some(), whole, "{length}");
        }
        // Options of no length, and of another kind first.
        let endless = [&message[..24], &[1, 0, 0, 0]].concat();
        assert_eq!(decode(&endless).and_then(|said| said.mac), None);
        let second = [&message[..24], &[14, 1, 0, 0, 0, 0, 0, 0], &message[24..]].concat();
        assert_eq!(decode(&second).and_then(|said| said.mac), Some(MAC));
        assert_eq!(decode(&encode_question(MAC, address)[54..]), None);
    }
}
