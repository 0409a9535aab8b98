//! Many servers: what happens to some costs no more because of the others.

use control::{Phase, Place, Reason, Report, Standing};
use lvs_config::NannyProcesses;
use lvs_model::{Mono, Weight};

use super::world::{World, block, config, server, with_sorry};
use crate::{Action, Input, Lvsd, NannyId, Site, Table};

const VIP: &str = "192.0.2.1";

/// A service with this many real servers that share a nanny process.
fn site(count: usize) -> Site {
    let server_of = |number: usize| {
        let address = format!("10.{}.{}.1", number / 256, number % 256);
        server(&format!("r{number}"), &address, 80)
    };
    let servers = (0..count).map(server_of).collect();
    let mut config = config(vec![block("web", VIP, 80, servers)]);
    config.nannies = NannyProcesses::Shared;
    Site::new(&config, false, false)
}

fn up() -> Report {
    Report::State {
        standing: Standing {
            phase: Phase::Up,
            place: Place::In(Weight::ONE),
            count: 1,
        },
        needed: 1,
        target: Weight::ONE,
        reason: Reason::default(),
    }
}

/// Starts lvsd on an empty table; every server comes up, `in_a_turn` in each turn of the loop. Returns the
/// lengths of the lists of operations that this took.
fn start(count: usize, in_a_turn: usize) -> Vec<usize> {
    let mut lvsd = Lvsd::new(site(count), false);
    let mut actions = Vec::new();
    let mut lists = Vec::new();
    let mut feed = |input| {
        lvsd.handle(Mono::ZERO, input, &mut actions);
        let mut nannies = Vec::new();
        for action in actions.drain(..) {
            match action {
                Action::StartNanny(nanny, _) => nannies.push(nanny),
                Action::Apply(ops) => lists.push(ops.len()),
                _ => {}
            }
        }
        nannies
    };
    feed(Input::Start);
    let nannies: Vec<NannyId> = feed(Input::Table(Ok(Table::new())));
    for nanny in &nannies {
        feed(Input::Started(*nanny, Ok(1)));
    }
    for turn in nannies.chunks(in_a_turn) {
        for nanny in turn {
            feed(Input::Report(*nanny, up()));
        }
        feed(Input::TurnEnd);
    }
    lists
}

#[test]
fn the_verdicts_of_a_turn_are_one_list_of_operations() {
    // The service with the idle times, then its servers.
    assert_eq!(start(1000, 250), [2, 250, 250, 250, 250]);
}

/// Its instructions, counted by callgrind, are the figure in docs/internals/performance.md.
#[test]
fn five_thousand_servers_that_come_up_one_by_one_are_as_many_single_operations() {
    let lists = start(5000, 1);
    assert_eq!(lists.len(), 5001);
    assert!(lists.iter().skip(1).all(|length| *length == 1));
}

#[test]
fn a_change_of_servers_within_a_turn_does_not_bring_the_sorry_server_in() {
    let servers = vec![server("a", "10.0.0.1", 80), server("b", "10.0.0.2", 80)];
    let web = with_sorry("10.0.0.9", block("web", VIP, 80, servers));
    let mut world = World::start(config(vec![web]), Table::new());
    world.up("10.0.0.1", 1);
    world.down("10.0.0.2");
    let (a, b) = (world.nanny("10.0.0.1"), world.nanny("10.0.0.2"));
    world.take_trace();
    let down = Report::State {
        standing: Standing {
            phase: Phase::Down,
            place: Place::Out,
            count: 0,
        },
        needed: 1,
        target: Weight::ONE,
        reason: Reason::default(),
    };
    world.feed_together(vec![Input::Report(a, down), Input::Report(b, up())]);
    let ops = world.take_ops();
    assert_eq!(
        ops,
        [
            "-a -t 192.0.2.1:80 -r 10.0.0.2:80 -m -w 1",
            "-d -t 192.0.2.1:80 -r 10.0.0.1:80",
        ]
    );
}
