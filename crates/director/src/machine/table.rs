//! The table: read, compared, changed; and the sorry servers, which follow from all others.

use std::collections::{BTreeMap, BTreeSet};

use control::Standing;
use lvs_model::{IpvsOp, Mono, ServiceKey, plan_destinations};

use crate::by_hand::HeldChange;
use crate::notice::Notice;
use crate::presence::{Presence, ServesChange};
use crate::supervision::Supervised;
use crate::{Action, MonitorKey, SiteDestination, SiteService, Table, TableService, plan};

use super::service::ServiceState;
use super::timer::{Timer, await_sorry};
use super::{Lvsd, Phase, Progress, Reading};

impl Lvsd {
    fn audit_later(&mut self, now: Mono) {
        let due = now + self.site.audit_interval;
        self.timers.set(Timer::Audit, due);
    }

    pub(super) fn read_table(&mut self, out: &mut Vec<Action>) {
        if self.kernel.reading == Reading::Idle {
            self.kernel.reading = Reading::Asked;
            self.timers.stop(Timer::Audit);
            out.push(Action::ReadTable);
        }
    }

    /// The kernel was read: adopt what is new to us, then lead it to what is wanted.
    pub(super) fn take_table(&mut self, now: Mono, found: Table, out: &mut Vec<Action>) {
        let reading = std::mem::replace(&mut self.kernel.reading, Reading::Idle);
        self.kernel.is_unreadable = false;
        if !matches!(self.phase, Phase::Loading | Phase::Running) {
            return;
        }
        self.audit_later(now);
        if reading == Reading::Outdated {
            // It lacks the destinations of services that came since.
            self.read_table(out);
            return;
        }
        for (key, state) in &mut self.services {
            state.is_uncreated &= !found.contains(key);
            state.unchanged_destinations.clear();
        }
        if self.is_settled() && found == self.kernel.known {
            self.kernel.has_looked_again = false;
            self.kernel.unsure.clear();
        } else {
            self.lead_to_wanted(now, found, out);
        }
        self.tend_nannies(now, false, out);
    }

    /// From what was found to what is wanted.
    fn lead_to_wanted(&mut self, now: Mono, found: Table, out: &mut Vec<Action>) {
        for state in self.services.values_mut() {
            state.unchanged = None;
        }
        let before = std::mem::replace(&mut self.kernel.known, found);
        self.follow_by_hand(&before, out);
        let mut ops = self.plan_besides();
        self.adopt();
        self.report_foreign(out);
        ops.extend(self.plan_table(now, &before, out));
        self.phase = Phase::Running;
        self.apply(ops, out);
        self.tell_refused_servers(self.unserved(), out);
        if self.progress == Progress::Starting {
            self.progress = Progress::Ready;
            out.push(Action::Ready);
        }
        self.tell_checked(out);
    }

    /// What is in no plan: the emptying at first, and the idle times.
    fn plan_besides(&mut self) -> Vec<IpvsOp> {
        let mut ops = Vec::new();
        if std::mem::take(&mut self.clear) {
            self.kernel.known = Table::new();
            ops.push(IpvsOp::Flush);
        }
        if std::mem::take(&mut self.timeouts.are_due) {
            ops.push(IpvsOp::SetTimeouts(self.site.timeouts));
        }
        ops
    }

    /// Plans every service. What neither we nor a verdict since `before` explains is a repair, and logged.
    fn plan_table(&mut self, now: Mono, before: &Table, out: &mut Vec<Action>) -> Vec<IpvsOp> {
        let has_verdicts = !self.unsettled.is_empty();
        let wanted = self.settle_all(now, out);
        self.services
            .retain(|key, state| !state.is_given_up() || self.kernel.known.contains(key));
        let given_up: Vec<ServiceKey> = self.given_up().collect();
        let planned = plan(&wanted, &self.kernel.known, &given_up);
        self.forget_failures(&planned);
        let due = match has_verdicts {
            true => plan(&wanted, before, &given_up),
            false => Vec::new(),
        };
        let repairs = self.repairs(&planned, &due);
        if !std::mem::take(&mut self.kernel.expects_changes) && repairs > 0 {
            self.repair_count += repairs as u64;
            out.push(Action::Notice(Notice::Repaired(repairs)));
        }
        self.kernel.has_looked_again &= !planned.is_empty();
        planned
    }

    /// Whether the table as we know it is as wanted, as an audit nearly always finds. A refused operation
    /// does not show here, since what we know takes it for done.
    fn is_settled(&self) -> bool {
        let has_plans = self.clear || self.timeouts.are_due || self.kernel.expects_changes;
        let is_open =
            |state: &ServiceState| state.is_new || state.is_failing || state.is_given_up();
        self.phase == Phase::Running
            && !has_plans
            && self.unsettled.is_empty()
            && !self.services.values().any(is_open)
    }

    /// The kernel could not be read: no start without it; else another try at the next audit.
    pub(super) fn miss_table(&mut self, now: Mono, reason: String, out: &mut Vec<Action>) {
        self.kernel.reading = Reading::Idle;
        self.nannies.due = now;
        if self.phase == Phase::Running {
            self.audit_later(now);
        }
        if !std::mem::replace(&mut self.kernel.is_unreadable, true) {
            out.push(Action::Notice(Notice::TableUnreadable(reason)));
        }
        if self.phase == Phase::Loading {
            self.phase = Phase::Ended(1);
            out.push(Action::Exit(1));
        }
    }

    /// What was read of the services is all that the kernel has of them.
    fn adopt(&mut self) {
        for service in &self.site.services {
            let key = service.service.key;
            let Some(state) = self.services.get_mut(&key) else {
                continue;
            };
            let is_new = std::mem::take(&mut state.is_new);
            if let (true, Some(presence), Some(found)) =
                (is_new, &mut state.presence, self.kernel.known.get(&key))
            {
                presence.adopt(service, found);
            }
        }
    }

    /// A weight set by hand may be an order; else it is repaired.
    fn follow_by_hand(&mut self, before: &Table, out: &mut Vec<Action>) {
        let unsure = std::mem::take(&mut self.kernel.unsure);
        for service in &self.site.services {
            let key = service.service.key;
            let sight = (before.get(&key), self.kernel.known.get(&key));
            let Some(presence) = presence_mut(&mut self.services, &key) else {
                continue;
            };
            let policy = self.site.manual_weight;
            let changes = presence.follow_by_hand(service, policy, sight, &unsure);
            out.extend(changes.into_iter().map(|(destination, change)| {
                Action::Notice(match change {
                    HeldChange::Held(weight) => Notice::WeightHeld(key, destination, weight),
                    HeldChange::LetGo => Notice::WeightLetGo(key, destination),
                })
            }));
        }
    }

    fn report_foreign(&mut self, out: &mut Vec<Action>) {
        let keys = self
            .kernel
            .known
            .services()
            .map(|service| service.service.key);
        let foreign: BTreeSet<ServiceKey> = keys
            .filter(|key| !self.services.contains_key(key))
            .collect();
        let new: Vec<ServiceKey> = foreign.difference(&self.kernel.foreign).copied().collect();
        if !new.is_empty() {
            out.push(Action::Notice(Notice::Foreign(new)));
        }
        self.kernel.foreign = foreign;
    }

    /// Every service as the kernel shall have it.
    fn settle_all(&mut self, now: Mono, out: &mut Vec<Action>) -> Vec<TableService> {
        self.unsettled.clear();
        let mut wanted = Vec::with_capacity(self.site.services.len());
        for service in &self.site.services {
            if let Some(presence) = presence_mut(&mut self.services, &service.service.key) {
                wanted.push(settle(presence, service, now, &self.nannies.watches, out));
                await_sorry(&mut self.timers, service, presence);
            }
        }
        wanted
    }

    /// Settles one service, against the table as we know it.
    pub(super) fn settle_and_apply(&mut self, now: Mono, key: &ServiceKey, out: &mut Vec<Action>) {
        let service = self.index.service(&self.site, key);
        let presence = presence_mut(&mut self.services, key);
        let (Some(service), Some(presence)) = (service, presence) else {
            return;
        };
        let wanted = settle(presence, service, now, &self.nannies.watches, out);
        await_sorry(&mut self.timers, service, presence);
        let ops = plan(&[wanted], &self.kernel.known, &[]);
        self.apply(ops, out);
    }

    /// Follows the verdicts of a turn: their destinations, and the sorry servers, against the table as we
    /// know it.
    pub(super) fn follow_verdicts(&mut self, now: Mono, out: &mut Vec<Action>) {
        let unsettled = std::mem::take(&mut self.unsettled);
        if self.phase != Phase::Running {
            return;
        }
        let standing = |key: &MonitorKey| self.nannies.watches.get(key)?.standing;
        let mut changes = Vec::new();
        let mut whole = Vec::new();
        for (key, numbers) in unsettled {
            let service = self.index.service(&self.site, &key);
            let presence = presence_mut(&mut self.services, &key);
            let (Some(service), Some(presence)) = (service, presence) else {
                continue;
            };
            if !self.kernel.known.contains(&key) {
                // Somebody took it away, or it was refused.
                whole.push(key);
                continue;
            }
            let touched = numbers.iter().filter_map(|n| service.destinations.get(*n));
            let touched: Vec<&SiteDestination> = touched.collect();
            let change = presence.settle_some(service, &touched, now, &standing);
            await_sorry(&mut self.timers, service, presence);
            report_who_serves(service, change, out);
            let touched = touched.into_iter().map(|wanted| &wanted.destination);
            let sorry = service.sorry.as_ref().map(|sorry| &sorry.destination);
            for destination in touched.chain(sorry) {
                let wanted = presence.wanted_destination(service, destination);
                changes.push((key, destination.key, wanted));
            }
        }
        let ops = plan_destinations(&changes, &self.kernel.known);
        self.apply(ops, out);
        for key in whole {
            self.settle_and_apply(now, &key, out);
        }
        self.tell_checked(out);
    }

    /// Says once that the first verdicts of all real servers are in the table.
    fn tell_checked(&mut self, out: &mut Vec<Action>) {
        if self.progress == Progress::Checked {
            return;
        }
        let judged = |service: &SiteService| {
            let presence = self.presence(&service.service.key);
            presence.is_none_or(|presence| presence.is_judged(service))
        };
        if self.site.services.iter().all(judged) {
            self.progress = Progress::Checked;
            out.push(Action::Checked);
        }
    }

    /// Sends operations, and takes them for done until the answer says otherwise.
    pub(super) fn apply(&mut self, ops: Vec<IpvsOp>, out: &mut Vec<Action>) {
        if ops.is_empty() {
            return;
        }
        for op in &ops {
            self.keep_unchanged(op);
            self.kernel.known.follow(op);
        }
        self.kernel.in_flight.push_back(ops.clone());
        out.push(Action::Apply(ops));
    }
}

/// Who serves a service of lvs.cf.
fn presence_mut<'s>(
    services: &'s mut BTreeMap<ServiceKey, ServiceState>,
    key: &ServiceKey,
) -> Option<&'s mut Presence> {
    services.get_mut(key)?.presence.as_mut()
}

/// The service as the kernel should have it, by its nannies' last reports.
fn settle(
    presence: &mut Presence,
    service: &SiteService,
    now: Mono,
    watches: &BTreeMap<MonitorKey, Supervised>,
    out: &mut Vec<Action>,
) -> TableService {
    let standing = |key: &MonitorKey| -> Option<Standing> { watches.get(key)?.standing };
    let change = presence.settle(service, now, &standing);
    report_who_serves(service, change, out);
    presence.wanted(service)
}

fn report_who_serves(service: &SiteService, change: Option<ServesChange>, out: &mut Vec<Action>) {
    let sorry = service.sorry.as_ref();
    let sorry = sorry.map(|sorry| (sorry.block.clone(), sorry.destination.key.address));
    let notice = match (change, sorry) {
        (Some(ServesChange::SorryIn), Some((name, address))) => Notice::SorryIn { name, address },
        (Some(ServesChange::SorryOut(up)), Some((name, address))) => {
            Notice::SorryOut { name, up, address }
        }
        (Some(ServesChange::Lost), _) => Notice::NoServers {
            name: names(service),
            service: service.service.key,
            servers: service.destinations.len(),
        },
        (Some(ServesChange::Back(up)), _) => Notice::ServersBack {
            name: names(service),
            up,
        },
        (None | Some(ServesChange::SorryIn | ServesChange::SorryOut(_)), _) => return,
    };
    out.push(Action::Notice(notice));
}

/// Names of the blocks that a service is made of.
pub(super) fn names(service: &SiteService) -> String {
    let names: Vec<&str> = service.blocks.iter().map(|(name, _)| &**name).collect();
    names.join(", ")
}
