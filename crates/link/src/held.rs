//! What a director holds, on which interfaces, and what the kernel's notifications mean for it. Pure.
//!
//! `bin/pulse` keeps the sockets: it hands in what [`Watch`](crate::Watch) and
//! [`Links`](crate::Links) read, and carries out what [`Held`] says.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use lvs_model::Mono;

use crate::left::Left;
use crate::own::{Own, OwnChange};
use crate::partners::{PartnerChange, Partners};
use crate::plan::{Assignment, missing, present};
use crate::refusals::Refusals;
use crate::strays::{Stray, Strays};
use crate::trouble::{Fault, Trouble};
use crate::watch::Event;
use crate::{Address, Link, Mac};

/// What the notifications mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// An address of ours may be missing.
    pub removed: bool,
    /// What was not raised is to be raised again.
    pub retry: bool,
    /// An interface came back or has another hardware address.
    pub interface_changed: bool,
    /// State of some interface may have changed.
    pub link_changed: bool,
    /// An address that heartbeats are sent from, or one of the partner's, may have gone or come.
    pub own_changed: bool,
    /// An address of lvs.cf that is not held may have come or gone.
    pub stray: bool,
    /// Some notifications are lost, or there is none for it: every interface has to be [read
    /// anew](Held::read_links).
    pub lost: bool,
}

/// What is held and is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Somebody took them away.
    pub removed: Vec<Assignment>,
    /// They were not raised, and it is time to try again.
    pub retried: Vec<Assignment>,
}

/// The addresses that are held, and the interfaces as last reported.
#[derive(Clone, Debug, Default)]
pub struct Held {
    held: Vec<Assignment>,
    /// The addresses among them.
    addresses: BTreeSet<IpAddr>,
    /// By number.
    known: BTreeMap<u32, Link>,
    /// What is held could not be compared with what is there.
    unsure: bool,
    /// Names in lvs.cf, and the interfaces that had them: a renamed interface is followed.
    homes: BTreeMap<String, u32>,
    own: Own,
    partners: Partners,
    /// Every address of lvs.cf, held or not.
    wanted: Vec<Assignment>,
    wanted_addresses: BTreeSet<IpAddr>,
    strays: Strays,
    refusals: Refusals,
    left: Left,
    /// The interfaces could not be read anew.
    unread: bool,
    /// What is held has to be raised again: the kernel could not be asked, or refused some of it a while
    /// ago.
    unraised: bool,
}

impl Held {
    /// Nothing is held; `known` is every interface ([`Held::read_links`]), heartbeats are sent from `own`.
    #[must_use]
    pub fn new(known: Option<Vec<Link>>, own: &[IpAddr]) -> Self {
        let mut held = Self {
            own: Own::new(own),
            ..Self::default()
        };
        held.read_links(known);
        held
    }

    /// What is held, under the present names of the interfaces.
    #[must_use]
    pub fn assignments(&self) -> &[Assignment] {
        &self.held
    }

    /// Whether the comparison has to be made again soon, with or without a notification.
    #[must_use]
    pub const fn is_unsure(&self) -> bool {
        self.unsure || self.unread || self.unraised
    }

    /// Every interface as last reported; `None` while that is not known.
    #[must_use]
    pub fn links(&self) -> Option<Vec<Link>> {
        (!self.unread).then(|| self.known.values().cloned().collect())
    }

    /// Whether an interface of this machine has this hardware address.
    #[must_use]
    pub fn is_own(&self, mac: Mac) -> bool {
        self.known.values().any(|own| own.mac == Some(mac))
    }

    /// `wanted` with the present names of interfaces that were renamed since they were found. An interface
    /// that has the name in lvs.cf comes first.
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

    /// Holds `placed` from now on. Returns what was held and is not in it, to be taken down.
    pub fn replace(&mut self, placed: &[Assignment]) -> Vec<Assignment> {
        let place = |it: &Assignment| (it.address, it.interface.clone());
        let kept: BTreeSet<_> = placed.iter().map(place).collect();
        self.addresses = placed.iter().map(|it| it.address).collect();
        self.unraised &= !placed.is_empty();
        self.left.forget(placed);
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

    /// Takes the kernel's answers about addresses that were to be raised. One that it refused may be taken
    /// later.
    pub fn raised(&mut self, now: Mono, outcomes: impl Iterator<Item = (IpAddr, bool)>) {
        self.unraised = false;
        self.refusals.note(now, outcomes);
    }

    /// The kernel could not be asked to raise what is held: some of it may be missing.
    pub const fn not_raised(&mut self) {
        self.unraised = true;
    }

    /// `tried` was to be taken down, and `failed` of it is still here: it has to be tried again. Returns
    /// those that are new among them.
    pub fn dropped(
        &mut self,
        now: Mono,
        tried: &[Assignment],
        failed: &[Assignment],
    ) -> Vec<Assignment> {
        self.left.note(now, tried, failed)
    }

    /// What could not be taken down.
    #[must_use]
    pub fn left(&self) -> &[Assignment] {
        self.left.all()
    }

    /// What of that has to be tried again by now. Returns each once.
    pub fn left_due(&mut self, now: Mono) -> Vec<Assignment> {
        self.left.due(now)
    }

    /// What is to go when pulse ends: all that is held or left.
    #[must_use]
    pub fn all_here(&self) -> Vec<Assignment> {
        [&self.held, self.left.all()].concat()
    }

    /// When [`Held::tick`] or [`Held::left_due`] has something to say.
    #[must_use]
    pub fn next(&self) -> Option<Mono> {
        let times = self.refusals.next().into_iter().chain(self.left.next());
        times.min()
    }

    /// What the time brings.
    pub fn tick(&mut self, now: Mono) -> Found {
        let is_due = self.refusals.is_due(now);
        if is_due && self.held.is_empty() {
            // Nothing is tried on standby: the addresses get the benefit of the doubt.
            self.refusals.forget();
        }
        self.unraised |= is_due && !self.held.is_empty();
        Found {
            retry: self.unraised,
            link_changed: self.refusals.have_changed(),
            lost: self.unread,
            ..Found::default()
        }
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
                found.own_changed = self.is_an_end(gone.address);
                // An address that was held and has just been taken down is no stray.
                found.stray = self.is_stray(gone.address) && self.strays.contain(gone.address);
                found.lost = is_link_local(gone.address);
            }
            Event::Address(it) | Event::Duplicate(it) => {
                found.own_changed = self.is_an_end(it.address);
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

    /// Takes every interface anew; returns whether one is new or has changed. `None` means that the kernel
    /// could not list them: what is known stays, and it has to be asked again.
    pub fn read_links(&mut self, links: Option<Vec<Link>>) -> bool {
        self.unread = links.is_none();
        let Some(links) = links else {
            return false;
        };
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
        self.left.rename(&before.name, &link.name);
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

    /// Which addresses of lvs.cf have come or gone here without being held; `None` as for
    /// [`Held::missing`].
    pub fn look_for_strays(&mut self, there: Option<(&[Address], &[Link])>) -> Vec<Stray> {
        let Some((found, links)) = there else {
            self.unsure = true;
            return Vec::new();
        };
        let present = present(&self.wanted(), found, links);
        self.strays.update(&present, &self.all_here())
    }

    /// Whether it is one of lvs.cf's addresses or one that heartbeats are sent from.
    #[must_use]
    pub fn is_ours(&self, address: IpAddr) -> bool {
        self.wanted_addresses.contains(&address) || self.own.contains(address)
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

    /// No machine but the partner may have these, public path first.
    pub fn watch_partners(&mut self, ends: &[IpAddr]) {
        self.partners = Partners::new(ends);
    }

    /// The partner's ends of the heartbeat.
    #[must_use]
    pub const fn partners(&self) -> &Partners {
        &self.partners
    }

    fn is_an_end(&self, address: IpAddr) -> bool {
        self.own.contains(address) || self.partners.contains(address)
    }

    /// Which of the partner's addresses have come to this machine or gone from it; `None` as for
    /// [`Held::missing`].
    pub fn look_for_partners(
        &mut self,
        there: Option<(&[Address], &[Link])>,
    ) -> Vec<PartnerChange> {
        let Some((found, links)) = there else {
            self.unsure = true;
            return Vec::new();
        };
        self.partners.compare(found, links)
    }

    /// Compares them with what is there; `None` as for [`Held::missing`].
    pub fn look_for_own(&mut self, there: Option<(&[Address], &[Link])>) -> Vec<OwnChange> {
        let Some((found, links)) = there else {
            self.unsure = true;
            return Vec::new();
        };
        self.own.compare(found, links)
    }

    /// Which of `wanted` could not be served from here, and why; `None` while the interfaces are not known.
    pub fn troubles(
        &mut self,
        wanted: &[Assignment],
        monitors_links: bool,
    ) -> Option<Vec<Trouble>> {
        if self.unread {
            return None;
        }
        let placed = self.place(wanted);
        let known = self.known.values();
        let named: BTreeMap<&str, &Link> = known.map(|it| (it.name.as_str(), it)).collect();
        let is_refused = |it: &Assignment| self.refusals.contain(it.address);
        let refused = |it: &Assignment| is_refused(it).then_some(Fault::Refused);
        let trouble = |(wanted, placed): (&Assignment, &Assignment)| {
            let link = named.get(placed.interface.as_str()).copied();
            Some(Trouble {
                address: wanted.address,
                device: wanted.interface.clone(),
                what: Fault::of(wanted.address, link, monitors_links).or(refused(wanted))?,
            })
        };
        let both = wanted.iter().zip(&placed);
        Some(both.filter_map(trouble).collect())
    }

    /// Compares what is held with what is there. `None` means that the kernel could not list what is there:
    /// nothing is known to be missing, and it has to be asked again.
    pub fn missing(&mut self, there: Option<(&[Address], &[Link])>) -> Missing {
        let Some((found, links)) = there else {
            self.unsure = true;
            return Missing::default();
        };
        self.unsure = false;
        let missing = missing(&self.held, found, links);
        if missing.is_empty() {
            self.unraised = false;
            if !self.held.is_empty() {
                self.refusals.forget();
            }
        }
        if self.unraised {
            return Missing {
                removed: Vec::new(),
                retried: missing,
            };
        }
        // What the kernel refused was never there.
        let was_there = |it: &Assignment| !self.refusals.contain(it.address);
        Missing {
            removed: missing.into_iter().filter(was_there).collect(),
            retried: Vec::new(),
        }
    }
}

/// Its coming and going shows that IPv6 was switched on or off: nothing else does.
const fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

impl std::ops::BitOrAssign for Found {
    fn bitor_assign(&mut self, other: Self) {
        self.removed |= other.removed;
        self.retry |= other.retry;
        self.interface_changed |= other.interface_changed;
        self.link_changed |= other.link_changed;
        self.own_changed |= other.own_changed;
        self.stray |= other.stray;
        self.lost |= other.lost;
    }
}

#[cfg(test)]
mod tests;
