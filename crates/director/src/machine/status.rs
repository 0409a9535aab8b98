//! What lvsd says of itself.

use control::{CheckStatus, FileStatus, ServerStatus, ServiceStatus, Standing, Status};
use lvs_model::{Mono, SchedulerName, ServiceKey};

use crate::{Monitor, SiteDestination, SiteService};

use super::Lvsd;

impl Lvsd {
    /// The state at `now`. The shell adds its process id, and the file that it read last.
    #[must_use]
    pub fn status(&self, now: Mono, pid: u32, file: &FileStatus) -> Status {
        Status {
            pid,
            file: file.clone(),
            reload_failure: self.reload_failure.clone(),
            repairs: self.repair_count,
            refused: self.refused_of_none(),
            services: (self.site.services.iter())
                .map(|service| self.service_status(now, service))
                .collect(),
        }
    }

    fn service_status(&self, now: Mono, service: &SiteService) -> ServiceStatus {
        let key = service.service.key;
        let presence = self.presence(&key);
        let wanted = &service.service.scheduler;
        let mut servers = Vec::new();
        for destination in &service.destinations {
            for monitor in &destination.monitors {
                servers.push(self.server_status(now, service, destination, monitor));
            }
        }
        ServiceStatus {
            key,
            names: service
                .blocks
                .iter()
                .map(|(name, _)| name.clone())
                .collect(),
            scheduler: self.scheduler(&key).unwrap_or(wanted).clone(),
            wanted_scheduler: wanted.clone(),
            is_present: self.kernel.known.contains(&key)
                && !self
                    .services
                    .get(&key)
                    .is_some_and(|state| state.is_uncreated),
            sorry: (service.sorry.as_ref()).map(|sorry| {
                let is_in = presence.is_some_and(|presence| presence.has_sorry());
                (sorry.destination.key, is_in)
            }),
            serving: self.serving(service),
            refused: self.refused_of(key),
            servers,
        }
    }

    /// The scheduler that the kernel has for a service.
    fn scheduler(&self, key: &ServiceKey) -> Option<&SchedulerName> {
        let state = self.services.get(key);
        let unchanged = state.and_then(|state| state.unchanged.as_ref());
        let known = || self.kernel.known.get(key).map(|found| &found.service);
        let found = unchanged.or_else(known)?;
        Some(&found.scheduler)
    }

    /// What was refused of a service and its destinations, each operation with its reason.
    fn refused_of(&self, key: ServiceKey) -> Vec<String> {
        let behind = self.kernel.refused.range((Some(key), None)..);
        let own = behind.take_while(|((service, _), _)| *service == Some(key));
        own.map(|(_, said)| said.clone()).collect()
    }

    /// What was refused of no service of lvs.cf.
    fn refused_of_none(&self) -> Vec<String> {
        let is_ours = |key: &ServiceKey| self.index.service(&self.site, key).is_some();
        let refused = self.kernel.refused.iter();
        let others = refused.filter(|((service, _), _)| !service.as_ref().is_some_and(is_ours));
        others.map(|(_, said)| said.clone()).collect()
    }

    fn server_status(
        &self,
        now: Mono,
        service: &SiteService,
        destination: &SiteDestination,
        monitor: &Monitor,
    ) -> ServerStatus {
        let presence = self.presence(&service.service.key);
        let key = destination.destination.key;
        let watch = self.nannies.watches.get(&monitor.key);
        let standing = watch.and_then(|watch| watch.standing);
        let Standing { phase, count, .. } = standing.unwrap_or_default();
        let said = watch.map(|watch| watch.said.clone()).unwrap_or_default();
        let check = said.check.map(|(at, duration, result)| CheckStatus {
            age: now - at,
            duration,
            result,
        });
        ServerStatus {
            block: monitor.block.clone(),
            name: monitor.server.clone(),
            destination: key,
            check_port: monitor.key.check_port,
            phase,
            count: (count, said.needed),
            by_hand: presence.and_then(|presence| presence.by_hand(&key)),
            place: presence
                .map(|presence| presence.place(&key))
                .unwrap_or_default(),
            target: monitor.options.weight,
            reason: said.reason,
            last_check: check,
            pid: watch.and_then(|watch| watch.pid),
            restarts: watch.map_or(0, |watch| watch.starts.saturating_sub(1)),
            refused: (self
                .kernel
                .refused
                .get(&(Some(service.service.key), Some(key))))
            .map_or_else(Vec::new, |said| vec![said.clone()]),
        }
    }
}
