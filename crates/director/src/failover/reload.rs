//! What a new lvs.cf changes in a running fos; what is as before is not touched.

use lvs_model::Mono;

use super::machine::{Fos, Work, stop_monitor};
use super::record::{Life, Record};
use super::{Action, Mode, Site};

impl Fos {
    /// Takes a new configuration. Services that are gone are stopped, new ones started, and a monitor with
    /// another command line is replaced. New commands count from the next time on.
    pub(super) fn change(&mut self, now: Mono, site: Site, out: &mut Vec<Action>) {
        let mut old = std::mem::take(&mut self.records);
        for service in site.services {
            let place = old.iter().position(|r| r.service.id == service.id);
            let Some(place) = place else {
                self.records.push(Record::new(service.clone()));
                self.plan(service, true);
                continue;
            };
            let mut record = old.remove(place);
            let is_watched_alike = record.service.monitor == service.monitor
                && record.service.account == service.account;
            if !is_watched_alike {
                match record.life {
                    Life::Running(..) => stop_monitor(&mut record, now, true, out),
                    // The answer to its start finds no service for it, and ends it.
                    Life::Ending(_, None, true) => record.life = Life::Due(now),
                    _ => {}
                }
            }
            record.service = service;
            self.records.push(record);
        }
        for mut gone in old {
            stop_monitor(&mut gone, now, false, out);
            if let Life::Ending(monitor, Some(ending), _) = gone.life {
                self.leaving.push((monitor, ending));
            }
            let id = gone.service.id;
            self.work.retain(|work| match work {
                Work::Start(service) | Work::Stop(service) => service.id != id,
                Work::Watch(watched) => *watched != id,
            });
            if self.mode == Mode::Active {
                self.work.push_back(Work::Stop(Box::new(gone.service)));
            }
        }
    }
}
