//! Weights that somebody else has set.

use control::{Phase, Place};
use lvs_config::ManualWeight;
use lvs_model::Weight;

use super::start::service;
use super::world::*;
use crate::{RefusalKind, Table};

#[test]
fn weight_0_set_by_hand_stays_until_another_is_set_and_others_are_repaired() {
    let mut world = World::start(two_servers(), Table::new());
    world.up("10.0.0.1", 1);
    world.up("10.0.0.2", 1);
    world.take_trace();
    world.kernel = Table::from_iter([service(
        "192.0.2.1",
        80,
        &[("10.0.0.1", 0), ("10.0.0.2", 7)],
    )]);
    world.pass(5.0);
    assert_eq!(
        world.take_trace(),
        [
            "log weight of -t 192.0.2.1:80 -r 10.0.0.1:80 was set to 0 from outside, \
             left so until another is set",
            "log table was changed from outside, repaired with 1 operation",
            "-e -t 192.0.2.1:80 -r 10.0.0.2:80 -m -w 1"
        ]
    );
    // Neither audits nor verdicts end it.
    world.up("10.0.0.1", 1);
    world.pass(20.0);
    assert_eq!(world.take_trace(), [""; 0]);
    world.kernel = Table::from_iter([service(
        "192.0.2.1",
        80,
        &[("10.0.0.1", 3), ("10.0.0.2", 1)],
    )]);
    world.pass(5.0);
    assert_eq!(
        world.take_ops(),
        ["-e -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1"]
    );
}

#[test]
fn manual_weight_says_which_weights_set_by_hand_stay() {
    for (policy, stays) in [
        (ManualWeight::Drain, [0, 1]),
        (ManualWeight::Keep, [0, 7]),
        (ManualWeight::Repair, [1, 1]),
    ] {
        let mut file = two_servers();
        file.manual_weight = policy;
        let mut world = World::start(file, Table::new());
        world.up("10.0.0.1", 1);
        world.up("10.0.0.2", 1);
        let set = |first, second| {
            let weights = [("10.0.0.1", first), ("10.0.0.2", second)];
            Table::from_iter([service("192.0.2.1", 80, &weights)])
        };
        world.kernel = set(0, 7);
        world.pass(5.0);
        // Audits and verdicts leave it so.
        world.up("10.0.0.1", 1);
        world.pass(20.0);
        assert_eq!(world.kernel, set(stays[0], stays[1]), "{policy:?}");
        // The weight of lvs.cf gives either back.
        world.kernel = set(1, 1);
        world.pass(5.0);
        world.take_trace();
        world.kernel = set(1, 3);
        world.down("10.0.0.1");
        assert_eq!(
            world.take_ops(),
            ["-d -t 192.0.2.1:80 -r 10.0.0.1:80"],
            "{policy:?}"
        );
    }
}

#[test]
fn a_kept_weight_follows_the_checks_of_a_server_that_fails() {
    let mut file = two_servers();
    file.manual_weight = ManualWeight::Keep;
    file.virtuals[0].quiesce = true;
    let mut world = World::start(file, Table::new());
    world.up("10.0.0.1", 1);
    world.kernel = Table::from_iter([service("192.0.2.1", 80, &[("10.0.0.1", 9)])]);
    world.pass(5.0);
    world.take_trace();
    let nanny = world.nanny("10.0.0.1");
    world.say(nanny, Phase::Down, Place::In(Weight::ZERO));
    world.up("10.0.0.1", 1);
    assert_eq!(
        world.take_ops(),
        [
            "-e -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 0",
            "-e -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1"
        ]
    );
}

#[test]
fn a_reload_with_another_manual_weight_counts_at_once() {
    let mut file = two_servers();
    let mut world = World::start(file.clone(), Table::new());
    world.up("10.0.0.1", 1);
    world.kernel = Table::from_iter([service("192.0.2.1", 80, &[("10.0.0.1", 0)])]);
    world.pass(5.0);
    world.take_trace();
    file.manual_weight = ManualWeight::Repair;
    world.reload(file);
    assert_eq!(
        world.take_ops(),
        ["-e -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1"]
    );
}

/// The kernel refuses to give a quiesced server its weight back: it still has 0, and nobody has set it.
#[test]
fn r_a_refused_change_of_weight_is_no_order_by_hand() {
    let mut file = two_servers();
    file.virtuals[0].quiesce = true;
    let mut world = World::start(file, Table::new());
    let nanny = world.nanny("10.0.0.1");
    world.up("10.0.0.1", 1);
    world.say(nanny, Phase::Down, Place::In(Weight::ZERO));
    world.fault_in = Some((0, RefusalKind::Failed));
    world.up("10.0.0.1", 1);
    world.take_trace();
    world.pass(5.0);
    assert_eq!(
        world.take_trace(),
        [
            "-e -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1",
            "log Virtual Server web: 1 real servers"
        ]
    );
}

/// Whether something else had been put right in between decided that.
#[test]
fn r_a_drain_outlives_a_failed_check() {
    for with_repair in [false, true] {
        let mut world = World::start(two_servers(), Table::new());
        world.up("10.0.0.1", 1);
        world.up("10.0.0.2", 1);
        let drained = service("192.0.2.1", 80, &[("10.0.0.1", 0), ("10.0.0.2", 1)]);
        world.kernel = Table::from_iter([drained]);
        world.pass(5.0);
        world.down("10.0.0.1");
        if with_repair {
            world.kernel = Table::new();
        }
        world.pass(5.0);
        world.take_trace();
        world.up("10.0.0.1", 1);
        let back = ["-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 0"];
        assert_eq!(world.take_ops(), back, "{with_repair}");
    }
}

#[test]
fn a_drain_ends_when_lvs_cf_no_longer_names_the_server() {
    let mut file = two_servers();
    let mut world = World::start(file.clone(), Table::new());
    world.up("10.0.0.1", 1);
    world.kernel = Table::from_iter([service("192.0.2.1", 80, &[("10.0.0.1", 0)])]);
    world.pass(5.0);
    let first = file.virtuals[0].servers.remove(0);
    world.reload(file.clone());
    file.virtuals[0].servers.push(first);
    world.reload_again(file);
    world.take_trace();
    world.up("10.0.0.1", 1);
    assert_eq!(
        world.take_ops(),
        ["-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1"]
    );
}

/// While a destination or its service was out, nothing was decided anew.
#[test]
fn r_a_reload_to_repair_counts_for_a_server_that_is_out_too() {
    for is_down in [false, true] {
        let mut file = two_servers();
        file.manual_weight = ManualWeight::Keep;
        let mut world = World::start(file.clone(), Table::new());
        world.up("10.0.0.1", 1);
        world.kernel = Table::from_iter([service("192.0.2.1", 80, &[("10.0.0.1", 0)])]);
        world.pass(5.0);
        if is_down {
            world.down("10.0.0.1");
        } else {
            world.kernel = Table::new();
        }
        file.manual_weight = ManualWeight::Repair;
        world.reload(file);
        world.up("10.0.0.1", 1);
        world.pass(20.0);
        let found = service("192.0.2.1", 80, &[("10.0.0.1", 1)]);
        assert_eq!(world.kernel, Table::from_iter([found]), "{is_down}");
    }
}
