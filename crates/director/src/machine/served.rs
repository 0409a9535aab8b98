//! Which servers serve a service: by what the kernel has. That is not what is wanted, while changes are
//! under way or were refused.

use std::collections::BTreeSet;

use lvs_model::{DestinationKey, IpvsOp, ServiceKey};

use crate::notice::Notice;
use crate::presence::Presence;
use crate::{Action, SiteService};

use super::Lvsd;
use super::object::{object_of, service_key};
use super::table::names;

impl Lvsd {
    /// Keeps what the kernel has until it has carried out a change that is about to be sent.
    pub(super) fn keep_unchanged(&mut self, op: &IpvsOp) {
        let key = service_key(op);
        let Some((key, state)) = key.and_then(|key| Some((key, self.services.get_mut(&key)?)))
        else {
            return;
        };
        match (op, object_of(op)) {
            (IpvsOp::EditService(_), _) => {
                let found = self
                    .kernel
                    .known
                    .get(&key)
                    .map(|found| found.service.clone());
                state.unchanged = found.or(state.unchanged.take());
            }
            (_, Some(destination)) => {
                let found = self.kernel.known.destination(&key, &destination).copied();
                let unchanged = &mut state.unchanged_destinations;
                unchanged.entry(destination).or_insert(found);
            }
            _ => {}
        }
    }

    /// How many real servers get connections: in the kernel's table, with a weight.
    pub(super) fn serving(&self, service: &SiteService) -> usize {
        let keys = service.destinations.iter().map(|it| it.destination.key);
        keys.filter(|key| self.gets_connections(&service.service.key, key))
            .count()
    }

    fn gets_connections(&self, service: &ServiceKey, key: &DestinationKey) -> bool {
        let state = self.services.get(service);
        let unchanged = state.and_then(|state| state.unchanged_destinations.get(key));
        let found = match unchanged {
            Some(found) => found.as_ref(),
            None => self.kernel.known.destination(service, key),
        };
        found.is_some_and(|found| !found.is_quiesced())
    }

    /// How many should get connections if none does: the kernel has refused them all. A service that it
    /// would not create is logged by itself.
    fn refused_servers(&self, service: &SiteService) -> Option<usize> {
        let key = service.service.key;
        let state = self.services.get(&key).filter(|it| !it.is_uncreated)?;
        let wanted = state.presence.as_ref()?.wanted(service).destinations;
        let shall = wanted.iter().filter(|it| !it.is_quiesced()).count();
        let sorry = service.sorry.as_ref().map(|it| it.destination.key);
        let serves = self.serving(service) > 0
            || sorry.is_some_and(|sorry| self.gets_connections(&key, &sorry));
        (shall > 0 && !serves).then_some(shall)
    }

    /// Logs once for each of these services that the kernel has refused all its servers, and once that one
    /// serves again.
    pub(super) fn tell_refused_servers(
        &mut self,
        keys: BTreeSet<ServiceKey>,
        out: &mut Vec<Action>,
    ) {
        for key in keys {
            let Some(service) = self.index.service(&self.site, &key) else {
                continue;
            };
            let refused = self.refused_servers(service);
            let (serving, name) = (self.serving(service), names(service));
            let Some(state) = self.services.get_mut(&key) else {
                continue;
            };
            let was_said = std::mem::replace(&mut state.is_unserved, refused.is_some());
            let sorry = service.sorry.as_ref();
            let sorry = sorry.filter(|_| state.presence.as_ref().is_some_and(Presence::has_sorry));
            let notice = match (was_said, refused, sorry) {
                (false, Some(refused), _) => Notice::ServersRefused {
                    name,
                    service: key,
                    refused,
                },
                (true, None, Some(sorry)) => Notice::SorryIn {
                    name: sorry.block.clone(),
                    address: sorry.destination.key.address,
                },
                (true, None, None) if serving > 0 => Notice::ServersBack { name, up: serving },
                _ => continue,
            };
            out.push(Action::Notice(notice));
        }
    }

    /// Services of which the log says that no server serves them.
    pub(super) fn unserved(&self) -> BTreeSet<ServiceKey> {
        let services = self.services.iter();
        services
            .filter_map(|(key, state)| state.is_unserved.then_some(*key))
            .collect()
    }
}
