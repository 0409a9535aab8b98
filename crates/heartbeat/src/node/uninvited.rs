//! A director that lvs.cf has switched off (`backup_active = 0`) and that sends heartbeats all the same: the two
//! files do not say the same, as when a backup is being added or taken away.
//!
//! Each would serve and take the other one for dead, or for not there. So whoever is heard from the address of lvs.cf
//! is the partner, as long as it is heard: it gets heartbeats, and the rules of a pair decide who yields.

use lvs_model::Mono;

use super::Node;
use super::timer::Timer;
use crate::fitness::OwnAddresses;
use crate::model::{Action, Settings};
use crate::notice::Notice;
use crate::pair::Uninvited;

impl Node {
    /// Whether there is a partner: lvs.cf says so, or one is heard.
    #[must_use]
    pub const fn has_partner(&self) -> bool {
        self.settings.has_partner
    }

    /// lvs.cf names the address of a director, whether or not it is switched off.
    pub(super) const fn may_answer(&self) -> bool {
        self.settings.has_partner || self.settings.ends.is_some()
    }

    /// Takes other settings. A partner that is heard stays one.
    pub(super) fn change_settings(&mut self, settings: Settings) {
        let is_there = self.settings.has_partner && settings.ends.is_some();
        self.is_alone = !settings.has_partner;
        self.settings = settings;
        self.settings.has_partner |= is_there;
    }

    /// A heartbeat has come.
    pub(super) fn meet(&mut self, now: Mono, out: &mut Vec<Action>) {
        if self.settings.has_partner || self.settings.ends.is_none() {
            return;
        }
        self.settings.has_partner = true;
        if let Some(it) = self.uninvited() {
            out.push(Action::Notice(Notice::Uninvited(it)));
        }
        // What is gone mattered to nobody so far.
        self.own_changed(now, OwnAddresses::PRESENT, out);
        self.beat_at(now);
    }

    /// Nothing has come for a dead time. If that is our own fault it says nothing.
    pub(super) fn part(&mut self, out: &mut Vec<Action>) {
        let Some(it) = self.uninvited() else {
            return;
        };
        if self.is_cut_off() {
            return;
        }
        self.settings.has_partner = false;
        self.told.partner_lost = false;
        self.timers.stop(Timer::Beat);
        self.timers.stop(Timer::OwnAddress);
        out.push(Action::Notice(Notice::UninvitedGone(it)));
    }

    /// What to do about a partner that lvs.cf has switched off, if there is one.
    pub(super) fn uninvited(&self) -> Option<Uninvited> {
        let is_there = self.is_alone && self.settings.has_partner;
        let ends = self.settings.ends.filter(|_| is_there)?;
        Some(Uninvited {
            partner: ends.partner,
        })
    }
}
