//! Whose datagrams a UDP socket gets.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::BorrowedFd;

use libc::sock_filter;

use crate::socket_filter::{self, IF_EQUAL, KEEP};

/// Loads two bytes.
const LOAD: u16 = 0x28;
/// Places from here on count from the IP header, others from the UDP header (`SKF_NET_OFF`).
const IP_HEADER: u32 = 0xfff0_0000;
/// Where the source address is in either header.
const SOURCE_V4: u32 = 12;
const SOURCE_V6: u32 = 8;

/// Lets a UDP socket have the datagrams of `source` only, of nobody if there is none. What others send
/// is dropped before it takes a place in the socket's queue; the kernel counts it among the socket's
/// drops. To miss nothing and to hear nobody else, call it before bind(2).
///
/// # Errors
/// The kernel's: no memory for it.
pub fn only_from(socket: BorrowedFd<'_>, source: Option<SocketAddr>) -> io::Result<()> {
    socket_filter::attach(socket, &mut instructions(source))
}

/// The filter: what is at each place must be as in `source`, then the datagram is kept.
fn instructions(source: Option<SocketAddr>) -> Vec<sock_filter> {
    let instruction = |code, k| sock_filter {
        code,
        jt: u8::from(code == IF_EQUAL),
        jf: 0,
        k,
    };
    let demand = |(place, value): (u32, u16)| {
        [
            instruction(LOAD, place),
            instruction(IF_EQUAL, value.into()),
            instruction(KEEP, 0),
        ]
    };
    let kept = source.map_or(0, |_| u32::MAX);
    let demands = source.map(demands).unwrap_or_default();
    let demands = demands.into_iter().flat_map(demand);
    demands.chain([instruction(KEEP, kept)]).collect()
}

/// Places in a datagram, and what two bytes there are if it comes from `source`.
fn demands(source: SocketAddr) -> Vec<(u32, u16)> {
    let (place, address) = match source.ip() {
        IpAddr::V4(address) => (SOURCE_V4, address.octets().to_vec()),
        IpAddr::V6(address) => (SOURCE_V6, address.octets().to_vec()),
    };
    let pairs = address.chunks_exact(2).map(|pair| match pair {
        [first, second] => u16::from_be_bytes([*first, *second]),
        _ => 0,
    });
    let places = (IP_HEADER + place..).step_by(2);
    [(0, source.port())]
        .into_iter()
        .chain(places.zip(pairs))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::UdpSocket;
    use std::os::fd::AsFd;

    use super::*;

    fn bind(address: &str, port: u16) -> UdpSocket {
        let socket = UdpSocket::bind((address, port)).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket
    }

    /// Nothing has come that was let through.
    fn is_empty(socket: &UdpSocket) -> bool {
        let received = socket.recv(&mut [0; 8]);
        received.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    #[test]
    fn only_the_source_is_heard_and_no_other_address_or_port() {
        let own = bind("127.0.0.1", 0);
        let own_address = own.local_addr().unwrap();
        let partner = bind("127.0.0.2", 0);
        let port = partner.local_addr().unwrap().port();
        only_from(own.as_fd(), partner.local_addr().ok()).unwrap();
        for stranger in [
            bind("127.0.0.3", port),
            bind("127.0.1.2", port),
            bind("127.0.0.2", 0),
        ] {
            stranger.send_to(b"no", own_address).unwrap();
        }
        partner.send_to(b"yes", own_address).unwrap();
        let mut bytes = [0; 8];
        assert_eq!(own.recv(&mut bytes).unwrap(), 3);
        assert!(is_empty(&own));
        only_from(own.as_fd(), None).unwrap();
        partner.send_to(b"no", own_address).unwrap();
        assert!(is_empty(&own));
    }

    #[test]
    fn the_same_holds_for_ipv6_where_there_is_some() {
        let Ok(own) = UdpSocket::bind("[::1]:0") else {
            return testkit::skipped("there is no IPv6 here");
        };
        own.set_nonblocking(true).unwrap();
        let own_address = own.local_addr().unwrap();
        let [partner, stranger] = [0; 2].map(|port| bind("::1", port));
        let mut bytes = [0; 8];
        let mut wanted = partner.local_addr().unwrap();
        only_from(own.as_fd(), Some(wanted)).unwrap();
        stranger.send_to(b"no", own_address).unwrap();
        partner.send_to(b"yes", own_address).unwrap();
        assert_eq!(own.recv(&mut bytes).unwrap(), 3);
        // Any of the eight words counts.
        for word in 0..8 {
            let mut words = [0, 0, 0, 0, 0, 0, 0, 1];
            words[word] ^= 0x100;
            wanted.set_ip(words.into());
            only_from(own.as_fd(), Some(wanted)).unwrap();
            partner.send_to(b"no", own_address).unwrap();
            assert!(is_empty(&own), "{word}");
        }
    }
}
