//! The kernel's table on a standby without lvsd: nothing of lvs.cf stays in it.
//!
//! A killed pulse leaves its services in the table. On a director that is a real server too, they balance
//! again what the active one sends it. So a node that has settled as standby has lvsd take them out, once.
//! The process counts as a service that is ending: a takeover ends it, and waits for that before it starts
//! the service.

use std::time::Duration;

use lvs_model::Mono;

use super::Node;
use super::stage::Stage;
use crate::model::Action;
use crate::supervise::State;

/// What failed is tried again after so long.
const CLEARED_AGAIN_AFTER: Duration = Duration::from_secs(60);

impl Node {
    /// When the table is to be cleared, if nothing happens until then.
    pub(super) fn clearing_due(&self) -> Option<Mono> {
        let Stage::Standby(standby) = &self.stage else {
            return None;
        };
        let is_cold = !self.is_fos() && !self.is_warm();
        let is_idle = self.service.state() == State::Absent;
        let is_due = is_cold && is_idle && !standby.is_cleared && self.settings.has_partner;
        let settled = standby.since + self.settings.dead_time;
        is_due.then(|| standby.clear_again.unwrap_or(settled))
    }

    /// The partner serves, or we have been on standby for a dead time: we stay a standby.
    pub(super) fn clear_table(&mut self, now: Mono, out: &mut Vec<Action>) {
        if self.clearing_due().is_none() {
            return;
        }
        if let Stage::Standby(standby) = &mut self.stage {
            if standby.clear_again.is_some_and(|at| now < at) {
                return;
            }
            standby.is_cleared = true;
            self.service.clearing(now);
            out.push(Action::ClearTable);
        }
    }

    /// It has not come about: again after a while.
    pub(super) fn clearing_failed(&mut self, now: Mono) {
        if let Stage::Standby(standby) = &mut self.stage {
            standby.is_cleared = false;
            standby.clear_again = Some(now + CLEARED_AGAIN_AFTER);
        }
    }

    /// A takeover: ends what still clears the table; the service starts after that.
    pub(super) fn stop_clearing(&self, out: &mut Vec<Action>) {
        if self.service.is_clearing() {
            out.push(Action::KillService);
        }
    }
}
