//! Reload: exactly the differing services and destinations.

use std::time::Duration;

use lvs_config::Config;
use lvs_model::Mono;

use super::start::service;
use super::world::*;
use crate::{Action, Input, Lvsd, Site, Table};

/// Two virtual services with both servers up.
fn two_services() -> Config {
    let mut file = two_servers();
    let servers = vec![server("c", "10.0.0.3", 25), server("d", "10.0.0.4", 25)];
    file.virtuals.push(block("mail", "192.0.2.2", 25, servers));
    file
}

fn running() -> World {
    let mut world = World::start(two_services(), Table::new());
    for last in 1..=4 {
        world.up(&format!("10.0.0.{last}"), 1);
    }
    world.take_trace();
    world
}

#[test]
fn an_unchanged_file_changes_nothing() {
    let mut world = running();
    world.reload(two_services());
    assert_eq!(world.take_trace(), ["log rereading configuration file"]);
}

#[test]
fn changed_settings_are_applied_and_a_weight_goes_to_the_nanny() {
    let mut world = running();
    let mut file = two_services();
    file.timeouts.tcp = 55;
    let web = &mut file.virtuals[0];
    web.scheduler = "rr".parse().unwrap();
    web.servers[0].weight = weight(7);
    *web = persistent(99, [255; 4], web.clone());
    world.reload(file);
    assert_eq!(
        world.take_trace(),
        [
            "log rereading configuration file",
            "tell 1 target 7",
            "--set 55 0 0",
            "-E -t 192.0.2.1:80 -s rr -p 99"
        ]
    );
}

#[test]
fn another_persistence_netmask_edits_the_service() {
    let mut file = two_servers();
    file.virtuals[0] = persistent(60, [255; 4], file.virtuals[0].clone());
    let mut world = World::start(file.clone(), Table::new());
    world.take_trace();
    file.virtuals[0] = persistent(60, [255, 255, 255, 0], file.virtuals[0].clone());
    world.reload(file);
    let edit = ["-E -t 192.0.2.1:80 -s wlc -p 60 -M 255.255.255.0"];
    assert_eq!(world.take_ops(), edit);
}

#[test]
fn a_server_comes_and_goes_alone() {
    let mut world = running();
    let mut file = two_services();
    file.virtuals[0].servers.push(server("e", "10.0.0.5", 80));
    file.virtuals[1].servers.pop();
    world.reload(file);
    assert_eq!(
        world.take_trace(),
        [
            "log rereading configuration file",
            "term 4",
            "-d -t 192.0.2.2:25 -r 10.0.0.4:25",
            "start 5 10.0.0.5",
            "tell 5 adopt new out 0",
            "log create_monitor for web/e running as pid 1005"
        ]
    );
    world.up("10.0.0.5", 1);
    world.take_trace();
    world.reload_again(two_services());
    let ops = ["-d -t 192.0.2.1:80 -r 10.0.0.5:80"];
    assert_eq!(world.take_ops(), ops);
}

#[test]
fn a_bad_file_changes_nothing() {
    let mut world = running();
    let line = "lvs: error parsing /etc/lvs.cf on line 56.".to_owned();
    world.file = Err(vec![line.clone()]);
    world.feed(Input::Hangup);
    assert_eq!(
        world.take_trace(),
        [
            "log rereading configuration file".to_owned(),
            format!("log {line}")
        ]
    );
}

#[test]
fn a_storm_of_reloads_is_read_three_times_in_ten_seconds_and_once_more_behind_it() {
    let mut world = running();
    world.take_trace();
    let mut file = two_services();
    for number in 0..100 {
        file.virtuals[0].servers[0].weight = weight(1 + number % 7);
        world.reload(file.clone());
        world.pass(0.1);
    }
    let readings = |log: Vec<String>| log.iter().filter(|line| line.starts_with("rere")).count();
    assert_eq!(readings(world.take_log()), 3);
    file.virtuals[0].servers.pop();
    world.reload(file);
    world.pass(8.0);
    assert!(
        world
            .take_ops()
            .contains(&"-d -t 192.0.2.1:80 -r 10.0.0.2:80".into())
    );
    world.pass(60.0);
    assert_eq!(readings(world.take_log()), 0);
}

#[test]
fn a_changed_address_is_another_server() {
    let mut world = running();
    let mut file = two_services();
    file.virtuals[0].servers[1].address = address("10.0.0.22");
    world.reload(file);
    assert_eq!(world.take_ops(), ["-d -t 192.0.2.1:80 -r 10.0.0.2:80"]);
    world.up("10.0.0.22", 1);
    assert_eq!(
        world.take_ops(),
        ["-a -t 192.0.2.1:80 -r 10.0.0.22:80 -m -w 1"]
    );
}

#[test]
fn order_and_names_do_not_matter_and_a_new_service_comes_alone() {
    let mut world = running();
    let mut file = two_services();
    file.virtuals.swap(0, 1);
    file.virtuals[0].name = "post".into();
    world.reload(file.clone());
    assert_eq!(world.take_trace(), ["log rereading configuration file"]);
    file.virtuals
        .insert(0, block("new", "192.0.2.3", 80, vec![]));
    world.reload_again(file);
    assert_eq!(world.take_ops(), ["-A -t 192.0.2.3:80 -s wlc"]);
}

#[test]
fn a_service_goes_and_comes_back() {
    let mut world = running();
    let mut file = two_services();
    file.virtuals.remove(0);
    world.reload(file);
    assert_eq!(
        world.take_trace(),
        [
            "log rereading configuration file",
            "log shutting down virtual service web",
            "term 1",
            "term 2",
            "-d -t 192.0.2.1:80 -r 10.0.0.1:80",
            "-d -t 192.0.2.1:80 -r 10.0.0.2:80",
            "-D -t 192.0.2.1:80"
        ]
    );
    world.reload_again(two_services());
    world.up("10.0.0.1", 1);
    assert_eq!(
        world.take_ops(),
        [
            "-A -t 192.0.2.1:80 -s wlc",
            "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1"
        ]
    );
}

#[test]
fn another_check_replaces_the_nanny_and_leaves_the_destination() {
    let mut world = running();
    let mut file = two_services();
    file.virtuals[0].check.expect = Some("HTTP".into());
    world.reload(file);
    assert_eq!(
        world.take_trace(),
        [
            "log rereading configuration file",
            "term 1",
            "term 2",
            "start 5 10.0.0.1",
            "tell 5 adopt up 1 0",
            "start 6 10.0.0.2",
            "tell 6 adopt up 1 0",
            "log create_monitor for web/a running as pid 1005",
            "log create_monitor for web/b running as pid 1006"
        ]
    );
}

#[test]
fn another_forwarding_method_edits_the_destinations() {
    let mut world = running();
    world.reload(direct(two_services()));
    let ops = world.take_ops();
    assert_eq!(ops.len(), 4);
    assert!(
        ops.iter()
            .all(|op| op.starts_with("-e ") && op.ends_with(" -g -w 1"))
    );
}

#[test]
fn a_quiesced_server_that_leaves_the_file_leaves_the_table() {
    let mut file = two_servers();
    file.virtuals[0].quiesce = true;
    let mut world = World::start(file.clone(), Table::new());
    world.up("10.0.0.2", 1);
    let quiesced = control::Place::In(weight(0));
    world.say(world.nanny("10.0.0.2"), control::Phase::Down, quiesced);
    world.take_trace();
    file.virtuals[0].servers.pop();
    world.reload(file);
    assert_eq!(world.take_ops(), ["-d -t 192.0.2.1:80 -r 10.0.0.2:80"]);
}

/// The reading that was under way had asked for the old file's services only.
#[test]
fn r_a_service_that_comes_while_the_table_is_read_keeps_the_servers_that_it_has() {
    let mut world = World::start(two_servers(), Table::new());
    world.pass(3.0);
    world.reload(two_servers());
    world.pass(1.0);
    let kernel = world.kernel.services().cloned();
    let mail = service("192.0.2.2", 80, &[("10.0.0.3", 1)]);
    world.kernel = kernel.chain([mail]).collect();
    let mut file = two_servers();
    let servers = vec![server("c", "10.0.0.3", 80)];
    file.virtuals.push(block("mail", "192.0.2.2", 80, servers));
    world.reload(file);
    world.take_trace();
    // The reload had to wait, and is due together with an audit.
    world.now = world.now + Duration::from_secs(5);
    world.feed(Input::Deadline);
    assert_eq!(world.lvsd.own_services().len(), 2);
    world.pass(15.0);
    assert_eq!(world.take_ops(), [""; 0]);
}

/// A service that somebody makes again after the deletion is meant.
#[test]
fn r_a_service_that_is_gone_is_not_ours_any_more() {
    let mut world = running();
    let mut file = two_services();
    file.virtuals.remove(1);
    world.reload(file);
    world.take_trace();
    let kernel = world.kernel.services().cloned();
    let other = service("192.0.2.2", 25, &[("10.0.0.9", 1)]);
    world.kernel = kernel.chain([other]).collect();
    world.pass(20.0);
    assert_eq!(
        world.take_trace(),
        ["log 1 services are not in lvs.cf and stay as they are: -t 192.0.2.2:25"]
    );
}

#[test]
fn a_service_that_lvs_cf_names_later_is_taken_over_as_the_kernel_has_it() {
    let found = service("192.0.2.1", 80, &[("10.0.0.1", 5), ("10.0.0.9", 1)]);
    let mut world = World::start(config(vec![]), Table::from_iter([found]));
    world.take_trace();
    let mut file = two_servers();
    file.virtuals[0].servers[0].weight = weight(5);
    world.reload(file);
    assert_eq!(
        world.take_trace(),
        [
            "log rereading configuration file",
            "log starting virtual service web active: 80",
            "-d -t 192.0.2.1:80 -r 10.0.0.9:80",
            "start 1 10.0.0.1",
            "tell 1 adopt up 5 0",
            "start 2 10.0.0.2",
            "tell 2 adopt new out 0",
            "log create_monitor for web/a running as pid 1001",
            "log create_monitor for web/b running as pid 1002",
        ]
    );
}

#[test]
fn a_service_that_comes_back_before_it_could_be_deleted_stays() {
    let mut world = World::start(two_servers(), Table::new());
    world.refused = Some("-D".into());
    world.reload(config(vec![]));
    world.reload_again(two_servers());
    world.up("10.0.0.1", 1);
    world.take_trace();
    world.refused = None;
    let before = world.table();
    world.pass(20.0);
    assert_eq!(world.take_ops(), [""; 0]);
    assert_eq!(world.table(), before);
}

/// The next lvs.cf was read before the answer came.
#[test]
fn a_service_that_comes_back_while_it_is_deleted_is_made_anew() {
    let mut world = World::start(two_servers(), Table::new());
    let site =
        |config: Config| Input::Configuration(Ok(Box::new(Site::new(&config, false, false))));
    let mut actions = Vec::new();
    let empty = site(config(vec![]));
    world.lvsd.handle(world.now, empty, &mut actions);
    assert_eq!(actions.last(), Some(&Action::ReadTable));
    // They were told to end.
    world.nannies.clear();
    world.take_trace();
    let found = Input::Table(Ok(world.kernel.clone()));
    world.feed_together(vec![found, site(two_servers())]);
    let made = ["-D -t 192.0.2.1:80", "-A -t 192.0.2.1:80 -s wlc"];
    assert_eq!(world.take_ops(), made);
    world.up("10.0.0.1", 1);
    assert_eq!(world.table().len(), 2);
}

#[test]
fn a_nanny_of_a_server_that_went_is_killed_if_it_does_not_end() {
    let mut world = running();
    world.nannies_end = false;
    let mut file = two_services();
    file.virtuals[0].servers.pop();
    world.reload(file);
    world.take_trace();
    world.pass(4.9);
    assert_eq!(world.take_trace(), [""; 0]);
    world.pass(0.1);
    assert_eq!(
        world.take_trace(),
        [
            "kill 2",
            "log 1 nannies did not end when told to, killing them"
        ]
    );
    world.pass(60.0);
    assert_eq!(world.take_trace(), [""; 0]);
}

/// The kernel may keep a process for weeks: that is said once, and not every five seconds.
#[test]
fn r_a_nanny_that_the_kernel_keeps_is_killed_again_and_said_once() {
    let mut world = running();
    (world.nannies_end, world.nannies_die) = (false, false);
    let mut file = two_services();
    file.virtuals[0].servers.pop();
    world.reload(file);
    world.take_trace();
    world.pass(600.0);
    let trace = world.take_trace();
    let (kills, lines): (Vec<_>, Vec<_>) = trace.iter().partition(|it| *it == "kill 2");
    assert!(kills.len() > 100, "{}", kills.len());
    let said = [
        "log 1 nannies did not end when told to, killing them",
        "log 1 nannies were killed and do not end: the kernel keeps them",
    ];
    assert_eq!(lines, said);
}

#[test]
fn the_kernel_is_read_once_for_a_start_and_a_reload_that_meet() {
    let mut lvsd = Lvsd::new(Site::new(&two_servers(), false, false), false);
    let mut actions = Vec::new();
    lvsd.handle(Mono::ZERO, Input::Start, &mut actions);
    let site = Box::new(Site::new(&two_services(), false, false));
    lvsd.handle(Mono::ZERO, Input::Configuration(Ok(site)), &mut actions);
    let readings = actions.iter().filter(|a| **a == Action::ReadTable);
    assert_eq!(readings.count(), 1);
}
