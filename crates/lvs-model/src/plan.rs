//! The one way the kernel's table changes: what differs between wanted and found, as operations.
//!
//! lvsd's machine calls it at start, reload, shutdown, audit and for every verdict; `ipvsadm` for an
//! atomic restore.

use std::collections::BTreeMap;

use crate::{Destination, DestinationKey, IpvsOp, ServiceKey, Table, TableService};

/// The operations that lead from `found` to `wanted`, in the order to carry them out.
///
/// What is added comes before what is taken away: services and their destinations in the order of
/// `wanted`, then destinations that go or get weight 0, then services that go. `given_up` are keys that
/// were ours and are not in `wanted`; every other service outside `wanted` is somebody else's and stays.
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

/// The operations that make some destinations as they are wanted, of services that are in `found`; in the
/// order of [`plan()`]. `None` is one that shall go.
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

/// Quiesces and removes the destinations of a kept service that shall get no connection any more.
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
