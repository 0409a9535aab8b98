//! `neli` beside our codec on the kernel's table: what one writes, the other reads.
//!
//! Our encoder and decoder could agree on a wrong number, and the kernel passes over an attribute
//! that it does not know. So a reader and writer that shares nothing with them looks at every
//! attribute, and an attribute that it has no row for fails the test.
//!
//! - [`header`]: linux/ip_vs.h, a second time
//! - [`rows`]: a service, a destination, a daemon in attributes
//! - [`table`]: neli's messages to the kernel and back

mod header;
mod rows;
mod table;

use std::collections::BTreeSet;

use caribe_tests::{SOON, wait_until};
use ipvs::{Ipvs, NetlinkIpvs};
use kernel_wire::ipvs::{Detail, decode_service, names};
use kernel_wire::netlink::messages;
use lvs_model::{
    Counters, Destination, IpvsOp, ServiceKey, SyncDaemon, SyncRole, Timeouts, VirtualService,
};

use self::header::{COMMANDS, DAEMON, DESTINATION, INFO, Rows, SERVICE, STATS, TOP};
use self::table::{Answers, NeliTable, Nest, Value, reply};
use crate::destinations::{pairs, variants as destination_variants};
use crate::services::{keys, variants as service_variants};
use crate::state::{interface, with_traffic};
use crate::{done, kernel};

const TIMEOUTS: Timeouts = Timeouts {
    tcp: 1,
    tcp_fin: 2,
    udp: 3,
};

/// A daemon with every setting, for each family of its group.
fn daemons() -> [SyncDaemon; 2] {
    [
        ("224.0.0.99", SyncRole::Master),
        ("ff02::5", SyncRole::Backup),
    ]
    .map(|(group, role)| SyncDaemon {
        role,
        interface: "d0".to_owned(),
        sync_id: 255,
        max_length: Some(1400),
        group: Some(group.parse().unwrap()),
        port: Some(9999),
        ttl: Some(5),
    })
}

/// Attributes right behind the header: one nest.
fn one(name: &'static str, nest: Nest) -> Nest {
    Nest::from([(name, Value::Nest(nest))])
}

/// Attributes right behind the header: a destination and its service's key.
fn both(key: &ServiceKey, destination: Nest) -> Nest {
    let mut nest = one("SERVICE", rows::service_key(key));
    nest.insert("DEST", Value::Nest(destination));
    nest
}

/// The one nest of a reply.
fn inside(mut reply: Nest, name: &str) -> Nest {
    match (reply.remove(name), reply.len()) {
        (Some(Value::Nest(nest)), 0) => nest,
        (found, _) => panic!("{found:?}, {reply:?}"),
    }
}

/// Takes both kinds of counters out of what the kernel said of a service or destination.
fn without_counters(mut nest: Nest) -> Nest {
    for name in ["STATS", "STATS64"] {
        assert!(matches!(nest.remove(name), Some(Value::Nest(_))), "{name}");
    }
    nest
}

/// Fails for each of `rows` that a test has not come past.
fn all_seen(neli: &NeliTable, rows: &Rows) {
    let unseen = rows.rows.iter().map(|row| (rows.name, row.0));
    let unseen: BTreeSet<_> = unseen.filter(|row| !neli.seen.contains(row)).collect();
    assert_eq!(unseen, BTreeSet::new());
}

#[test]
fn our_numbers_are_those_of_the_header() {
    let commands: Vec<_> = names::cmd::ALL
        .iter()
        .map(|(name, number)| (*name, u16::from(*number)))
        .collect();
    for (ours, rows) in [
        (commands.as_slice(), &COMMANDS),
        (names::top::ALL, &TOP),
        (names::svc::ALL, &SERVICE),
        (names::dest::ALL, &DESTINATION),
        (names::daemon::ALL, &DAEMON),
        (names::info::ALL, &INFO),
    ] {
        assert_eq!(ours, rows.rows, "{}", rows.name);
    }
}

#[test]
fn what_we_write_neli_reads_row_by_row() {
    let mut table = kernel();
    interface();
    let mut neli = NeliTable::open();
    for key in keys() {
        for service in service_variants(key) {
            done(&mut table, IpvsOp::AddService(service.clone()));
            assert_eq!(services(&mut neli), [rows::service(&service, rows::HASHED)]);
            done(&mut table, IpvsOp::DeleteService(key));
        }
    }
    for (key, default) in pairs() {
        done(&mut table, IpvsOp::AddService(VirtualService::new(key)));
        for destination in destination_variants(default) {
            done(&mut table, IpvsOp::AddDestination(key, destination));
            assert_eq!(destinations(&mut neli, &key), [unused(&destination)]);
            done(&mut table, IpvsOp::DeleteDestination(key, destination.key));
        }
    }
    for daemon in daemons() {
        done(&mut table, IpvsOp::StartDaemon(daemon.clone()));
        let found = neli.ask("GET_DAEMON", Answers::Dump, &Nest::new(), "NEW_DAEMON");
        assert_eq!(found, [one("DAEMON", rows::daemon(&daemon))]);
        done(&mut table, IpvsOp::StopDaemon(daemon.role));
    }
    done(&mut table, IpvsOp::SetTimeouts(TIMEOUTS));
    let found = neli.ask("GET_CONFIG", Answers::One, &Nest::new(), "SET_CONFIG");
    assert_eq!(found, [rows::timeouts(TIMEOUTS)]);
    let found = neli.ask("GET_INFO", Answers::One, &Nest::new(), "SET_INFO");
    let info = table.info().unwrap();
    let (major, minor, patch) = info.version;
    let version = u32::from_be_bytes([0, major, minor, patch]);
    let expected = Nest::from([
        ("VERSION", rows::u32(version)),
        ("CONN_TAB_SIZE", rows::u32(info.connection_table_size)),
    ]);
    assert_eq!(found, [expected]);
    for rows in [&TOP, &SERVICE, &DESTINATION, &DAEMON, &INFO] {
        all_seen(&neli, rows);
    }
}

fn services(neli: &mut NeliTable) -> Vec<Nest> {
    let found = neli.ask("GET_SERVICE", Answers::Dump, &Nest::new(), "NEW_SERVICE");
    let services = found.into_iter().map(|reply| inside(reply, "SERVICE"));
    services.map(without_counters).collect()
}

fn destinations(neli: &mut NeliTable, key: &ServiceKey) -> Vec<Nest> {
    let question = one("SERVICE", rows::service_key(key));
    let found = neli.ask("GET_DEST", Answers::Dump, &question, "NEW_DEST");
    let destinations = found.into_iter().map(|reply| inside(reply, "DEST"));
    destinations.map(without_counters).collect()
}

/// What the kernel says of a destination without a connection.
fn unused(destination: &Destination) -> Nest {
    let mut nest = rows::destination(destination);
    nest.extend(["ACTIVE_CONNS", "INACT_CONNS", "PERSIST_CONNS"].map(|name| (name, rows::u32(0))));
    nest
}

#[test]
fn what_neli_writes_we_read_row_by_row() {
    let mut table = kernel();
    interface();
    let mut neli = NeliTable::open();
    for key in keys() {
        services_of_neli(&mut neli, &mut table, key);
    }
    for (key, default) in pairs() {
        let service = rows::service(&VirtualService::new(key), 0);
        neli.order("NEW_SERVICE", &one("SERVICE", service));
        destinations_of_neli(&mut neli, &mut table, &key, default);
    }
    neli.order("ZERO", &Nest::new());
    neli.order("FLUSH", &Nest::new());
    assert_eq!(table.services().unwrap(), []);
    for daemon in daemons() {
        let order = one("DAEMON", rows::daemon(&daemon));
        neli.order("NEW_DAEMON", &order);
        let role = daemon.role;
        assert_eq!(table.daemons().unwrap(), [daemon]);
        let order = one("DAEMON", rows::role(role));
        neli.order("DEL_DAEMON", &order);
        assert_eq!(table.daemons().unwrap(), []);
    }
    let order = rows::timeouts(TIMEOUTS);
    neli.order("SET_CONFIG", &order);
    assert_eq!(table.timeouts().unwrap(), TIMEOUTS);
    for (question, answers, reply) in [
        ("GET_CONFIG", Answers::One, "SET_CONFIG"),
        ("GET_INFO", Answers::One, "SET_INFO"),
        ("GET_DAEMON", Answers::Dump, "NEW_DAEMON"),
    ] {
        let none_runs = usize::from(answers == Answers::One);
        let replies = neli.ask(question, answers, &Nest::new(), reply);
        assert_eq!(replies.len(), none_runs, "{question}");
    }
    all_seen(&neli, &COMMANDS);
}

/// Adds a service of this key, edits it to each of its variants, and deletes it.
fn services_of_neli(neli: &mut NeliTable, table: &mut NetlinkIpvs, key: ServiceKey) {
    let found = |table: &mut NetlinkIpvs| {
        let listed = table.services().unwrap();
        assert_eq!(listed, [table.service(&key).unwrap()]);
        listed[0].service.clone()
    };
    let question = one("SERVICE", rows::service_key(&key));
    for service in service_variants(key) {
        let order = one("SERVICE", rows::service(&service, 0));
        neli.order("NEW_SERVICE", &order);
        assert_eq!(found(table), service);
        let default = VirtualService::new(key);
        let order = one("SERVICE", rows::service(&default, 0));
        neli.order("SET_SERVICE", &order);
        assert_eq!(found(table).persistence, default.persistence);
        let reply = neli.ask("GET_SERVICE", Answers::One, &question, "NEW_SERVICE");
        assert_eq!(reply.len(), 1);
        neli.order("DEL_SERVICE", &question);
        assert_eq!(table.services().unwrap(), []);
    }
}

/// Adds each variant of a destination, edits it there and back, and deletes it.
fn destinations_of_neli(
    neli: &mut NeliTable,
    table: &mut NetlinkIpvs,
    key: &ServiceKey,
    default: Destination,
) {
    let mut order = |command, nest| neli.order(command, &both(key, nest));
    for destination in destination_variants(default) {
        for (command, written) in [
            ("NEW_DEST", destination),
            ("SET_DEST", default),
            ("SET_DEST", destination),
        ] {
            order(command, rows::destination(&written));
            let listed = table.destinations(key).unwrap();
            let [entry] = listed.as_slice() else {
                panic!("{listed:?}");
            };
            assert_eq!(entry.destination, written);
        }
        order("DEL_DEST", rows::destination_key(&destination.key));
        assert_eq!(table.destinations(key).unwrap(), []);
    }
    let question = one("SERVICE", rows::service_key(key));
    assert_eq!(destinations(neli, key), [] as [Nest; 0]);
    neli.order("ZERO", &question);
}

#[test]
fn neli_and_we_count_the_same() {
    let mut table = kernel();
    interface();
    let (key, counted) = with_traffic(&mut table);
    let mut neli = NeliTable::open();
    // The rates move while one reads behind the other, until they have come to rest.
    let same = wait_until(SOON, || {
        let service = one("SERVICE", rows::service_key(&key));
        let reply = neli.ask("GET_SERVICE", Answers::One, &service, "NEW_SERVICE");
        let of_service = counters(&reply[0], "SERVICE");
        let reply = neli.ask("GET_DEST", Answers::Dump, &service, "NEW_DEST");
        let of_destination = counters(&reply[0], "DEST");
        let ours = table.service(&key).unwrap().counters;
        assert_eq!(of_service.packets_in, counted.packets_in);
        of_service == ours && of_destination == table.destinations(&key).unwrap()[0].counters
    });
    same.expect("the same counters");
}

fn counters(reply: &Nest, name: &'static str) -> Counters {
    match &inside(reply.clone(), name)["STATS64"] {
        Value::Nest(nest) => rows::counters(nest),
        Value::Bytes(_) => unreachable!("STATS64 is a nest"),
    }
}

#[test]
fn each_counter_that_neli_writes_is_read_into_its_place() {
    let nest = |value: fn(u16) -> Value| -> Nest {
        let rows = STATS.rows.iter().filter(|row| row.0 != "PAD");
        rows.map(|row| (row.0, value(row.1))).collect()
    };
    for (name, nest) in [
        (
            "STATS64",
            nest(|number| rows::u64((1 << 40) + u64::from(number))),
        ),
        ("STATS", nest(|number| rows::u32(u32::from(number)))),
    ] {
        let mut service = rows::service(&VirtualService::new(keys()[0]), rows::HASHED);
        service.insert(name, Value::Nest(nest.clone()));
        let bytes = reply("NEW_SERVICE", &one("SERVICE", service));
        let message = messages(&bytes).next().unwrap().unwrap();
        let found = decode_service(&message, Detail::All).unwrap();
        assert_eq!(found.counters, rows::counters(&nest), "{name}");
    }
}
