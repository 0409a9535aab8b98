//! What the kernel refused: logged once for each service, and tried again, which is no repair.

use std::collections::BTreeSet;

use lvs_model::{IpvsOp, Mono, ServiceKey};

use crate::notice::Notice;
use crate::{Action, Refusal, RefusalKind};

use super::object::{Object, destination_key, object_of, service_key};
use super::timer::Timer;
use super::{Lvsd, Phase, Reading};

impl Lvsd {
    /// Logs what was refused, once for each service; reads the table again if somebody changed it.
    pub(super) fn take_refusals(&mut self, now: Mono, refusals: &[Refusal], out: &mut Vec<Action>) {
        let ops = self.kernel.in_flight.pop_front().unwrap_or_default();
        let mut is_outdated = false;
        let were_failing = self.timeouts.are_refused;
        let refused: BTreeSet<usize> = refusals.iter().map(|refusal| refusal.index).collect();
        for (index, op) in ops.iter().enumerate() {
            if !refused.contains(&index) {
                self.note_outcome(op, false);
            }
        }
        for refusal in refusals {
            let Some(op) = ops.get(refusal.index) else {
                continue;
            };
            self.kernel.unsure.extend(destination_key(op));
            if refusal.kind == RefusalKind::Outdated {
                is_outdated = true;
                self.note_outdated(op);
                continue;
            }
            self.note_outcome(op, true);
            let said = format!("{op}: {}", refusal.reason);
            self.kernel
                .refused
                .insert((service_key(op), object_of(op)), said);
            let is_new = match service_key(op) {
                Some(key) => self.begins_to_fail(&key),
                None => !were_failing,
            };
            if is_new {
                out.push(Action::Notice(self.refusal_notice(op, &refusal.reason)));
            }
        }
        if self.phase == Phase::Running {
            // Where all is well nobody counts anything.
            let keys = ops.iter().filter_map(service_key);
            let keys = keys.filter(|key| {
                let state = self.services.get(key);
                state.is_some_and(|state| state.is_failing || state.is_unserved)
            });
            self.tell_refused_servers(keys.collect(), out);
        }
        match self.phase {
            // Once: if that does not help, the next audit is soon enough.
            Phase::Running if is_outdated && !self.kernel.has_looked_again => {
                self.kernel.has_looked_again = true;
                if self.kernel.reading == Reading::Idle {
                    self.timers.set(Timer::Audit, now);
                }
            }
            Phase::Ended(status) => out.push(Action::Exit(status)),
            _ => {}
        }
    }

    /// Whether this is the first refusal of the service's operations since it was right.
    fn begins_to_fail(&mut self, key: &ServiceKey) -> bool {
        let state = self.services.get_mut(key);
        state.is_none_or(|state| !std::mem::replace(&mut state.is_failing, true))
    }

    /// What a refusal means, beyond the difference that the next audit finds; or that there was none.
    fn note_outcome(&mut self, op: &IpvsOp, is_refused: bool) {
        if !is_refused {
            self.kernel
                .refused
                .remove(&(service_key(op), object_of(op)));
            self.forget_unchanged(op);
        }
        match op {
            IpvsOp::EditService(service) if !is_refused => {
                if let Some(state) = self.services.get_mut(&service.key) {
                    state.unchanged = None;
                }
            }
            IpvsOp::AddService(service) => {
                if let Some(state) = self.services.get_mut(&service.key) {
                    state.is_uncreated = is_refused;
                }
            }
            // An entry that is made again from then on is meant.
            IpvsOp::DeleteService(key) if !is_refused => {
                self.services
                    .retain(|it, state| it != key || !state.is_given_up());
            }
            IpvsOp::SetTimeouts(_) => {
                self.timeouts.are_refused = is_refused;
                self.timeouts.are_due |= is_refused;
            }
            _ => {}
        }
    }

    /// The kernel has the destination as it should be: added already, or gone already. Or it has none to
    /// change.
    fn note_outdated(&mut self, op: &IpvsOp) {
        let state = service_key(op).and_then(|key| self.services.get_mut(&key));
        let (Some(state), Some(key)) = (state, object_of(op)) else {
            return;
        };
        if state.is_uncreated || matches!(op, IpvsOp::EditDestination(..)) {
            state.unchanged_destinations.insert(key, None);
        } else {
            state.unchanged_destinations.remove(&key);
        }
    }

    fn forget_unchanged(&mut self, op: &IpvsOp) {
        let state = service_key(op).and_then(|key| self.services.get_mut(&key));
        if let (Some(state), Some(key)) = (state, object_of(op)) {
            state.unchanged_destinations.remove(&key);
        }
    }

    fn refusal_notice(&self, op: &IpvsOp, reason: &str) -> Notice {
        let reason = reason.to_owned();
        match op {
            IpvsOp::SetTimeouts(timeouts) => Notice::TimeoutsFailed(*timeouts, reason),
            IpvsOp::AddService(_) | IpvsOp::EditService(_) | IpvsOp::DeleteService(_) => {
                Notice::ServiceFailed {
                    name: service_key(op).map_or_else(String::new, |key| self.name(&key)),
                    op: op.clone(),
                    reason,
                }
            }
            _ => Notice::DestinationFailed {
                program: self.site.ipvsadm.clone(),
                op: op.clone(),
                reason,
            },
        }
    }

    /// The name of the service's first block, or its key if lvs.cf no longer names it.
    fn name(&self, key: &ServiceKey) -> String {
        let service = self.index.service(&self.site, key);
        let block = service.and_then(|service| service.blocks.first());
        block.map_or_else(|| key.to_string(), |(name, _)| name.clone())
    }

    /// Number of operations that put right what somebody else did. What failed before does not count, nor
    /// what was `due` if nobody had touched the table.
    pub(super) fn repairs(&self, planned: &[IpvsOp], due: &[IpvsOp]) -> usize {
        let due: BTreeSet<_> = due
            .iter()
            .map(|op| (service_key(op), object_of(op)))
            .collect();
        let is_repair = |op: &&IpvsOp| {
            let service = service_key(op);
            let has_failed =
                service.is_some_and(|key| self.services.get(&key).is_some_and(|it| it.is_failing));
            !has_failed && !due.contains(&(service, object_of(op)))
        };
        planned.iter().filter(is_repair).count()
    }

    /// A service for which nothing is planned any more has come right.
    pub(super) fn forget_failures(&mut self, planned: &[IpvsOp]) {
        let open: BTreeSet<ServiceKey> = planned.iter().filter_map(service_key).collect();
        for (key, state) in &mut self.services {
            state.is_failing &= open.contains(key);
        }
        let open: BTreeSet<Object> = planned
            .iter()
            .map(|op| (service_key(op), object_of(op)))
            .collect();
        // The idle times are in no plan.
        self.kernel
            .refused
            .retain(|object, _| object.0.is_none() || open.contains(object));
    }
}
