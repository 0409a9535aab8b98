//! The one way the kernel's table changes: what differs between wanted and found, as operations.
//!
//! lvsd's machine calls it at start, reload, shutdown and audit, and for every verdict; `ipvsadm` for an
//! atomic restore.

use std::collections::BTreeMap;

use crate::{Destination, DestinationKey, IpvsOp, ServiceKey, Table, TableService};

/// The operations that lead from `found` to `wanted`, in the order to carry them out.
///
/// Additions come before removals: services and their destinations in the order of `wanted`, then
/// destinations that go or get weight 0, then services that go. `given_up` are keys that were ours and are
/// not in `wanted`. Every other service outside `wanted` is somebody else's and stays.
#[must_use]
pub fn plan(wanted: &[TableService], found: &Table, given_up: &[ServiceKey]) -> Vec<IpvsOp> {
    let mut ops = Vec::new();
    for service in wanted {
        plan_additions(service, found.get(&service.service.key), &mut ops);
    }
    for service in wanted {
        if let Some(found) = found.get(&service.service.key) {
            plan_removals(service, found, &mut ops);
        }
    }
    for found in given_up.iter().filter_map(|key| found.get(key)) {
        plan_end(found, &mut ops);
    }
    ops
}

/// The operations that bring some destinations, of services that are in `found`, to what is wanted; in the
/// order of [`plan()`]. `None` is a destination that has to go.
#[must_use]
pub fn plan_destinations(
    wanted: &[(ServiceKey, DestinationKey, Option<Destination>)],
    found: &Table,
) -> Vec<IpvsOp> {
    let changes = wanted.iter().filter_map(|(service, key, wanted)| {
        plan_destination(
            *service,
            *key,
            found.destination(service, key),
            wanted.as_ref(),
        )
    });
    let (removals, mut ops): (Vec<IpvsOp>, Vec<IpvsOp>) = changes.partition(IpvsOp::takes_away);
    ops.extend(removals);
    ops
}

/// Creates or corrects a service, and adds or corrects its destinations.
fn plan_additions(wanted: &TableService, found: Option<&TableService>, ops: &mut Vec<IpvsOp>) {
    let key = wanted.service.key;
    match found {
        None => ops.push(IpvsOp::AddService(wanted.service.clone())),
        Some(found) if found.service != wanted.service => {
            ops.push(IpvsOp::EditService(wanted.service.clone()));
        }
        Some(_) => {}
    }
    let present = found.map(by_key).unwrap_or_default();
    for destination in &wanted.destinations {
        let found = present.get(&destination.key).copied();
        let op = plan_destination(key, destination.key, found, Some(destination));
        ops.extend(op.filter(|op| !op.takes_away()));
    }
}

/// Quiesces and removes the destinations of a kept service that should get no connection any more.
fn plan_removals(wanted: &TableService, found: &TableService, ops: &mut Vec<IpvsOp>) {
    let key = wanted.service.key;
    let stays = by_key(wanted);
    for destination in &found.destinations {
        let wanted = stays.get(&destination.key).copied();
        let op = plan_destination(key, destination.key, Some(destination), wanted);
        ops.extend(op.filter(IpvsOp::takes_away));
    }
}

/// What makes one destination of a service as it is wanted.
fn plan_destination(
    service: ServiceKey,
    key: DestinationKey,
    found: Option<&Destination>,
    wanted: Option<&Destination>,
) -> Option<IpvsOp> {
    match (found, wanted) {
        (None, Some(wanted)) => Some(IpvsOp::AddDestination(service, *wanted)),
        (Some(found), Some(wanted)) if found != wanted => {
            Some(IpvsOp::EditDestination(service, *wanted))
        }
        (Some(_), None) => Some(IpvsOp::DeleteDestination(service, key)),
        (None, None) | (Some(_), Some(_)) => None,
    }
}

/// Removes a service: first its destinations, as the original's nannies did, then itself.
fn plan_end(found: &TableService, ops: &mut Vec<IpvsOp>) {
    let key = found.service.key;
    for destination in &found.destinations {
        ops.push(IpvsOp::DeleteDestination(key, destination.key));
    }
    ops.push(IpvsOp::DeleteService(key));
}

fn by_key(service: &TableService) -> BTreeMap<DestinationKey, &Destination> {
    service.destinations.iter().map(|d| (d.key, d)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Protocol, VirtualService, Weight};

    fn destination(last: u8, weight: u32) -> Destination {
        let address = [10, 0, 0, last].into();
        let mut destination = Destination::new(DestinationKey { address, port: 80 });
        destination.weight = Weight::new(weight).unwrap();
        destination
    }

    fn key(last: u8) -> ServiceKey {
        ServiceKey::Address {
            protocol: Protocol::Tcp,
            address: [192, 0, 2, last].into(),
            port: 80,
        }
    }

    fn service(last: u8, servers: &[(u8, u32)]) -> TableService {
        let destinations = servers
            .iter()
            .map(|(last, weight)| destination(*last, *weight));
        TableService {
            service: VirtualService::new(key(last)),
            destinations: destinations.collect(),
        }
    }

    fn printed(ops: &[IpvsOp]) -> Vec<String> {
        let short = |op: &IpvsOp| {
            op.to_string()
                .replace("10.0.0.", ".")
                .replace("192.0.2.", ".")
        };
        ops.iter().map(short).collect()
    }

    /// Two services with the servers 1 to 3, weight 1 each.
    fn two_services() -> Table {
        let servers = [(1, 1), (2, 1), (3, 1)];
        Table::from_iter([service(1, &servers), service(2, &servers)])
    }

    #[test]
    fn of_some_destinations_what_is_added_comes_before_what_is_taken_away() {
        let gone = |service: u8, last: u8| (key(service), destination(last, 1).key, None);
        let wants = |service: u8, last: u8, weight: u32| {
            let wanted = destination(last, weight);
            (key(service), wanted.key, Some(wanted))
        };
        let wanted = [
            gone(1, 1),
            wants(1, 2, 0),
            wants(1, 3, 5),
            wants(1, 4, 1),
            wants(1, 5, 0),
            gone(2, 1),
            wants(2, 2, 1),
            gone(2, 9),
            wants(2, 9, 2),
        ];
        assert_eq!(
            printed(&plan_destinations(&wanted, &two_services())),
            [
                "-e -t .1:80 -r .3:80 -g -w 5",
                "-a -t .1:80 -r .4:80 -g -w 1",
                "-a -t .1:80 -r .5:80 -g -w 0",
                "-a -t .2:80 -r .9:80 -g -w 2",
                "-d -t .1:80 -r .1:80",
                "-e -t .1:80 -r .2:80 -g -w 0",
                "-d -t .2:80 -r .1:80",
            ]
        );
    }

    #[test]
    fn of_whole_services_too() {
        let wanted = [service(1, &[(2, 0), (3, 1), (4, 1)]), service(3, &[(1, 1)])];
        assert_eq!(
            printed(&plan(&wanted, &two_services(), &[key(2), key(8)])),
            [
                "-a -t .1:80 -r .4:80 -g -w 1",
                "-A -t .3:80 -s wlc",
                "-a -t .3:80 -r .1:80 -g -w 1",
                "-d -t .1:80 -r .1:80",
                "-e -t .1:80 -r .2:80 -g -w 0",
                "-d -t .2:80 -r .1:80",
                "-d -t .2:80 -r .2:80",
                "-d -t .2:80 -r .3:80",
                "-D -t .2:80",
            ]
        );
        assert_eq!(plan(&wanted[..0], &two_services(), &[]), []);
    }
}
