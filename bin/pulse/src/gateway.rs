//! Whether the default gateway is to be seen: an echo request, up to three times a second apart,
//! beside the loop. Tells a failure of the partner's service from one of our own network.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use heartbeat::Gateway as Found;
use kernel_wire::icmp::{echo_request, is_echo_reply};
use lvs_model::Mono;
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};

/// Requests that are sent before the gateway counts as gone.
const ATTEMPTS: u16 = 3;
/// So many packets are read in one turn.
const MOST_PER_TURN: usize = 64;
/// Time for an answer to each.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// A test that runs.
pub struct Gateway {
    address: Ipv4Addr,
    /// A raw socket; the standard library's type sends and receives on it just as well.
    socket: UdpSocket,
    identifier: u16,
    sequence: u16,
    deadline: Mono,
}

impl Gateway {
    /// Sends the first request. `None` if there is no default route, or no way to ask.
    pub fn begin(now: Mono) -> Option<Self> {
        let routes = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
        let address = parse_default(&routes)?;
        let socket = open()
            .inspect_err(|error| log::error!("gateway {address}: {error}"))
            .ok()?;
        let [low, high, ..] = std::process::id().to_le_bytes();
        let mut gateway = Self {
            address,
            socket,
            identifier: u16::from_le_bytes([low, high]),
            sequence: 0,
            deadline: now,
        };
        gateway.ask(now);
        Some(gateway)
    }

    /// When to [`advance`](Self::advance) at the latest.
    pub const fn deadline(&self) -> Mono {
        self.deadline
    }

    /// What came of it; `None` while the test goes on.
    pub fn advance(&mut self, now: Mono) -> Option<Found> {
        let mut bytes = [0; 128];
        // A flood does not stop the clock; what is left is read in the next turn.
        for _ in 0..MOST_PER_TURN {
            let Ok((length, source)) = self.socket.recv_from(&mut bytes) else {
                break;
            };
            let packet = bytes.get(..length).unwrap_or_default();
            // An answer to an earlier request is as good.
            let answers = |sequence| is_echo_reply(packet, self.identifier, sequence);
            if source.ip() == self.address && (1..=self.sequence).any(answers) {
                return Some(Found::Seen);
            }
        }
        if now < self.deadline {
            return None;
        }
        if self.sequence >= ATTEMPTS {
            return Some(Found::Silent);
        }
        self.ask(now);
        None
    }

    fn ask(&mut self, now: Mono) {
        self.sequence += 1;
        self.deadline = now + ANSWER_WITHIN;
        let request = echo_request(self.identifier, self.sequence);
        // Unreachable: the next attempt may do better, and the last one's deadline decides.
        if let Err(error) = self.socket.send_to(&request, (self.address, 0)) {
            log::debug!("gateway {}: {error}", self.address);
        }
    }
}

impl AsFd for Gateway {
    /// Readable when something came.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn open() -> io::Result<UdpSocket> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let protocol = Some(SockProtocol::Icmp);
    let socket = socket(AddressFamily::Inet, SockType::Raw, flags, protocol)?;
    Ok(socket.into())
}

/// Gateway of the first default route in `/proc/net/route`: interface, destination, gateway, flags
/// and, as the eighth word, the mask; addresses are words of memory in hexadecimal.
fn parse_default(routes: &str) -> Option<Ipv4Addr> {
    routes.lines().skip(1).find_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (destination, gateway) = (words.next()?, words.next()?);
        let mask = words.nth(4)?;
        let gateway = u32::from_str_radix(gateway, 16).ok()?;
        let is_default = destination == "00000000" && mask == "00000000" && gateway != 0;
        is_default.then(|| Ipv4Addr::from(gateway.to_ne_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_default_route_names_the_gateway() {
        let head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\n";
        let net = "eth0\t0000010A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\n";
        let default = "eth0\t00000000\tFE00010A\t0003\t0\t0\t0\t00000000\t0\n";
        let found = |lines: &[&str]| parse_default(&format!("{head}{}", lines.concat()));
        assert_eq!(found(&[net]), None);
        assert_eq!(found(&[]), None);
        if cfg!(target_endian = "little") {
            assert_eq!(found(&[net, default]), Some([10, 1, 0, 254].into()));
        }
    }
}
