//! Random lives among faults of every kind: when they are over, the table is what the nannies say.

use std::collections::BTreeMap;
use std::net::IpAddr;

use control::{Order, Phase, Place};
use lvs_config::{Config, ManualWeight};
use lvs_model::{IpvsOp, Weight};

use super::random::{Dice, check_rest, live, random_file};
use super::world::*;
use crate::{Monitor, NannyId, NannyOptions, RefusalKind, SiteDestination, StartError, Table};

/// Services by address, and one mark whose two blocks share servers.
fn file(dice: &mut Dice) -> Config {
    let mut file = random_file(dice);
    for (name, port) in [("m1", 80), ("m2", 443)] {
        if dice.is(3) {
            continue;
        }
        let mut servers = Vec::new();
        for last in 1..=3 {
            if !dice.is(3) {
                let real = server(&format!("m{last}"), &format!("10.0.7.{last}"), port);
                servers.push(weighing(real, dice.below(3)));
            }
        }
        let mut new = block(name, "192.0.2.7", port, servers);
        new.quiesce = dice.is(3);
        new.sorry_server = dice.is(2).then(|| address("10.0.9.9"));
        file.virtuals.push(marked(5, new));
    }
    file
}

fn misfortune(world: &mut World, dice: &mut Dice) {
    match dice.below(14) {
        0 => {
            world.start_error = dice.is(2).then(|| StartError {
                is_shortage: dice.is(2),
                reason: "no".into(),
            });
        }
        1 => world.table_error = dice.is(2).then(|| "no".into()),
        2 => {
            let all = ["-a", "-d", "-e", "-A", "-E", "-D", "--set"];
            let one = dice.pick(&all);
            world.refused = dice.is(2).then(|| one.into());
        }
        3 => {
            let kinds = [RefusalKind::Failed, RefusalKind::Outdated];
            world.fault_in = Some((dice.below(3) as usize, dice.pick(&kinds)));
        }
        4 => {
            world.nannies_end = !dice.is(3);
            world.nannies_die = !dice.is(4);
        }
        5 => world.pass_in_silence(f64::from(dice.below(100)) / 10.0),
        6 => world.reload(file(dice)),
        7 => meddle(world, dice),
        _ => live(world, dice),
    }
}

/// Somebody else deletes or edits one of the services.
fn meddle(world: &mut World, dice: &mut Dice) {
    let services: Vec<_> = world.kernel.services().cloned().collect();
    let Some(count) = u32::try_from(services.len()).ok().filter(|n| *n > 0) else {
        return;
    };
    let one = &services[dice.below(count) as usize];
    let key = one.service.key;
    let op = match (dice.below(3), one.destinations.first()) {
        (0, _) => IpvsOp::DeleteService(key),
        (1, Some(destination)) => IpvsOp::DeleteDestination(key, destination.key),
        _ => {
            let mut other = one.service.clone();
            other.scheduler = "sed".parse().unwrap();
            IpvsOp::EditService(other)
        }
    };
    world.kernel.follow(&op);
}

/// What tells one check from another.
type Checked = (IpAddr, u16, IpAddr);

fn checked(options: &NannyOptions) -> Checked {
    (options.rip, options.check_port(), options.vip)
}

/// Every nanny says that its server is up or down.
fn last_words(world: &mut World, dice: &mut Dice) -> BTreeMap<Checked, bool> {
    let mut verdicts = BTreeMap::new();
    let nannies: Vec<NannyId> = world.nannies.keys().copied().collect();
    for nanny in nannies {
        let running = &world.nannies[&nanny];
        let told = running.orders.iter().rev().find_map(|order| match order {
            Order::Target(weight) => Some(*weight),
            Order::Adopt(_) | Order::Check => None,
        });
        let target = told.unwrap_or(running.options.weight);
        let quiesced = if running.options.quiesce {
            Place::In(Weight::ZERO)
        } else {
            Place::Out
        };
        let is_up = !dice.is(3);
        verdicts.insert(checked(&running.options), is_up);
        match is_up {
            true => world.say(nanny, Phase::Up, Place::In(target)),
            false => world.say(nanny, Phase::Down, quiesced),
        }
    }
    verdicts
}

fn is_up(destination: &SiteDestination, verdicts: &BTreeMap<Checked, bool>) -> bool {
    let is_good = |monitor: &Monitor| verdicts[&checked(&monitor.options)];
    destination.monitors.iter().all(is_good)
}

fn check_table(world: &World, verdicts: &BTreeMap<Checked, bool>) {
    let site = world.lvsd.site();
    for service in &site.services {
        let table = &world.kernel;
        let key = service.service.key;
        for destination in &service.destinations {
            let found = table.destination(&key, &destination.destination.key);
            let found = found.map(|found| found.weight);
            let weights = destination.monitors.iter().map(|m| m.options.weight);
            let is_by_hand =
                found == Some(Weight::ZERO) || site.manual_weight == ManualWeight::Keep;
            let is_right = match found {
                None => !is_up(destination, verdicts),
                Some(_) if is_up(destination, verdicts) => found == weights.min() || is_by_hand,
                Some(weight) => destination.quiesce && weight == Weight::ZERO,
            };
            assert!(is_right, "{destination:?} has {found:?}");
        }
        let serves = service.destinations.iter().any(|d| is_up(d, verdicts));
        if let Some(sorry) = &service.sorry {
            let found = table.destination(&key, &sorry.destination.key);
            assert_eq!(found.is_some(), !serves, "{sorry:?}");
        }
    }
}

#[test]
fn whatever_was_refused_or_hung_the_table_follows_the_nannies_when_it_is_over() {
    for seed in testkit::seeds(200) {
        let mut dice = Dice::new(seed);
        let mut world = World::start(file(&mut dice), Table::new());
        for _ in 0..80 {
            misfortune(&mut world, &mut dice);
        }
        assert_eq!(world.exit, None);
        world.end_faults();
        world.pass(200.0);
        let verdicts = last_words(&mut world, &mut dice);
        world.pass(20.0);
        check_table(&world, &verdicts);
        check_rest(&mut world);
    }
}
