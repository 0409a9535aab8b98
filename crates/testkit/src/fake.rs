//! A table without a kernel. `lvsd`, `nanny` and `ipvsadm` are tested against it.

mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ipvs::{Errno, Ipvs, IpvsError, Refusal};
use lvs_model::{
    Counters, Destination, DestinationEntry, DestinationKey, ForwardingMethod, IpvsOp, KernelInfo,
    ServiceEntry, ServiceKey, SyncDaemon, SyncRole, Timeouts, VirtualService,
};

type Outcome = Result<(), Errno>;

/// A service and its destinations, newest first.
#[derive(Clone, Debug)]
struct Service {
    entry: ServiceEntry,
    destinations: Vec<DestinationEntry>,
}

impl Service {
    fn place_of(&self, key: &DestinationKey) -> Option<usize> {
        self.destinations
            .iter()
            .position(|entry| entry.destination.key == *key)
    }
}

/// A table that behaves as the kernel's: the same errnos, in the same order of checks.
///
/// What it lists stands in the order of addition, services by address before those by mark (the
/// kernel's order within those is a hash's), destinations newest first.
///
/// ```
/// use ipvs::{Errno, Ipvs};
/// use lvs_model::IpvsOp;
/// use testkit::FakeIpvs;
///
/// let mut table = FakeIpvs::new();
/// table.refuse_op(1, Errno::ENOMEM);
/// let refused = table.apply(&[IpvsOp::Flush, IpvsOp::Flush])?;
/// assert_eq!((refused[0].index, refused[0].errno), (1, Errno::ENOMEM));
/// assert_eq!(table.done(), [IpvsOp::Flush]);
/// # Ok::<(), ipvs::IpvsError>(())
/// ```
#[derive(Debug)]
pub struct FakeIpvs {
    services: Vec<Service>,
    daemons: Vec<SyncDaemon>,
    timeouts: Timeouts,
    done: Vec<IpvsOp>,
    seen: usize,
    refusals: BTreeMap<usize, Errno>,
    unreachable: Option<Errno>,
}

impl Default for FakeIpvs {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeIpvs {
    /// An empty table with the kernel's default timeouts.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            services: Vec::new(),
            daemons: Vec::new(),
            timeouts: Timeouts {
                tcp: 900,
                tcp_fin: 120,
                udp: 300,
            },
            done: Vec::new(),
            seen: 0,
            refusals: BTreeMap::new(),
            unreachable: None,
        }
    }

    /// Refuses the `n`-th change from now, counted from 0 over all calls, whatever it is.
    pub fn refuse_op(&mut self, n: usize, errno: Errno) {
        self.refusals.insert(self.seen + n, errno);
    }

    /// Fails every call with [`IpvsError::Kernel`] until it is called with `None`.
    pub const fn set_unreachable(&mut self, errno: Option<Errno>) {
        self.unreachable = errno;
    }

    /// Every change that was carried out, in order.
    #[must_use]
    pub fn done(&self) -> &[IpvsOp] {
        &self.done
    }

    /// Forgets what [`done`](Self::done) lists; the table stays.
    pub fn forget_done(&mut self) {
        self.done.clear();
    }

    /// The entry of a service, for a test that plays traffic.
    pub fn service_mut(&mut self, key: &ServiceKey) -> Option<&mut ServiceEntry> {
        Some(&mut self.find_mut(key).ok()?.entry)
    }

    /// The entry of a destination, for a test that plays traffic.
    pub fn destination_mut(
        &mut self,
        key: &ServiceKey,
        destination: &DestinationKey,
    ) -> Option<&mut DestinationEntry> {
        let service = self.find_mut(key).ok()?;
        let place = service.place_of(destination)?;
        service.destinations.get_mut(place)
    }

    fn place_of(&self, key: &ServiceKey) -> Option<usize> {
        self.services
            .iter()
            .position(|service| service.entry.service.key == *key)
    }

    fn find(&self, key: &ServiceKey) -> Result<&Service, Errno> {
        let found = self
            .services
            .iter()
            .find(|service| service.entry.service.key == *key);
        found.ok_or(Errno::ESRCH)
    }

    fn find_mut(&mut self, key: &ServiceKey) -> Result<&mut Service, Errno> {
        let found = self
            .services
            .iter_mut()
            .find(|service| service.entry.service.key == *key);
        found.ok_or(Errno::ESRCH)
    }

    fn has_foreign_destination(&self) -> bool {
        self.services.iter().any(|service| {
            let family = service.entry.service.key.family();
            let mut destinations = service.destinations.iter();
            destinations.any(|entry| entry.destination.key.family() != family)
        })
    }

    fn carry_out(&mut self, op: &IpvsOp) -> Outcome {
        match op {
            IpvsOp::AddService(service) => self.add_service(service),
            IpvsOp::EditService(service) => self.edit_service(service),
            IpvsOp::DeleteService(key) => {
                let place = self.place_of(key).ok_or(Errno::ESRCH)?;
                self.services.remove(place);
                Ok(())
            }
            IpvsOp::AddDestination(key, destination) => self.add_destination(key, destination),
            IpvsOp::EditDestination(key, destination) => self.edit_destination(key, destination),
            IpvsOp::DeleteDestination(key, destination) => {
                let service = self.find_mut(key)?;
                let place = service.place_of(destination).ok_or(Errno::ENOENT)?;
                service.destinations.remove(place);
                Ok(())
            }
            IpvsOp::SetTimeouts(timeouts) => self.set_timeouts(*timeouts),
            IpvsOp::StartDaemon(daemon) => self.start_daemon(daemon),
            IpvsOp::StopDaemon(role) => self.stop_daemon(*role),
            IpvsOp::Zero(key) => self.zero(key.as_ref()),
            IpvsOp::Flush => {
                self.services.clear();
                Ok(())
            }
        }
    }

    fn add_service(&mut self, service: &VirtualService) -> Outcome {
        if self.place_of(&service.key).is_some() {
            return Err(Errno::EEXIST);
        }
        rules::check_service(service)?;
        let added = Service {
            entry: ServiceEntry {
                service: service.clone(),
                counters: Counters::default(),
            },
            destinations: Vec::new(),
        };
        self.services.push(added);
        // Stable: the order of addition stays within each kind.
        self.services
            .sort_by_key(|service| matches!(service.entry.service.key, ServiceKey::FwMark { .. }));
        Ok(())
    }

    fn edit_service(&mut self, service: &VirtualService) -> Outcome {
        let found = self.find_mut(&service.key)?;
        rules::check_service(service)?;
        found.entry.service = service.clone();
        Ok(())
    }

    fn check_destination(&self, key: &ServiceKey, destination: &Destination) -> Outcome {
        self.find(key)?;
        if destination.key.family() != key.family()
            && (destination.forwarding != ForwardingMethod::Tunnelling || !self.daemons.is_empty())
        {
            return Err(Errno::EINVAL);
        }
        rules::check_destination(destination)
    }

    fn add_destination(&mut self, key: &ServiceKey, destination: &Destination) -> Outcome {
        self.check_destination(key, destination)?;
        let service = self.find_mut(key)?;
        if service.place_of(&destination.key).is_some() {
            return Err(Errno::EEXIST);
        }
        rules::check_address(&destination.key.address)?;
        let entry = DestinationEntry {
            destination: *destination,
            active_connections: 0,
            inactive_connections: 0,
            persistent_connections: 0,
            counters: Counters::default(),
        };
        service.destinations.insert(0, entry);
        Ok(())
    }

    fn edit_destination(&mut self, key: &ServiceKey, destination: &Destination) -> Outcome {
        self.check_destination(key, destination)?;
        let service = self.find_mut(key)?;
        let place = service.place_of(&destination.key).ok_or(Errno::ENOENT)?;
        if let Some(entry) = service.destinations.get_mut(place) {
            entry.destination = *destination;
        }
        Ok(())
    }

    fn set_timeouts(&mut self, wanted: Timeouts) -> Outcome {
        rules::check_timeouts(wanted)?;
        let kept = |wanted: u32, present: u32| if wanted == 0 { present } else { wanted };
        self.timeouts = Timeouts {
            tcp: kept(wanted.tcp, self.timeouts.tcp),
            tcp_fin: kept(wanted.tcp_fin, self.timeouts.tcp_fin),
            udp: kept(wanted.udp, self.timeouts.udp),
        };
        Ok(())
    }

    fn start_daemon(&mut self, wanted: &SyncDaemon) -> Outcome {
        rules::check_daemon(wanted)?;
        if self.has_foreign_destination() {
            return Err(Errno::EINVAL);
        }
        if self.daemons.iter().any(|daemon| daemon.role == wanted.role) {
            return Err(Errno::EEXIST);
        }
        self.daemons.push(rules::as_started(wanted));
        self.daemons.sort_by_key(|daemon| daemon.role);
        Ok(())
    }

    fn stop_daemon(&mut self, role: SyncRole) -> Outcome {
        let place = self.daemons.iter().position(|daemon| daemon.role == role);
        self.daemons.remove(place.ok_or(Errno::ESRCH)?);
        Ok(())
    }

    fn zero(&mut self, key: Option<&ServiceKey>) -> Outcome {
        if let Some(key) = key {
            zero_service(self.find_mut(key)?);
        } else {
            self.services.iter_mut().for_each(zero_service);
        }
        Ok(())
    }

    fn reached(&self) -> Result<(), IpvsError> {
        self.unreachable
            .map_or(Ok(()), |errno| Err(IpvsError::Kernel(errno)))
    }
}

/// Counters only: connections stay.
fn zero_service(service: &mut Service) {
    service.entry.counters = Counters::default();
    for entry in &mut service.destinations {
        entry.counters = Counters::default();
    }
}

impl Ipvs for FakeIpvs {
    fn info(&mut self) -> Result<KernelInfo, IpvsError> {
        self.reached()?;
        Ok(KernelInfo {
            version: (1, 2, 1),
            connection_table_size: 4096,
        })
    }

    fn services(&mut self) -> Result<Vec<ServiceEntry>, IpvsError> {
        self.reached()?;
        let entries = self.services.iter().map(|service| service.entry.clone());
        Ok(entries.collect())
    }

    fn service(&mut self, key: &ServiceKey) -> Result<ServiceEntry, IpvsError> {
        self.reached()?;
        let service = self.find(key).map_err(IpvsError::Kernel)?;
        Ok(service.entry.clone())
    }

    fn destinations(&mut self, key: &ServiceKey) -> Result<Vec<DestinationEntry>, IpvsError> {
        self.reached()?;
        Ok(self
            .find(key)
            .map_or_else(|_| Vec::new(), |service| service.destinations.clone()))
    }

    fn timeouts(&mut self) -> Result<Timeouts, IpvsError> {
        self.reached()?;
        Ok(self.timeouts)
    }

    fn daemons(&mut self) -> Result<Vec<SyncDaemon>, IpvsError> {
        self.reached()?;
        Ok(self.daemons.clone())
    }

    fn apply(&mut self, ops: &[IpvsOp]) -> Result<Vec<Refusal>, IpvsError> {
        self.reached()?;
        let mut refusals = Vec::new();
        for (index, op) in ops.iter().enumerate() {
            let ordered = self.refusals.remove(&self.seen);
            self.seen += 1;
            match ordered.map_or_else(|| self.carry_out(op), Err) {
                Ok(()) => self.done.push(op.clone()),
                Err(errno) => refusals.push(Refusal { index, errno }),
            }
        }
        Ok(refusals)
    }
}
