//! Refusals in the middle of a plan: the table comes right, and the log stays short.

use lvs_config::Config;

use super::world::*;
use crate::{Input, RefusalKind, Table};

/// Twenty services with nine servers each: a start of 201 operations once all are up.
fn large_file() -> Config {
    let blocks = (1..=20).map(|number| {
        let rip = |last: u32| format!("10.0.{number}.{last}");
        let servers = (1..=9).map(|last| server(&format!("s{last}"), &rip(last), 80));
        block("v", &format!("192.0.2.{number}"), 80, servers.collect())
    });
    config(blocks.collect())
}

/// lvsd with all servers up, and the table that it has made.
fn running() -> (World, Vec<String>) {
    let mut world = World::start(large_file(), Table::new());
    let all: Vec<String> = (world.nannies.values())
        .map(|nanny| nanny.options.rip.to_string())
        .collect();
    for rip in all {
        world.up(&rip, 1);
    }
    world.take_trace();
    let table = world.table();
    assert_eq!(table.len(), 200);
    (world, table)
}

#[test]
fn a_refusal_at_any_place_of_a_plan_is_made_good_by_the_next_audits_and_said_in_three_lines() {
    let (mut world, mut wanted) = running();
    wanted.sort();
    for kind in [RefusalKind::Failed, RefusalKind::Outdated] {
        for place in 0..200 {
            // Somebody empties the table; in the repair the operation at this place is refused.
            world.kernel = Table::new();
            world.fault_in = Some((place, kind));
            world.pass(5.1);
            assert!(!world.kernel.is_empty(), "{kind:?} at {place}");
            world.pass(5.0);
            let mut now = world.table();
            now.sort();
            assert_eq!(now, wanted, "{kind:?} at {place}");
            let lines = world.take_log();
            assert!(lines.len() <= 3, "{kind:?} at {place}: {lines:#?}");
        }
    }
}

#[test]
fn a_refused_removal_is_tried_again_too() {
    let (mut world, _) = running();
    world.fault_in = Some((4, RefusalKind::Failed));
    world.reload(config(vec![]));
    world.pass(5.1);
    assert_eq!(world.table(), [""; 0]);
    world.feed(Input::Terminate(15));
    assert_eq!(world.exit, Some(0));
}
