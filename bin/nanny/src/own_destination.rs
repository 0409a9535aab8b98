//! The destination of a nanny that was started by hand: reads and writes it. Both may be repeated without
//! harm.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use control::Place;
use ipvs::{Errno, ExternalIpvs, Ipvs, IpvsError, NetlinkIpvs};
use lvs_model::IpvsOp;

use crate::setup::Entry;

/// One destination of a table.
pub struct OwnDestination {
    ipvs: Box<dyn Ipvs>,
    entry: Entry,
}

/// A change that did not work.
#[derive(Debug)]
pub enum WriteError {
    /// The table said no to this change.
    Refused(IpvsOp, Errno),
    /// The table could not be asked.
    Unreachable(IpvsError),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(op, errno) => write!(f, "{op}: {}", errno.desc()),
            Self::Unreachable(error) => error.fmt(f),
        }
    }
}

/// Opens the kernel's table; `external` changes it in our place, within `limit`.
///
/// # Errors
/// No IPVS in the kernel, no right to use it.
pub fn open(
    entry: Entry,
    external: Option<PathBuf>,
    limit: Duration,
) -> Result<OwnDestination, IpvsError> {
    let kernel = NetlinkIpvs::open()?;
    let ipvs: Box<dyn Ipvs> = match external {
        Some(program) => Box::new(ExternalIpvs::new(program, limit, kernel)),
        None => Box::new(kernel),
    };
    Ok(OwnDestination::new(ipvs, entry))
}

impl OwnDestination {
    /// The destination `entry` of `ipvs`.
    pub fn new(ipvs: Box<dyn Ipvs>, entry: Entry) -> Self {
        Self { ipvs, entry }
    }

    /// Where the destination is. What else is set there is kept when its weight changes.
    ///
    /// # Errors
    /// The table could not be read.
    pub fn place(&mut self) -> Result<Place, IpvsError> {
        let destinations = self.ipvs.destinations(&self.entry.service)?;
        let key = self.entry.destination.key;
        let found = destinations
            .iter()
            .find(|found| found.destination.key == key);
        let Some(found) = found else {
            return Ok(Place::Out);
        };
        self.entry.destination.thresholds = found.destination.thresholds;
        self.entry.destination.tunnel = found.destination.tunnel;
        Ok(Place::In(found.destination.weight))
    }

    /// Moves the destination. "There already" and "gone already" are no errors.
    ///
    /// # Errors
    /// The table refused or could not be reached; nothing is known to have changed.
    pub fn write(&mut self, from: Place, to: Place) -> Result<(), WriteError> {
        let Entry {
            service,
            mut destination,
        } = self.entry.clone();
        let Place::In(weight) = to else {
            let op = IpvsOp::DeleteDestination(service, destination.key);
            return self.apply(op, &[Errno::ENOENT, Errno::ESRCH]).map(|_| ());
        };
        destination.weight = weight;
        let add = IpvsOp::AddDestination(service, destination);
        let edit = IpvsOp::EditDestination(service, destination);
        let (first, second, otherwise) = match from {
            Place::Out => (add, edit, Errno::EEXIST),
            Place::In(_) => (edit, add, Errno::ENOENT),
        };
        if self.apply(first, &[otherwise])? {
            return Ok(());
        }
        self.apply(second, &[]).map(|_| ())
    }

    /// Whether the change was made; `false` if it was refused for one of the `harmless` reasons.
    fn apply(&mut self, op: IpvsOp, harmless: &[Errno]) -> Result<bool, WriteError> {
        let refusals = self.ipvs.apply(std::slice::from_ref(&op));
        match refusals.map_err(WriteError::Unreachable)?.first() {
            None => Ok(true),
            Some(refusal) if harmless.contains(&refusal.errno) => Ok(false),
            Some(refusal) => Err(WriteError::Refused(op, refusal.errno)),
        }
    }
}
