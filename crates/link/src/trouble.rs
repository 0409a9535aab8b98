//! Addresses that this machine could not serve, and why. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use kernel_wire::rtnetlink::Link;

use crate::plan::Assignment;

/// A virtual or NAT router address that could not be served from here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trouble {
    /// The address.
    pub address: IpAddr,
    /// The device that it belongs on, as lvs.cf names it.
    pub device: String,
    /// What is wrong with that.
    pub what: Fault,
}

/// What is wrong with a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// There is none of that name.
    NoDevice,
    /// Somebody has set it down.
    Down,
    /// Its link is dead.
    NoCarrier,
    /// It takes no IPv6 address (`disable_ipv6`).
    NoIpv6,
    /// The kernel has refused the address.
    Refused,
}

impl Fault {
    /// What is wrong with `link` for `address`. A bridge without ports has no carrier either, so a dead
    /// link counts only where lvs.cf monitors links.
    #[must_use]
    pub fn of(address: IpAddr, link: Option<&Link>, monitors_links: bool) -> Option<Self> {
        match link {
            None => Some(Self::NoDevice),
            Some(link) if !link.up => Some(Self::Down),
            Some(link) if !link.running && monitors_links => Some(Self::NoCarrier),
            Some(link) if address.is_ipv6() && !link.takes_ipv6 => Some(Self::NoIpv6),
            Some(_) => None,
        }
    }
}

/// Most addresses of a device that are named.
const NAMED: usize = 3;

/// What is said about a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TroubleNews {
    /// Its addresses, one at least.
    pub addresses: Vec<IpAddr>,
    /// The device, as lvs.cf names it.
    pub device: String,
    /// What is wrong with it; `None`: nothing any more.
    pub what: Option<Fault>,
}

impl fmt::Display for TroubleNews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_addresses(f, &self.addresses)?;
        let device = &self.device;
        match self.what {
            Some(Fault::NoDevice) => write!(f, ": there is no device {device}"),
            Some(Fault::Down) => write!(f, ": device {device} is down"),
            Some(Fault::NoCarrier) => write!(f, ": device {device} has no carrier"),
            Some(Fault::NoIpv6) => write!(f, ": device {device} takes no IPv6 (disable_ipv6)"),
            Some(Fault::Refused) => write!(f, ": refused by the kernel on device {device}"),
            None => write!(f, ": device {device} is good again"),
        }
    }
}

/// The first of them by name.
pub(crate) fn write_addresses(f: &mut fmt::Formatter<'_>, addresses: &[IpAddr]) -> fmt::Result {
    f.write_str("address ")?;
    for (place, address) in addresses.iter().take(NAMED).enumerate() {
        let separator = if place == 0 { "" } else { ", " };
        write!(f, "{separator}{address}")?;
    }
    match addresses.len().saturating_sub(NAMED) {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}

/// Those of `troubles` that a new lvs.cf brings to a director that serves: a device that is not here and that the
/// file `before` did not name, or an address that is served now and moves to a device where it could not be.
/// `known` are the troubles with `before`.
#[must_use]
pub fn brought(troubles: &[Trouble], before: &[Assignment], known: &[Trouble]) -> Vec<Trouble> {
    let is_new = |it: &&Trouble| {
        it.what == Fault::NoDevice && before.iter().all(|old| old.interface != it.device)
    };
    let moves_away = |it: &&Trouble| {
        let is_moved = |old: &Assignment| old.address == it.address && old.interface != it.device;
        before.iter().any(is_moved) && known.iter().all(|old| old.address != it.address)
    };
    let brought = troubles.iter().filter(|it| is_new(it) || moves_away(it));
    brought.cloned().collect()
}

/// All of `troubles`, a line for each device and what is wrong with it.
#[must_use]
pub fn news(troubles: &[Trouble]) -> Vec<TroubleNews> {
    grouped(troubles.iter().map(|it| (it, Some(it.what))))
}

fn grouped<'t>(troubles: impl Iterator<Item = (&'t Trouble, Option<Fault>)>) -> Vec<TroubleNews> {
    let mut news: Vec<TroubleNews> = Vec::new();
    let mut places: BTreeMap<(&str, Option<Fault>), usize> = BTreeMap::new();
    for (trouble, what) in troubles {
        let place = *places.entry((&trouble.device, what)).or_insert(news.len());
        match news.get_mut(place) {
            Some(known) => known.addresses.push(trouble.address),
            None => news.push(TroubleNews {
                addresses: vec![trouble.address],
                device: trouble.device.clone(),
                what,
            }),
        }
    }
    news
}

/// The troubles of this machine, as last found.
#[derive(Clone, Debug, Default)]
pub struct Troubles {
    now: Vec<Trouble>,
}

impl Troubles {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Trouble] {
        &self.now
    }

    /// Takes what was found; returns what to log, if there is a change.
    pub fn update(&mut self, found: Vec<Trouble>) -> Option<Vec<TroubleNews>> {
        if found == self.now {
            return None;
        }
        let before = std::mem::replace(&mut self.now, found);
        let known: BTreeSet<&Trouble> = before.iter().collect();
        let bad = self.now.iter().filter(|it| !known.contains(it));
        let bad = grouped(bad.map(|it| (it, Some(it.what))));
        let devices: BTreeSet<&str> = self.now.iter().map(|it| it.device.as_str()).collect();
        let good = before
            .iter()
            .filter(|it| !devices.contains(it.device.as_str()));
        let good = grouped(good.map(|it| (it, None)));
        Some(bad.into_iter().chain(good).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(host: u8, device: &str, what: Fault) -> Trouble {
        Trouble {
            address: [10, 1, 0, host].into(),
            device: device.to_owned(),
            what,
        }
    }

    fn said(troubles: &mut Troubles, found: Vec<Trouble>) -> Vec<String> {
        let news = troubles.update(found).unwrap_or_default();
        news.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_device_is_said_once_and_again_when_it_is_good() {
        let mut troubles = Troubles::default();
        assert_eq!(troubles.update(Vec::new()), None);
        let found = vec![
            trouble(50, "eth1", Fault::Down),
            trouble(51, "eth2", Fault::NoDevice),
            trouble(52, "eth1", Fault::Down),
            trouble(53, "eth1", Fault::Down),
        ];
        let expected = [
            "address 10.1.0.50, 10.1.0.52, 10.1.0.53: device eth1 is down",
            "address 10.1.0.51: there is no device eth2",
        ];
        assert_eq!(said(&mut troubles, found.clone()), expected);
        assert_eq!(troubles.update(found.clone()), None);
        assert_eq!(troubles.all(), found);
        let dead = vec![trouble(50, "eth1", Fault::NoCarrier)];
        let expected = [
            "address 10.1.0.50: device eth1 has no carrier",
            "address 10.1.0.51: device eth2 is good again",
        ];
        assert_eq!(said(&mut troubles, dead), expected);
        let expected = ["address 10.1.0.50: device eth1 is good again"];
        assert_eq!(said(&mut troubles, Vec::new()), expected);
    }

    fn on(host: u8, device: &str) -> Assignment {
        Assignment {
            address: [10, 1, 0, host].into(),
            prefix: 24,
            interface: device.to_owned(),
            label: format!("{device}:1"),
        }
    }

    #[test]
    fn a_new_file_brings_what_it_names_first_and_what_it_takes_from_a_good_device() {
        let before = [on(50, "eth0"), on(51, "eth1")];
        let known = [trouble(51, "eth1", Fault::NoDevice)];
        let brings = |found: Trouble| !brought(&[found], &before, &known).is_empty();
        // A typing error, for an address that serves and for a new one.
        assert!(brings(trouble(50, "eth9", Fault::NoDevice)));
        assert!(brings(trouble(60, "eth9", Fault::NoDevice)));
        // Lost before, or on a device that the file before names too.
        assert!(!brings(trouble(51, "eth1", Fault::NoDevice)));
        assert!(!brings(trouble(60, "eth1", Fault::NoDevice)));
        // One that serves, and would not there; one that did not serve.
        assert!(brings(trouble(50, "eth1", Fault::NoDevice)));
        assert!(brings(trouble(50, "eth2", Fault::Down)));
        assert!(!brings(trouble(51, "eth2", Fault::Down)));
        // Where it is, it may be down for a moment.
        assert!(!brings(trouble(50, "eth0", Fault::Down)));
        assert!(!brings(trouble(60, "eth2", Fault::Down)));
    }

    #[test]
    fn no_address_that_comes_later_or_has_another_fault_is_passed_over() {
        let mut troubles = Troubles::default();
        let mut found = vec![
            trouble(50, "eth0", Fault::Refused),
            trouble(51, "eth0", Fault::NoIpv6),
        ];
        let expected = [
            "address 10.1.0.50: refused by the kernel on device eth0",
            "address 10.1.0.51: device eth0 takes no IPv6 (disable_ipv6)",
        ];
        assert_eq!(said(&mut troubles, found.clone()), expected);
        found.push(trouble(52, "eth0", Fault::Refused));
        let expected = ["address 10.1.0.52: refused by the kernel on device eth0"];
        assert_eq!(said(&mut troubles, found.clone()), expected);
        found.retain(|it| it.what == Fault::Refused);
        assert_eq!(said(&mut troubles, found.clone()), [""; 0]);
        found.extend((60..70).map(|host| trouble(host, "eth1", Fault::Down)));
        let expected = ["address 10.1.0.60, 10.1.0.61, 10.1.0.62 and 7 more: device eth1 is down"];
        assert_eq!(said(&mut troubles, found), expected);
        let expected = [
            "address 10.1.0.50, 10.1.0.52: device eth0 is good again",
            "address 10.1.0.60, 10.1.0.61, 10.1.0.62 and 7 more: device eth1 is good again",
        ];
        assert_eq!(said(&mut troubles, Vec::new()), expected);
    }
}
