//! Two owners that stay: the partner goes on saying that it is active, and neither yields.
//!
//! Of two that sign, or tell their role, one yields in a moment. An original of our own role does neither,
//! and a partner that cannot hear us does not know. This node cannot end that, so it logs it.

use lvs_model::Mono;

use super::Node;
use super::conflict::{Conflict, FIRST_PAUSE};
use super::timer::Timer;
use crate::model::Action;
use crate::notice::Notice;
use crate::pair::TwoOwners;
use crate::transitions::{Event, Phase};

impl Node {
    /// The conflict with a partner that has just claimed; nothing if one was dealt with a moment ago: a flood of
    /// conflicts does not become a flood of ARP.
    pub(super) fn conflict(&mut self, now: Mono) -> Option<&mut Conflict> {
        let recent = |last: Mono| now - last < FIRST_PAUSE;
        if self.claims.last_reassert.is_some_and(recent) {
            return None;
        }
        let conflict = &mut self.claims.conflict;
        Some(conflict.get_or_insert_with(|| Conflict::begin(now)))
    }

    /// The partner has claimed and we are active all the same: from then on it has its time to yield.
    pub(super) fn note_other_owner(&mut self, now: Mono, event: Event, out: &mut Vec<Action>) {
        if event != Event::HeardRunning || self.phase() != Phase::Active {
            self.forget_other_owner(out);
        } else if !self.told.two_owners && !self.timers.is_set(Timer::TwoOwners) {
            let patience = self.settings.dead_time + self.settings.keepalive;
            self.timers.set(Timer::TwoOwners, now + patience);
        }
    }

    /// The time is over. The partner was never silent for a dead time, nor has it said anything else.
    pub(super) fn other_owner_stays(&mut self, out: &mut Vec<Action>) {
        self.told.two_owners = true;
        if let Some(it) = self.two_owners() {
            out.push(Action::Notice(Notice::TwoOwners(it)));
        }
    }

    /// It says something else.
    pub(super) fn forget_other_owner(&mut self, out: &mut Vec<Action>) {
        self.timers.stop(Timer::TwoOwners);
        self.claims.conflict = None;
        if std::mem::take(&mut self.told.two_owners) {
            out.push(Action::Notice(Notice::OneOwner));
        }
    }

    /// What to do about it, if it is so.
    pub(super) fn two_owners(&self) -> Option<TwoOwners> {
        let is_known = self.told.two_owners && self.phase() == Phase::Active;
        let ends = self.settings.ends.filter(|_| is_known)?;
        Some(TwoOwners {
            partner: ends.partner,
        })
    }
}
