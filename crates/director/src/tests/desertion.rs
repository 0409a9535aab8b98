//! A service whose real servers are all down, and has no sorry server, is told of.

use control::{FileStatus, Phase, Place};
use lvs_model::{IpvsOp, Severity};

use super::world::*;
use crate::{Notice, Table};

const LOST: &str = "Virtual Server web: No real servers";
const WHY: &str = "no client of -t 192.0.2.1:80 is served: 2 real servers, none is up, and no \
                   sorry_server";

/// What is said of who serves.
fn said(world: &mut World) -> Vec<String> {
    let mut log = world.take_log();
    log.retain(|line| line.contains("Virtual Server"));
    log
}

fn serving(world: &World) -> usize {
    let status = world.lvsd.status(world.now, 7, &FileStatus::default());
    status.services[0].serving
}

#[test]
fn the_loss_of_the_last_real_server_is_said_once_and_so_is_the_first_that_is_back() {
    let mut world = World::start(two_servers(), Table::new());
    world.up("10.0.0.1", 1);
    world.down("10.0.0.2");
    assert_eq!((said(&mut world), serving(&world)), (vec![], 1));
    world.down("10.0.0.1");
    world.down("10.0.0.1");
    world.pass(12.0);
    assert_eq!(
        (said(&mut world), serving(&world)),
        (vec![LOST.to_owned()], 0)
    );
    world.up("10.0.0.2", 1);
    world.up("10.0.0.1", 1);
    let back = "Virtual Server web: 1 real servers".to_owned();
    assert_eq!((said(&mut world), serving(&world)), (vec![back], 2));
}

#[test]
fn servers_that_are_down_from_the_start_are_as_lost() {
    let mut world = World::start(two_servers(), Table::new());
    world.pass(5.0);
    assert_eq!(said(&mut world), [""; 0], "nobody has said it yet");
    world.down("10.0.0.1");
    world.down("10.0.0.2");
    assert_eq!(said(&mut world), [LOST]);
}

/// A reload gives a lost service a sorry server, and takes it away again.
#[test]
fn a_reload_that_changes_who_serves_is_told_of() {
    let mut world = World::start(two_servers(), Table::new());
    world.down("10.0.0.1");
    world.down("10.0.0.2");
    said(&mut world);
    let mut with_sorry = two_servers();
    with_sorry.virtuals[0].sorry_server = Some(address("10.0.0.99"));
    world.reload(with_sorry);
    let sorry = format!("{LOST}; activate sorry_server 10.0.0.99");
    assert_eq!(said(&mut world), [sorry]);
    world.reload_again(two_servers());
    assert_eq!(said(&mut world), [LOST]);
}

/// Nobody has said anything of it: it is no server that is back.
#[test]
fn a_reload_that_adds_a_server_to_a_lost_service_brings_nobody_back() {
    let mut world = World::start(two_servers(), Table::new());
    world.down("10.0.0.1");
    world.down("10.0.0.2");
    assert_eq!(said(&mut world), [LOST]);
    let mut three = two_servers();
    let third = server("c", "10.0.0.3", 80);
    three.virtuals[0].servers.push(third);
    world.reload(three);
    assert_eq!(said(&mut world), [""; 0]);
    world.down("10.0.0.3");
    assert_eq!(said(&mut world), [""; 0]);
    world.up("10.0.0.3", 1);
    assert_eq!(said(&mut world), ["Virtual Server web: 1 real servers"]);
}

#[test]
fn r_servers_that_the_kernel_refuses_serve_nobody_and_that_is_said_once() {
    let mut world = World::start(two_servers(), Table::new());
    world.refused = Some("-a".into());
    world.up("10.0.0.1", 1);
    assert_eq!(serving(&world), 0);
    assert_eq!(said(&mut world), [LOST]);
    world.up("10.0.0.2", 1);
    world.pass(12.0);
    assert_eq!((said(&mut world), serving(&world)), (vec![], 0));
    world.refused = None;
    world.pass(5.0);
    let back = "Virtual Server web: 2 real servers".to_owned();
    assert_eq!((said(&mut world), serving(&world)), (vec![back], 2));
}

/// The other one was refused long before: that it would serve was wanted, and is not so.
#[test]
fn r_the_last_server_beside_a_refused_one_is_missed() {
    let mut world = World::start(two_servers(), Table::new());
    world.up("10.0.0.1", 1);
    world.refused = Some("-a".into());
    world.up("10.0.0.2", 1);
    world.pass(12.0);
    assert_eq!((said(&mut world), serving(&world)), (vec![], 1));
    world.down("10.0.0.1");
    assert_eq!((said(&mut world), serving(&world)), (vec![LOST.into()], 0));
    world.down("10.0.0.2");
    assert_eq!(said(&mut world), [LOST], "now none is up");
}

/// The kernel keeps what it had: with one server that is enough for the clients.
#[test]
fn r_of_a_refused_change_the_kernels_side_counts() {
    let mut file = two_servers();
    file.virtuals[0].quiesce = true;
    let mut world = World::start(file, Table::new());
    world.up("10.0.0.1", 1);
    world.refused = Some("-a".into());
    world.up("10.0.0.2", 1);
    assert_eq!((said(&mut world), serving(&world)), (vec![], 1));
    world.refused = Some("-e".into());
    let nanny = world.nanny("10.0.0.1");
    world.say(nanny, Phase::Down, Place::In(weight(0)));
    assert_eq!(serving(&world), 1, "the kernel has its weight still");
    world.pass(5.0);
    assert_eq!(serving(&world), 2, "the other one is in since the audit");
    world.refused = None;
    world.pass(5.0);
    assert_eq!((said(&mut world), serving(&world)), (vec![], 1));
    world.refused = Some("-e".into());
    world.up("10.0.0.1", 1);
    assert_eq!(serving(&world), 1, "not back yet");
    world.refused = None;
    world.pass(5.0);
    assert_eq!((said(&mut world), serving(&world)), (vec![], 2));
}

#[test]
fn r_a_sorry_server_that_the_kernel_refuses_is_told_of() {
    let file = with_sorry("10.0.0.99", two_servers().virtuals.remove(0));
    let mut world = World::start(config(vec![file]), Table::new());
    world.refused = Some("-a".into());
    world.down("10.0.0.1");
    world.down("10.0.0.2");
    let sorry = format!("{LOST}; activate sorry_server 10.0.0.99");
    assert_eq!(said(&mut world), [&sorry, LOST]);
    world.pass(12.0);
    assert_eq!(said(&mut world), [""; 0]);
    world.refused = None;
    world.pass(5.0);
    assert_eq!(said(&mut world), [sorry]);
}

/// Somebody else has added it meanwhile: the refusal means that it is there.
#[test]
fn a_server_that_is_there_already_is_counted() {
    let mut world = World::start(two_servers(), Table::new());
    let service = &world.lvsd.site().services[0];
    let (key, server) = (service.service.key, service.destinations[0].destination);
    world.kernel.follow(&IpvsOp::AddDestination(key, server));
    world.up("10.0.0.1", 1);
    assert_eq!((said(&mut world), serving(&world)), (vec![], 1));
}

/// What was refused is there by somebody else's doing.
#[test]
fn a_reading_of_the_table_counts_more_than_a_refusal_before_it() {
    let mut world = World::start(two_servers(), Table::new());
    world.refused = Some("-a".into());
    world.up("10.0.0.1", 1);
    assert_eq!((said(&mut world), serving(&world)), (vec![LOST.into()], 0));
    let service = &world.lvsd.site().services[0];
    let (key, server) = (service.service.key, service.destinations[0].destination);
    world.kernel.follow(&IpvsOp::AddDestination(key, server));
    world.pass(5.0);
    let back = "Virtual Server web: 1 real servers".to_owned();
    assert_eq!((said(&mut world), serving(&world)), (vec![back], 1));
}

#[test]
fn a_drained_server_serves_nobody() {
    let mut world = World::start(weightless(), Table::new());
    world.up("10.0.0.1", 0);
    world.up("10.0.0.2", 0);
    assert_eq!(serving(&world), 0);
    assert_eq!(said(&mut world), [""; 0]);
}

fn weightless() -> lvs_config::Config {
    let mut config = two_servers();
    for server in &mut config.virtuals[0].servers {
        server.weight = weight(0);
    }
    config
}

#[test]
fn the_loss_is_an_error_that_names_the_service() {
    let world = World::start(two_servers(), Table::new());
    let notice = Notice::NoServers {
        name: "web".into(),
        service: world.lvsd.site().services[0].service.key,
        servers: 2,
    };
    assert_eq!(notice.severity(), Severity::Error);
    assert_eq!(notice.detail().as_deref(), Some(WHY));
    let back = Notice::ServersBack {
        name: "web".into(),
        up: 1,
    };
    assert_eq!(back.severity(), Severity::Info);
}
