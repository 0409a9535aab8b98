//! Services with their destinations, as the kernel has them or as lvs.cf or saved rules want them.
//!
//! Made by a shell from a dump, by lvsd's machine from its state, by `ipvsadm` from rules; read by
//! [`plan()`](crate::plan()).

use std::collections::BTreeMap;

use crate::{Destination, DestinationKey, IpvsOp, ServiceKey, VirtualService};

/// A service and its destinations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableService {
    /// Its settings.
    pub service: VirtualService,
    /// Its destinations; no two have one key.
    pub destinations: Vec<Destination>,
}

impl TableService {
    /// The destination with this key.
    #[must_use]
    pub fn destination(&self, key: &DestinationKey) -> Option<&Destination> {
        self.destinations.iter().find(|d| d.key == *key)
    }
}

/// The services of a kernel, found by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table(BTreeMap<ServiceKey, TableService>);

impl Table {
    /// A table without services.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Takes a service in, in place of one with the same key.
    pub fn insert(&mut self, service: TableService) {
        self.0.insert(service.service.key, service);
    }

    /// The service with this key.
    #[must_use]
    pub fn get(&self, key: &ServiceKey) -> Option<&TableService> {
        self.0.get(key)
    }

    /// Whether there is a service with this key.
    #[must_use]
    pub fn contains(&self, key: &ServiceKey) -> bool {
        self.0.contains_key(key)
    }

    /// All services, by key.
    pub fn services(&self) -> impl Iterator<Item = &TableService> {
        self.0.values()
    }

    /// Number of services.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Follows a change, as if the kernel had carried it out.
    pub fn follow(&mut self, op: &IpvsOp) {
        match op {
            IpvsOp::AddService(service) | IpvsOp::EditService(service) => {
                self.0
                    .entry(service.key)
                    .and_modify(|found| found.service = service.clone())
                    .or_insert_with(|| TableService {
                        service: service.clone(),
                        destinations: Vec::new(),
                    });
            }
            IpvsOp::DeleteService(key) => {
                self.0.remove(key);
            }
            IpvsOp::AddDestination(key, destination)
            | IpvsOp::EditDestination(key, destination) => {
                if let Some(found) = self.0.get_mut(key) {
                    found.destinations.retain(|d| d.key != destination.key);
                    found.destinations.push(*destination);
                }
            }
            IpvsOp::DeleteDestination(key, destination) => {
                if let Some(found) = self.0.get_mut(key) {
                    found.destinations.retain(|d| d.key != *destination);
                }
            }
            IpvsOp::Flush => self.0.clear(),
            IpvsOp::SetTimeouts(_)
            | IpvsOp::StartDaemon(_)
            | IpvsOp::StopDaemon(_)
            | IpvsOp::Zero(_) => {}
        }
    }
}

impl FromIterator<TableService> for Table {
    fn from_iter<I: IntoIterator<Item = TableService>>(services: I) -> Self {
        let mut table = Self::new();
        for service in services {
            table.insert(service);
        }
        table
    }
}
