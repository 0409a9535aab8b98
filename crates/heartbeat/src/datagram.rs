//! The heartbeat datagram: what two pulses send each other over UDP.
//!
//! The first four bytes are the original's: a constant in the sender's byte order. Every machine that the
//! original ran on was little-endian. An original reads these four bytes and drops the rest, so the rest is
//! ours: [`Datagram::trailer`], see [`signed`]. `docs/internals/heartbeat.md` is the frozen description.
//! pulse's socket is the caller; the machine sees only decoded values.

pub mod details;
mod length;
mod signature_error;
pub mod signed;

use std::fmt;

use crate::pair::ConfiguredRole;
pub use length::{MAGIC_LENGTH, MAX_LENGTH};

/// Which service the pair runs; each has its own two constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// A director: lvsd (lvs.cf `service = lvs`).
    Lvs,
    /// Failover of services on the directors themselves (lvs.cf `service = fos`).
    Fos,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lvs => "lvs",
            Self::Fos => "fos",
        })
    }
}

/// What a heartbeat says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// I am active.
    Running,
    /// I am alive and inactive.
    Stopped,
    /// I am taking over: go inactive. Only fos nodes send it.
    StopMe,
    /// Never sent by any version.
    Hold,
    /// Never sent by any version.
    Held,
}

/// Byte order of the four bytes. Anything but [`ByteOrder::Little`] is for an original partner on
/// a big-endian machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ByteOrder {
    /// x86 and everything else in use.
    #[default]
    Little,
    /// An original on a big-endian machine.
    Big,
}

/// Why a datagram is no heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Fewer than [`MAGIC_LENGTH`] bytes.
    TooShort,
    /// Four bytes that mean nothing here: another service, another byte order, or noise.
    Incompatible,
}

impl fmt::Display for DecodeError {
    /// The original's log lines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooShort => "bad heartbeat packet",
            Self::Incompatible => {
                "Incompatible heartbeat received -- other system not using identical services"
            }
        })
    }
}

impl std::error::Error for DecodeError {}

/// A decoded datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// What it says.
    pub value: Value,
    /// Everything behind the first four bytes; empty from an original.
    pub trailer: &'a [u8],
}

/// What an unsigned heartbeat may have behind its four bytes; most have none. An original does not read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// The sender misses the receiver's heartbeats.
    Question,
    /// The sender is active and leaves as soon as the receiver has taken over.
    Leaving,
    /// The sender has taken over from a receiver that leaves.
    Taken,
    /// The sender is inactive and could not take over, or not as well as it should.
    Unfit,
    /// The same, and it misses the receiver's heartbeats.
    UnfitQuestion,
    /// The sender is the primary, and the receiver claims to be active or the primary as well.
    Primary,
    /// The sender is the backup, and the receiver claims to be active or the backup as well.
    Backup,
}

impl Mark {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Question,
        Self::Leaving,
        Self::Taken,
        Self::Unfit,
        Self::UnfitQuestion,
        Self::Primary,
        Self::Backup,
    ];

    /// The fifth byte.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Question => b'?',
            Self::Leaving => b'<',
            Self::Taken => b'>',
            Self::Unfit => b'-',
            Self::UnfitQuestion => b'=',
            Self::Primary => b'1',
            Self::Backup => b'2',
        }
    }
}

impl Datagram<'_> {
    /// The mark of an unsigned heartbeat, if it has one.
    #[must_use]
    pub fn mark(&self) -> Option<Mark> {
        let [byte] = self.trailer else { return None };
        Mark::ALL.into_iter().find(|mark| mark.byte() == *byte)
    }

    /// Whether the sender asks for a heartbeat of the receiver. Does not check the signature of a signed
    /// one.
    #[must_use]
    pub fn asks(&self) -> bool {
        let asks = [Some(Mark::Question), Some(Mark::UnfitQuestion)];
        asks.contains(&self.mark()) || signed::asks(self.trailer)
    }

    /// The role of the sender, if it tells it. Does not check the signature of a signed heartbeat.
    #[must_use]
    pub fn role(&self) -> Option<ConfiguredRole> {
        match self.mark() {
            Some(Mark::Primary) => Some(ConfiguredRole::Primary),
            Some(Mark::Backup) => Some(ConfiguredRole::Backup),
            _ => signed::role(self.trailer),
        }
    }
}

/// The constants by service. STOPME, HOLD and HELD are shared.
const CONSTANTS: [(Option<Service>, Value, u32); 7] = [
    (Some(Service::Lvs), Value::Running, 0xbdad_dbda),
    (Some(Service::Lvs), Value::Stopped, 0xadbd_dabd),
    (Some(Service::Fos), Value::Running, 0xbeef_babe),
    (Some(Service::Fos), Value::Stopped, 0xdead_beef),
    (None, Value::StopMe, 0xdead_dada),
    (None, Value::Hold, 0xdeaf_babe),
    (None, Value::Held, 0xdeaf_dada),
];

/// The four bytes of `value` between nodes that run `service`.
#[must_use]
pub fn encode(service: Service, value: Value, order: ByteOrder) -> [u8; MAGIC_LENGTH] {
    let number = CONSTANTS
        .iter()
        .find(|(of, what, _)| *what == value && of.is_none_or(|of| of == service))
        .map_or(0, |(_, _, number)| *number);
    match order {
        ByteOrder::Little => number.to_le_bytes(),
        ByteOrder::Big => number.to_be_bytes(),
    }
}

/// Reads a datagram that arrived at a node running `service`.
///
/// # Errors
/// [`DecodeError`]; the sender does then not count as alive.
pub fn decode(
    bytes: &[u8],
    service: Service,
    order: ByteOrder,
) -> Result<Datagram<'_>, DecodeError> {
    let (magic, trailer) = bytes
        .split_first_chunk::<MAGIC_LENGTH>()
        .ok_or(DecodeError::TooShort)?;
    let number = match order {
        ByteOrder::Little => u32::from_le_bytes(*magic),
        ByteOrder::Big => u32::from_be_bytes(*magic),
    };
    CONSTANTS
        .iter()
        .find(|(of, _, constant)| *constant == number && of.is_none_or(|of| of == service))
        .map(|(_, value, _)| Datagram {
            value: *value,
            trailer,
        })
        .ok_or(DecodeError::Incompatible)
}

#[cfg(test)]
mod tests {
    use lvs_model::Random;

    use super::*;

    const VALUES: [Value; 5] = [
        Value::Running,
        Value::Stopped,
        Value::StopMe,
        Value::Hold,
        Value::Held,
    ];

    #[test]
    fn the_bytes_are_those_the_original_sends() {
        let bytes = |service, value| encode(service, value, ByteOrder::Little);
        assert_eq!(
            bytes(Service::Lvs, Value::Running),
            [0xda, 0xdb, 0xad, 0xbd]
        );
        assert_eq!(
            bytes(Service::Lvs, Value::Stopped),
            [0xbd, 0xda, 0xbd, 0xad]
        );
        assert_eq!(
            bytes(Service::Fos, Value::Running),
            [0xbe, 0xba, 0xef, 0xbe]
        );
        assert_eq!(
            bytes(Service::Fos, Value::Stopped),
            [0xef, 0xbe, 0xad, 0xde]
        );
        assert_eq!(bytes(Service::Lvs, Value::StopMe), [0xda, 0xda, 0xad, 0xde]);
        assert_eq!(bytes(Service::Fos, Value::Hold), [0xbe, 0xba, 0xaf, 0xde]);
        assert_eq!(bytes(Service::Fos, Value::Held), [0xda, 0xda, 0xaf, 0xde]);
    }

    #[test]
    fn every_value_comes_back_in_either_byte_order() {
        for service in [Service::Lvs, Service::Fos] {
            for order in [ByteOrder::Little, ByteOrder::Big] {
                for value in VALUES {
                    let bytes = encode(service, value, order);
                    let back = decode(&bytes, service, order);
                    assert_eq!(back.map(|d| d.value), Ok(value));
                }
            }
        }
    }

    #[test]
    fn a_long_datagram_counts_by_its_first_four_bytes() {
        let mut bytes = encode(Service::Lvs, Value::Running, ByteOrder::Little).to_vec();
        bytes.extend([7; 1396]);
        let datagram = decode(&bytes, Service::Lvs, ByteOrder::Little).unwrap();
        assert_eq!(datagram.value, Value::Running);
        assert_eq!(datagram.trailer.len(), 1396);
    }

    #[test]
    fn a_fifth_byte_asks_and_any_other_trailer_does_not() {
        let magic = encode(Service::Lvs, Value::Running, ByteOrder::Little).to_vec();
        let asks = |trailer: &[u8]| {
            let bytes = [&magic, trailer].concat();
            decode(&bytes, Service::Lvs, ByteOrder::Little).map(|datagram| datagram.asks())
        };
        assert_eq!(asks(b"?"), Ok(true));
        assert_eq!(asks(b"="), Ok(true));
        for trailer in [&[][..], &[0], b"<", b"-", b"??", &[0xff; 68], &[0xff; 1396]] {
            assert_eq!(asks(trailer), Ok(false), "{trailer:?}");
        }
    }

    #[test]
    fn a_fifth_byte_is_a_mark_and_two_bytes_are_none() {
        let magic = encode(Service::Lvs, Value::Running, ByteOrder::Little).to_vec();
        let mark = |trailer: &[u8]| {
            let bytes = [&magic, trailer].concat();
            decode(&bytes, Service::Lvs, ByteOrder::Little).map(|datagram| datagram.mark())
        };
        for wanted in Mark::ALL {
            assert_eq!(mark(&[wanted.byte()]), Ok(Some(wanted)));
            assert_eq!(mark(&[wanted.byte(); 2]), Ok(None));
        }
        assert_eq!(mark(b""), Ok(None));
        assert_eq!(mark(b"!"), Ok(None));
    }

    #[test]
    fn short_swapped_and_foreign_datagrams_are_refused() {
        fn lvs(bytes: &[u8]) -> Result<Datagram<'_>, DecodeError> {
            decode(bytes, Service::Lvs, ByteOrder::Little)
        }
        assert_eq!(lvs(&[]), Err(DecodeError::TooShort));
        assert_eq!(lvs(&[0xda, 0xdb, 0xad]), Err(DecodeError::TooShort));
        let swapped = encode(Service::Lvs, Value::Running, ByteOrder::Big);
        assert_eq!(lvs(&swapped), Err(DecodeError::Incompatible));
        let fos = encode(Service::Fos, Value::Running, ByteOrder::Little);
        assert_eq!(lvs(&fos), Err(DecodeError::Incompatible));
    }

    #[test]
    fn heartbeat_decode_sound() {
        for seed in testkit::seeds(2000) {
            let mut random = Random::new(seed);
            let length = random.below(70);
            let mut byte = || random.number().to_le_bytes()[0];
            let bytes: Vec<u8> = (0..length).map(|_| byte()).collect();
            let order = ByteOrder::Little;
            if let Ok(datagram) = decode(&bytes, Service::Lvs, order) {
                assert_eq!(encode(Service::Lvs, datagram.value, order), bytes[..4]);
            }
        }
    }
}
