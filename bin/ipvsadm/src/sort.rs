//! The order of listings: C's comparison, which wraps, in C's merge sort, on which the order then depends.
//!
//! A difference is taken modulo 2^32 and read as a signed number, so `192.168.0.1` sorts before `10.0.0.1`.
//! Entries spread over more than half of the range have no consistent order at all: only this merge sort
//! gives the original's result.

use std::cmp::Ordering;
use std::net::IpAddr;

use lvs_model::{AddressFamily, DestinationEntry, ServiceEntry, ServiceKey};

/// What a service is sorted by: mark, family, protocol, address, port.
type ServiceRank = (u32, u32, u32, [u32; 4], u32);

/// Sorts services as the original lists them.
pub(crate) fn sort_services(services: Vec<ServiceEntry>) -> Vec<ServiceEntry> {
    merge_sort(
        services,
        |entry| service_rank(&entry.service.key),
        |left, right| {
            wrapped(left.0, right.0)
                .then(wrapped(left.1, right.1))
                .then(wrapped(left.2, right.2))
                .then_with(|| compare_words(&left.3, &right.3))
                .then(wrapped(left.4, right.4))
        },
    )
}

fn service_rank(key: &ServiceKey) -> ServiceRank {
    let family = match key.family() {
        AddressFamily::Inet => 2,
        AddressFamily::Inet6 => 10,
    };
    match key {
        ServiceKey::Address {
            protocol,
            address,
            port,
        } => {
            let protocol = u32::from(protocol.number());
            (0, family, protocol, words(*address), u32::from(*port))
        }
        ServiceKey::FwMark { mark, .. } => (mark.get(), family, 0, [0; 4], 0),
    }
}

/// Sorts the servers of a service: address, then port. Where an IPv6 address stands first, four
/// words are compared, otherwise one.
pub(crate) fn sort_servers(mut servers: Vec<DestinationEntry>) -> Vec<DestinationEntry> {
    if is_descending(&servers) {
        servers.reverse();
        return servers;
    }
    let rank = |entry: &DestinationEntry| {
        let key = entry.destination.key;
        (
            key.address.is_ipv6(),
            words(key.address),
            u32::from(key.port),
        )
    };
    merge_sort(servers, rank, |left, right| {
        let address = if left.0 {
            compare_words(&left.1, &right.1)
        } else {
            wrapped(left.1[0], right.1[0])
        };
        address.then(wrapped(left.2, right.2))
    })
}

/// Whether these are IPv4 servers in falling order, and not spread too far for that to be clear. That is
/// the kernel's order if they were added in rising order, as restored ones are.
fn is_descending(servers: &[DestinationEntry]) -> bool {
    let rank = |entry: &DestinationEntry| match entry.destination.key.address {
        IpAddr::V4(address) => Some((u32::from(address), entry.destination.key.port)),
        IpAddr::V6(_) => None,
    };
    let (Some(Some(first)), Some(Some(last))) =
        (servers.first().map(rank), servers.last().map(rank))
    else {
        return false;
    };
    first.0.wrapping_sub(last.0) <= i32::MAX.unsigned_abs()
        && servers
            .is_sorted_by(|left, right| rank(right).is_some_and(|right| rank(left) > Some(right)))
}

fn words(address: IpAddr) -> [u32; 4] {
    match address {
        IpAddr::V4(address) => [u32::from(address), 0, 0, 0],
        IpAddr::V6(address) => {
            let [a, b, c, d, e, f, g, h] = address.segments();
            [(a, b), (c, d), (e, f), (g, h)]
                .map(|(high, low)| u32::from(high) << 16 | u32::from(low))
        }
    }
}

fn compare_words(left: &[u32], right: &[u32]) -> Ordering {
    let differing = left.iter().zip(right).find(|(left, right)| left != right);
    differing.map_or(Ordering::Equal, |(left, right)| wrapped(*left, *right))
}

fn wrapped(left: u32, right: u32) -> Ordering {
    i32::from_ne_bytes(left.wrapping_sub(right).to_ne_bytes()).cmp(&0)
}

/// Splits `n` items into the first `n / 2` and the rest, sorts both, merges from the left while it is
/// not greater.
fn merge_sort<T, R>(
    mut items: Vec<T>,
    rank: impl Fn(&T) -> R,
    compare: impl Fn(&R, &R) -> Ordering + Copy,
) -> Vec<T> {
    let ranks: Vec<R> = items.iter().map(rank).collect();
    let mut order: Vec<usize> = (0..ranks.len()).collect();
    let mut scratch = Vec::with_capacity(order.len());
    let by_place = |left: usize, right: usize| match (ranks.get(left), ranks.get(right)) {
        (Some(left), Some(right)) => compare(left, right),
        _ => Ordering::Equal,
    };
    sort_places(&mut order, &mut scratch, by_place);
    put_in_order(&mut items, &order);
    items
}

/// Brings the item from `order[n]` to place `n`, by swaps: items are large.
fn put_in_order<T>(items: &mut [T], order: &[usize]) {
    for (place, &from) in order.iter().enumerate() {
        let mut from = from;
        // What was at an earlier place went to where that place's item came from.
        while from < place {
            let Some(&next) = order.get(from) else { return };
            from = next;
        }
        items.swap(place, from);
    }
}

fn sort_places(
    places: &mut [usize],
    scratch: &mut Vec<usize>,
    compare: impl Fn(usize, usize) -> Ordering + Copy,
) {
    if places.len() < 2 {
        return;
    }
    let (left, right) = places.split_at_mut(places.len() / 2);
    sort_places(left, scratch, compare);
    sort_places(right, scratch, compare);
    scratch.clear();
    let (mut lefts, mut rights) = (left.iter().peekable(), right.iter().peekable());
    while let (Some(&&l), Some(&&r)) = (lefts.peek(), rights.peek()) {
        if compare(l, r) == Ordering::Greater {
            scratch.extend(rights.next());
        } else {
            scratch.extend(lefts.next());
        }
    }
    scratch.extend(lefts);
    scratch.extend(rights);
    places.copy_from_slice(scratch);
}

#[cfg(test)]
mod tests {
    use super::*;
    use lvs_model::{Counters, Destination, DestinationKey, Protocol, VirtualService};

    fn services(addresses: &str) -> Vec<ServiceEntry> {
        let key = |text: &str| ServiceKey::Address {
            protocol: Protocol::Tcp,
            address: text.parse().unwrap(),
            port: 80,
        };
        let entry = |text| ServiceEntry {
            service: VirtualService::new(key(text)),
            counters: Counters::default(),
        };
        addresses.split_whitespace().map(entry).collect()
    }

    fn listed(services: &[ServiceEntry]) -> String {
        let address = |entry: &ServiceEntry| match entry.service.key {
            ServiceKey::Address { address, .. } => address.to_string(),
            ServiceKey::FwMark { mark, .. } => mark.to_string(),
        };
        services.iter().map(address).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn addresses_over_the_whole_range_come_out_as_the_original_lists_them() {
        let kernel_order = "1.1.1.1 250.1.1.1 200.0.0.1 138.0.0.1 128.0.0.1 127.0.0.1 100.64.0.1 \
                            172.16.0.1 10.0.0.1 192.168.0.1 8.8.8.8";
        assert_eq!(
            listed(&sort_services(services(kernel_order))),
            "100.64.0.1 127.0.0.1 128.0.0.1 138.0.0.1 172.16.0.1 192.168.0.1 200.0.0.1 250.1.1.1 \
             1.1.1.1 8.8.8.8 10.0.0.1"
        );
    }

    #[test]
    fn servers_in_falling_order_are_turned_round_only_where_that_is_what_sorting_does() {
        let listed = |addresses: &str| {
            let entry = |text: &str| DestinationEntry {
                destination: Destination::new(DestinationKey {
                    address: text.parse().unwrap(),
                    port: 80,
                }),
                active_connections: 0,
                inactive_connections: 0,
                persistent_connections: 0,
                counters: Counters::default(),
            };
            let sorted = sort_servers(addresses.split(' ').map(entry).collect());
            let address = |entry: &DestinationEntry| entry.destination.key.address.to_string();
            sorted.iter().map(address).collect::<Vec<_>>().join(" ")
        };
        for (given, wanted) in [
            ("10.0.0.3 10.0.0.2 10.0.0.1", "10.0.0.1 10.0.0.2 10.0.0.3"),
            ("10.0.0.3 10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2 10.0.0.3"),
            (
                "192.168.0.2 192.168.0.1 10.0.0.1",
                "192.168.0.1 192.168.0.2 10.0.0.1",
            ),
            ("10.0.0.2 fd00::1 10.0.0.1", "fd00::1 10.0.0.1 10.0.0.2"),
            ("10.0.0.1", "10.0.0.1"),
        ] {
            assert_eq!(listed(given), wanted);
        }
    }

    #[test]
    fn private_addresses_sort_high_halves_first_and_families_apart() {
        assert_eq!(
            listed(&sort_services(services(
                "2001:db8::1 10.0.0.1 fe80::1 192.168.0.1"
            ))),
            "192.168.0.1 10.0.0.1 fe80::1 2001:db8::1"
        );
    }
}
