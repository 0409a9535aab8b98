//! ICMP echo (RFC 792), with which pulse asks whether its gateway answers.

const ECHO_REPLY: u8 = 0;
const ECHO_REQUEST: u8 = 8;
const HEADER: usize = 8;

/// An echo request with the given identifier and sequence number, without data.
#[must_use]
pub fn echo_request(identifier: u16, sequence: u16) -> [u8; HEADER] {
    let [i0, i1] = identifier.to_be_bytes();
    let [s0, s1] = sequence.to_be_bytes();
    let mut bytes = [ECHO_REQUEST, 0, 0, 0, i0, i1, s0, s1];
    let [c0, c1] = checksum(&bytes).to_be_bytes();
    (bytes[2], bytes[3]) = (c0, c1);
    bytes
}

/// Whether `packet`, an IPv4 packet with its header as a raw socket gives it, answers that request.
#[must_use]
pub fn is_echo_reply(packet: &[u8], identifier: u16, sequence: u16) -> bool {
    let Some(first) = packet.first() else {
        return false;
    };
    let header = usize::from(first & 0x0f) * 4;
    let Some(message) = packet.get(header..).and_then(|m| m.get(..HEADER)) else {
        return false;
    };
    let [i0, i1] = identifier.to_be_bytes();
    let [s0, s1] = sequence.to_be_bytes();
    first >> 4 == 4 && message.starts_with(&[ECHO_REPLY, 0]) && message.ends_with(&[i0, i1, s0, s1])
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| {
        let high = pair.first().copied().unwrap_or_default();
        let low = pair.get(1).copied().unwrap_or_default();
        u32::from(u16::from_be_bytes([high, low]))
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_as_ping_sends_it() {
        assert_eq!(
            echo_request(0x1234, 1),
            [8, 0, 0xe5, 0xca, 0x12, 0x34, 0, 1]
        );
        assert_eq!(checksum(&echo_request(0xffff, 0xffff)), 0);
    }

    #[test]
    fn only_the_answer_to_the_request_counts() {
        let mut packet = vec![0x45; 20];
        packet.extend([0, 0, 0xed, 0xca, 0x12, 0x34, 0, 1]);
        assert!(is_echo_reply(&packet, 0x1234, 1));
        assert!(!is_echo_reply(&packet, 0x1234, 2));
        assert!(!is_echo_reply(&packet[..27], 0x1234, 1));
        packet[20] = 8;
        assert!(!is_echo_reply(&packet, 0x1234, 1));
        for length in 0..packet.len() {
            assert!(!is_echo_reply(&packet[..length], 0x1234, 1));
        }
    }
}
