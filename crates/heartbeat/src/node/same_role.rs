//! Two directors of one role: one lvs.cf has `primary` and `backup` the other way round.
//!
//! Each would stay, or yield, beside the other one. So as long as the partner says that it is of our role,
//! the one with the lower address counts as the primary, on both.

use std::time::Duration;

use lvs_model::Mono;

use super::Node;
use crate::model::Action;
use crate::notice::Notice;
use crate::pair::{ConfiguredRole, OneRole};
use crate::said::{Form, Said};

/// Pause between two reports of it.
const SAID_EVERY: Duration = Duration::from_secs(600);

impl Node {
    /// The partner is of our role. A signed heartbeat always tells it. An unsigned one tells it while both
    /// claim, or both know of it; so that counts for a dead time.
    pub(super) fn has_same_role(&self, now: Mono) -> bool {
        let recent = |told: Mono| now - told < self.settings.dead_time;
        self.same_role.told.is_some_and(recent)
    }

    /// Whether we stay, and go first, beside a partner that is as well off: the primary does.
    pub(super) fn is_first(&self, now: Mono) -> bool {
        match self.settings.ends.filter(|_| self.has_same_role(now)) {
            Some(ends) => ends.own < ends.partner,
            None => self.settings.role == ConfiguredRole::Primary,
        }
    }

    /// Notes what a heartbeat tells of its sender's role. Logs it at first, again after a while, and when
    /// it is over.
    pub(super) fn note_role(&mut self, now: Mono, said: Option<Said>, out: &mut Vec<Action>) {
        match said {
            Some(said) if said.same_role => self.same_role.told = Some(now),
            Some(said) if said.form != Form::Unsigned => self.same_role.told = None,
            _ => {}
        }
        let recent = |said: Mono| now - said < SAID_EVERY;
        match self.one_role(now) {
            Some(it) if !self.same_role.said.is_some_and(recent) => {
                self.same_role.said = Some(now);
                out.push(Action::Notice(Notice::SameRole(it)));
            }
            None if self.same_role.said.take().is_some() => {
                out.push(Action::Notice(Notice::OtherRole));
            }
            _ => {}
        }
    }

    /// What to do about it, if it is so.
    pub(super) fn one_role(&self, now: Mono) -> Option<OneRole> {
        let ends = self.settings.ends.filter(|_| self.has_same_role(now))?;
        Some(OneRole {
            role: self.settings.role,
            partner: ends.partner,
            is_first: self.is_first(now),
        })
    }
}
