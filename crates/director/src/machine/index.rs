//! Where services and monitors stand in the site: found by key, so that what happens to one server
//! costs the same however many there are.

use std::collections::BTreeMap;

use lvs_model::ServiceKey;

use crate::notice::Child;
use crate::{Monitor, MonitorKey, Site, SiteDestination, SiteService};

/// Places in one site; made anew with each.
#[derive(Debug)]
pub struct Index {
    services: BTreeMap<ServiceKey, usize>,
    monitors: BTreeMap<MonitorKey, Place>,
}

/// Where a monitor stands: numbers of its service, its destination, and itself there.
#[derive(Clone, Copy, Debug)]
struct Place {
    service: usize,
    destination: usize,
    monitor: usize,
}

impl Index {
    /// The places in `site`.
    pub fn new(site: &Site) -> Self {
        let mut services = BTreeMap::new();
        let mut monitors = BTreeMap::new();
        for (service, wanted) in site.services.iter().enumerate() {
            services.insert(wanted.service.key, service);
            for (destination, wanted) in wanted.destinations.iter().enumerate() {
                for (monitor, wanted) in wanted.monitors.iter().enumerate() {
                    let place = Place {
                        service,
                        destination,
                        monitor,
                    };
                    monitors.insert(wanted.key, place);
                }
            }
        }
        Self { services, monitors }
    }

    /// The service with this key in `site`, of which this is the index.
    pub fn service<'s>(&self, site: &'s Site, key: &ServiceKey) -> Option<&'s SiteService> {
        site.services.get(*self.services.get(key)?)
    }

    /// The number of the destination that a monitor checks, within its service.
    pub fn destination(&self, key: &MonitorKey) -> Option<usize> {
        Some(self.monitors.get(key)?.destination)
    }

    /// A monitor of `site`.
    pub fn monitor<'s>(&self, site: &'s Site, key: &MonitorKey) -> Option<&'s Monitor> {
        let place = self.monitors.get(key)?;
        let service = site.services.get(place.service)?;
        let destination: &SiteDestination = service.destinations.get(place.destination)?;
        destination.monitors.get(place.monitor)
    }

    /// Names of a monitor, for log lines.
    pub fn child(&self, site: &Site, key: &MonitorKey) -> Option<Child> {
        let monitor = self.monitor(site, key)?;
        Some(Child {
            name: monitor.block.clone(),
            server: monitor.server.clone(),
        })
    }
}
