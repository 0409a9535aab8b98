//! One life of lvsd from start to end, as recorded in `golden/life.trace`.
//!
//! On a difference the test prints the new trace, which is read and, if right, put in its place.

use lvs_model::ChildExit;

use super::world::*;
use crate::{Input, Table};

#[test]
fn a_life_goes_as_recorded() {
    let servers = vec![
        weighing(server("blue", "10.20.0.21", 8080), 10),
        weighing(server("green", "10.20.0.22", 8080), 20),
    ];
    let shop = with_sorry("10.20.0.99", block("shop", "192.0.2.80", 80, servers));
    let mut file = config(vec![shop]);
    file.timeouts.udp = 30;
    let mut world = World::start(file.clone(), Table::new());
    let mut trace = vec![];
    step(&mut world, &mut trace);
    world.pass(0.25);
    world.up("10.20.0.21", 1);
    world.up("10.20.0.22", 1);
    step(&mut world, &mut trace);
    world.pass(20.0);
    world.up("10.20.0.22", 2);
    step(&mut world, &mut trace);
    world.kill("10.20.0.22");
    step(&mut world, &mut trace);
    world.pass(1.5);
    world.down("10.20.0.21");
    world.down("10.20.0.22");
    step(&mut world, &mut trace);
    world.kernel = Table::new();
    world.pass(5.0);
    step(&mut world, &mut trace);
    world.up("10.20.0.22", 1);
    file.virtuals[0].servers.remove(0);
    world.reload(file);
    step(&mut world, &mut trace);
    world.nannies_end = false;
    world.feed(Input::Terminate(15));
    world.pass(1.0);
    let nanny = world.nanny("10.20.0.22");
    world.feed(Input::Ended(nanny, ChildExit::Status(0)));
    step(&mut world, &mut trace);
    let recorded = include_str!("../../golden/life.trace");
    let trace = trace.join("\n") + "\n";
    assert!(trace == recorded, "the trace is now:\n{trace}");
}

fn step(world: &mut World, trace: &mut Vec<String>) {
    let now = world.now;
    trace.extend(
        world
            .take_trace()
            .iter()
            .map(|line| format!("{now} {line}")),
    );
}
