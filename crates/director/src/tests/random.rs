//! Random tables and random lives: what must hold whatever happens.

use control::{Phase, Place};
use ipvs::Ipvs;
use lvs_config::{Config, ManualWeight};
use lvs_model::{
    Destination, DestinationKey, FwMark, IpvsOp, Protocol, Random, ServiceKey, VirtualService,
};
use testkit::FakeIpvs;

use super::world::*;
use crate::{Input, NannyId, Table, TableService, plan};

/// Tables from a seed.
pub struct Dice(Random);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(Random::new(seed))
    }

    pub fn below(&mut self, limit: u32) -> u32 {
        u32::try_from(self.0.below(u64::from(limit))).unwrap()
    }

    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        self.0.pick(choices)
    }

    pub fn is(&mut self, one_in: u32) -> bool {
        self.below(one_in) == 0
    }

    fn key(&mut self) -> ServiceKey {
        if self.is(4) {
            return ServiceKey::FwMark {
                mark: FwMark::new(1 + self.below(2)).unwrap(),
                family: lvs_model::AddressFamily::Inet,
            };
        }
        ServiceKey::Address {
            protocol: self.pick(&[Protocol::Tcp, Protocol::Udp]),
            address: address(&format!("192.0.2.{}", 1 + self.below(3))),
            port: 80,
        }
    }

    fn service(&mut self) -> TableService {
        let mut service = VirtualService::new(self.key());
        service.scheduler = self.pick(&["rr", "wlc"]).parse().unwrap();
        service.persistence = (self.is(2)).then_some(60);
        let mut destinations: Vec<Destination> = Vec::new();
        for last in 1..=3 {
            if self.is(2) {
                let mut destination = Destination::new(DestinationKey {
                    address: address(&format!("10.0.0.{last}")),
                    port: 80,
                });
                destination.weight = weight(self.below(3));
                destinations.push(destination);
            }
        }
        TableService {
            service,
            destinations,
        }
    }

    /// Services with different keys.
    fn services(&mut self) -> Vec<TableService> {
        let mut services: Vec<TableService> = Vec::new();
        for _ in 0..self.below(5) {
            let new = self.service();
            if services.iter().all(|s| s.service.key != new.service.key) {
                services.push(new);
            }
        }
        services
    }
}

fn fill(kernel: &mut FakeIpvs, services: &[TableService]) {
    for service in services {
        let key = service.service.key;
        let add = |d: &Destination| IpvsOp::AddDestination(key, *d);
        let mut ops = vec![IpvsOp::AddService(service.service.clone())];
        ops.extend(service.destinations.iter().map(add));
        assert_eq!(kernel.apply(&ops).unwrap(), []);
    }
}

fn read(kernel: &mut FakeIpvs) -> Table {
    let entries = kernel.services().unwrap();
    let read = |entry: lvs_model::ServiceEntry| TableService {
        destinations: kernel
            .destinations(&entry.service.key)
            .unwrap()
            .into_iter()
            .map(|entry| entry.destination)
            .collect(),
        service: entry.service,
    };
    entries.into_iter().map(read).collect()
}

#[test]
fn an_applied_plan_leaves_nothing_to_plan_and_foreign_services_alone() {
    for seed in testkit::seeds(3000) {
        let mut dice = Dice::new(seed);
        let (found, wanted) = (dice.services(), dice.services());
        let is_wanted = |s: &&TableService| wanted.iter().any(|w| w.service.key == s.service.key);
        let others = found.iter().filter(|s| !is_wanted(s));
        let (given_up, foreign): (Vec<_>, Vec<_>) = others.partition(|_| dice.is(2));
        let given_up: Vec<ServiceKey> = given_up.iter().map(|s| s.service.key).collect();

        let mut kernel = FakeIpvs::default();
        fill(&mut kernel, &found);
        let ops = plan(&wanted, &read(&mut kernel), &given_up);
        assert_eq!(kernel.apply(&ops).unwrap(), [], "{ops:?}");

        let after = read(&mut kernel);
        assert_eq!(plan(&wanted, &after, &given_up), []);
        assert_eq!(after.len(), wanted.len() + foreign.len());
        for service in foreign {
            let untouched = after
                .get(&service.service.key)
                .map(|s| s.destinations.len());
            assert_eq!(untouched, Some(service.destinations.len()));
        }
        let takes_away = |op: &IpvsOp| match op {
            IpvsOp::DeleteService(_) | IpvsOp::DeleteDestination(..) => true,
            IpvsOp::EditDestination(_, edited) => edited.weight == weight(0),
            _ => false,
        };
        let first = ops.iter().position(takes_away).unwrap_or(ops.len());
        assert!(
            ops[first..].iter().all(takes_away),
            "additions first: {ops:?}"
        );
    }
}

/// A file with some of two services and some of six servers.
pub fn random_file(dice: &mut Dice) -> Config {
    let mut blocks = Vec::new();
    for (number, port) in [(1, 80), (2, 25)] {
        if dice.is(5) {
            continue;
        }
        let mut servers = Vec::new();
        for last in 1..=3 {
            if !dice.is(3) {
                let rip = format!("10.0.{number}.{last}");
                let weight = 1 + dice.below(3);
                servers.push(weighing(server(&format!("s{last}"), &rip, port), weight));
            }
        }
        let mut new = block("v", &format!("192.0.2.{number}"), port, servers);
        new.quiesce = dice.is(3);
        new.scheduler = dice.pick(&["rr", "wlc"]).parse().unwrap();
        new.sorry_server = dice.is(2).then(|| address("10.0.9.9"));
        blocks.push(new);
    }
    let mut file = config(blocks);
    file.hard_shutdown = false;
    file.manual_weight = dice.pick(&[
        ManualWeight::Drain,
        ManualWeight::Keep,
        ManualWeight::Repair,
    ]);
    file
}

pub fn live(world: &mut World, dice: &mut Dice) {
    let nannies: Vec<NannyId> = world.nannies.keys().copied().collect();
    let nanny = (!nannies.is_empty()).then(|| dice.pick(&nannies));
    match (dice.below(8), nanny) {
        (0 | 1, Some(nanny)) => world.say(nanny, Phase::Up, Place::In(weight(1 + dice.below(4)))),
        (2, Some(nanny)) => world.say(nanny, Phase::Down, Place::Out),
        (3, Some(nanny)) => world.say(nanny, Phase::Down, Place::In(weight(0))),
        (4, Some(nanny)) => {
            let rip = world.nannies[&nanny].options.rip.to_string();
            world.kill(&rip);
        }
        (5, _) => world.reload(random_file(dice)),
        (6, _) => world.pass(f64::from(dice.below(70)) / 10.0),
        _ => {
            // Somebody else empties the table.
            if dice.is(4) {
                world.kernel = Table::new();
            }
            set_a_weight_by_hand(world, dice);
        }
    }
}

fn set_a_weight_by_hand(world: &mut World, dice: &mut Dice) {
    let all = world.kernel.services().flat_map(|service| {
        let key = service.service.key;
        service.destinations.iter().map(move |d| (key, *d))
    });
    let all: Vec<_> = all.collect();
    if !all.is_empty() {
        let (key, destination) = dice.pick(&all);
        let weight = weight(dice.below(4));
        let edited = Destination {
            weight,
            ..destination
        };
        world.kernel.follow(&IpvsOp::EditDestination(key, edited));
    }
}

#[test]
fn whatever_happens_wanted_services_stay_and_the_table_comes_right() {
    for seed in testkit::seeds(150) {
        let mut dice = Dice::new(seed);
        let mut world = World::start(random_file(&mut dice), Table::new());
        for _ in 0..60 {
            let before: Vec<ServiceKey> = world.kernel.services().map(|s| s.service.key).collect();
            world.take_trace();
            live(&mut world, &mut dice);
            assert_eq!(world.exit, None);
            let site = world.lvsd.site();
            let wants = |key: &ServiceKey| site.services.iter().any(|s| s.service.key == *key);
            let kept: Vec<ServiceKey> = before.into_iter().filter(|k| wants(k)).collect();
            let trace = world.take_trace();
            for key in kept {
                let deletion = format!("-D {key}");
                assert!(!trace.contains(&deletion), "{key} was absent in between");
            }
        }
        world.pass(120.0);
        check_rest(&mut world);
        world.feed(Input::Terminate(15));
        assert_eq!((world.exit, world.kernel.len()), (Some(0), 0));
    }
}

/// Long after the last event: every wanted service is there with the settings of the file, every
/// monitor runs, no destination is there that the file does not name, nothing is left to do.
pub fn check_rest(world: &mut World) {
    let site = world.lvsd.site().clone();
    let table = world.table();
    assert_eq!(world.kernel.len(), site.services.len(), "{table:?}");
    let mut monitors = 0;
    for service in &site.services {
        let found = world.kernel.get(&service.service.key).unwrap();
        assert_eq!(found.service, service.service);
        for destination in &found.destinations {
            let real = service
                .destinations
                .iter()
                .any(|d| d.destination.key == destination.key);
            let sorry = service.sorry.as_ref();
            let is_sorry = sorry.is_some_and(|s| s.destination.key == destination.key);
            assert!(real || is_sorry, "{destination}");
        }
        monitors += service
            .destinations
            .iter()
            .flat_map(|d| &d.monitors)
            .count();
    }
    assert_eq!(world.nannies.len(), monitors);
    world.take_trace();
    world.pass(20.0);
    assert_eq!(world.take_ops(), [""; 0]);
}
