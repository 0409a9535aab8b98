//! Gratuitous ARP: the frame that tells a segment who has an IPv4 address now (RFC 826, RFC 5227).
//!
//! `link` sends it at a takeover in both forms, `send_arp` in the reply form.

use std::net::Ipv4Addr;

use lvs_model::Mac;

/// The two forms of an announcement. Some hosts believe only one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Opcode 2, target = sender: what the original sends.
    Reply,
    /// Opcode 1, target hardware address zero (RFC 5227 1.1, "ARP Announcement").
    Request,
}

/// Length of the frame: the shortest that Ethernet has, checksum not counted.
pub const FRAME_LENGTH: usize = 60;

/// Ethernet type of ARP.
pub const ETHER_TYPE: [u8; 2] = [0x08, 0x06];

/// The frame that says "`address` is at `mac`" to `destination`.
#[must_use]
pub fn encode(form: Form, destination: Mac, mac: Mac, address: Ipv4Addr) -> [u8; FRAME_LENGTH] {
    // Hardware type Ethernet, protocol type IPv4, lengths 6 and 4.
    const FIXED: [u8; 7] = [0x00, 0x01, 0x08, 0x00, 6, 4, 0x00];
    let (opcode, target) = match form {
        Form::Reply => (2, mac),
        Form::Request => (1, Mac([0; 6])),
    };
    let octets = address.octets();
    let parts: [&[u8]; 9] = [
        &destination.0,
        &mac.0,
        &ETHER_TYPE,
        &FIXED,
        &[opcode],
        &mac.0,
        &octets,
        &target.0,
        &octets,
    ];
    let mut frame = [0; FRAME_LENGTH];
    for (byte, value) in frame.iter_mut().zip(parts.iter().copied().flatten()) {
        *byte = *value;
    }
    frame
}

/// The frame that asks from nobody who has `address` (RFC 5227 1.1, "ARP Probe"): the station that has it
/// answers, and no station learns anything from the question.
#[must_use]
pub fn encode_question(mac: Mac, address: Ipv4Addr) -> [u8; FRAME_LENGTH] {
    let mut frame = encode(Form::Request, Mac::BROADCAST, mac, address);
    for byte in frame.iter_mut().skip(SENDER).take(4) {
        *byte = 0;
    }
    frame
}

/// Where the sender's IPv4 address is in a frame.
const SENDER: usize = 28;

/// What an ARP packet says of its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// This address ...
    pub address: Ipv4Addr,
    /// ... is here.
    pub mac: Mac,
}

/// Reads an ARP packet without its Ethernet header; `None` if it is cut off, of another kind of network, or
/// from nobody.
#[must_use]
pub fn decode(packet: &[u8]) -> Option<Sender> {
    let (head, rest) = packet.split_first_chunk::<8>()?;
    let (mac, rest) = rest.split_first_chunk::<6>()?;
    let (address, rest) = rest.split_first_chunk::<4>()?;
    let is_known = matches!(head, [0, 1, 8, 0, 6, 4, 0, 1 | 2]);
    let address = Ipv4Addr::from(*address);
    let is_whole = rest.len() >= 10 && !address.is_unspecified();
    (is_known && is_whole).then_some(Sender {
        address,
        mac: Mac(*mac),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = Mac([0x02, 0, 0, 0, 1, 0]);
    const VIP: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 77);

    #[test]
    fn the_reply_form_is_the_frame_of_the_original() {
        let mut expected = [0; FRAME_LENGTH];
        expected[..42].copy_from_slice(&[
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x00, 0x00, 0x00, 0x01, 0x00, 0x08, 0x06,
            0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x01, 0x00,
            0x0a, 0x01, 0x00, 0x4d, 0x02, 0x00, 0x00, 0x00, 0x01, 0x00, 0x0a, 0x01, 0x00, 0x4d,
        ]);
        assert_eq!(encode(Form::Reply, Mac::BROADCAST, MAC, VIP), expected);
    }

    #[test]
    fn the_request_form_differs_in_opcode_and_target() {
        let reply = encode(Form::Reply, Mac::BROADCAST, MAC, VIP);
        let request = encode(Form::Request, Mac::BROADCAST, MAC, VIP);
        assert_eq!(request[21], 1);
        assert_eq!(request[32..38], [0; 6]);
        assert_eq!(request[..21], reply[..21]);
        assert_eq!(request[22..32], reply[22..32]);
        assert_eq!(request[38..], reply[38..]);
    }

    #[test]
    fn both_forms_come_back_and_a_cut_off_one_does_not() {
        for form in [Form::Reply, Form::Request] {
            let frame = encode(form, Mac::BROADCAST, MAC, VIP);
            let sender = Sender {
                address: VIP,
                mac: MAC,
            };
            assert_eq!(decode(&frame[14..]), Some(sender));
            for length in 0..28 {
                assert_eq!(decode(&frame[14..14 + length]), None, "{length}");
            }
            let mut foreign = frame;
            foreign[17] = 1;
            assert_eq!(decode(&foreign[14..]), None);
        }
    }

    #[test]
    fn a_question_comes_from_nobody() {
        let frame = encode_question(MAC, VIP);
        let request = encode(Form::Request, Mac::BROADCAST, MAC, VIP);
        assert_eq!(frame[28..32], [0; 4]);
        assert_eq!(frame[..28], request[..28]);
        assert_eq!(frame[32..], request[32..]);
        assert_eq!(decode(&frame[14..]), None);
    }
}
