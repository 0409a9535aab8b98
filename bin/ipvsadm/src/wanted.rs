//! The table that a set of rules describes, made without a kernel. `replace` fills it line by line.

use std::collections::BTreeMap;

use ipvs::Errno;
use lvs_model::{
    Destination, DestinationKey, IpvsOp, ServiceKey, Table, TableService, VirtualService, plan,
};

/// A service and its servers, each with the line that last spoke of it.
struct Wished {
    table: TableService,
    line: usize,
    lines: BTreeMap<DestinationKey, usize>,
}

impl Wished {
    fn server(&mut self, key: &DestinationKey) -> Result<&mut Destination, Errno> {
        let mut servers = self.table.destinations.iter_mut();
        servers
            .find(|server| server.key == *key)
            .ok_or(Errno::ENOENT)
    }
}

/// What the lines so far lead to on an empty table, in their order.
#[derive(Default)]
pub(crate) struct Wanted {
    services: Vec<Option<Wished>>,
    places: BTreeMap<ServiceKey, usize>,
}

impl Wanted {
    /// Follows a change of a service or server; refuses as the kernel would. Other changes are not the
    /// table's, and do nothing.
    pub(crate) fn take(&mut self, op: IpvsOp, line: usize) -> Result<(), Errno> {
        match op {
            IpvsOp::AddService(service) => self.add_service(service, line),
            IpvsOp::EditService(service) => {
                let found = self.find(&service.key)?;
                found.table.service = service;
                found.line = line;
                Ok(())
            }
            IpvsOp::DeleteService(key) => {
                let place = self.places.remove(&key).ok_or(Errno::ESRCH)?;
                if let Some(service) = self.services.get_mut(place) {
                    *service = None;
                }
                Ok(())
            }
            IpvsOp::AddDestination(key, server) => {
                let found = self.find(&key)?;
                if found.lines.contains_key(&server.key) {
                    return Err(Errno::EEXIST);
                }
                found.lines.insert(server.key, line);
                found.table.destinations.push(server);
                Ok(())
            }
            IpvsOp::EditDestination(key, server) => {
                let found = self.find(&key)?;
                *found.server(&server.key)? = server;
                found.lines.insert(server.key, line);
                Ok(())
            }
            IpvsOp::DeleteDestination(key, server) => {
                let found = self.find(&key)?;
                found.lines.remove(&server).ok_or(Errno::ENOENT)?;
                found.table.destinations.retain(|it| it.key != server);
                Ok(())
            }
            IpvsOp::Flush => {
                *self = Self::default();
                Ok(())
            }
            IpvsOp::SetTimeouts(_)
            | IpvsOp::StartDaemon(_)
            | IpvsOp::StopDaemon(_)
            | IpvsOp::Zero(_) => Ok(()),
        }
    }

    fn add_service(&mut self, service: VirtualService, line: usize) -> Result<(), Errno> {
        if self.places.contains_key(&service.key) {
            return Err(Errno::EEXIST);
        }
        self.places.insert(service.key, self.services.len());
        self.services.push(Some(Wished {
            table: TableService {
                service,
                destinations: Vec::new(),
            },
            line,
            lines: BTreeMap::new(),
        }));
        Ok(())
    }

    fn find(&mut self, key: &ServiceKey) -> Result<&mut Wished, Errno> {
        let place = self.places.get(key).ok_or(Errno::ESRCH)?;
        let service = self.services.get_mut(*place).and_then(Option::as_mut);
        service.ok_or(Errno::ESRCH)
    }

    /// The line that asked for an addition or edit.
    pub(crate) fn line_of(&mut self, op: &IpvsOp) -> Option<usize> {
        match op {
            IpvsOp::AddService(service) | IpvsOp::EditService(service) => {
                Some(self.find(&service.key).ok()?.line)
            }
            IpvsOp::AddDestination(key, server) | IpvsOp::EditDestination(key, server) => {
                self.find(key).ok()?.lines.get(&server.key).copied()
            }
            _ => None,
        }
    }

    /// The services in the order of their lines.
    pub(crate) fn services(&self) -> Vec<TableService> {
        let services = self.services.iter().flatten();
        services.map(|service| service.table.clone()).collect()
    }
}

/// The fewest changes that turn `found` into `wanted` and nothing else: additions and edits first, then
/// removals. A service takes its servers along.
pub(crate) fn changes(wanted: &[TableService], found: &Table) -> Vec<IpvsOp> {
    if wanted.is_empty() && !found.is_empty() {
        return vec![IpvsOp::Flush];
    }
    let mut ops = plan(wanted, found, &[]);
    let stays: Table = wanted.iter().cloned().collect();
    let found = found.services().map(|service| service.service.key);
    let goes = found.filter(|key| !stays.contains(key));
    ops.extend(goes.map(IpvsOp::DeleteService));
    ops
}

/// Whether a change takes something away.
pub(crate) const fn is_removal(op: &IpvsOp) -> bool {
    matches!(
        op,
        IpvsOp::DeleteService(_) | IpvsOp::DeleteDestination(..) | IpvsOp::Flush
    )
}
