//! Reload: from one lvs.cf to the next, touching only what differs.

use std::collections::{BTreeMap, BTreeSet};

use control::Order;
use lvs_model::{Mono, ServiceKey};

use crate::notice::Notice;
use crate::supervision::{Life, Supervised};
use crate::{Action, Monitor, MonitorKey, Site};

use super::index::Index;
use super::nannies::monitors;
use super::timer::{Timer, await_sorry};
use super::{Lvsd, Phase, Reading, announce_start, reread};

impl Lvsd {
    /// SIGHUP: the shell reads and checks the file. Until then the running configuration stays.
    pub(super) fn hang_up(&mut self, now: Mono, out: &mut Vec<Action>) {
        if matches!(self.phase, Phase::Loading | Phase::Running) && self.pace.ask(now) {
            reread(out);
        }
    }

    /// The file is good. The table follows once the kernel was read.
    pub(super) fn reload(&mut self, now: Mono, site: Site, out: &mut Vec<Action>) {
        if !matches!(self.phase, Phase::Loading | Phase::Running) {
            return;
        }
        self.reload_failure.clear();
        self.index = Index::new(&site);
        // All is settled once the kernel was read.
        self.unsettled.clear();
        let old = std::mem::replace(&mut self.site, site);
        self.timeouts.are_due |= old.timeouts != self.site.timeouts;
        self.reload_services(now, &old, out);
        self.reload_monitors(now, &old, out);
        self.nannies.due = now;
        self.kernel.expects_changes = true;
        match self.kernel.reading {
            Reading::Idle => self.read_table(out),
            Reading::Asked | Reading::Outdated => self.kernel.reading = Reading::Outdated,
        }
    }

    fn reload_services(&mut self, now: Mono, old: &Site, out: &mut Vec<Action>) {
        for service in &self.site.services {
            let key = service.service.key;
            let state = self.services.entry(key).or_default();
            if state.is_given_up() {
                announce_start(service, out);
                state.begin(now);
            }
            if let Some(presence) = &state.presence {
                await_sorry(&mut self.timers, service, presence);
            }
        }
        let wanted: BTreeSet<ServiceKey> =
            self.site.services.iter().map(|s| s.service.key).collect();
        for service in &old.services {
            let key = service.service.key;
            if !wanted.contains(&key) {
                for (name, _) in &service.blocks {
                    out.push(Action::Notice(Notice::StoppingVirtual(name.clone())));
                }
                self.services.entry(key).or_default().give_up();
                self.timers.stop(Timer::Sorry(key));
            }
        }
    }

    fn reload_monitors(&mut self, now: Mono, old: &Site, out: &mut Vec<Action>) {
        let before: BTreeMap<MonitorKey, &Monitor> = monitors(old).map(|m| (m.key, m)).collect();
        let mut replaced = Vec::new();
        for monitor in monitors(&self.site) {
            let Some(watch) = self.nannies.watches.get_mut(&monitor.key) else {
                self.nannies
                    .watches
                    .insert(monitor.key, Supervised::new(now));
                continue;
            };
            match before.get(&monitor.key) {
                Some(old) if old.options == monitor.options => {}
                Some(old) if old.options.differs_in_weight_only(&monitor.options) => {
                    if let Life::Running { nanny, .. } = watch.life {
                        out.push(Action::Tell(nanny, Order::Target(monitor.options.weight)));
                    }
                }
                _ => {
                    replaced.extend(watch.nanny());
                    watch.life = Life::Due(now);
                }
            }
        }
        let kept: BTreeSet<MonitorKey> = monitors(&self.site).map(|m| m.key).collect();
        for (key, watch) in &self.nannies.watches {
            if !kept.contains(key) {
                replaced.extend(watch.nanny());
            }
        }
        self.nannies.watches.retain(|key, _| kept.contains(key));
        for nanny in replaced {
            self.end_nanny(now, nanny, out);
        }
    }
}
