//! The director's own addresses, which its heartbeats are sent from: are they on this machine? Pure.
//!
//! Without one of them nothing is heard on its path, and the partner is not to blame.

use std::fmt;
use std::net::IpAddr;

use kernel_wire::rtnetlink::{Address, DAD_FAILED, Link, OPTIMISTIC, TENTATIVE};

use crate::plan::Assignment;

/// One of them went or came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnChange {
    /// The address.
    pub address: IpAddr,
    /// The interface that it is on, or was last seen on.
    pub device: Option<String>,
    /// It is there now.
    pub is_there: bool,
}

impl fmt::Display for OwnChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address;
        match (&self.device, self.is_there) {
            (Some(device), true) => write!(f, "own address {address} is on {device} again"),
            (None, true) => write!(f, "own address {address} is there again"),
            (Some(device), false) => {
                write!(
                    f,
                    "own address {address} is gone from {device}: no heartbeat goes from it"
                )
            }
            (None, false) => {
                write!(
                    f,
                    "own address {address} is on no interface: no heartbeat goes from it"
                )
            }
        }
    }
}

/// One for each path of the heartbeat.
#[derive(Clone, Debug, Default)]
pub struct Own {
    addresses: Vec<Standing>,
}

#[derive(Clone, Debug)]
struct Standing {
    address: IpAddr,
    device: Option<String>,
    is_there: bool,
}

impl Own {
    /// `addresses`, public path first, which count as there until [`Own::compare`] says otherwise.
    #[must_use]
    pub fn new(addresses: &[IpAddr]) -> Self {
        let standing = |address: &IpAddr| Standing {
            address: *address,
            device: None,
            is_there: true,
        };
        Self {
            addresses: addresses.iter().map(standing).collect(),
        }
    }

    /// Every one of them.
    #[must_use]
    pub fn addresses(&self) -> Vec<IpAddr> {
        self.addresses.iter().map(|it| it.address).collect()
    }

    /// Those that are there, in the form of addresses to raise, on their interfaces.
    #[must_use]
    pub fn places(&self) -> Vec<Assignment> {
        let there = self.addresses.iter().filter(|it| it.is_there);
        let place = |it: &Standing| {
            let interface = it.device.clone()?;
            Some(Assignment {
                address: it.address,
                prefix: if it.address.is_ipv4() { 32 } else { 128 },
                label: interface.clone(),
                interface,
            })
        };
        there.filter_map(place).collect()
    }

    /// Whether `address` is one of them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|it| it.address == address)
    }

    /// Whether the own address of the public path and that of the private path are there. Without a second
    /// path both are the same.
    #[must_use]
    pub fn are_there(&self) -> (bool, bool) {
        let is_there = |it: Option<&Standing>| it.is_none_or(|it| it.is_there);
        (
            is_there(self.addresses.first()),
            is_there(self.addresses.last()),
        )
    }

    /// What has changed since the last comparison.
    pub fn compare(&mut self, found: &[Address], links: &[Link]) -> Vec<OwnChange> {
        let mut changes = Vec::new();
        for own in &mut self.addresses {
            let mut found = found.iter();
            let there = found.find(|it| it.address == own.address && is_usable(it));
            if let Some(there) = there {
                let link = links.iter().find(|link| link.index == there.interface);
                own.device = link.map(|link| link.name.clone());
            }
            if own.is_there != there.is_some() {
                own.is_there = there.is_some();
                changes.push(OwnChange {
                    address: own.address,
                    device: own.device.clone(),
                    is_there: own.is_there,
                });
            }
        }
        changes
    }
}

/// Whether a socket can be bound to it: not to an IPv6 one while the kernel asks who else has it.
#[must_use]
pub fn is_usable(address: &Address) -> bool {
    let refused = if address.flags & OPTIMISTIC == 0 {
        TENTATIVE | DAD_FAILED
    } else {
        DAD_FAILED
    };
    address.address.is_ipv4() || address.flags & refused == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::link;

    fn address(text: &str, flags: u32) -> Address {
        Address {
            interface: 2,
            address: text.parse().unwrap(),
            peer: None,
            prefix: 24,
            label: None,
            flags,
        }
    }

    fn said(own: &mut Own, found: &[Address]) -> Vec<String> {
        let changes = own.compare(found, &[link(2, "eth0")]);
        changes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_address_is_told_of_once_with_the_device_that_it_was_on() {
        let (public, private) = (address("10.1.0.2", 0), address("10.9.0.2", 0));
        let mut own = Own::new(&[public.address, private.address]);
        assert_eq!(said(&mut own, &[public.clone(), private.clone()]), [""; 0]);
        let gone = "own address 10.1.0.2 is gone from eth0: no heartbeat goes from it";
        assert_eq!(said(&mut own, std::slice::from_ref(&private)), [gone]);
        assert_eq!(own.are_there(), (false, true));
        assert_eq!(said(&mut own, &[private]), [""; 0]);
        let missing = "own address 10.9.0.2 is gone from eth0: no heartbeat goes from it";
        let back = "own address 10.1.0.2 is on eth0 again";
        assert_eq!(said(&mut own, &[public]), [back, missing]);
        assert_eq!(own.are_there(), (true, false));
        let places = own.places();
        let shown = places
            .iter()
            .map(|it| (it.address.to_string(), &*it.interface));
        assert_eq!(shown.collect::<Vec<_>>(), [("10.1.0.2".to_owned(), "eth0")]);
    }

    #[test]
    fn one_that_was_never_seen_is_told_of_without_a_device() {
        let mut own = Own::new(&["10.1.0.2".parse().unwrap()]);
        let missing = "own address 10.1.0.2 is on no interface: no heartbeat goes from it";
        assert_eq!(said(&mut own, &[]), [missing]);
        assert_eq!(own.are_there(), (false, false));
        assert!(own.contains("10.1.0.2".parse().unwrap()));
    }

    #[test]
    fn an_ipv6_address_is_there_when_nobody_else_may_have_it() {
        let mut own = Own::new(&["2001:db8::2".parse().unwrap()]);
        for (flags, is_there) in [
            (TENTATIVE, false),
            (TENTATIVE | OPTIMISTIC, true),
            (DAD_FAILED, false),
            (DAD_FAILED | TENTATIVE | OPTIMISTIC, false),
            (0, true),
        ] {
            own.compare(&[address("2001:db8::2", flags)], &[link(2, "eth0")]);
            assert_eq!(own.are_there().0, is_there, "{flags:#x}");
        }
    }
}
