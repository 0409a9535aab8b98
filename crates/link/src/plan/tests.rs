use lvs_model::Random;

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
            up: true,
            running: true,
            promotes: Some(false),
            takes_ipv6: true,
            has_neighbours: true,
        })
        .to_vec()
}

/// The kernel's addresses: which is the first of its subnet, and what goes with it.
#[derive(Default)]
struct Kernel {
    addresses: Vec<Address>,
    /// Interfaces whose secondary addresses are promoted.
    promoting: BTreeSet<u32>,
}

impl Kernel {
    fn add(&mut self, new: &Address) {
        let same = |it: &&Address| it.interface == new.interface && it.address == new.address;
        let is_known = |it: &Address| new.address.is_ipv6() || it.prefix == new.prefix;
        if self.addresses.iter().filter(same).any(is_known) {
            return;
        }
        let mut new = new.clone();
        let mut others = self.addresses.iter();
        if new.address.is_ipv4() && others.any(|it| subnet(it) == subnet(&new)) {
            new.flags |= SECONDARY;
        }
        self.addresses.push(new);
    }

    fn remove(&mut self, old: &Address) {
        let is_it = |it: &Address| {
            let place = (it.interface, it.address, it.prefix, it.peer);
            place == (old.interface, old.address, old.prefix, old.peer)
                && (old.label.is_none() || it.label == old.label)
        };
        let Some(place) = self.addresses.iter().position(is_it) else {
            return;
        };
        let old = self.addresses.remove(place);
        if old.address.is_ipv6() || is_secondary(&old) {
            return;
        }
        if self.promoting.contains(&old.interface) {
            let mut others = self.addresses.iter_mut();
            if let Some(next) = others.find(|it| subnet(it) == subnet(&old)) {
                next.flags &= !SECONDARY;
            }
        } else {
            self.addresses.retain(|it| subnet(it) != subnet(&old));
        }
    }

    fn apply(&mut self, changes: Vec<Change>, links: &[Link]) {
        let promoting = links.iter().filter(|it| it.promotes == Some(true));
        self.promoting = promoting.map(|it| it.index).collect();
        for change in batches(changes, links).iter().flatten() {
            match change {
                Change::Add(it) => self.add(it),
                Change::Remove(it) => self.remove(it),
                Change::Promote(interface, true) => assert!(self.promoting.insert(*interface)),
                Change::Promote(interface, false) => assert!(self.promoting.remove(interface)),
            }
        }
        let promoting = links.iter().filter(|it| it.promotes == Some(true));
        assert_eq!(
            self.promoting,
            promoting.map(|it| it.index).collect(),
            "as it was"
        );
    }

    fn raise(&mut self, wanted: &[Assignment], links: &[Link]) {
        self.apply(plan_raise(wanted, &self.addresses, links), links);
    }

    fn drop(&mut self, unwanted: &[Assignment], links: &[Link]) {
        self.apply(plan_drop(unwanted, &self.addresses, links), links);
    }

    /// What is there, label or `secondary` behind it.
    fn shown(&self) -> Vec<String> {
        let show = |it: &Address| {
            let rank = if is_secondary(it) { " secondary" } else { "" };
            let label = it.label.as_deref().unwrap_or("-");
            format!("{}/{} {label}{rank}", it.address, it.prefix)
        };
        self.addresses.iter().map(show).collect()
    }
}

#[test]
fn an_applied_plan_leaves_nothing_to_plan() {
    let wanted = [
        wanted("10.1.0.50", 24, "eth0:1"),
        wanted("2001:db8::50", 128, "eth0"),
        wanted("10.2.0.254", 24, "eth1:1"),
    ];
    let mut kernel = Kernel::default();
    kernel.raise(&wanted[..1], &links());
    assert_eq!(kernel.shown(), ["10.1.0.50/24 eth0:1"]);
    let changes = plan_raise(&wanted, &kernel.addresses, &links());
    assert_eq!(changes.len(), 2);
    kernel.apply(changes, &links());
    assert_eq!(plan_raise(&wanted, &kernel.addresses, &links()), []);
    assert_eq!(missing(&wanted, &kernel.addresses, &links()), []);
    kernel.drop(&wanted, &links());
    assert_eq!(kernel.addresses, []);
    assert_eq!(missing(&wanted, &kernel.addresses, &links()), wanted);
}

/// The address of `10.1.0.50/24 eth0:1` after lvs.cf says otherwise, and what was sent to the kernel.
fn changed(there: &[Assignment], now: Assignment) -> (Vec<String>, Vec<Change>) {
    let mut kernel = Kernel::default();
    kernel.raise(there, &links());
    let changes = plan_raise(std::slice::from_ref(&now), &kernel.addresses, &links());
    kernel.apply(changes.clone(), &links());
    assert_eq!(plan_raise(&[now], &kernel.addresses, &links()), []);
    (kernel.shown(), changes)
}

#[test]
fn another_prefix_is_there_before_the_old_one_goes() {
    let there = [wanted("10.1.0.50", 32, "eth0:1")];
    let (shown, changes) = changed(&there, wanted("10.1.0.50", 24, "eth0:1"));
    assert_eq!(shown, ["10.1.0.50/24 eth0:1"]);
    assert!(matches!(changes[..], [Change::Add(_), Change::Remove(_)]));
    let there = [wanted("2001:db8::50", 128, "eth0")];
    let (shown, changes) = changed(&there, wanted("2001:db8::50", 64, "eth0"));
    assert_eq!(shown, ["2001:db8::50/64 -"]);
    assert!(matches!(changes[..], [Change::Remove(_), Change::Add(_)]));
}

#[test]
fn another_label_is_put_there_and_leaves_the_others_of_the_subnet() {
    let there = [
        wanted("10.1.0.50", 24, "eth0:1"),
        wanted("10.1.0.51", 24, "eth0:2"),
    ];
    let (shown, changes) = changed(&there, wanted("10.1.0.50", 24, "eth0:9"));
    let expected = ["10.1.0.51/24 eth0:2", "10.1.0.50/24 eth0:9 secondary"];
    assert_eq!(shown, expected);
    assert!(matches!(changes[..], [Change::Remove(_), Change::Add(_)]));
}

#[test]
fn an_address_with_another_end_is_made_a_plain_one() {
    let plain = wanted("10.1.0.50", 32, "eth0:1");
    let mut kernel = Kernel::default();
    kernel.add(&Address {
        peer: "10.1.0.9".parse().ok(),
        ..plain.resolve(&links()).unwrap()
    });
    let ours = [plain];
    kernel.raise(&ours, &links());
    assert_eq!(kernel.addresses.len(), 1);
    assert_eq!(kernel.addresses[0].peer, None);
    kernel.addresses[0].peer = "10.1.0.9".parse().ok();
    kernel.drop(&ours, &links());
    assert_eq!(kernel.addresses, []);
}

#[test]
fn a_label_that_followed_its_renamed_interface_is_left() {
    let mut kernel = Kernel::default();
    kernel.raise(&[wanted("10.1.0.50", 24, "lan0:1")], &renamed());
    let mut held = wanted("10.1.0.50", 24, "eth0:1");
    held.interface = "lan0".to_owned();
    assert_eq!(plan_raise(&[held], &kernel.addresses, &renamed()), []);
}

fn renamed() -> Vec<Link> {
    let mut links = links();
    links[1].name = "lan0".to_owned();
    links
}

#[test]
fn the_first_of_a_subnet_goes_and_the_others_stay() {
    let ours = [
        wanted("10.1.0.50", 24, "eth0:1"),
        wanted("10.1.0.51", 24, "eth0:2"),
    ];
    let mut kernel = Kernel::default();
    kernel.raise(&ours, &links());
    kernel.add(&wanted("10.1.0.1", 24, "eth0").resolve(&links()).unwrap());
    kernel.drop(&ours, &links());
    assert_eq!(kernel.shown(), ["10.1.0.1/24 eth0"]);
}

#[test]
fn promotion_is_left_alone_where_it_is_on_and_where_nothing_can_go_along() {
    let mut links = links();
    let remove = |prefix| {
        let address = wanted("10.1.0.50", prefix, "eth0:1").resolve(&links);
        vec![Change::Remove(address.unwrap())]
    };
    let (first, alone) = (remove(24), remove(32));
    let switched = batches(first.clone(), &links);
    let on_and_off = [Change::Promote(2, true), Change::Promote(2, false)];
    assert_eq!(switched[0].first(), on_and_off.first());
    assert_eq!(switched[0].last(), on_and_off.last());
    assert_eq!(batches(alone.clone(), &links), [alone]);
    links[1].promotes = Some(true);
    assert_eq!(batches(first.clone(), &links), [first]);
}

#[test]
fn a_replacement_is_one_message() {
    let address = wanted("10.1.0.50", 24, "eth0:1").resolve(&links()).unwrap();
    let other = wanted("10.1.0.51", 24, "eth0:2").resolve(&links()).unwrap();
    let mut changes = vec![Change::Add(other.clone()); 63];
    changes.push(Change::Remove(address.clone()));
    changes.push(Change::Add(address));
    changes.push(Change::Add(other));
    let lengths: Vec<usize> = batches(changes, &links()).iter().map(Vec::len).collect();
    assert_eq!(lengths, [65 + 2, 1]);
}

#[test]
fn the_directors_own_address_is_the_first_of_its_subnet_again() {
    let own = "10.1.0.1".parse().unwrap();
    let held = [
        wanted("10.1.0.50", 24, "eth0:1"),
        wanted("10.1.0.51", 24, "eth0:2"),
        wanted("10.1.0.52", 32, "eth0:3"),
    ];
    let mut kernel = Kernel::default();
    kernel.raise(&held, &links());
    let plan = |kernel: &Kernel| plan_precedence(&held, &[own], &kernel.addresses, &links());
    assert_eq!(plan(&kernel), [], "it is away");
    kernel.add(&wanted("10.1.0.1", 24, "eth0").resolve(&links()).unwrap());
    kernel.apply(plan(&kernel), &links());
    let expected = [
        "10.1.0.52/32 eth0:3",
        "10.1.0.1/24 eth0",
        "10.1.0.51/24 eth0:2 secondary",
        "10.1.0.50/24 eth0:1 secondary",
    ];
    assert_eq!(kernel.shown(), expected);
    assert_eq!(plan(&kernel), []);
    // Behind an address that is not ours it stays.
    let mut kernel = Kernel::default();
    kernel.add(&wanted("10.1.0.7", 24, "eth0").resolve(&links()).unwrap());
    kernel.add(&wanted("10.1.0.1", 24, "eth0").resolve(&links()).unwrap());
    assert_eq!(plan(&kernel), []);
}

/// Interfaces 1 to 4, each once.
fn whole(links: &mut Vec<Link>) {
    links.sort_by_key(|it| it.index);
    links.dedup_by_key(|it| it.index);
    links.sort_by(|a, b| a.name.cmp(&b.name));
    links.dedup_by(|a, b| a.name == b.name);
}

#[test]
fn whatever_was_there_everything_wanted_is_and_only_that_goes() {
    for seed in testkit::seeds(20_000) {
        let mut random = Generator(Random::new(seed));
        let mut links = random.links();
        whole(&mut links);
        for link in &mut links {
            link.promotes = Some(random.below(2) == 0);
        }
        let mut kernel = Kernel::default();
        // A second wish for the same address with another prefix or label takes the place of the first.
        let mut ours = random.assignments();
        ours.sort_by_key(|it| (it.address, it.interface.clone()));
        ours.dedup_by_key(|it| (it.address, it.interface.clone()));
        for there in random.assignments() {
            if let Some(address) = there.resolve(&links) {
                kernel.add(&address);
            }
        }
        let is_ours = |it: &Address| {
            let name = |link: &&Link| link.index == it.interface;
            let name = links.iter().find(name).map(|link| link.name.clone());
            ours.iter()
                .any(|one| one.address == it.address && Some(&one.interface) == name.as_ref())
        };
        let place = |it: &Address| (it.interface, it.address, it.prefix, it.label.clone());
        let foreign = |kernel: &Kernel| {
            let others = kernel.addresses.iter().filter(|it| !is_ours(it));
            others.map(place).collect::<Vec<_>>()
        };
        let before = foreign(&kernel);
        kernel.raise(&ours, &links);
        assert_eq!(plan_raise(&ours, &kernel.addresses, &links), []);
        assert_eq!(foreign(&kernel), before);
        kernel.drop(&ours, &links);
        let left: Vec<_> = kernel.addresses.iter().map(place).collect();
        assert_eq!(left, before);
    }
}

#[test]
fn only_the_address_on_its_own_interface_is_taken_down() {
    let elsewhere = Address {
        interface: 3,
        address: "10.1.0.50".parse().unwrap(),
        peer: None,
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
        let mut planned = Vec::new();
        for assignment in wanted {
            let Some(new) = assignment.resolve(links) else {
                continue;
            };
            let there = found.iter().filter(|it| is(assignment, it, links));
            let there: Vec<&Address> = there.collect();
            if !there.iter().any(|it| is_as_wanted(it, &new)) && !planned.contains(&new) {
                planned.push(new.clone());
                changes.extend(replacement(&there, new));
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

/// Addresses and interfaces from a seed.
struct Generator(Random);

impl Generator {
    fn below(&mut self, limit: u8) -> u8 {
        u8::try_from(self.0.below(u64::from(limit))).unwrap()
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
            let prefix = [24, 32, 64][usize::from(random.below(2)) + usize::from(host >= 4)];
            wanted(&address, prefix, &label)
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
            up: true,
            running: true,
            promotes: Some(false),
            takes_ipv6: true,
            has_neighbours: true,
        };
        (0..count).map(|_| one(self)).collect()
    }
}

#[test]
fn plans_are_those_of_a_search_through_the_lists() {
    for seed in testkit::seeds(20_000) {
        let mut random = Generator(Random::new(seed));
        let (wanted, links) = (random.assignments(), random.links());
        let there = random.assignments();
        let mut found: Vec<Address> = there.iter().filter_map(|it| it.resolve(&links)).collect();
        for address in &mut found {
            address.interface = u32::from(random.below(5));
        }
        let by_search = searched::raise(&wanted, &found, &links);
        assert_eq!(plan_raise(&wanted, &found, &links), by_search);
        let by_search = searched::drop(&wanted, &found, &links);
        assert_eq!(plan_drop(&wanted, &found, &links), by_search);
        let by_search = searched::unseen(&wanted, &found, &links);
        assert_eq!(plan_drop_unseen(&wanted, &found, &links), by_search);
    }
}
