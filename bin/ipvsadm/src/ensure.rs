//! `--ensure`: an addition that also succeeds if the entry is there, and gives it the settings.

use ipvs::{Errno, Ipvs, IpvsError};
use lvs_model::IpvsOp;

/// Adds; edits the entry if it is there with other settings. Returns what the kernel refused, and why.
pub(crate) fn apply(
    kernel: &mut impl Ipvs,
    op: IpvsOp,
) -> Result<Option<(IpvsOp, Errno)>, IpvsError> {
    let op = match one(kernel, op)? {
        Some((op, Errno::EEXIST)) => op,
        other => return Ok(other),
    };
    match edit_of(&op) {
        Some(edit) if !is_there(kernel, &op)? => one(kernel, edit),
        _ => Ok(None),
    }
}

/// The edit that an addition turns into where its subject is there.
pub(crate) fn edit_of(op: &IpvsOp) -> Option<IpvsOp> {
    match op {
        IpvsOp::AddService(service) => Some(IpvsOp::EditService(service.clone())),
        IpvsOp::AddDestination(key, server) => Some(IpvsOp::EditDestination(*key, *server)),
        _ => None,
    }
}

fn one(kernel: &mut impl Ipvs, op: IpvsOp) -> Result<Option<(IpvsOp, Errno)>, IpvsError> {
    let refused = kernel.apply(std::slice::from_ref(&op))?;
    Ok(refused.first().map(|refusal| (op, refusal.errno)))
}

/// Whether the table has exactly what would be added.
fn is_there(kernel: &mut impl Ipvs, op: &IpvsOp) -> Result<bool, IpvsError> {
    Ok(match op {
        IpvsOp::AddService(service) => kernel.service(&service.key)?.service == *service,
        IpvsOp::AddDestination(key, server) => {
            let mut is_there = false;
            kernel.each_destination(key, &mut |entry| {
                is_there |= entry.destination == *server;
            })?;
            is_there
        }
        _ => false,
    })
}
