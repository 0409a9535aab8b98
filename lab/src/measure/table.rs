//! The kernel's table, read from `/proc/net/ip_vs`: no program started, no trust in our own code.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::topology::Host;

/// The whole table, in the kernel's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table(pub Vec<Service>);

/// A virtual service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Protocol and address, or `FWM` and the mark, as `/proc` writes them.
    pub key: String,
    /// Scheduler.
    pub scheduler: String,
    /// Destinations, in the kernel's order.
    pub destinations: Vec<Entry>,
}

/// A destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Address and port.
    pub address: SocketAddr,
    /// `Route`, `Masq`, `Tunnel` or `Local`.
    pub forward: String,
    /// Weight.
    pub weight: i32,
    /// Established connections.
    pub active: u32,
    /// Others.
    pub inactive: u32,
}

impl Table {
    /// Reads the table of a host.
    ///
    /// # Errors
    /// If its kernel has no IPVS.
    pub fn of(host: &Host) -> io::Result<Self> {
        let text = host.run(|| fs::read_to_string("/proc/thread-self/net/ip_vs"))?;
        Ok(Self::read(&text))
    }

    fn read(text: &str) -> Self {
        let mut table = Self::default();
        for line in text.lines().skip(3) {
            let words: Vec<_> = line.split_whitespace().collect();
            match words.as_slice() {
                ["->", address, forward, weight, active, inactive] => {
                    let entry = Entry::read(address, forward, [weight, active, inactive]);
                    if let (Some(service), Some(entry)) = (table.0.last_mut(), entry) {
                        service.destinations.push(entry);
                    }
                }
                [kind, key, scheduler, ..] => table.0.push(Service {
                    key: format!("{kind} {key}"),
                    scheduler: (*scheduler).into(),
                    destinations: Vec::new(),
                }),
                _ => {}
            }
        }
        table
    }

    /// Weight of a real server in the only or first service; `None` if it is not in the table.
    #[must_use]
    pub fn weight(&self, rip: IpAddr) -> Option<i32> {
        let all = &self.0.first()?.destinations;
        all.iter()
            .find(|entry| entry.address.ip() == rip)
            .map(|entry| entry.weight)
    }

    /// The table without what traffic changes.
    #[must_use]
    pub fn without_counts(&self) -> Self {
        let mut table = self.clone();
        for entry in table
            .0
            .iter_mut()
            .flat_map(|service| &mut service.destinations)
        {
            (entry.active, entry.inactive) = (0, 0);
        }
        table
    }
}

impl Entry {
    fn read(address: &str, forward: &str, numbers: [&str; 3]) -> Option<Self> {
        let [weight, active, inactive] = numbers;
        Some(Self {
            address: read_address(address)?,
            forward: forward.into(),
            weight: weight.parse().ok()?,
            active: active.parse().ok()?,
            inactive: inactive.parse().ok()?,
        })
    }
}

/// `0A090015:0050` or `[fd09:0000:…:0021]:0050`.
fn read_address(word: &str) -> Option<SocketAddr> {
    let (host, port) = word.rsplit_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let ip = match host.strip_prefix('[') {
        Some(v6) => IpAddr::V6(v6.trim_end_matches(']').parse::<Ipv6Addr>().ok()?),
        None => IpAddr::V4(Ipv4Addr::from(u32::from_str_radix(host, 16).ok()?)),
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A090064:0050 wrr  \n  -> 0A090015:0050      Route   3      2          1
TCP  [fd09:0000:0000:0000:0000:0000:0000:0100]:0050 rr
  -> [fd09:0000:0000:0000:0000:0000:0000:0021]:0050      Masq    1      0          0
";

    #[test]
    fn both_families_are_read() {
        let table = Table::read(TEXT);
        assert_eq!(table.0.len(), 2);
        assert_eq!(table.weight([10, 9, 0, 21].into()), Some(3));
        assert_eq!(table.weight([10, 9, 0, 22].into()), None);
        let v6 = &table.0[1].destinations[0];
        assert_eq!(v6.address, "[fd09::21]:80".parse().unwrap());
        assert_eq!(table.0[0].scheduler, "wrr");
        assert_eq!(table.without_counts().0[0].destinations[0].active, 0);
    }
}
