//! The values of the IPVS options of a socket (linux/ip_vs.h, `IP_VS_SO_GET_SERVICE` and
//! `IP_VS_SO_GET_DESTS`), the kernel's older way to show its table.
//!
//! They know IPv4 and no tunnel data. Their answer comes whole, in one call for a service, and costs the
//! kernel a tenth of what a dump does: most of a dump is attributes for the counters.

#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::arithmetic_side_effects
)]

use std::net::{IpAddr, Ipv4Addr};

use lvs_model::{
    AddressFamily, Counters, Destination, DestinationEntry, DestinationKey, ForwardingMethod,
    ServiceKey, Thresholds, Tunnel, Weight,
};

use crate::netlink::DecodeError;

type Decoded<T> = Result<T, DecodeError>;

/// Length of `struct ip_vs_stats_user`: three numbers of four bytes, two of eight, five of four.
const STATS: usize = aligned(aligned(12) + 2 * 8 + 5 * 4);
/// Length of `struct ip_vs_service_entry`.
const SERVICE: usize = aligned(48) + STATS;
/// Length of `struct ip_vs_get_dests` without its entries.
const HEADER: usize = aligned(20);
/// Length of `struct ip_vs_dest_entry`.
const ENTRY: usize = aligned(36) + STATS;

/// Where in both the count of destinations stands.
const SERVICE_COUNT: usize = 44;
const HEADER_COUNT: usize = 16;

/// `IP_VS_CONN_F_FWD_MASK`.
const FORWARDING: u32 = 7;

/// Where C puts a number of eight bytes behind `end`, and where a struct that has one ends.
const fn aligned(end: usize) -> usize {
    end.next_multiple_of(align_of::<u64>())
}

/// The question for a service; `None` if the options cannot show it.
#[must_use]
pub fn service_question(key: &ServiceKey) -> Option<Vec<u8>> {
    question(key, SERVICE)
}

/// How many destinations the service has by the answer, with those that [`destinations`] does not see.
///
/// # Errors
/// [`DecodeError::Short`]
pub fn destination_count(answer: &[u8]) -> Decoded<usize> {
    let count = number(answer, SERVICE_COUNT)?;
    usize::try_from(count).map_err(|_| DecodeError::Invalid("number of destinations"))
}

/// Asks for up to `room` destinations of a service; `None` as for [`service_question`].
#[must_use]
pub fn destinations_question(key: &ServiceKey, room: usize) -> Option<Vec<u8>> {
    let count = u32::try_from(room).ok()?.to_ne_bytes();
    let length = room.checked_mul(ENTRY)?.checked_add(HEADER)?;
    let mut question = question(key, length)?;
    put(&mut question, HEADER_COUNT, &count);
    Some(question)
}

/// The destinations of the answer, in the kernel's order, without their counters; `None` if one may
/// have tunnel data, which the options cannot tell.
///
/// # Errors
/// [`DecodeError::Short`]
pub fn destinations(answer: &[u8]) -> Decoded<Option<Vec<DestinationEntry>>> {
    let entries = answer.get(HEADER..).unwrap_or_default();
    let entries = entries
        .chunks_exact(ENTRY)
        .take_while(|entry| !is_empty(entry));
    let mut listed = Vec::with_capacity(entries.size_hint().1.unwrap_or(0));
    for entry in entries {
        let entry = destination(entry)?;
        if entry.destination.forwarding == ForwardingMethod::Tunnelling {
            return Ok(None);
        }
        listed.push(entry);
    }
    Ok(Some(listed))
}

/// Room that the kernel has not filled: no destination has the address 0.0.0.0.
fn is_empty(entry: &[u8]) -> bool {
    entry.iter().take(4).all(|byte| *byte == 0)
}

fn destination(entry: &[u8]) -> Decoded<DestinationEntry> {
    let weight = number(entry, 12)?;
    Ok(DestinationEntry {
        destination: Destination {
            key: DestinationKey {
                address: Ipv4Addr::from(bytes::<4>(entry, 0)?).into(),
                port: u16::from_be_bytes(bytes(entry, 4)?),
            },
            forwarding: ForwardingMethod::from_number(number(entry, 8)? & FORWARDING),
            // As for the attribute.
            weight: Weight::new(weight).unwrap_or(Weight::MAX),
            thresholds: Thresholds {
                upper: number(entry, 16)?,
                lower: number(entry, 20)?,
            },
            tunnel: Tunnel::default(),
        },
        active_connections: number(entry, 24)?,
        inactive_connections: number(entry, 28)?,
        persistent_connections: number(entry, 32)?,
        counters: Counters::default(),
    })
}

/// Zeros but for the service's key, which stands at the same places in both structs.
fn question(key: &ServiceKey, length: usize) -> Option<Vec<u8>> {
    let mut question = vec![0; length];
    match key {
        ServiceKey::Address {
            protocol,
            address: IpAddr::V4(address),
            port,
        } => {
            put(&mut question, 0, &protocol.number().to_ne_bytes());
            put(&mut question, 4, &address.octets());
            put(&mut question, 8, &port.to_be_bytes());
        }
        ServiceKey::FwMark {
            mark,
            family: AddressFamily::Inet,
        } => put(&mut question, 12, &mark.get().to_ne_bytes()),
        ServiceKey::Address { .. } | ServiceKey::FwMark { .. } => return None,
    }
    Some(question)
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    for (byte, new) in bytes.iter_mut().skip(at).zip(value) {
        *byte = *new;
    }
}

fn number(bytes: &[u8], at: usize) -> Decoded<u32> {
    self::bytes(bytes, at).map(u32::from_ne_bytes)
}

fn bytes<const N: usize>(bytes: &[u8], at: usize) -> Decoded<[u8; N]> {
    let found = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    found.copied().ok_or(DecodeError::Short("IPVS option"))
}

#[cfg(test)]
mod tests {
    use lvs_model::{FwMark, Protocol};

    use super::*;

    fn web(address: &str) -> ServiceKey {
        ServiceKey::Address {
            protocol: Protocol::Tcp,
            address: address.parse().unwrap(),
            port: 80,
        }
    }

    fn mark(family: AddressFamily) -> ServiceKey {
        ServiceKey::FwMark {
            mark: FwMark::new(9).unwrap(),
            family,
        }
    }

    /// As the kernel fills it in: address, port, flags, weight, thresholds, connections.
    fn entry(address: [u8; 4], numbers: [u32; 7]) -> Vec<u8> {
        let mut entry = address.to_vec();
        entry.extend([0x1f, 0x90, 0, 0]);
        entry.extend(numbers.iter().flat_map(|number| number.to_ne_bytes()));
        // With a date, as the counters of a used one.
        entry.push(7);
        entry.resize(ENTRY, 0xff);
        entry
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn lengths_are_those_of_the_header() {
        assert_eq!((STATS, SERVICE, HEADER, ENTRY), (56, 104, 24, 96));
    }

    #[test]
    fn only_services_of_ipv4_can_be_asked_for() {
        let question = service_question(&web("192.0.2.1")).unwrap();
        assert_eq!(question[..10], [6, 0, 0, 0, 192, 0, 2, 1, 0, 80]);
        assert!(question[10..].iter().all(|byte| *byte == 0));
        let question = destinations_question(&mark(AddressFamily::Inet), 3).unwrap();
        assert_eq!(question.len(), HEADER + 3 * ENTRY);
        assert_eq!(question[12..20], [9, 0, 0, 0, 3, 0, 0, 0]);
        for key in [web("2001:db8::1"), mark(AddressFamily::Inet6)] {
            assert_eq!(service_question(&key), None);
            assert_eq!(destinations_question(&key, 1), None);
        }
    }

    #[test]
    fn destinations_are_read_up_to_the_first_empty_place() {
        let mut answer = vec![0; HEADER];
        answer.extend(entry([10, 0, 0, 2], [0x103, 5, 10, 4, 1, 2, 3]));
        answer.extend(entry([10, 0, 0, 3], [0, u32::MAX, 0, 0, 0, 0, 0]));
        answer.extend(vec![0; ENTRY]);
        let listed = destinations(&answer).unwrap().unwrap();
        let [first, second] = listed.as_slice() else {
            panic!("{listed:?}");
        };
        assert_eq!(
            first.destination.to_string(),
            "-r 10.0.0.2:8080 -g -w 5 -x 10 -y 4"
        );
        let connections = (
            first.active_connections,
            first.inactive_connections,
            first.persistent_connections,
        );
        assert_eq!(connections, (1, 2, 3));
        assert_eq!(first.counters, Counters::default());
        assert_eq!(
            second.destination.to_string(),
            "-r 10.0.0.3:8080 -m -w 2147483647"
        );
    }

    #[test]
    fn where_tunnel_data_may_be_nothing_is_told() {
        let mut answer = vec![0; HEADER];
        answer.extend(entry([10, 0, 0, 2], [0, 1, 0, 0, 0, 0, 0]));
        answer.extend(entry([10, 0, 0, 3], [2, 1, 0, 0, 0, 0, 0]));
        assert_eq!(destinations(&answer), Ok(None));
    }

    #[test]
    fn an_answer_cut_short_is_none() {
        assert_eq!(
            destination_count(&[0; 47]),
            Err(DecodeError::Short("IPVS option"))
        );
        assert_eq!(destination_count(&[0; 48]), Ok(0));
        for length in 0..HEADER + ENTRY {
            assert_eq!(destinations(&vec![1; length]), Ok(Some(Vec::new())));
        }
    }
}
