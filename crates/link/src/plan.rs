//! Which addresses are missing on the interfaces, and which are left over. Pure.
//!
//! An address that is there already, whoever put it there, is adopted, and gets the prefix and label of
//! lvs.cf. So the plan after an applied plan is empty. An address that goes leaves the others of its subnet
//! where they are.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use kernel_wire::rtnetlink::{Address, DAD_FAILED, Link, NO_DAD, SECONDARY, broadcast};

/// Most changes in one message to the kernel: each has an answer, and the answers must all find room.
const BATCH: usize = 64;

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
    /// Switch the promotion of secondary addresses on or off, on the interface with this number.
    Promote(u32, bool),
}

impl Assignment {
    /// As the kernel is told; `None` while there is no such interface.
    #[must_use]
    pub fn resolve(&self, links: &[Link]) -> Option<Address> {
        let link = links.iter().find(|link| link.name == self.interface)?;
        Some(self.on(link))
    }

    fn on(&self, link: &Link) -> Address {
        Address {
            interface: link.index,
            address: self.address,
            peer: None,
            prefix: self.prefix,
            // IPv6 has no labels.
            label: self.address.is_ipv4().then(|| self.label.clone()),
            // The partner may still have it for a moment: detection must not block a takeover.
            flags: if self.address.is_ipv6() { NO_DAD } else { 0 },
        }
    }
}

/// The interfaces by number and by name: a lookup costs the same for ten and for a thousand.
struct Places<'a> {
    names: BTreeMap<u32, &'a str>,
    links: BTreeMap<&'a str, &'a Link>,
}

impl<'a> Places<'a> {
    fn new(links: &'a [Link]) -> Self {
        // The first of a name counts, as in a search from the front.
        let mut places = Self {
            names: BTreeMap::new(),
            links: BTreeMap::new(),
        };
        for link in links {
            places.names.entry(link.index).or_insert(&link.name);
            places.links.entry(&link.name).or_insert(link);
        }
        places
    }

    /// Where `found` is: its address and the name of its interface. Label and prefix do not matter.
    fn of(&self, found: &Address) -> Option<Place<'a>> {
        let name = *self.names.get(&found.interface)?;
        Some((found.address, name))
    }

    /// What is found on each place.
    fn sort<'f>(&self, found: &'f [Address]) -> HashMap<Place<'a>, Vec<&'f Address>> {
        let mut there: HashMap<_, Vec<_>> = HashMap::new();
        for address in found {
            if let Some(place) = self.of(address) {
                there.entry(place).or_default().push(address);
            }
        }
        there
    }

    fn resolve(&self, wanted: &Assignment) -> Option<Address> {
        let link = *self.links.get(wanted.interface.as_str())?;
        Some(wanted.on(link))
    }
}

/// An address on an interface of this name.
type Place<'a> = (IpAddr, &'a str);

fn place(wanted: &Assignment) -> Place<'_> {
    (wanted.address, wanted.interface.as_str())
}

/// The changes that bring up every one of `wanted` as it is wanted, and nothing twice.
#[must_use]
pub fn plan_raise(wanted: &[Assignment], found: &[Address], links: &[Link]) -> Vec<Change> {
    let places = Places::new(links);
    let there = places.sort(found);
    let mut changes = Vec::new();
    let mut planned = HashSet::new();
    for assignment in wanted {
        let Some(address) = places.resolve(assignment) else {
            continue;
        };
        let there = there.get(&place(assignment)).map_or(&[][..], Vec::as_slice);
        let is_there = there.iter().any(|found| is_as_wanted(found, &address));
        if !is_there && planned.insert(address.clone()) {
            changes.extend(replacement(there, address));
        }
    }
    changes
}

/// Puts `address` where `old` ones of the same address are. The kernel takes an IPv4 address twice if the
/// prefixes differ: then there is no moment without it. It refuses a second one that differs in its label
/// alone, and any second IPv6 one on the same interface: then the old one goes first, in the same message.
fn replacement(old: &[&Address], address: Address) -> Vec<Change> {
    let is_possible = |old: &&Address| old.address.is_ipv4() && old.prefix != address.prefix;
    let add_first = old.iter().all(is_possible);
    let mut changes: Vec<Change> = old
        .iter()
        .map(|old| Change::Remove((*old).clone()))
        .collect();
    let place = if add_first { 0 } else { changes.len() };
    changes.insert(place, Change::Add(address));
    changes
}

/// Whether `found` has the prefix and the label of `wanted`, no other end, and is usable.
fn is_as_wanted(found: &Address, wanted: &Address) -> bool {
    // A renamed interface renames what stands before the colon.
    let alias = |it: &Address| {
        let label = it.label.as_deref().and_then(|label| label.split_once(':'));
        label.map(|(_, alias)| alias.to_owned())
    };
    found.prefix == wanted.prefix
        && found.peer.is_none()
        && found.flags & DAD_FAILED == 0
        && (found.address.is_ipv6() || alias(found) == alias(wanted))
}

/// Those of `wanted` that are there, whatever prefix and label they have.
#[must_use]
pub fn present(wanted: &[Assignment], found: &[Address], links: &[Link]) -> Vec<Assignment> {
    let places = Places::new(links);
    let there: HashSet<Place<'_>> = found.iter().filter_map(|it| places.of(it)).collect();
    let present = wanted.iter().filter(|it| there.contains(&place(it)));
    present.cloned().collect()
}

/// Those of `wanted` that are missing on their interface, whatever prefix and label they should have. An
/// address whose interface is missing is not among them.
#[must_use]
pub fn missing(wanted: &[Assignment], found: &[Address], links: &[Link]) -> Vec<Assignment> {
    let places = Places::new(links);
    let there: HashSet<Place<'_>> = found.iter().filter_map(|it| places.of(it)).collect();
    let missing = wanted.iter().filter(|it| !there.contains(&place(it)));
    let missing = missing.filter(|it| places.resolve(it).is_some());
    missing.cloned().collect()
}

/// The changes that take down every one of `unwanted` that is there, as it is there. Those go first that
/// are not the first of their subnet, so that the kernel promotes nothing that goes.
#[must_use]
pub fn plan_drop(unwanted: &[Assignment], found: &[Address], links: &[Link]) -> Vec<Change> {
    let places = Places::new(links);
    let unwanted: HashSet<Place<'_>> = unwanted.iter().map(place).collect();
    let is_unwanted = |it: &&Address| places.of(it).is_some_and(|it| unwanted.contains(&it));
    let mut left_over: Vec<&Address> = found.iter().filter(is_unwanted).collect();
    left_over.sort_by_key(|it| !is_secondary(it));
    left_over.into_iter().cloned().map(Change::Remove).collect()
}

/// The changes that make each of `own` that has come back the first of its subnet again, where one of
/// `held` is. Otherwise what the director itself sends would come from the virtual address.
#[must_use]
pub fn plan_precedence(
    held: &[Assignment],
    own: &[IpAddr],
    found: &[Address],
    links: &[Link],
) -> Vec<Change> {
    let behind = found
        .iter()
        .filter(|it| own.contains(&it.address) && is_secondary(it));
    let subnets: HashSet<Subnet> = behind.map(subnet).collect();
    if subnets.is_empty() {
        return Vec::new();
    }
    let before: Vec<Change> = plan_drop(held, found, links)
        .into_iter()
        .filter(|change| matches!(change, Change::Remove(it) if subnets.contains(&subnet(it))))
        .collect();
    let is_first = |change: &Change| matches!(change, Change::Remove(it) if !is_secondary(it));
    if !before.iter().any(is_first) {
        return Vec::new();
    }
    let again: Vec<Change> = before.iter().filter_map(put_back).collect();
    before.into_iter().chain(again).collect()
}

fn put_back(change: &Change) -> Option<Change> {
    match change {
        Change::Remove(it) => Some(Change::Add(Address {
            flags: 0,
            ..it.clone()
        })),
        _ => None,
    }
}

fn is_secondary(address: &Address) -> bool {
    address.address.is_ipv4() && address.flags & SECONDARY != 0
}

/// Interface, network, length of the prefix.
type Subnet = (u32, IpAddr, u8);

fn subnet(address: &Address) -> Subnet {
    let network = match address.peer.unwrap_or(address.address) {
        IpAddr::V4(ip) => broadcast(ip, address.prefix).into(),
        other @ IpAddr::V6(_) => other,
    };
    (address.interface, network, address.prefix)
}

/// Those of `changes` that go to the kernel in one message, in order. When the first IPv4 address of a
/// subnet is removed, the kernel removes the others, whoever's they are. So each message switches their
/// promotion on and off again. The kernel carries a message out whole, whatever becomes of the sender.
#[must_use]
pub fn batches(changes: Vec<Change>, links: &[Link]) -> Vec<Vec<Change>> {
    let takes_along = |index: u32| {
        let mut links = links.iter();
        links.any(|link| link.index == index && link.promotes == Some(false))
    };
    let mut batches: Vec<Vec<Change>> = Vec::new();
    for change in changes {
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH || belongs(batch, &change) => batch.push(change),
            _ => batches.push(vec![change]),
        }
    }
    for batch in &mut batches {
        let removed = batch.iter().filter_map(|change| match change {
            Change::Remove(it) if it.address.is_ipv4() && it.prefix < 32 => Some(it.interface),
            _ => None,
        });
        let mut interfaces: BTreeSet<u32> = removed.collect();
        interfaces.retain(|index| takes_along(*index));
        let switch = |on| interfaces.iter().map(move |it| Change::Promote(*it, on));
        let (on, off): (Vec<_>, Vec<_>) = (switch(true).collect(), switch(false).collect());
        batch.splice(0..0, on);
        batch.extend(off);
    }
    batches
}

/// Whether `change` is the second half of a replacement whose first half ends `batch`.
fn belongs(batch: &[Change], change: &Change) -> bool {
    match (batch.last(), change) {
        (Some(Change::Remove(old)), Change::Add(new))
        | (Some(Change::Add(new)), Change::Remove(old)) => old.address == new.address,
        _ => false,
    }
}

/// The changes that take down those of `unwanted` that a perhaps incomplete list lacks: as they were
/// raised, under any label.
#[must_use]
pub fn plan_drop_unseen(unwanted: &[Assignment], found: &[Address], links: &[Link]) -> Vec<Change> {
    let places = Places::new(links);
    let seen: HashSet<Place<'_>> = found.iter().filter_map(|it| places.of(it)).collect();
    let unseen = unwanted.iter().filter(|it| !seen.contains(&place(it)));
    unseen
        .filter_map(|wanted| places.resolve(wanted))
        .map(|address| {
            Change::Remove(Address {
                label: None,
                ..address
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
