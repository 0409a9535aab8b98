//! What the time brings: deadlines, silence, and the call that comes too late.

use std::time::Duration;

use lvs_model::Mono;

use super::Node;
use crate::model::Action;
use crate::notice::Notice;
use crate::schedule::{Announcements, Due};
use crate::table::{Event, Phase};

impl Node {
    /// When [`Input::Tick`](crate::Input::Tick) is due at the latest.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        if self.phase == Phase::Gone {
            return None;
        }
        let sending = self.settings.has_partner.then_some(self.send_at);
        let burst = self.announcements.as_ref().map(Announcements::next);
        [
            Some(self.silent_at),
            sending,
            self.questions.next(),
            burst,
            self.offer_at,
            self.release_by,
            self.let_go_by,
            self.deaf_until,
            self.hand_over.map(|hand_over| hand_over.due),
            self.relief_due(),
            self.clearing_due(),
            self.duplicates.next(),
            self.fos.control_by,
            self.service.next(),
            self.challenge_at,
            self.own_due,
            self.idle_until,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Whether the shell stood still for so long, since it was told what to do or since it should
    /// have called, that the partner may have taken over. What [claims](Action::claims) must then
    /// not be done any more; the next call of [`Node::handle`] finds the same out.
    #[must_use]
    pub fn is_late(&self, now: Mono) -> bool {
        self.late_by(now).is_some()
    }

    pub(super) fn late_by(&self, now: Mono) -> Option<Duration> {
        let late_by = now - self.promised?;
        let is_late = self.settings.has_partner && late_by > self.settings.dead_time;
        is_late.then_some(late_by)
    }

    /// R5: a node that was away acts as just started.
    pub(super) fn check_lateness(&mut self, now: Mono, out: &mut Vec<Action>) {
        let Some(late_by) = self.late_by(now) else {
            return;
        };
        self.promised = None;
        self.stale = true;
        self.partner.forget();
        self.idle_until = None;
        self.offer_at = None;
        self.listen(now);
        self.send_at = now + self.settings.keepalive;
        out.push(Action::Notice(Notice::Late {
            milliseconds: late_by.as_millis(),
        }));
        self.event(now, Event::Late, out);
    }

    pub(super) fn tick(&mut self, now: Mono, out: &mut Vec<Action>) {
        self.stale = false;
        self.look_at_paths(now, out);
        self.tick_service(now, out);
        self.tick_hooks(now, out);
        if self.release_by.is_some_and(|at| at <= now) {
            self.release(now, out);
        }
        if self.silent_at <= now {
            self.silent_at = now + self.settings.dead_time;
            self.questions.give_up();
            self.silence(now, out);
        }
        if self.offer_at.is_some_and(|at| at <= now) {
            self.offer_at = None;
            self.event(now, Event::OfferDue, out);
        }
        if self.deaf_until.take_if(|at| *at <= now).is_some() {
            self.event(now, Event::PartnerDeaf, out);
        }
        if let Some(it) = self.hand_over.take_if(|it| it.due <= now) {
            let is_answered = it.due >= it.until;
            let event = [Event::HandOverUnanswered, Event::HandOverDue];
            self.event(now, event[usize::from(is_answered)], out);
        }
        if self.relief_due().is_some_and(|at| at <= now) {
            self.relieve(now, out);
        }
        if self.fos.control_by.is_some_and(|at| at <= now) {
            self.event(now, Event::ControlDue, out);
        }
        self.tick_own(now, out);
        self.tick_idle(now, out);
        self.tick_announcements(now, out);
        self.tick_duplicates(now, out);
        if self.phase == Phase::Gone {
            return;
        }
        self.tick_clearing(now, out);
        if self.send_at <= now {
            self.send_now(now, out);
        }
        self.tick_questions(now, out);
        self.tick_challenge(now, out);
    }

    fn look_at_paths(&mut self, now: Mono, out: &mut Vec<Action>) {
        if let Some(notice) = self.partner.check_paths(now, self.settings.dead_time)
            && self.settings.has_private_path
        {
            out.push(Action::Notice(notice));
        }
    }

    pub(super) fn tick_announcements(&mut self, now: Mono, out: &mut Vec<Action>) {
        let due = self.announcements.as_mut().map_or(Due::No, |a| a.due(now));
        if due != Due::No {
            self.announce(out);
        }
        if due == Due::LastOfBurst {
            let service = self.settings.service;
            out.push(Action::Notice(Notice::AnnouncementsFinished(service)));
        }
    }

    pub(super) fn silence(&mut self, now: Mono, out: &mut Vec<Action>) {
        self.partner.forget();
        self.idle_until = None;
        let claiming = matches!(self.phase, Phase::Starting | Phase::Active);
        let is_known = self.settings.has_partner && !self.is_cut_off();
        if claiming && is_known && !self.partner_lost {
            self.partner_lost = true;
            out.push(Action::Notice(Notice::PartnerLost));
        }
        self.relieve(now, out);
        self.event(now, Event::PartnerSilent, out);
        self.say_if_barred(now, out);
        if self.phase != Phase::Starting {
            self.controlled();
        }
    }
}
