//! Fills the kernel's connection table as traffic does.
//!
//! UDP datagrams from many addresses and ports of this namespace go to a virtual service with
//! masquerading; its real servers are behind a dummy link that swallows them. No rule is written
//! here: that is the business of [`crate::guest`], by the program it trusts.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};

use crate::tables::ip;

/// The kernel's list of connections, of the namespace of the calling thread.
const CONNECTIONS: &str = "/proc/thread-self/net/ip_vs_conn";

/// The virtual service.
const SERVICE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 40, 0, 1), 53);

/// What the links and routes must be.
const LINKS: [&str; 5] = [
    "address add 10.40.0.1/32 dev lo",
    "link add servers type dummy",
    "link set servers up",
    "address add 10.50.0.254/16 dev servers",
    "route add local 10.100.0.0/16 dev lo",
];

/// Ports used with each client address.
const PORTS: u32 = 500;

/// The rules of the service, as `ipvsadm -R` reads them: ten real servers.
#[must_use]
pub fn rules() -> String {
    let mut rules = format!("-A -u {SERVICE} -s rr\n");
    for number in 1..=10 {
        rules.push_str(&format!("-a -u {SERVICE} -r 10.50.0.{number}:53 -m\n"));
    }
    rules
}

/// Makes the links and routes in this thread's namespace.
///
/// # Errors
/// ip(8) fails.
pub fn lay_links() -> io::Result<()> {
    LINKS.iter().try_for_each(|words| ip(words))
}

/// Sends from `count` clients; returns how many connections the kernel then lists.
///
/// # Errors
/// A socket cannot be opened, or the list cannot be read.
pub fn fill(count: u32) -> io::Result<usize> {
    for number in 0..count {
        UdpSocket::bind(client(number))?.send_to(b"?", SERVICE)?;
    }
    let lines = BufReader::new(File::open(CONNECTIONS)?).lines();
    // The first line is the heading.
    Ok(lines.count().saturating_sub(1))
}

/// The address and port of a client, up to 16 million of them.
fn client(number: u32) -> SocketAddrV4 {
    let [_, _, c, d] = (1 + number / PORTS).to_be_bytes();
    let [.., high, low] = (10_000 + number % PORTS).to_be_bytes();
    SocketAddrV4::new(
        Ipv4Addr::new(10, 100, c, d),
        u16::from_be_bytes([high, low]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_differ_by_address_or_port() {
        assert_eq!(client(0).to_string(), "10.100.0.1:10000");
        assert_eq!(client(499).to_string(), "10.100.0.1:10499");
        assert_eq!(client(500).to_string(), "10.100.0.2:10000");
    }
}
