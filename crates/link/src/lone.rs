//! Addresses of lvs.cf that alone lead to the other end of a heartbeat path: when one goes, the way to the
//! partner goes with it.

use std::net::IpAddr;

use crate::{Address, Assignment};

/// A sentence for each of `wanted` that would be the only address of a subnet with one of `ends` in it.
/// `found` are the machine's addresses.
#[must_use]
pub fn lone(wanted: &[Assignment], found: &[Address], ends: &[IpAddr]) -> Vec<String> {
    let is_moving = |address| wanted.iter().any(|it| it.address == address);
    let has_way = |end: &IpAddr| {
        let mut own = found.iter().filter(|it| !is_moving(it.address));
        own.any(|it| leads_to(it.address, it.prefix, *end))
    };
    let without: Vec<IpAddr> = ends.iter().copied().filter(|end| !has_way(end)).collect();
    let said = wanted.iter().filter_map(|it| {
        let end = without.iter().find(|end| leads_to(it.address, it.prefix, **end))?;
        Some(format!(
            "{}/{} on {} would be this machine's only address of the subnet of {end}: heartbeats end \
             when it goes",
            it.address, it.prefix, it.interface
        ))
    });
    said.collect()
}

/// Whether an address with this prefix makes a route to `end`.
fn leads_to(address: IpAddr, prefix: u8, end: IpAddr) -> bool {
    if address == end {
        return false;
    }
    let bits = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => (u128::from(ip.to_bits()) << 96, 32),
        IpAddr::V6(ip) => (ip.to_bits(), 128),
    };
    let ((one, width), (other, others)) = (bits(address), bits(end));
    let kept = u128::MAX
        .checked_shl(u32::from(128 - prefix.min(128)))
        .unwrap_or(0);
    width == others && prefix < width && (one ^ other) & kept == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(address: &str, prefix: u8) -> Assignment {
        Assignment {
            address: address.parse().unwrap(),
            prefix,
            interface: "eth0".into(),
            label: "eth0:1".into(),
        }
    }

    fn found(address: &str, prefix: u8) -> Address {
        Address {
            interface: 2,
            peer: None,
            address: address.parse().unwrap(),
            prefix,
            label: None,
            flags: 0,
        }
    }

    fn count(wanted: &[Assignment], found: &[Address], ends: &[&str]) -> usize {
        let ends: Vec<IpAddr> = ends.iter().map(|end| end.parse().unwrap()).collect();
        lone(wanted, found, &ends).len()
    }

    #[test]
    fn an_address_that_alone_leads_to_the_partner_is_told() {
        let vip = [wanted("10.1.0.50", 24)];
        let own = |prefix| [found("10.1.0.2", prefix)];
        assert_eq!(count(&vip, &own(24), &["10.1.0.1"]), 0);
        assert_eq!(count(&vip, &own(32), &["10.1.0.1"]), 1);
        // It is up already, which does not make it the machine's own.
        let up = [found("10.1.0.2", 32), found("10.1.0.50", 24)];
        assert_eq!(count(&vip, &up, &["10.1.0.1"]), 1);
        // A larger network of the machine's own leads there, too.
        assert_eq!(count(&vip, &[found("10.9.0.1", 8)], &["10.1.0.1"]), 0);
        // Another subnet, or a host's address, leads nowhere.
        assert_eq!(count(&vip, &own(32), &["10.2.0.1"]), 0);
        assert_eq!(
            count(&[wanted("10.1.0.50", 32)], &own(32), &["10.1.0.1"]),
            0
        );
        assert_eq!(count(&vip, &own(32), &[]), 0);
        let six = [wanted("2001:db8::50", 64)];
        assert_eq!(
            count(&six, &[found("2001:db8::2", 128)], &["2001:db8::1"]),
            1
        );
        assert_eq!(
            count(&six, &[found("2001:db8::2", 64)], &["2001:db8::1"]),
            0
        );
        let text = &lone(&vip, &own(32), &["10.1.0.1".parse().unwrap()])[0];
        assert_eq!(
            text,
            "10.1.0.50/24 on eth0 would be this machine's only address of the subnet of 10.1.0.1: \
             heartbeats end when it goes"
        );
    }
}
