//! Attributes of destinations.

use ipvs::Ipvs;
use lvs_model::{
    AddressFamily, Destination, DestinationKey, ForwardingMethod, IpvsOp, Protocol, ServiceKey,
    Thresholds, Tunnel, TunnelFlags, TunnelType, VirtualService, Weight,
};

use crate::{done, kernel, mark, on_both, server, service};

/// Destinations that differ from the default in one setting each, and some that differ in more.
pub(crate) fn variants(default: Destination) -> Vec<Destination> {
    let mut variants = vec![default];
    let mut vary = |change: &dyn Fn(&mut Destination)| {
        let mut destination = default;
        change(&mut destination);
        variants.push(destination);
    };
    for number in 0..8 {
        vary(&|destination| destination.forwarding = ForwardingMethod::from_number(number));
    }
    for weight in [Weight::ZERO, Weight::MAX] {
        vary(&|destination| destination.weight = weight);
    }
    for (upper, lower) in [(10, 5), (10, 10), (1, 0), (i32::MAX.unsigned_abs(), 0)] {
        vary(&|destination| destination.thresholds = Thresholds { upper, lower });
    }
    for (kind, port, flags) in [
        (TunnelType::Gue, 6080, 0),
        (TunnelType::Gue, 65535, 2),
        (TunnelType::Gre, 0, 1),
        (TunnelType::Ipip, 0, 3),
        (TunnelType::Other(200), 1, u16::MAX),
    ] {
        vary(&|destination| {
            destination.forwarding = ForwardingMethod::Tunnelling;
            destination.tunnel = Tunnel {
                kind,
                port,
                flags: TunnelFlags(flags),
            };
        });
    }
    variants
}

/// The only destination, which is the same whichever way the kernel is asked.
fn only(table: &mut dyn Ipvs, key: &ServiceKey) -> Destination {
    table.want_counters(false);
    let mut without = table.destinations(key).unwrap();
    table.want_counters(true);
    let listed = table.destinations(key).unwrap();
    for (without, listed) in without.iter_mut().zip(&listed) {
        without.counters = listed.counters;
    }
    assert_eq!(without, listed);
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].active_connections, 0);
    listed[0].destination
}

/// A service and a destination of its own family.
pub(crate) fn pairs() -> Vec<(ServiceKey, Destination)> {
    vec![
        (
            service(Protocol::Tcp, "192.0.2.1:80"),
            server("198.51.100.1:8080"),
        ),
        (
            service(Protocol::Udp, "[2001:db8::1]:53"),
            server("[2001:db8::2]:5353"),
        ),
        (mark(9, AddressFamily::Inet), server("198.51.100.1:0")),
        (mark(9, AddressFamily::Inet6), server("[2001:db8::2]:65535")),
    ]
}

#[test]
fn every_setting_of_a_destination_comes_back_as_it_was_added_and_edited() {
    on_both(|table| {
        for (key, default) in pairs() {
            done(table, IpvsOp::AddService(VirtualService::new(key)));
            for destination in variants(default) {
                done(table, IpvsOp::AddDestination(key, destination));
                assert_eq!(only(table, &key), destination);
                done(table, IpvsOp::EditDestination(key, default));
                assert_eq!(only(table, &key), default);
                done(table, IpvsOp::EditDestination(key, destination));
                assert_eq!(only(table, &key), destination);
                done(table, IpvsOp::DeleteDestination(key, destination.key));
                assert!(table.destinations(&key).unwrap().is_empty());
            }
        }
    });
}

#[test]
fn a_tunnel_may_lead_to_the_other_family() {
    on_both(|table| {
        for (key, destination) in [
            ("192.0.2.1:80", "[2001:db8::2]:80"),
            ("[2001:db8::1]:80", "198.51.100.1:80"),
        ] {
            let key = service(Protocol::Tcp, key);
            let mut destination = server(destination);
            destination.forwarding = ForwardingMethod::Tunnelling;
            done(table, IpvsOp::AddService(VirtualService::new(key)));
            done(table, IpvsOp::AddDestination(key, destination));
            assert_eq!(only(table, &key), destination);
            done(table, IpvsOp::DeleteDestination(key, destination.key));
        }
    });
}

#[test]
fn destinations_come_newest_first_and_one_by_one() {
    on_both(|table| {
        let key = service(Protocol::Tcp, "192.0.2.1:80");
        let mut ops = vec![IpvsOp::AddService(VirtualService::new(key))];
        let added: Vec<Destination> = (1..=200)
            .map(|host| server(&format!("198.51.100.{host}:80")))
            .collect();
        ops.extend(
            added
                .iter()
                .map(|server| IpvsOp::AddDestination(key, *server)),
        );
        assert!(table.apply(&ops).unwrap().is_empty());
        let mut shown = Vec::new();
        table
            .each_destination(&key, &mut |entry| shown.push(entry.destination))
            .unwrap();
        assert!(shown.iter().rev().eq(added.iter()));
        table.want_counters(false);
        let listed = table.destinations(&key).unwrap();
        let listed = listed.iter().map(|entry| &entry.destination);
        assert!(listed.rev().eq(added.iter()));
    });
}

#[test]
fn without_counters_only_ipv6_and_tunnels_need_a_dump() {
    let mut table = kernel();
    table.want_counters(false);
    let mut tunnelled = server("198.51.100.3:80");
    tunnelled.forwarding = ForwardingMethod::Tunnelling;
    for (key, destination, needs_dump) in [
        ("192.0.2.1:80", server("198.51.100.2:80"), false),
        ("192.0.2.2:80", tunnelled, true),
        ("[2001:db8::1]:80", server("[2001:db8::2]:80"), true),
    ] {
        let key = service(Protocol::Tcp, key);
        done(&mut table, IpvsOp::AddService(VirtualService::new(key)));
        done(&mut table, IpvsOp::AddDestination(key, destination));
        let before = table.calls();
        let listed = table.destinations(&key).unwrap();
        assert_eq!(listed.len(), 1, "{key}");
        assert_eq!(listed[0].destination, destination);
        assert_eq!(table.calls() != before, needs_dump, "{key}");
    }
}

#[test]
fn a_service_that_is_not_there_has_no_destinations() {
    on_both(|table| {
        let key = service(Protocol::Tcp, "192.0.2.1:80");
        assert!(table.destinations(&key).unwrap().is_empty());
    });
}

#[test]
fn the_same_address_with_another_port_is_another_destination() {
    on_both(|table| {
        let key = service(Protocol::Tcp, "192.0.2.1:80");
        done(table, IpvsOp::AddService(VirtualService::new(key)));
        for port in [0, 80, 81] {
            let destination = Destination::new(DestinationKey {
                address: "198.51.100.1".parse().unwrap(),
                port,
            });
            done(table, IpvsOp::AddDestination(key, destination));
        }
        assert_eq!(table.destinations(&key).unwrap().len(), 3);
    });
}
