//! The status; many servers.

use std::time::Duration;

use control::{CheckResult, FileStatus, Phase, Place, Reason, Report, Standing};
use lvs_model::Weight;

use super::world::*;
use crate::{Input, Table};

#[test]
fn the_status_has_what_the_nannies_said_and_what_became_of_it() {
    let mut file = two_servers();
    file.virtuals[0].sorry_server = Some(address("10.0.0.99"));
    file.virtuals[0].servers[0].weight = weight(7);
    let mut world = World::start(file, Table::new());
    world.up("10.0.0.1", 1);
    let nanny = world.nanny("10.0.0.2");
    world.feed(Input::Report(
        nanny,
        Report::Check {
            result: CheckResult::Failed(Reason::new("Connection refused")),
            duration: Duration::from_millis(3),
        },
    ));
    world.feed(Input::Report(
        nanny,
        Report::State {
            standing: Standing {
                phase: Phase::Down,
                place: Place::Out,
                count: 0,
            },
            needed: 2,
            target: Weight::ONE,
            reason: Reason::new("Connection refused"),
        },
    ));
    world.now = world.now + Duration::from_millis(1500);
    world.kill("10.0.0.2");
    let status = world.lvsd.status(world.now, 7, &FileStatus::default());
    let service = &status.services[0];
    assert!(service.is_present);
    assert_eq!(service.sorry.map(|(_, is_in)| is_in), Some(false));
    let [one, two] = &service.servers[..] else {
        panic!("{service:?}");
    };
    assert_eq!((one.phase, one.place), (Phase::Up, Place::In(Weight::ONE)));
    assert_eq!((one.target, two.target), (weight(7), Weight::ONE));
    assert_eq!((one.pid, one.restarts), (Some(1001), 0));
    assert_eq!((two.phase, two.place), (Phase::Down, Place::Out));
    assert_eq!((two.pid, two.restarts), (Some(1003), 1));
    assert_eq!(two.reason.as_str(), "Connection refused");
    assert_eq!(two.count, (0, 2));
    let check = two.last_check.as_ref().unwrap();
    assert_eq!(check.age, Duration::from_millis(1500));
    assert_eq!(check.duration, Duration::from_millis(3));
}

#[test]
fn r_a_service_that_the_kernel_refuses_is_shown_as_absent() {
    let mut world = World::before_start(two_servers(), Table::new(), false);
    world.refused = Some("-A".into());
    world.feed(Input::Start);
    let is_present = |world: &World| {
        let status = world.lvsd.status(world.now, 7, &FileStatus::default());
        status.services[0].is_present
    };
    assert!(!is_present(&world));
    world.up("10.0.0.1", 1);
    assert!(!is_present(&world));
    world.pass(12.0);
    assert!(!is_present(&world));
    // Somebody else creates it.
    let service = world.lvsd.site().services[0].service.clone();
    world.kernel.follow(&lvs_model::IpvsOp::AddService(service));
    world.pass(5.0);
    assert!(is_present(&world));
    world.kernel = Table::new();
    world.pass(5.0);
    assert!(!is_present(&world));
    world.refused = None;
    world.pass(5.0);
    assert!(is_present(&world));
}

/// lvs.cf asks for a scheduler that the kernel does not have: it keeps the one before.
#[test]
fn the_scheduler_shown_is_the_kernels_and_what_it_refused_stands_beside_it() {
    let mut world = World::start(two_servers(), Table::new());
    let status = |world: &World| world.lvsd.status(world.now, 7, &FileStatus::default());
    let schedulers = |world: &World| {
        let service = &status(world).services[0];
        [&service.scheduler, &service.wanted_scheduler].map(ToString::to_string)
    };
    assert_eq!(schedulers(&world), ["wlc", "wlc"]);
    world.refused = Some("-E".into());
    let mut changed = two_servers();
    changed.virtuals[0].scheduler = lvs_model::SchedulerName::new("pcc").unwrap();
    world.file = Ok(changed);
    world.feed(Input::Hangup);
    for _ in 0..3 {
        assert_eq!(schedulers(&world), ["wlc", "pcc"]);
        let refused = &status(&world).services[0].refused;
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(
            refused[0].starts_with("-E -t 192.0.2.1:80 -s pcc"),
            "{refused:?}"
        );
        assert!(refused[0].ends_with(": no"), "{refused:?}");
        world.pass(5.0);
    }
    world.refused = None;
    world.pass(5.0);
    assert_eq!(schedulers(&world), ["pcc", "pcc"]);
    assert_eq!(status(&world).services[0].refused, [""; 0]);
}

/// lvs.cf's scheduler was refused; then somebody sets it by hand.
#[test]
fn the_scheduler_shown_is_the_one_that_was_read_last() {
    let mut world = World::start(two_servers(), Table::new());
    world.refused = Some("-E".into());
    let mut changed = two_servers();
    changed.virtuals[0].scheduler = lvs_model::SchedulerName::new("pcc").unwrap();
    world.reload(changed);
    let wanted = world.lvsd.site().services[0].service.clone();
    world.kernel.follow(&lvs_model::IpvsOp::EditService(wanted));
    world.pass(5.0);
    let status = world.lvsd.status(world.now, 7, &FileStatus::default());
    assert_eq!(status.services[0].scheduler.to_string(), "pcc");
}

#[test]
fn a_refused_destination_is_shown_with_its_service_and_its_server_until_it_is_there() {
    let mut world = World::start(two_servers(), Table::new());
    let refused = |world: &World| {
        let status = world.lvsd.status(world.now, 7, &FileStatus::default());
        let service = &status.services[0];
        let of_servers = service.servers.iter().map(|server| server.refused.len());
        (service.refused.len(), of_servers.collect::<Vec<_>>())
    };
    world.refused = Some("-a".into());
    world.up("10.0.0.1", 1);
    assert_eq!(refused(&world), (1, vec![1, 0]));
    world.pass(12.0);
    assert_eq!(refused(&world), (1, vec![1, 0]));
    world.refused = None;
    world.pass(5.0);
    assert_eq!(refused(&world), (0, vec![0, 0]));
    // What is no longer wanted was not refused.
    world.refused = Some("-a".into());
    world.up("10.0.0.2", 1);
    assert_eq!(refused(&world), (1, vec![0, 1]));
    world.down("10.0.0.2");
    world.pass(5.0);
    assert_eq!(refused(&world), (0, vec![0, 0]));
}

#[test]
fn a_failed_reload_is_shown_until_a_good_one_and_repairs_are_counted() {
    let mut world = World::start(two_servers(), Table::new());
    let good = std::mem::replace(&mut world.file, Err(vec!["lvs.cf:2:1: no".into()]));
    world.feed(Input::Hangup);
    assert_eq!(
        world
            .lvsd
            .status(world.now, 7, &FileStatus::default())
            .reload_failure,
        ["lvs.cf:2:1: no"]
    );
    world.file = good;
    world.pass(2.0);
    world.feed(Input::Hangup);
    assert_eq!(
        world
            .lvsd
            .status(world.now, 7, &FileStatus::default())
            .reload_failure,
        Vec::<String>::new()
    );
    world.kernel = Table::new();
    world.pass(6.0);
    assert_eq!(
        world
            .lvsd
            .status(world.now, 7, &FileStatus::default())
            .repairs,
        1
    );
}

#[test]
fn a_thousand_servers_come_up_and_a_word_of_one_moves_no_deadline() {
    let servers = (0..1000).map(|number| {
        let rip = format!("10.1.{}.{}", number / 250, 1 + number % 250);
        server(&format!("s{number}"), &rip, 80)
    });
    let servers = servers.collect();
    let file = config(vec![block("web", "192.0.2.1", 80, servers)]);
    let mut world = World::start(file, Table::new());
    let nannies: Vec<_> = world.nannies.keys().copied().collect();
    for nanny in &nannies {
        world.say(*nanny, Phase::Up, Place::In(Weight::ONE));
    }
    assert_eq!(world.table().len(), 1001);
    let deadline = world.lvsd.next_deadline();
    for nanny in nannies.iter().cycle().take(20_000) {
        world.feed(Input::Report(*nanny, Report::Alive));
        assert_eq!(world.lvsd.next_deadline(), deadline);
    }
}
