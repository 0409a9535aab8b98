//! What an operation is about.

use lvs_model::{DestinationKey, IpvsOp, ServiceKey};

/// A service, one of its destinations, or neither.
pub type Object = (Option<ServiceKey>, Option<DestinationKey>);

/// The destination that an operation is about, if it is about one.
pub const fn object_of(op: &IpvsOp) -> Option<DestinationKey> {
    match op {
        IpvsOp::DeleteDestination(_, key) => Some(*key),
        _ => match destination_key(op) {
            Some((_, key)) => Some(key),
            None => None,
        },
    }
}

pub const fn destination_key(op: &IpvsOp) -> Option<(ServiceKey, DestinationKey)> {
    match op {
        IpvsOp::AddDestination(key, destination) | IpvsOp::EditDestination(key, destination) => {
            Some((*key, destination.key))
        }
        _ => None,
    }
}

pub const fn service_key(op: &IpvsOp) -> Option<ServiceKey> {
    match op {
        IpvsOp::AddService(service) | IpvsOp::EditService(service) => Some(service.key),
        IpvsOp::DeleteService(key)
        | IpvsOp::AddDestination(key, _)
        | IpvsOp::EditDestination(key, _)
        | IpvsOp::DeleteDestination(key, _) => Some(*key),
        _ => None,
    }
}
