//! A load-balanced site: client, two directors, real servers, for each forwarding method and family.
//!
//! ```text
//!  client ──(outside)── router ──┐            only with a router
//!  client ───────────────────────┤
//!  watcher ──────────────────────┤ public    10.9.0.0/24  fd09::/64
//!  director-a, director-b ───────┤           VIP 10.9.0.100 or fd09::100
//!  rs1, rs2 … (direct, tunnel) ──┘
//!  director-a, director-b ──────── private   10.9.1.0/24
//!  directors, rs1, rs2 … (nat) ─── inside    10.9.2.0/24  fd09:0:0:2::/64, router .254
//! ```

use std::io;
use std::net::IpAddr;

use super::{Host, Network};

/// How the director hands packets to the real servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarding {
    /// Same network; the real servers hold the virtual address and keep quiet about it.
    DirectRouting,
    /// The real servers are in a network of their own and answer through the director.
    Masquerading,
    /// IP in IP; the real servers hold the virtual address on the tunnel's end.
    Tunnelling,
}

/// Family of the virtual address and of the real servers'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// What to build.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Forwarding method.
    pub forwarding: Forwarding,
    /// Family of the service.
    pub family: Family,
    /// How many real servers, 1–99.
    pub real_servers: u8,
    /// Whether the client is behind a router.
    pub router: bool,
}

/// The site, wired and addressed; nothing runs on it yet.
pub struct Site {
    network: Network,
    layout: Layout,
}

/// Names of the two directors; the first is the configured primary.
pub const DIRECTORS: [&str; 2] = ["director-a", "director-b"];

const PUBLIC: u8 = 0;
const PRIVATE: u8 = 1;
const INSIDE: u8 = 2;
const OUTSIDE: u8 = 9;
/// Last number of the addresses.
const CLIENT: u8 = 1;
const ROUTER: u8 = 254;
const VIP: u8 = 100;

impl Site {
    /// Builds the layout.
    ///
    /// # Errors
    /// If this process is not root, or the kernel lacks what the layout needs.
    pub fn build(layout: Layout) -> io::Result<Self> {
        let mut site = Self {
            network: Network::new(),
            layout,
        };
        for switch in ["public", "private", "inside", "outside"] {
            site.network.switch(switch)?;
        }
        site.add_outside()?;
        site.add_directors()?;
        for number in 1..=layout.real_servers {
            site.add_real_server(number)?;
        }
        site.network.build()?;
        site.adjust()?;
        Ok(site)
    }

    /// The hosts and switches: `client`, `watcher`, `router`, `director-a`, `rs1` …
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The host called `name`.
    ///
    /// # Errors
    /// If there is none.
    pub fn host(&self, name: &str) -> io::Result<&Host> {
        self.network.get(name)
    }

    /// The virtual address.
    #[must_use]
    pub fn vip(&self) -> IpAddr {
        address(self.layout.family, PUBLIC, VIP)
    }

    /// With masquerading the address to which the real servers send their answers: the active
    /// director's, IPv4, in a network of 24 bits.
    #[must_use]
    pub fn nat_router(&self) -> Option<IpAddr> {
        (self.layout.forwarding == Forwarding::Masquerading)
            .then(|| address(Family::V4, INSIDE, ROUTER))
    }

    /// Name and address of each real server.
    #[must_use]
    pub fn real_servers(&self) -> Vec<(String, IpAddr)> {
        let all = 1..=self.layout.real_servers;
        all.map(|number| (format!("rs{number}"), self.rip(number)))
            .collect()
    }

    /// The director, 0 (primary) or 1 (backup), that holds the virtual address, if exactly one does.
    ///
    /// # Errors
    /// If the kernel's list of addresses cannot be read.
    pub fn owner(&self) -> io::Result<Option<usize>> {
        Ok(match self.owners()?.as_slice() {
            [one] => Some(*one),
            _ => None,
        })
    }

    /// The directors that hold the virtual address.
    ///
    /// # Errors
    /// As [`Site::owner`].
    pub fn owners(&self) -> io::Result<Vec<usize>> {
        let mut owners = Vec::new();
        for (number, name) in DIRECTORS.iter().enumerate() {
            if self.host(name)?.has_address(self.vip())? {
                owners.push(number);
            }
        }
        Ok(owners)
    }

    fn rip(&self, number: u8) -> IpAddr {
        let network = if self.layout.forwarding == Forwarding::Masquerading {
            INSIDE
        } else {
            PUBLIC
        };
        address(self.layout.family, network, 20 + number)
    }

    fn add_outside(&mut self) -> io::Result<()> {
        self.network.host("client")?;
        self.network.host("watcher")?;
        self.network.connect("watcher", "eth0", "public", &[])?;
        if !self.layout.router {
            return self
                .network
                .connect("client", "eth0", "public", &both(PUBLIC, CLIENT));
        }
        self.network
            .connect("client", "eth0", "outside", &both(OUTSIDE, CLIENT))?;
        self.network.host("router")?;
        self.network
            .connect("router", "eth0", "outside", &both(OUTSIDE, ROUTER))?;
        self.network
            .connect("router", "eth1", "public", &both(PUBLIC, ROUTER))?;
        self.default_route("client", OUTSIDE)
    }

    fn add_directors(&mut self) -> io::Result<()> {
        for (name, number) in DIRECTORS.into_iter().zip([11, 12]) {
            self.network.director(name)?;
            self.network
                .connect(name, "eth0", "public", &both(PUBLIC, number))?;
            self.network
                .connect(name, "eth1", "private", &both(PRIVATE, number))?;
            if self.layout.forwarding == Forwarding::Masquerading {
                self.network
                    .connect(name, "eth2", "inside", &both(INSIDE, number))?;
            }
            if self.layout.router {
                self.default_route(name, PUBLIC)?;
            }
        }
        Ok(())
    }

    fn add_real_server(&mut self, number: u8) -> io::Result<()> {
        let name = format!("rs{number}");
        self.network.host(&name)?;
        let (switch, network) = match self.layout.forwarding {
            Forwarding::Masquerading => ("inside", INSIDE),
            _ => ("public", PUBLIC),
        };
        self.network
            .connect(&name, "eth0", switch, &both(network, 20 + number))?;
        let (vip, rip) = (self.vip(), self.rip(number));
        let whole = if vip.is_ipv4() { "32" } else { "128 nodad" };
        match (self.layout.forwarding, self.layout.family) {
            (Forwarding::Masquerading, _) => return self.default_route(&name, INSIDE),
            (Forwarding::DirectRouting, _) => {
                self.network
                    .later(&name, &format!("addr add {vip}/{whole} dev lo"))?;
            }
            (Forwarding::Tunnelling, family) => {
                let kind = if family == Family::V4 {
                    "ipip"
                } else {
                    "ip6tnl mode ip6ip6"
                };
                for command in [
                    format!("link add tunnel type {kind} local {rip}"),
                    format!("addr add {vip}/{whole} dev tunnel"),
                    "link set tunnel up".into(),
                ] {
                    self.network.later(&name, &command)?;
                }
            }
        }
        if self.layout.router {
            self.default_route(&name, PUBLIC)
        } else {
            Ok(())
        }
    }

    fn default_route(&mut self, host: &str, network: u8) -> io::Result<()> {
        for family in [Family::V4, Family::V6] {
            let via = address(family, network, ROUTER);
            self.network
                .later(host, &format!("route add default via {via}"))?;
        }
        Ok(())
    }

    /// Kernel settings, once the interfaces are there.
    fn adjust(&self) -> io::Result<()> {
        let router: &[&str] = if self.layout.router { &["router"] } else { &[] };
        for name in DIRECTORS.iter().chain(router) {
            let host = self.host(name)?;
            host.set("net/ipv4/ip_forward", "1")?;
            host.set("net/ipv6/conf/all/forwarding", "1")?;
            for interface in self
                .network
                .interfaces(name)
                .iter()
                .map(String::as_str)
                .chain(["all"])
            {
                host.set(&format!("net/ipv4/conf/{interface}/send_redirects"), "0")?;
                host.set(&format!("net/ipv4/conf/{interface}/rp_filter"), "0")?;
            }
        }
        for (name, _) in self.real_servers() {
            let host = self.host(&name)?;
            let tunnel = (self.layout.forwarding == Forwarding::Tunnelling).then_some("tunnel");
            for interface in ["all", "eth0"].into_iter().chain(tunnel) {
                host.set(&format!("net/ipv4/conf/{interface}/rp_filter"), "0")?;
            }
            host.set("net/ipv4/conf/all/arp_ignore", "1")?;
            host.set("net/ipv4/conf/all/arp_announce", "2")?;
        }
        Ok(())
    }
}

/// The host `number` of a network, in both families, with prefix lengths.
fn both(network: u8, number: u8) -> [String; 2] {
    [
        format!("{}/24", address(Family::V4, network, number)),
        format!("{}/64", address(Family::V6, network, number)),
    ]
}

/// `10.9.NETWORK.NUMBER` or `fd09:0:0:NETWORK::NUMBER`, the number with the same digits in both.
fn address(family: Family, network: u8, number: u8) -> IpAddr {
    match family {
        Family::V4 => IpAddr::from([10, 9, network, number]),
        Family::V6 => {
            let digits = u16::from(number);
            let same = digits / 100 * 256 + digits / 10 % 10 * 16 + digits % 10;
            IpAddr::from([0xfd09, 0, 0, u16::from(network), 0, 0, 0, same])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_end_in_the_same_digits() {
        assert_eq!(both(PUBLIC, VIP), ["10.9.0.100/24", "fd09::100/64"]);
        assert_eq!(both(INSIDE, 21), ["10.9.2.21/24", "fd09:0:0:2::21/64"]);
    }
}
