//! What a director holds, on which interfaces, and what the kernel's notifications mean for it. Pure.
//!
//! `bin/pulse` keeps the sockets: it hands in what [`Watch`](crate::Watch) and
//! [`Links`](crate::Links) read, and carries out what [`Held`] says.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use lvs_model::Mono;

use crate::own::{Own, OwnChange};
use crate::plan::{Assignment, is_incomplete, present};
use crate::strays::{Stray, Strays};
use crate::trouble::{Fault, Trouble};
use crate::watch::Event;
use crate::{Address, Link, Mac};

/// An address that the kernel refused is tried again after so long.
const RETRIED_AFTER: Duration = Duration::from_secs(60);

/// What the notifications mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// An address of ours may be missing.
    pub removed: bool,
    /// An interface came back or has another hardware address.
    pub interface_changed: bool,
    /// State of some interface may have changed.
    pub link_changed: bool,
    /// An address that heartbeats are sent from may have gone or come.
    pub own_changed: bool,
    /// An address of lvs.cf that is not held may have come or gone.
    pub stray: bool,
    /// Some notifications are lost, or there is none for it: every interface is to be [read
    /// anew](Held::read_links).
    pub lost: bool,
}

/// The addresses that are held, and the interfaces as they were told last.
#[derive(Clone, Debug, Default)]
pub struct Held {
    held: Vec<Assignment>,
    /// The addresses among them.
    addresses: BTreeSet<IpAddr>,
    /// By number.
    known: BTreeMap<u32, Link>,
    /// What is held could not be compared with what is there.
    unsure: bool,
    /// Names in lvs.cf and the interfaces that had them: a renamed one is followed.
    homes: BTreeMap<String, u32>,
    own: Own,
    /// Every address of lvs.cf, held or not.
    wanted: Vec<Assignment>,
    wanted_addresses: BTreeSet<IpAddr>,
    strays: Strays,
    /// Addresses that the kernel has refused.
    refused: BTreeSet<IpAddr>,
    /// They are tried again then.
    retry_at: Option<Mono>,
    /// Which ones they are has changed since the last look.
    refusals_changed: bool,
}

impl Held {
    /// Nothing is held; `known` is every interface, heartbeats are sent from `own`.
    #[must_use]
    pub fn new(known: Vec<Link>, own: &[IpAddr]) -> Self {
        Self {
            own: Own::new(own),
            known: known.into_iter().map(|it| (it.index, it)).collect(),
            ..Self::default()
        }
    }

    /// What is held, under the present names of the interfaces.
    #[must_use]
    pub fn assignments(&self) -> &[Assignment] {
        &self.held
    }

    /// Whether the comparison is to be made again soon, with or without a notification.
    #[must_use]
    pub const fn is_unsure(&self) -> bool {
        self.unsure
    }

    /// Whether an interface of this machine has this hardware address.
    #[must_use]
    pub fn is_own(&self, mac: Mac) -> bool {
        self.known.values().any(|own| own.mac == Some(mac))
    }

    /// `wanted` with the present names of interfaces that were renamed since they were found. An
    /// interface that has the name of lvs.cf comes first.
    pub fn place(&mut self, wanted: &[Assignment]) -> Vec<Assignment> {
        let known = self.known.values();
        let named: BTreeMap<&str, u32> = known.map(|it| (it.name.as_str(), it.index)).collect();
        let mut placed = wanted.to_vec();
        for assignment in &mut placed {
            let name = &mut assignment.interface;
            if let Some(index) = named.get(name.as_str()) {
                self.homes.insert(name.clone(), *index);
                continue;
            }
            let home = self.homes.get(name);
            if let Some(link) = home.and_then(|index| self.known.get(index)) {
                name.clone_from(&link.name);
            }
        }
        placed
    }

    /// Holds `placed` from now on; what was held and is not among them, to be taken down.
    pub fn replace(&mut self, placed: &[Assignment]) -> Vec<Assignment> {
        let place = |it: &Assignment| (it.address, it.interface.clone());
        let kept: BTreeSet<_> = placed.iter().map(place).collect();
        self.addresses = placed.iter().map(|it| it.address).collect();
        let mut unwanted = std::mem::replace(&mut self.held, placed.to_vec());
        unwanted.retain(|old| !kept.contains(&place(old)));
        unwanted
    }

    /// Holds from now on what is there of `wanted`, whoever put it there.
    pub fn adopt(&mut self, wanted: &[Assignment], found: &[Address], links: &[Link]) {
        let placed = self.place(wanted);
        let there = present(&placed, found, links);
        self.replace(&there);
    }

    /// Takes what the kernel said to addresses that were to be raised. One that it refused may be taken later.
    pub fn raised(&mut self, now: Mono, outcomes: impl Iterator<Item = (IpAddr, bool)>) {
        let before = self.refused.clone();
        for (address, is_up) in outcomes {
            if is_up {
                self.refused.remove(&address);
            } else {
                self.refused.insert(address);
            }
        }
        self.refusals_changed |= before != self.refused;
        self.retry_at = (!self.refused.is_empty()).then_some(now + RETRIED_AFTER);
    }

    /// When [`Held::tick`] has something to say.
    #[must_use]
    pub const fn next(&self) -> Option<Mono> {
        if self.refusals_changed {
            return Some(Mono::ZERO);
        }
        self.retry_at
    }

    /// What the time brings.
    pub fn tick(&mut self, now: Mono) -> Found {
        let is_due = self.retry_at.take_if(|at| *at <= now).is_some();
        if is_due && self.held.is_empty() {
            // Nothing is tried on standby: the benefit of the doubt.
            self.forget_refusals();
        }
        Found {
            removed: is_due,
            link_changed: std::mem::take(&mut self.refusals_changed),
            ..Found::default()
        }
    }

    fn forget_refusals(&mut self) {
        self.refusals_changed |= !self.refused.is_empty();
        self.refused.clear();
    }

    /// Takes one notification.
    pub fn hear(&mut self, event: Event) -> Found {
        let mut found = Found::default();
        match event {
            Event::Link(link) => {
                found.link_changed = true;
                found.interface_changed = self.note(link);
            }
            Event::LinkGone(gone) => {
                found.link_changed = true;
                self.known.remove(&gone.index);
            }
            Event::AddressGone(gone) => {
                found.removed = self.addresses.contains(&gone.address);
                found.own_changed = self.own.contains(gone.address);
                found.stray = self.is_stray(gone.address);
                found.lost = is_link_local(gone.address);
            }
            Event::Address(it) | Event::Duplicate(it) => {
                found.own_changed = self.own.contains(it.address);
                found.stray = self.is_stray(it.address);
                found.lost = is_link_local(it.address);
            }
            Event::Lost => {
                found.removed = true;
                found.link_changed = true;
                found.own_changed = true;
                found.stray = true;
                found.lost = true;
            }
        }
        found
    }

    /// Takes every interface anew; whether one is new or another than it was.
    pub fn read_links(&mut self, links: Vec<Link>) -> bool {
        let there: BTreeSet<u32> = links.iter().map(|link| link.index).collect();
        self.known.retain(|index, _| there.contains(index));
        let changed = links.into_iter().map(|link| self.note(link));
        changed.fold(false, |any, one| any | one)
    }

    fn note(&mut self, link: Link) -> bool {
        self.follow(&link);
        let after = link.clone();
        let Some(before) = self.known.insert(link.index, link) else {
            return true;
        };
        let is_another = before.mac != after.mac || before.name != after.name;
        is_another || (after.running && !before.running)
    }

    /// What is held on a renamed interface is held under its new name.
    fn follow(&mut self, link: &Link) {
        let before = self.known.get(&link.index);
        let Some(before) = before.filter(|before| before.name != link.name) else {
            return;
        };
        for held in &mut self.held {
            if held.interface == before.name {
                held.interface.clone_from(&link.name);
            }
        }
    }

    /// Takes every address of lvs.cf, held or not.
    pub fn want(&mut self, wanted: &[Assignment]) {
        // One of them may be here already.
        self.unsure |= self.wanted != wanted;
        self.wanted = wanted.to_vec();
        self.wanted_addresses = wanted.iter().map(|it| it.address).collect();
    }

    /// Every address of lvs.cf under the present names of the interfaces.
    pub fn wanted(&mut self) -> Vec<Assignment> {
        let wanted = std::mem::take(&mut self.wanted);
        let placed = self.place(&wanted);
        self.wanted = wanted;
        placed
    }

    fn is_stray(&self, address: IpAddr) -> bool {
        self.wanted_addresses.contains(&address) && !self.addresses.contains(&address)
    }

    /// Which addresses of lvs.cf have come or gone here without being held; `None` as for [`Held::lacks`].
    pub fn look_for_strays(&mut self, there: Option<(&[Address], &[Link])>) -> Vec<Stray> {
        let Some((found, links)) = there else {
            self.unsure = true;
            return Vec::new();
        };
        let present = present(&self.wanted(), found, links);
        self.strays.update(&present, &self.held)
    }

    /// The name of the interface of this number.
    #[must_use]
    pub fn name_of(&self, index: u32) -> Option<&str> {
        self.known.get(&index).map(|link| link.name.as_str())
    }

    /// The addresses that heartbeats are sent from.
    #[must_use]
    pub const fn own(&self) -> &Own {
        &self.own
    }

    /// Compares them with what is there; `None` as for [`Held::lacks`].
    pub fn look_for_own(&mut self, there: Option<(&[Address], &[Link])>) -> Vec<OwnChange> {
        let Some((found, links)) = there else {
            self.unsure = true;
            return Vec::new();
        };
        self.own.compare(found, links)
    }

    /// Which of `wanted` could not be served from here, and why.
    pub fn troubles(&mut self, wanted: &[Assignment], monitors_links: bool) -> Vec<Trouble> {
        let placed = self.place(wanted);
        let known = self.known.values();
        let named: BTreeMap<&str, &Link> = known.map(|it| (it.name.as_str(), it)).collect();
        let is_refused = |it: &Assignment| self.refused.contains(&it.address);
        let refused = |it: &Assignment| is_refused(it).then_some(Fault::Refused);
        let trouble = |(wanted, placed): (&Assignment, &Assignment)| {
            let link = named.get(placed.interface.as_str()).copied();
            Some(Trouble {
                address: wanted.address,
                device: wanted.interface.clone(),
                what: Fault::of(wanted.address, link, monitors_links).or(refused(wanted))?,
            })
        };
        wanted.iter().zip(&placed).filter_map(trouble).collect()
    }

    /// Compares what is held with what is there; whether something is missing. Where the kernel could not
    /// say what is there (`None`), nothing is known to be missing, and it is to be asked again.
    pub fn lacks(&mut self, there: Option<(&[Address], &[Link])>) -> bool {
        let Some((found, links)) = there else {
            self.unsure = true;
            return false;
        };
        self.unsure = false;
        let lacks = is_incomplete(&self.held, found, links);
        if !lacks && !self.held.is_empty() {
            self.forget_refusals();
        }
        lacks
    }
}

/// Whose coming and going says that IPv6 was switched on or off: nothing else does.
const fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

impl std::ops::BitOrAssign for Found {
    fn bitor_assign(&mut self, other: Self) {
        self.removed |= other.removed;
        self.interface_changed |= other.interface_changed;
        self.link_changed |= other.link_changed;
        self.own_changed |= other.own_changed;
        self.stray |= other.stray;
        self.lost |= other.lost;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(index: u32, name: &str) -> Link {
        Link {
            index,
            name: name.to_owned(),
            mac: Some(Mac([2, 0, 0, 0, 0, u8::try_from(index).unwrap()])),
            up: true,
            running: true,
            promotes: Some(false),
            takes_ipv6: true,
        }
    }

    fn wanted(address: &str, interface: &str) -> Assignment {
        Assignment {
            address: address.parse().unwrap(),
            prefix: 24,
            interface: interface.to_owned(),
            label: format!("{interface}:1"),
        }
    }

    fn holding(address: &str) -> Held {
        let mut held = Held::new(vec![link(2, "eth0"), link(3, "eth1")], &[]);
        let placed = held.place(&[wanted(address, "eth0")]);
        assert_eq!(held.replace(&placed), []);
        held
    }

    #[test]
    fn a_renamed_interface_is_followed_and_its_old_name_is_known() {
        let mut held = holding("10.1.0.50");
        let found = held.hear(Event::Link(link(2, "lan0")));
        assert!(found.link_changed && found.interface_changed);
        assert_eq!(held.assignments()[0].interface, "lan0");
        // What lvs.cf calls eth0 is lan0 now, until another one has that name.
        let placed = held.place(&[wanted("10.1.0.50", "eth0")]);
        assert_eq!(placed[0].interface, "lan0");
        assert_eq!(held.replace(&placed), []);
        held.hear(Event::Link(link(4, "eth0")));
        let placed = held.place(&[wanted("10.1.0.50", "eth0")]);
        assert_eq!(placed[0].interface, "eth0");
        assert_eq!(held.replace(&placed).len(), 1);
    }

    #[test]
    fn only_what_is_held_and_gone_is_missed() {
        let mut held = holding("10.1.0.50");
        let links = [link(2, "eth0"), link(3, "eth1")];
        let there = held.assignments()[0].resolve(&links).unwrap();
        let foreign = Address {
            address: "10.1.0.51".parse().unwrap(),
            ..there.clone()
        };
        assert!(!held.hear(Event::AddressGone(foreign)).removed);
        assert!(held.hear(Event::AddressGone(there.clone())).removed);
        assert!(!held.lacks(Some((&[there], &links))));
        assert!(held.lacks(Some((&[], &links))));
        // Without its interface it waits.
        assert!(!held.lacks(Some((&[], &links[1..]))));
    }

    #[test]
    fn what_is_there_is_adopted_and_the_rest_is_not_held() {
        let links = [link(2, "eth0"), link(3, "eth1")];
        let mut held = Held::new(links.to_vec(), &[]);
        let both = [wanted("10.1.0.50", "eth0"), wanted("10.1.0.51", "eth0")];
        let there = Address {
            prefix: 32,
            ..both[1].resolve(&links).unwrap()
        };
        let elsewhere = Address {
            interface: 3,
            ..both[0].resolve(&links).unwrap()
        };
        held.adopt(&both, &[there, elsewhere], &links);
        assert_eq!(held.assignments(), &both[1..]);
    }

    #[test]
    fn what_could_not_be_compared_is_compared_again() {
        let mut held = holding("10.1.0.50");
        assert!(!held.lacks(None));
        assert!(held.is_unsure());
        held.lacks(Some((&[], &[])));
        assert!(!held.is_unsure());
    }

    #[test]
    fn a_link_is_news_when_it_is_new_comes_back_or_is_another() {
        let mut held = Held::new(vec![link(2, "eth0")], &[]);
        let mut news = |link: &Link| held.hear(Event::Link(link.clone())).interface_changed;
        let mut eth0 = link(2, "eth0");
        assert!(!news(&eth0));
        eth0.running = false;
        assert!(!news(&eth0));
        eth0.running = true;
        assert!(news(&eth0));
        eth0.mac = Some(Mac([2; 6]));
        assert!(news(&eth0));
        assert!(news(&link(3, "eth1")));
        assert!(held.is_own(Mac([2; 6])) && !held.is_own(Mac([9; 6])));
        held.hear(Event::LinkGone(link(3, "eth1")));
        assert!(held.hear(Event::Link(link(3, "eth1"))).interface_changed);
    }

    #[test]
    fn lost_notifications_are_made_good_by_reading() {
        let mut held = holding("10.1.0.50");
        let found = held.hear(Event::Lost);
        assert!(found.lost && found.removed && found.link_changed);
        assert!(held.read_links(vec![link(2, "lan0")]));
        assert_eq!(held.assignments()[0].interface, "lan0");
        assert!(!held.read_links(vec![link(2, "lan0")]));
        assert!(!held.is_own(link(3, "eth1").mac.unwrap()));
    }

    #[test]
    fn a_device_that_is_missing_down_or_without_carrier_is_trouble() {
        let down = Link {
            up: false,
            running: false,
            ..link(3, "eth1")
        };
        let dead = Link {
            running: false,
            ..link(4, "eth2")
        };
        let mut held = Held::new(vec![link(2, "eth0"), down, dead], &[]);
        let wanted = ["eth0", "eth1", "eth2", "eth3"].map(|name| wanted("10.1.0.50", name));
        let said = |held: &mut Held, monitors_links| {
            let troubles = held.troubles(&wanted, monitors_links);
            crate::trouble::news(&troubles)
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        let expected = [
            "address 10.1.0.50: device eth1 is down",
            "address 10.1.0.50: device eth2 has no carrier",
            "address 10.1.0.50: there is no device eth3",
        ];
        assert_eq!(said(&mut held, true), expected);
        assert_eq!(said(&mut held, false), [expected[0], expected[2]]);
        // A renamed one is followed, and called what lvs.cf calls it.
        held.hear(Event::Link(link(2, "lan0")));
        held.hear(Event::Link(Link {
            up: false,
            ..link(2, "lan0")
        }));
        assert_eq!(
            said(&mut held, false)[0],
            "address 10.1.0.50: device eth0 is down"
        );
        held.hear(Event::LinkGone(link(2, "lan0")));
        assert_eq!(
            said(&mut held, false)[0],
            "address 10.1.0.50: there is no device eth0"
        );
    }

    #[test]
    fn a_refused_address_is_trouble_until_it_is_tried_again() {
        let at = |seconds| Mono::new(Duration::from_secs(seconds));
        let mut held = holding("10.1.0.50");
        let ours = held.assignments().to_vec();
        let address = ours[0].address;
        held.raised(at(1), [(address, false)].into_iter());
        assert_eq!(held.next(), Some(Mono::ZERO));
        assert!(held.tick(at(1)).link_changed);
        assert_eq!(held.troubles(&ours, false)[0].what, Fault::Refused);
        assert_eq!(held.next(), Some(at(61)));
        assert_eq!(held.tick(at(60)), Found::default());
        let found = held.tick(at(61));
        assert!(found.removed && !found.link_changed, "to be raised again");
        held.raised(at(61), [(address, false)].into_iter());
        assert_eq!(held.next(), Some(at(121)), "said once");
        held.raised(at(121), [(address, true)].into_iter());
        assert!(held.tick(at(121)).link_changed);
        assert_eq!(held.troubles(&ours, false), []);
        assert_eq!(held.next(), None);
        // Who is not active tries nothing.
        held.raised(at(130), [(address, false)].into_iter());
        held.replace(&[]);
        held.tick(at(131));
        assert!(held.tick(at(190)).link_changed);
        assert_eq!(held.troubles(&ours, false), []);
    }

    #[test]
    fn a_card_without_ipv6_serves_no_ipv6_address() {
        let mut off = link(2, "eth0");
        off.takes_ipv6 = false;
        let mut held = Held::new(vec![off], &[]);
        let both = [wanted("10.1.0.50", "eth0"), wanted("2001:db8::50", "eth0")];
        let troubles = held.troubles(&both, false);
        assert_eq!(troubles.len(), 1);
        assert_eq!(troubles[0].what, Fault::NoIpv6);
        // Switched on again the card gets a link-local address; that is all the kernel says.
        let mut told = both[1].resolve(&[link(2, "eth0")]).unwrap();
        told.address = "fe80::1".parse().unwrap();
        assert!(held.hear(Event::Address(told.clone())).lost);
        assert!(held.hear(Event::AddressGone(told)).lost);
        held.read_links(vec![link(2, "eth0")]);
        assert_eq!(held.troubles(&both, false), []);
    }
}
