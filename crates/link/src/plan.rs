//! Which addresses are missing on the interfaces and which are left over. Pure.
//!
//! An address that is there already, whoever put it there, is adopted: the plan of an applied plan
//! is empty.

use std::collections::{BTreeMap, HashSet};
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
        Some(self.on(link))
    }

    fn on(&self, link: &Link) -> Address {
        Address {
            interface: link.index,
            address: self.address,
            prefix: self.prefix,
            // IPv6 has no labels.
            label: self.address.is_ipv4().then(|| self.label.clone()),
            // The partner may still have it for a moment: detection must not block a takeover.
            flags: if self.address.is_ipv6() { NO_DAD } else { 0 },
        }
    }
}

/// The interfaces by number and by name, each lookup the same for ten and for a thousand.
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

    /// Where `found` is: the address and the name of its interface; label and prefix do not matter.
    fn of(&self, found: &Address) -> Option<Place<'a>> {
        let name = *self.names.get(&found.interface)?;
        Some((found.address, name))
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

/// What brings up every one of `wanted`, and nothing twice.
#[must_use]
pub fn plan_raise(wanted: &[Assignment], found: &[Address], links: &[Link]) -> Vec<Change> {
    let places = Places::new(links);
    let there: HashSet<Place<'_>> = found.iter().filter_map(|it| places.of(it)).collect();
    let missing = wanted.iter().filter(|it| !there.contains(&place(it)));
    let mut planned = HashSet::new();
    missing
        .filter_map(|it| places.resolve(it))
        .filter(|address| planned.insert(address.clone()))
        .map(Change::Add)
        .collect()
}

/// What takes down every one of `unwanted` that is there, as it is there.
#[must_use]
pub fn plan_drop(unwanted: &[Assignment], found: &[Address], links: &[Link]) -> Vec<Change> {
    let places = Places::new(links);
    let unwanted: HashSet<Place<'_>> = unwanted.iter().map(place).collect();
    let is_unwanted = |it: &&Address| places.of(it).is_some_and(|it| unwanted.contains(&it));
    let left_over = found.iter().filter(is_unwanted).cloned();
    left_over.map(Change::Remove).collect()
}

/// What takes down those of `unwanted` that a list lacks which may be incomplete: as they were raised,
/// under whatever label.
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

    /// The same plans by searching the lists from the front.
    mod searched {
        use super::*;

        fn is(wanted: &Assignment, found: &Address, links: &[Link]) -> bool {
            let on = links.iter().find(|link| link.index == found.interface);
            found.address == wanted.address && on.is_some_and(|on| on.name == wanted.interface)
        }

        pub fn raise(wanted: &[Assignment], found: &[Address], links: &[Link]) -> Vec<Change> {
            let mut changes = Vec::new();
            for assignment in wanted {
                let there = found.iter().any(|address| is(assignment, address, links));
                let change = assignment.resolve(links).map(Change::Add);
                if !there && !change.as_ref().is_some_and(|it| changes.contains(it)) {
                    changes.extend(change);
                }
            }
            changes
        }

        pub fn drop(unwanted: &[Assignment], found: &[Address], links: &[Link]) -> Vec<Change> {
            let is_unwanted = |it: &&Address| unwanted.iter().any(|one| is(one, it, links));
            let left_over = found.iter().filter(is_unwanted);
            left_over.cloned().map(Change::Remove).collect()
        }

        pub fn unseen(unwanted: &[Assignment], found: &[Address], links: &[Link]) -> Vec<Change> {
            let is_seen = |one: &Assignment| found.iter().any(|it| is(one, it, links));
            let unseen = unwanted.iter().filter(|one| !is_seen(one));
            let raised = unseen.filter_map(|one| one.resolve(links));
            raised
                .map(|address| {
                    Change::Remove(Address {
                        label: None,
                        ..address
                    })
                })
                .collect()
        }
    }

    /// xorshift64*: small, seeded, the same everywhere.
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: u8) -> u8 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
            u8::try_from(number % u64::from(limit)).unwrap()
        }

        fn assignments(&mut self) -> Vec<Assignment> {
            let count = self.below(12);
            let one = |random: &mut Self| {
                let host = random.below(6);
                let interface = format!("eth{}", random.below(4));
                let label = format!("{interface}:{}", random.below(2));
                let address = if host < 4 {
                    format!("10.1.0.{host}")
                } else {
                    format!("2001:db8::{host}")
                };
                wanted(&address, 24, &label)
            };
            (0..count).map(|_| one(self)).collect()
        }

        /// Interfaces 1 to 4, some missing, some of the same name while one is renamed.
        fn links(&mut self) -> Vec<Link> {
            let count = self.below(5);
            let one = |random: &mut Self| Link {
                index: u32::from(random.below(4)) + 1,
                name: format!("eth{}", random.below(4)),
                mac: None,
                running: true,
            };
            (0..count).map(|_| one(self)).collect()
        }
    }

    #[test]
    fn plans_are_those_of_a_search_through_the_lists() {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        for round in 0..20_000 {
            let (wanted, links) = (random.assignments(), random.links());
            let there = random.assignments();
            let mut found: Vec<Address> =
                there.iter().filter_map(|it| it.resolve(&links)).collect();
            for address in &mut found {
                address.interface = u32::from(random.below(5));
            }
            let by_search = searched::raise(&wanted, &found, &links);
            assert_eq!(plan_raise(&wanted, &found, &links), by_search, "{round}");
            let by_search = searched::drop(&wanted, &found, &links);
            assert_eq!(plan_drop(&wanted, &found, &links), by_search, "{round}");
            let by_search = searched::unseen(&wanted, &found, &links);
            assert_eq!(
                plan_drop_unseen(&wanted, &found, &links),
                by_search,
                "{round}"
            );
        }
    }
}
