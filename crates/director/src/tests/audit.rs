//! The kernel's table looked at again: what others change, what is refused, and what is no repair.

use std::time::Duration;

use control::{Phase, Place};
use lvs_model::{Destination, DestinationKey, IpvsOp};

use super::start::service;
use super::world::*;
use crate::{Input, Table};

#[test]
fn what_somebody_else_changes_is_repaired_at_the_next_audit_and_the_rest_left_alone() {
    let mut world = World::start(two_servers(), Table::new());
    world.up("10.0.0.1", 1);
    world.take_trace();
    world.kernel = Table::from_iter([service("198.51.100.9", 25, &[])]);
    world.pass(5.0);
    assert_eq!(
        world.take_trace(),
        [
            "log 1 services are not in lvs.cf and stay as they are: -t 198.51.100.9:25",
            "log table was changed from outside, repaired with 2 operations",
            "-A -t 192.0.2.1:80 -s wlc",
            "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1"
        ]
    );
    world.pass(20.0);
    assert_eq!(world.take_trace(), [""; 0]);
}

#[test]
fn a_verdict_on_a_table_that_somebody_changed_leads_to_a_look_at_once() {
    let mut world = World::start(two_servers(), Table::new());
    world.take_trace();
    world.kernel = Table::new();
    world.up("10.0.0.1", 1);
    assert_eq!(world.take_ops(), [""; 0]);
    world.pass(0.0);
    assert_eq!(
        world.take_ops(),
        [
            "-A -t 192.0.2.1:80 -s wlc",
            "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1"
        ]
    );
}

#[test]
fn a_refused_service_is_said_once_and_tried_again() {
    let mut world = World::before_start(two_servers(), Table::new(), false);
    world.refused = Some("-A".into());
    world.feed(Input::Start);
    let failed = "refused: -A -t 192.0.2.1:80 -s wlc: no";
    assert!(world.take_log().contains(&failed.into()));
    world.pass(15.0);
    assert_eq!(world.take_log(), [""; 0]);
    world.refused = None;
    world.pass(5.0);
    assert_eq!(world.take_ops(), ["-A -t 192.0.2.1:80 -s wlc"]);
    world.pass(5.0);
    // The next time is another failure.
    world.kernel = Table::new();
    world.refused = Some("-A".into());
    world.pass(5.0);
    assert!(world.take_log().contains(&failed.into()));
}

#[test]
fn r_refused_idle_times_are_said_once_and_tried_again() {
    let mut file = two_servers();
    file.timeouts.tcp = 100;
    let mut world = World::before_start(file, Table::new(), false);
    world.refused = Some("--set".into());
    world.feed(Input::Start);
    let failed = "ipvsadm failed to set timeouts (100 0 0)";
    assert!(world.take_log().contains(&failed.into()));
    world.up("10.0.0.1", 1);
    world.pass(15.0);
    assert_eq!(world.take_log(), [""; 0]);
    world.refused = None;
    world.pass(5.0);
    assert_eq!(world.take_ops(), ["--set 100 0 0"]);
    world.pass(15.0);
    assert_eq!(world.take_ops(), [""; 0]);
}

#[test]
fn a_table_that_cannot_be_read_for_a_while_is_said_once_and_repaired_afterwards() {
    let mut world = World::start(two_servers(), Table::new());
    world.up("10.0.0.1", 1);
    world.take_trace();
    for _ in 0..2 {
        world.table_error = Some("no".into());
        world.kernel = Table::new();
        world.pass(21.0);
        assert_eq!(world.take_trace(), ["log cannot read the table: no"]);
        world.table_error = None;
        world.pass(5.0);
        let repair = [
            "-A -t 192.0.2.1:80 -s wlc",
            "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1",
        ];
        assert_eq!(world.take_ops(), repair);
    }
}

#[test]
fn an_operation_that_was_done_asks_for_no_look_at_the_table() {
    let mut world = World::start(two_servers(), Table::new());
    world.up("10.0.0.1", 1);
    assert!(world.lvsd.next_deadline() > Some(world.now));
}

#[test]
fn a_verdict_in_the_turn_of_an_audit_is_no_repair() {
    let mut world = World::start(two_servers(), Table::new());
    world.up("10.0.0.1", 1);
    world.now = world.now + Duration::from_secs(20);
    world.take_trace();
    let nanny = world.nanny("10.0.0.2");
    let verdict = World::verdict(nanny, Phase::Up, Place::In(weight(1)));
    world.feed_together(vec![verdict, Input::Deadline]);
    let added = "-a -t 192.0.2.1:80 -r 10.0.0.2:80 -m -w 1";
    assert_eq!(world.take_trace(), [added, "checked"]);
}

#[test]
fn what_somebody_else_adds_is_a_repair_beside_a_verdict_of_that_turn() {
    let mut world = World::start(two_servers(), Table::new());
    world.up("10.0.0.1", 1);
    world.up("10.0.0.2", 1);
    let service = world.lvsd.site().services[0].service.key;
    let stranger = Destination::new(DestinationKey {
        address: address("10.0.0.77"),
        port: 80,
    });
    world
        .kernel
        .follow(&IpvsOp::AddDestination(service, stranger));
    world.now = world.now + Duration::from_secs(20);
    world.take_trace();
    let verdict = World::verdict(world.nanny("10.0.0.2"), Phase::Down, Place::Out);
    world.feed_together(vec![verdict, Input::Deadline]);
    let mut trace = world.take_trace();
    trace.sort();
    let expected = [
        "-d -t 192.0.2.1:80 -r 10.0.0.2:80",
        "-d -t 192.0.2.1:80 -r 10.0.0.77:80",
        "log table was changed from outside, repaired with 1 operation",
    ];
    assert_eq!(trace, expected);
}

#[test]
fn a_sorry_server_that_is_due_with_an_audit_goes_in_once() {
    let mut file = two_servers();
    file.virtuals[0].sorry_server = Some(address("10.0.0.99"));
    file.audit_interval = Duration::from_secs(4);
    let mut world = World::start(file, Table::new());
    world.take_trace();
    world.now = world.now + Duration::from_secs(4);
    world.feed(Input::Deadline);
    assert_eq!(
        world.take_trace(),
        [
            "log Virtual Server web: No real servers; activate sorry_server 10.0.0.99",
            "-a -t 192.0.2.1:80 -r 10.0.0.99:80 -m -w 1"
        ]
    );
}
