//! The end, and signals that are none.

use super::world::*;
use crate::{Input, Table};

#[test]
fn when_pulse_is_gone_lvsd_ends_and_leaves_the_table() {
    let mut world = World::start(two_servers(), Table::new());
    world.up("10.0.0.1", 1);
    let before = world.table();
    world.feed(Input::ParentGone);
    assert_eq!(world.exit, Some(0));
    assert_eq!(world.table(), before);
}

#[test]
fn a_nanny_that_does_not_end_is_killed_and_the_end_comes_in_time() {
    let mut world = World::start(two_servers(), Table::new());
    world.nannies_end = false;
    world.feed(Input::Terminate(2));
    assert_eq!(world.exit, None);
    world.pass(4.9);
    assert_eq!(world.exit, None);
    world.pass(0.2);
    assert_eq!(world.exit, Some(0));
    assert!(world.kernel.is_empty());
}

#[test]
fn an_end_names_every_service_in_file_order_and_waits_seven_seconds_at_most() {
    let mut file = two_servers();
    let mail = vec![server("c", "10.0.0.3", 25)];
    file.virtuals.push(block("mail", "192.0.2.2", 25, mail));
    let mut world = World::start(file, Table::new());
    for last in 1..=3 {
        world.up(&format!("10.0.0.{last}"), 1);
    }
    world.take_trace();
    world.nannies_end = false;
    world.nannies_die = false;
    world.feed(Input::Terminate(15));
    assert_eq!(
        world.take_trace(),
        [
            "log shutting down due to signal 15",
            "log shutting down virtual service web",
            "log shutting down virtual service mail",
            "term 1",
            "term 2",
            "term 3",
        ]
    );
    world.pass(5.0);
    assert_eq!(
        world.take_trace(),
        [
            "kill 1",
            "kill 2",
            "kill 3",
            "log 3 nannies did not end when told to, killing them"
        ]
    );
    world.pass(2.0);
    assert_eq!(
        world.take_trace(),
        [
            "-d -t 192.0.2.1:80 -r 10.0.0.1:80",
            "-d -t 192.0.2.1:80 -r 10.0.0.2:80",
            "-D -t 192.0.2.1:80",
            "-d -t 192.0.2.2:25 -r 10.0.0.3:25",
            "-D -t 192.0.2.2:25",
            "exit 0",
        ]
    );
}

#[test]
fn a_service_that_cannot_be_deleted_is_named_and_lvsd_ends_all_the_same() {
    let mut world = World::start(two_servers(), Table::new());
    world.refused = Some("-D".into());
    world.take_trace();
    world.feed(Input::Terminate(2));
    let failed = "log refused: -D -t 192.0.2.1:80: no";
    assert!(world.take_trace().contains(&failed.into()));
    assert_eq!(world.exit, Some(0));
}

#[test]
fn a_signal_that_means_nothing_is_said_once_and_ends_nothing() {
    let mut world = World::start(two_servers(), Table::new());
    world.take_trace();
    for number in [10, 10, 12] {
        world.feed(Input::StraySignal(number));
    }
    assert_eq!(
        world.take_trace(),
        [
            "log signal 10 means nothing here, ignored",
            "log signal 12 means nothing here, ignored"
        ]
    );
    assert_eq!(world.exit, None);
}
