//! Start, adoption, verdicts, sorry server.

use std::time::Duration;

use control::{Phase, Place};
use lvs_model::{Destination, DestinationKey, Protocol, ServiceKey, VirtualService};

use super::world::*;
use crate::{Input, Table, TableService};

/// A service under masquerading as the kernel has it: servers with their weights, on port 80.
pub fn service(vip: &str, port: u16, destinations: &[(&str, u32)]) -> TableService {
    let key = ServiceKey::Address {
        protocol: Protocol::Tcp,
        address: address(vip),
        port,
    };
    let destination = |(rip, number): &(&str, u32)| Destination {
        weight: weight(*number),
        forwarding: lvs_model::ForwardingMethod::Masquerading,
        ..Destination::new(DestinationKey {
            address: address(rip),
            port: 80,
        })
    };
    TableService {
        service: VirtualService::new(key),
        destinations: destinations.iter().map(destination).collect(),
    }
}

#[test]
fn a_start_creates_services_and_a_good_check_adds_its_server() {
    let servers = vec![
        weighing(server("a", "10.0.0.1", 8080), 100),
        server("b", "10.0.0.2", 8080),
    ];
    let web = persistent(
        60,
        [255, 255, 255, 0],
        block("web", "192.0.2.1", 80, servers),
    );
    let mut file = config(vec![web]);
    file.timeouts.tcp = 100;
    let foreign = service("198.51.100.9", 25, &[("10.9.9.9", 1)]);
    let mut world = World::start(file, Table::from_iter([foreign.clone()]));
    assert_eq!(
        world.take_ops(),
        [
            "--set 100 0 0",
            "-A -t 192.0.2.1:80 -s wlc -p 60 -M 255.255.255.0"
        ]
    );
    world.up("10.0.0.1", 3);
    world.up("10.0.0.2", 1);
    world.up("10.0.0.1", 6);
    assert_eq!(
        world.take_ops(),
        [
            "-a -t 192.0.2.1:80 -r 10.0.0.1:8080 -m -w 3",
            "-a -t 192.0.2.1:80 -r 10.0.0.2:8080 -m -w 1",
            "-e -t 192.0.2.1:80 -r 10.0.0.1:8080 -m -w 6",
        ]
    );
    world.down("10.0.0.1");
    assert_eq!(world.take_ops(), ["-d -t 192.0.2.1:80 -r 10.0.0.1:8080"]);
    world.feed(Input::Terminate(15));
    assert_eq!(
        world.take_ops(),
        ["-d -t 192.0.2.1:80 -r 10.0.0.2:8080", "-D -t 192.0.2.1:80"]
    );
    assert_eq!(world.exit, Some(0));
    assert_eq!(world.kernel, Table::from_iter([foreign]));
}

#[test]
fn a_start_logs_in_the_originals_words() {
    let mut world = World::start(two_servers(), Table::new());
    assert_eq!(
        world.take_log(),
        [
            "starting virtual service web active: 80",
            "create_monitor for web/a running as pid 1001",
            "create_monitor for web/b running as pid 1002",
        ]
    );
    world.feed(Input::Terminate(15));
    assert_eq!(
        world.take_log(),
        [
            "shutting down due to signal 15",
            "shutting down virtual service web"
        ]
    );
}

#[test]
fn a_start_adopts_what_the_kernel_has_and_removes_what_lvs_cf_does_not_name() {
    let mut found = service("192.0.2.1", 80, &[("10.0.0.1", 5), ("10.0.0.9", 1)]);
    found.service.scheduler = "rr".parse().unwrap();
    let mut world = World::start(two_servers(), Table::from_iter([found]));
    assert_eq!(
        world.take_trace(),
        [
            "log starting virtual service web active: 80",
            "--set 0 0 0",
            "-E -t 192.0.2.1:80 -s wlc",
            "-d -t 192.0.2.1:80 -r 10.0.0.9:80",
            "ready",
            "start 1 10.0.0.1",
            "tell 1 adopt up 5 0",
            "start 2 10.0.0.2",
            "tell 2 adopt new out 0",
            "log create_monitor for web/a running as pid 1001",
            "log create_monitor for web/b running as pid 1002",
        ]
    );
    // Weight 0 in the kernel is no order: the first good check brings the server back.
    let found = service("192.0.2.1", 80, &[("10.0.0.1", 0)]);
    let mut world = World::start(two_servers(), Table::from_iter([found]));
    assert!(world.take_trace().contains(&"tell 1 adopt new 0 0".into()));
    world.up("10.0.0.1", 1);
    assert_eq!(
        world.take_ops(),
        ["-e -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1"]
    );
}

#[test]
fn clear_empties_the_table_first() {
    let foreign = service("198.51.100.9", 25, &[]);
    let mut world = World::before_start(two_servers(), Table::from_iter([foreign]), true);
    world.feed(Input::Start);
    assert_eq!(
        world.take_ops(),
        ["-C", "--set 0 0 0", "-A -t 192.0.2.1:80 -s wlc"]
    );
}

#[test]
fn without_a_table_there_is_no_start() {
    let mut world = World::before_start(two_servers(), Table::new(), false);
    world.table_error = Some("the kernel has no IPVS".into());
    world.feed(Input::Start);
    assert_eq!(world.exit, Some(1));
    assert!(world.nannies.is_empty());
}

#[test]
fn a_failed_server_is_quiesced_if_the_file_says_so() {
    let mut file = two_servers();
    file.virtuals[0].quiesce = true;
    let mut world = World::start(file, Table::new());
    world.up("10.0.0.1", 2);
    world.take_trace();
    world.say(world.nanny("10.0.0.1"), Phase::Down, Place::In(weight(0)));
    world.say(world.nanny("10.0.0.2"), Phase::Down, Place::Out);
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
fn it_is_told_once_when_every_real_server_has_been_checked_and_the_table_follows() {
    let mut world = World::start(two_servers(), Table::new());
    world.up("10.0.0.1", 1);
    let is_told = |trace: &[String]| trace.iter().any(|line| line == "checked");
    assert!(!is_told(&world.take_trace()));
    world.down("10.0.0.2");
    assert_eq!(world.take_trace(), ["checked"]);
    world.up("10.0.0.2", 1);
    assert!(!is_told(&world.take_trace()));

    // Nor while another service waits.
    let mut file = two_servers();
    let mail = vec![server("c", "10.0.0.3", 25)];
    file.virtuals.push(block("mail", "192.0.2.2", 25, mail));
    let mut world = World::start(file, Table::new());
    world.up("10.0.0.1", 1);
    world.up("10.0.0.2", 1);
    assert!(!is_told(&world.take_trace()));
    world.up("10.0.0.3", 1);
    assert!(is_told(&world.take_trace()));

    // Nobody to wait for.
    let mut world = World::start(
        config(vec![block("web", "192.0.2.1", 80, vec![])]),
        Table::new(),
    );
    assert!(is_told(&world.take_trace()));
}

#[test]
fn the_sorry_server_is_in_only_while_all_others_are_out() {
    let mut file = two_servers();
    file.virtuals[0].sorry_server = Some(address("10.0.0.99"));
    let mut world = World::start(file, Table::new());
    world.down("10.0.0.1");
    world.take_trace();
    world.down("10.0.0.2");
    assert_eq!(
        world.take_trace(),
        [
            "log Virtual Server web: No real servers; activate sorry_server 10.0.0.99",
            "-a -t 192.0.2.1:80 -r 10.0.0.99:80 -m -w 1",
            "checked",
        ]
    );
    world.up("10.0.0.2", 1);
    assert_eq!(
        world.take_trace(),
        [
            "log Virtual Server web: 1 real servers; deactivate sorry_server 10.0.0.99",
            "-a -t 192.0.2.1:80 -r 10.0.0.2:80 -m -w 1",
            "-d -t 192.0.2.1:80 -r 10.0.0.99:80"
        ]
    );
    world.feed(Input::Hangup);
    world.take_trace();
    world.down("10.0.0.2");
    assert_eq!(
        world.take_ops(),
        [
            "-a -t 192.0.2.1:80 -r 10.0.0.99:80 -m -w 1",
            "-d -t 192.0.2.1:80 -r 10.0.0.2:80"
        ]
    );
}

#[test]
fn r_the_sorry_server_is_in_before_the_last_real_one_is_quiesced() {
    let mut file = two_servers();
    file.virtuals[0].quiesce = true;
    file.virtuals[0].sorry_server = Some(address("10.0.0.99"));
    let quiesced = |rip: &str, world: &World| {
        World::verdict(world.nanny(rip), Phase::Down, Place::In(weight(0)))
    };
    let mut world = World::start(file, Table::new());
    world.up("10.0.0.1", 1);
    world.up("10.0.0.2", 1);
    world.feed(quiesced("10.0.0.1", &world));
    world.take_trace();
    world.feed(quiesced("10.0.0.2", &world));
    let sorry_first = [
        "-a -t 192.0.2.1:80 -r 10.0.0.99:80 -m -w 1",
        "-e -t 192.0.2.1:80 -r 10.0.0.2:80 -m -w 0",
    ];
    assert_eq!(world.take_ops(), sorry_first);

    // One comes back in the moment in which the other fails.
    world.up("10.0.0.2", 1);
    world.take_trace();
    let up = World::verdict(world.nanny("10.0.0.1"), Phase::Up, Place::In(weight(1)));
    world.feed_together(vec![quiesced("10.0.0.2", &world), up]);
    world.feed_together(vec![
        quiesced("10.0.0.1", &world),
        World::verdict(world.nanny("10.0.0.2"), Phase::Up, Place::In(weight(1))),
    ]);
    let never_none = [
        "-e -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1",
        "-e -t 192.0.2.1:80 -r 10.0.0.2:80 -m -w 0",
        "-e -t 192.0.2.1:80 -r 10.0.0.2:80 -m -w 1",
        "-e -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 0",
    ];
    assert_eq!(world.take_ops(), never_none);

    // Seen at a reading of the table, of which the verdict is part.
    world.take_trace();
    world.feed_together(vec![quiesced("10.0.0.2", &world), Input::Hangup]);
    let ops = world.take_ops();
    assert!(
        ops[0].starts_with("-a ") && ops[1].ends_with("-w 0"),
        "{ops:?}"
    );
}

#[test]
fn the_sorry_server_does_not_wait_longer_than_two_intervals_for_the_first_verdict() {
    let mut file = two_servers();
    file.virtuals[0].sorry_server = Some(address("10.0.0.99"));
    let mut world = World::start(file.clone(), Table::new());
    world.take_trace();
    world.pass(3.9);
    assert_eq!(world.take_ops(), [""; 0]);
    world.pass(0.2);
    assert_eq!(
        world.take_ops(),
        ["-a -t 192.0.2.1:80 -r 10.0.0.99:80 -m -w 1"]
    );

    // Of several blocks the longest counts.
    let mut slow = marked(
        7,
        block("slow", "192.0.2.1", 443, file.virtuals[0].servers.clone()),
    );
    slow.check.timeout = Duration::from_secs(6);
    let quick = marked(7, file.virtuals[0].clone());
    for blocks in [vec![quick.clone(), slow.clone()], vec![slow, quick]] {
        let mut world = World::start(config(blocks), Table::new());
        world.take_trace();
        world.pass(11.9);
        assert_eq!(world.take_ops(), [""; 0]);
        world.pass(0.2);
        assert_eq!(world.take_ops().len(), 1);
    }

    file.virtuals[0].servers.clear();
    let mut world = World::start(file, Table::new());
    assert!(
        world
            .take_ops()
            .contains(&"-a -t 192.0.2.1:80 -r 10.0.0.99:80 -m -w 1".into())
    );
}

#[test]
fn a_weight_that_stays_the_same_is_no_operation() {
    let mut world = World::start(two_servers(), Table::new());
    world.up("10.0.0.1", 3);
    world.take_trace();
    world.up("10.0.0.1", 3);
    world.say(world.nanny("10.0.0.1"), Phase::Ramp, Place::In(weight(3)));
    world.pass(60.0);
    assert_eq!(world.take_ops(), [""; 0]);
}

/// A hijacked nanny must not draw all clients to its server.
#[test]
fn r_a_nanny_gets_no_more_weight_for_its_server_than_lvs_cf_gives() {
    let mut file = two_servers();
    let load = block("load", "192.0.2.2", 80, vec![server("c", "10.0.0.3", 80)]);
    file.virtuals.push(lvs_config::VirtualBlock {
        load_monitor: Some("rup".into()),
        ..load
    });
    file.virtuals[0].servers[0].weight = weight(7);
    let mut world = World::start(file, Table::new());
    world.take_trace();
    for rip in ["10.0.0.1", "10.0.0.3"] {
        world.up(rip, 65_535);
    }
    assert_eq!(
        world.take_ops(),
        [
            "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 7",
            "-a -t 192.0.2.2:80 -r 10.0.0.3:80 -m -w 10"
        ]
    );
}
