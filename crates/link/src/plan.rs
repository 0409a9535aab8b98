//! Which addresses are missing on the interfaces and which are left over. Pure.
//!
//! An address that is there already, whoever put it there, is adopted: the plan of an applied plan
//! is empty.

use std::net::IpAddr;

use wire::rtnetlink::{Address, Link, NO_DAD};

/// An address that is to be on an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The address.
    pub address: IpAddr,
    /// Length of its network's prefix in bits.
    pub prefix: u8,
    /// Name of the interface, `eth0`.
    pub interface: String,
    /// Label of an IPv4 alias, `eth0:1`; the same as the interface's name for none.
    pub label: String,
}

/// A change of the kernel's addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Add this one.
    Add(Address),
    /// Remove this one.
    Remove(Address),
}

impl Assignment {
    /// As the kernel is told; `None` while there is no such interface.
    #[must_use]
    pub fn resolve(&self, links: &[Link]) -> Option<Address> {
        let link = links.iter().find(|link| link.name == self.interface)?;
        Some(Address {
            interface: link.index,
            address: self.address,
            prefix: self.prefix,
            // IPv6 has no labels.
            label: self.address.is_ipv4().then(|| self.label.clone()),
            // The partner may still have it for a moment: detection must not block a takeover.
            flags: if self.address.is_ipv6() { NO_DAD } else { 0 },
        })
    }

    /// Whether `found` is this one: the address on the interface; label and prefix do not matter.
    fn is(&self, found: &Address, links: &[Link]) -> bool {
        let on = links.iter().find(|link| link.index == found.interface);
        found.address == self.address && on.is_some_and(|link| link.name == self.interface)
    }
}

/// What brings up every one of `wanted`, and nothing twice.
#[must_use]
pub fn plan_raise(wanted: &[Assignment], found: &[Address], links: &[Link]) -> Vec<Change> {
    let mut changes = Vec::new();
    for assignment in wanted {
        let there = found.iter().any(|address| assignment.is(address, links));
        let change = assignment.resolve(links).map(Change::Add);
        if !there && !change.as_ref().is_some_and(|c| changes.contains(c)) {
            changes.extend(change);
        }
    }
    changes
}

/// What takes down every one of `unwanted` that is there, as it is there.
#[must_use]
pub fn plan_drop(unwanted: &[Assignment], found: &[Address], links: &[Link]) -> Vec<Change> {
    found
        .iter()
        .filter(|address| unwanted.iter().any(|a| a.is(address, links)))
        .cloned()
        .map(Change::Remove)
        .collect()
}

/// What takes down those of `unwanted` that a list lacks which may be incomplete: as they were raised,
/// under whatever label.
#[must_use]
pub fn plan_drop_unseen(unwanted: &[Assignment], found: &[Address], links: &[Link]) -> Vec<Change> {
    let unseen = |wanted: &&Assignment| !found.iter().any(|address| wanted.is(address, links));
    unwanted
        .iter()
        .filter(unseen)
        .filter_map(|wanted| wanted.resolve(links))
        .map(|address| {
            Change::Remove(Address {
                label: None,
                ..address
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(address: &str, prefix: u8, label: &str) -> Assignment {
        Assignment {
            address: address.parse().unwrap(),
            prefix,
            interface: label.split(':').next().unwrap().to_owned(),
            label: label.to_owned(),
        }
    }

    fn links() -> Vec<Link> {
        [("lo", 1), ("eth0", 2), ("eth1", 3)]
            .map(|(name, index)| Link {
                index,
                name: name.to_owned(),
                mac: None,
                running: true,
            })
            .to_vec()
    }

    fn apply(found: &mut Vec<Address>, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Add(address) => found.push(address.clone()),
                Change::Remove(address) => found.retain(|a| a != address),
            }
        }
    }

    #[test]
    fn an_applied_plan_leaves_nothing_to_plan() {
        let wanted = [
            wanted("10.1.0.50", 24, "eth0:1"),
            wanted("10.1.0.50", 24, "eth0:3"),
            wanted("2001:db8::50", 128, "eth0"),
            wanted("10.2.0.254", 24, "eth1:1"),
        ];
        let mut found = Vec::new();
        let changes = plan_raise(&wanted[..1], &found, &links());
        apply(&mut found, &changes);
        assert_eq!(found[0].label.as_deref(), Some("eth0:1"));
        let changes = plan_raise(&wanted, &found, &links());
        assert_eq!(changes.len(), 2);
        apply(&mut found, &changes);
        assert_eq!(plan_raise(&wanted, &found, &links()), []);
        let changes = plan_drop(&wanted, &found, &links());
        apply(&mut found, &changes);
        assert_eq!(found, []);
    }

    #[test]
    fn only_the_address_on_its_own_interface_is_taken_down() {
        let elsewhere = Address {
            interface: 3,
            address: "10.1.0.50".parse().unwrap(),
            prefix: 24,
            label: None,
            flags: 0,
        };
        let own = [wanted("10.1.0.50", 24, "eth0:1")];
        assert_eq!(plan_drop(&own, &[elsewhere], &links()), []);
    }

    #[test]
    fn what_an_incomplete_list_lacks_is_taken_down_all_the_same() {
        let own = [
            wanted("10.1.0.50", 24, "eth0:1"),
            wanted("10.1.0.51", 24, "eth0:2"),
        ];
        let found = [own[0].resolve(&links()).unwrap()];
        let unseen = Address {
            label: None,
            ..own[1].resolve(&links()).unwrap()
        };
        let changes = plan_drop_unseen(&own, &found, &links());
        assert_eq!(changes, [Change::Remove(unseen)]);
    }

    #[test]
    fn an_address_waits_for_its_interface() {
        let missing = [wanted("10.1.0.50", 24, "eth9:1")];
        assert_eq!(plan_raise(&missing, &[], &links()), []);
    }
}
