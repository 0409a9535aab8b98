//! The partner's ends of the heartbeat: no machine but the partner may have them. On this one they end the path, for
//! the kernel sends nothing to an address of its own and takes nothing from one. Pure.

use std::fmt;
use std::net::IpAddr;

use kernel_wire::rtnetlink::{Address, Link};

use crate::own::is_usable;

/// One of them has come to this machine, or is gone again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerChange {
    /// The address.
    pub address: IpAddr,
    /// The interface that it is on, or was last seen on.
    pub device: String,
    /// It is here now.
    pub is_here: bool,
}

impl fmt::Display for PartnerChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            address, device, ..
        } = self;
        if self.is_here {
            write!(
                f,
                "the partner's address {address} is on {device} of this machine: no heartbeat goes to it or comes from \
                 it until it is taken away"
            )
        } else {
            write!(f, "the partner's address {address} is gone from {device}")
        }
    }
}

/// One for each path of the heartbeat.
#[derive(Clone, Debug, Default)]
pub struct Partners {
    /// With the interface of this machine that it is on.
    ends: Vec<(IpAddr, Option<String>)>,
}

impl Partners {
    /// `addresses`, public path first, which count as elsewhere until [`Partners::compare`] says otherwise.
    #[must_use]
    pub fn new(addresses: &[IpAddr]) -> Self {
        Self {
            ends: addresses.iter().map(|it| (*it, None)).collect(),
        }
    }

    /// Whether `address` is one of them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.ends.iter().any(|(end, _)| *end == address)
    }

    /// Whether the one of the public path and the one of the private path are here. Without a second path both are the
    /// same.
    #[must_use]
    pub fn are_here(&self) -> (bool, bool) {
        let is_here = |it: Option<&(_, Option<String>)>| it.is_some_and(|it| it.1.is_some());
        (is_here(self.ends.first()), is_here(self.ends.last()))
    }

    /// What has changed since the last comparison.
    pub fn compare(&mut self, found: &[Address], links: &[Link]) -> Vec<PartnerChange> {
        let mut changes = Vec::new();
        for (address, place) in &mut self.ends {
            let mut usable = found.iter().filter(|it| is_usable(it));
            let here = usable.find(|it| it.address == *address);
            let here = here.map(|it| name_of(it.interface, links));
            if here.is_some() != place.is_some() {
                let device = here.clone().or_else(|| place.take());
                changes.push(PartnerChange {
                    address: *address,
                    device: device.unwrap_or_default(),
                    is_here: here.is_some(),
                });
            }
            *place = here;
        }
        changes
    }
}

fn name_of(index: u32, links: &[Link]) -> String {
    let link = links.iter().find(|link| link.index == index);
    link.map_or_else(|| format!("interface {index}"), |link| link.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::link;

    fn address(text: &str, interface: u32) -> Address {
        Address {
            interface,
            address: text.parse().unwrap(),
            peer: None,
            prefix: 32,
            label: None,
            flags: 0,
        }
    }

    #[test]
    fn each_end_is_told_of_once_with_its_device_when_it_comes_and_when_it_goes() {
        let [public, private] = ["10.1.0.2", "10.9.0.2"].map(|it| it.parse().unwrap());
        let links = [link(1, "lo"), link(2, "eth0")];
        let mut partners = Partners::new(&[public, private]);
        let mut said = |found: &[Address]| {
            let changes = partners.compare(found, &links);
            let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
            (lines, partners.are_here())
        };
        let own = address("10.1.0.1", 2);
        assert_eq!(said(std::slice::from_ref(&own)), (vec![], (false, false)));
        let both = [own.clone(), address("10.1.0.2", 1)];
        let here = "the partner's address 10.1.0.2 is on lo of this machine: no heartbeat goes to it or comes from it \
                    until it is taken away";
        assert_eq!(said(&both), (vec![here.to_owned()], (true, false)));
        assert_eq!(said(&both), (vec![], (true, false)));
        let gone = "the partner's address 10.1.0.2 is gone from lo";
        assert_eq!(said(&[own]), (vec![gone.to_owned()], (false, false)));
        assert!(partners.contains(private) && !partners.contains("10.1.0.1".parse().unwrap()));
    }
}
