//! Addresses that nobody is told of: on a device that no announcement leaves. Pure.
//!
//! The kernel answers who asks for them on another device, so they are served. But whoever still knows the other
//! director's hardware address goes on to send there.

use std::fmt;
use std::net::IpAddr;

use kernel_wire::rtnetlink::Link;

use crate::plan::Assignment;
use crate::trouble::write_addresses;

/// It has no neighbours on any machine.
const LOOPBACK: &str = "lo";

/// A device that no announcement leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unannounced {
    /// Its addresses, one at least.
    pub addresses: Vec<IpAddr>,
    /// Its name.
    pub device: String,
}

impl fmt::Display for Unannounced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_addresses(f, &self.addresses)?;
        write!(
            f,
            " on {}: no announcement leaves that device: after a takeover clients and routers go on to the other \
             director until they ask again",
            self.device
        )
    }
}

/// The devices of `wanted` without neighbours; `links` as far as they are known.
#[must_use]
pub fn unannounced(wanted: &[Assignment], links: &[Link]) -> Vec<Unannounced> {
    let has_none = |name: &str| {
        let mut named = links.iter().filter(|link| link.name == name);
        name == LOOPBACK || named.any(|link| !link.has_neighbours)
    };
    let mut found: Vec<Unannounced> = Vec::new();
    for it in wanted {
        match found.iter_mut().find(|known| known.device == it.interface) {
            Some(known) => known.addresses.push(it.address),
            None if has_none(&it.interface) => found.push(Unannounced {
                addresses: vec![it.address],
                device: it.interface.clone(),
            }),
            None => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn on(host: u8, device: &str) -> Assignment {
        Assignment {
            address: [10, 1, 0, host].into(),
            prefix: 32,
            interface: device.to_owned(),
            label: format!("{device}:1"),
        }
    }

    fn link(index: u32, name: &str, has_neighbours: bool) -> Link {
        Link {
            has_neighbours,
            ..samples::link(index, name)
        }
    }

    #[test]
    fn a_device_without_neighbours_is_told_of_once_with_its_addresses() {
        let wanted = [on(50, "eth0"), on(51, "d0"), on(52, "lo"), on(53, "d0")];
        let links = [
            link(1, "lo", false),
            link(2, "eth0", true),
            link(3, "d0", false),
        ];
        let lines = |links| -> Vec<String> {
            let found = unannounced(&wanted, links);
            found.iter().map(ToString::to_string).collect()
        };
        let end = "no announcement leaves that device: after a takeover clients and routers go on to the other \
                   director until they ask again";
        assert_eq!(
            lines(&links[..]),
            [
                format!("address 10.1.0.51, 10.1.0.53 on d0: {end}"),
                format!("address 10.1.0.52 on lo: {end}"),
            ]
        );
        // Elsewhere only that of lo is known.
        assert_eq!(lines(&[]), [format!("address 10.1.0.52 on lo: {end}")]);
    }
}
