//! `send_arp = PROGRAM`: run for each address at a takeover, with the original's arguments.
//!
//! pulse announces by itself, in every form. The program is for sites that have wrapped it: a firewall or a
//! switch is told that way. It is run for IPv4 addresses, with the announcements of the burst: five times.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use link::{Address, Assignment, Link};

/// So often an original announced after a takeover.
const TIMES: u8 = 5;
const EVERYBODY: &str = "ffffffffffff";

/// How often it is still to be run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Burst(u8);

impl Burst {
    /// The addresses are brought up, or up again.
    pub const fn begin(&mut self) {
        self.0 = TIMES;
    }

    /// Whether this announcement is one of the burst.
    pub const fn takes(&mut self) -> bool {
        let takes = self.0 > 0;
        self.0 = self.0.saturating_sub(1);
        takes
    }
}

/// The words for each address that is held: `-i DEVICE ADDRESS MAC BROADCAST ffffffffffff`. The device is
/// the interface without the alias, the broadcast address that of its own network.
pub fn commands(
    program: &Path,
    held: &[Assignment],
    links: &[Link],
    addresses: &[Address],
) -> Vec<Vec<OsString>> {
    let command = |it: &Assignment| {
        let link = links.iter().find(|link| link.name == it.interface)?;
        let mac = link.mac?.to_string().replace(':', "").to_uppercase();
        let words = [
            "-i".to_owned(),
            it.interface.clone(),
            it.address.to_string(),
            mac,
            broadcast(link.index, held, addresses).to_string(),
            EVERYBODY.to_owned(),
        ];
        let program = std::iter::once(program.as_os_str().to_owned());
        Some(program.chain(words.map(OsString::from)).collect())
    };
    let four = held.iter().filter(|it| it.address.is_ipv4());
    four.filter_map(command).collect()
}

/// Of the interface's first address that is not held; without one the general.
fn broadcast(interface: u32, held: &[Assignment], addresses: &[Address]) -> Ipv4Addr {
    let is_held = |address: IpAddr| held.iter().any(|it| it.address == address);
    let own = addresses
        .iter()
        .filter(|it| it.interface == interface && !is_held(it.address));
    let mut own = own.filter_map(|it| match it.address {
        IpAddr::V4(address) => Some((address, it.prefix)),
        IpAddr::V6(_) => None,
    });
    own.next().map_or(Ipv4Addr::BROADCAST, |(address, prefix)| {
        let host = u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
        Ipv4Addr::from_bits(address.to_bits() | host)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(interface: u32, text: &str, prefix: u8) -> Address {
        Address {
            interface,
            address: text.parse().unwrap(),
            prefix,
            label: None,
            flags: 0,
            peer: None,
        }
    }

    fn held(text: &str, interface: &str) -> Assignment {
        Assignment {
            address: text.parse().unwrap(),
            prefix: 24,
            interface: interface.into(),
            label: format!("{interface}:1"),
        }
    }

    fn link(index: u32, name: &str) -> Link {
        Link {
            index,
            name: name.into(),
            mac: Some(link::Mac([2, 0, 0, 0, 0xa2, 1])),
            up: true,
            running: true,
            promotes: None,
            takes_ipv6: true,
            has_neighbours: true,
        }
    }

    fn lines(held: &[Assignment], links: &[Link], addresses: &[Address]) -> Vec<String> {
        let commands = commands(Path::new("/usr/sbin/send_arp"), held, links, addresses);
        let line = |words: &Vec<OsString>| {
            let words = words.iter().map(|word| word.to_str().unwrap());
            words.collect::<Vec<_>>().join(" ")
        };
        commands.iter().map(line).collect()
    }

    #[test]
    fn the_arguments_are_the_originals() {
        let held = [
            held("10.1.0.50", "eth0"),
            held("10.2.0.254", "eth1"),
            held("2001:db8::50", "eth0"),
            held("10.3.0.1", "gone"),
        ];
        let links = [link(2, "eth0"), link(3, "eth1")];
        let addresses = [
            address(2, "10.1.0.50", 32),
            address(2, "10.1.0.1", 24),
            address(3, "10.2.0.254", 24),
        ];
        let expected = [
            "/usr/sbin/send_arp -i eth0 10.1.0.50 02000000A201 10.1.0.255 ffffffffffff",
            "/usr/sbin/send_arp -i eth1 10.2.0.254 02000000A201 255.255.255.255 ffffffffffff",
        ];
        assert_eq!(lines(&held, &links, &addresses), expected);
    }

    #[test]
    fn the_broadcast_address_is_right_for_every_prefix() {
        for (prefix, expected) in [
            (0, "255.255.255.255"),
            (8, "10.255.255.255"),
            (31, "10.1.0.1"),
            (32, "10.1.0.1"),
        ] {
            let addresses = [address(2, "10.1.0.1", prefix)];
            assert_eq!(broadcast(2, &[], &addresses).to_string(), expected);
        }
    }

    #[test]
    fn it_is_run_five_times_a_takeover() {
        let mut burst = Burst::default();
        assert!(!burst.takes());
        burst.begin();
        let runs = (0..9).filter(|_| burst.takes()).count();
        assert_eq!(runs, 5);
    }
}
