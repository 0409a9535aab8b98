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
    /// Where the destination stands, or would stand, in a service of a [`Table`], which keeps their order.
    fn place(&self, key: &DestinationKey) -> Result<usize, usize> {
        self.destinations.binary_search_by_key(key, |d| d.key)
    }
}

/// The services of a kernel, found by key, and their destinations, in the order of their keys. Two tables
/// with the same content are equal, whatever order it came in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table(BTreeMap<ServiceKey, TableService>);

impl Table {
    /// A table without services.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Takes a service in; it replaces one with the same key.
    pub fn insert(&mut self, mut service: TableService) {
        service.destinations.sort_unstable_by_key(|d| d.key);
        self.0.insert(service.service.key, service);
    }

    /// The service with this key.
    #[must_use]
    pub fn get(&self, key: &ServiceKey) -> Option<&TableService> {
        self.0.get(key)
    }

    /// The destination with this key of that service.
    #[must_use]
    pub fn destination(&self, service: &ServiceKey, key: &DestinationKey) -> Option<&Destination> {
        let service = self.get(service)?;
        let place = service.place(key).ok()?;
        service.destinations.get(place)
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
                    let before = found.place(&destination.key);
                    let place = before.unwrap_or_else(|place| {
                        found.destinations.insert(place, *destination);
                        place
                    });
                    if let Some(present) = found.destinations.get_mut(place) {
                        *present = *destination;
                    }
                }
            }
            IpvsOp::DeleteDestination(key, destination) => {
                if let Some(found) = self.0.get_mut(key)
                    && let Ok(place) = found.place(destination)
                {
                    found.destinations.remove(place);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Protocol, Weight};

    fn service(servers: &[(u8, u32)]) -> TableService {
        let key = ServiceKey::Address {
            protocol: Protocol::Tcp,
            address: [192, 0, 2, 1].into(),
            port: 80,
        };
        let destination = |(last, weight): &(u8, u32)| {
            let address = [10, 0, 0, *last].into();
            let mut destination = Destination::new(DestinationKey { address, port: 80 });
            destination.weight = Weight::new(*weight).unwrap();
            destination
        };
        TableService {
            service: VirtualService::new(key),
            destinations: servers.iter().map(destination).collect(),
        }
    }

    #[test]
    fn what_was_followed_equals_what_is_read_in_another_order() {
        let TableService {
            service: web,
            destinations,
        } = service(&[(3, 1), (1, 1), (2, 1), (1, 5)]);
        let mut table = Table::new();
        assert!(table.is_empty());
        table.follow(&IpvsOp::AddService(web.clone()));
        assert!(!table.is_empty());
        for destination in destinations {
            table.follow(&IpvsOp::AddDestination(web.key, destination));
        }
        let read = |servers| Table::from_iter([service(servers)]);
        assert_eq!(table, read(&[(3, 1), (2, 1), (1, 5)]));
        let third = service(&[(3, 1)]).destinations[0].key;
        assert!(table.destination(&web.key, &third).is_some());
        table.follow(&IpvsOp::DeleteDestination(web.key, third));
        assert_eq!(table, read(&[(1, 5), (2, 1)]));
        assert!(table.destination(&web.key, &third).is_none());
    }
}
