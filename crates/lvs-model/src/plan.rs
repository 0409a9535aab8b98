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
        match present.get(&destination.key) {
            None => ops.push(IpvsOp::AddDestination(key, *destination)),
            Some(found) if *found != destination && !destination.is_quiesced() => {
                ops.push(IpvsOp::EditDestination(key, *destination));
            }
            Some(_) => {}
        }
    }
}

/// Quiesces and removes the destinations of a kept service that shall get no connection any more.
fn plan_removals(wanted: &TableService, found: &TableService, ops: &mut Vec<IpvsOp>) {
    let key = wanted.service.key;
    let stays = by_key(wanted);
    for destination in &found.destinations {
        match stays.get(&destination.key) {
            None => ops.push(IpvsOp::DeleteDestination(key, destination.key)),
            Some(wanted) if wanted.is_quiesced() && *wanted != destination => {
                ops.push(IpvsOp::EditDestination(key, **wanted));
            }
            Some(_) => {}
        }
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
