//! What the time brings: deadlines, silence, and the call that comes too late.

use std::time::Duration;

use lvs_model::Mono;

use super::Node;
use super::timer::Timer;
use crate::model::Action;
use crate::notice::Notice;
use crate::schedule::Due;
use crate::transitions::{Event, Phase};

impl Node {
    /// When [`Input::Tick`](crate::Input::Tick) is due at the latest.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        self.timers.next()
    }

    /// After each input: parts that know by themselves when they want to be called.
    pub(super) fn arm(&mut self) {
        let holding = self.stage.holding();
        let burst = holding.map(|it| it.announcements.next());
        let asking = holding.and_then(|it| it.duplicates.next());
        let parts = [
            (Timer::Service, self.service.next()),
            (Timer::Relief, self.relief_due()),
            (Timer::Announce, burst),
            (Timer::Duplicates, asking),
            (Timer::Clear, self.clearing_due()),
            (Timer::Question, self.questions.next()),
        ];
        for (timer, due) in parts {
            let due = due.filter(|_| timer.runs_in(self.phase()));
            self.timers.set_or_stop(timer, due);
        }
    }

    /// A deadline runs that means nothing in this phase.
    #[cfg(test)]
    pub(crate) fn has_stray_timer(&self) -> bool {
        let mut meant = self.timers.clone();
        meant.retain(|timer| timer.runs_in(self.phase()));
        meant != self.timers
    }

    /// Whether the shell stood still for so long that the partner may have taken over: since it was told
    /// what to do, or since it should have called. Then it must not do any more what
    /// [claims](Action::claims); the next call of [`Node::handle`] finds the same out.
    #[must_use]
    pub fn is_late(&self, now: Mono) -> bool {
        self.late_by(now).is_some()
    }

    pub(super) fn late_by(&self, now: Mono) -> Option<Duration> {
        let late_by = now - self.calls.promised?;
        let is_late = self.settings.has_partner && late_by > self.settings.dead_time;
        is_late.then_some(late_by)
    }

    /// A node that was away acts as just started.
    pub(super) fn check_lateness(&mut self, now: Mono, out: &mut Vec<Action>) {
        let Some(late_by) = self.late_by(now) else {
            return;
        };
        self.calls.promised = None;
        self.calls.is_stale = true;
        self.partner.forget();
        self.timers.stop(Timer::Idle);
        self.timers.stop(Timer::Offer);
        self.listen(now);
        self.beat_at(now + self.settings.keepalive);
        out.push(Action::Notice(Notice::Late {
            milliseconds: late_by.as_millis(),
        }));
        self.event(now, Event::Late, out);
    }

    pub(super) fn tick(&mut self, now: Mono, out: &mut Vec<Action>) {
        self.calls.is_stale = false;
        self.look_at_paths(now, out);
        self.end_trial(now, out);
        self.arm();
        while let Some(timer) = self.timers.expired(now) {
            self.expire(now, timer, out);
            self.arm();
        }
    }

    fn expire(&mut self, now: Mono, timer: Timer, out: &mut Vec<Action>) {
        match timer {
            Timer::Service => self.service_due(now, out),
            Timer::Hook => self.try_hook_again(out),
            Timer::LetGo => self.hook_hangs(now, out),
            Timer::Release => self.release(now, out),
            Timer::Silence => {
                // Silence that lasts is an event again after each dead time: what kept this node from a
                // takeover may be over. Set first: what follows may begin the dead time anew, or end the node.
                self.timers
                    .set(Timer::Silence, now + self.settings.dead_time);
                self.questions.give_up();
                self.silence(now, out);
            }
            Timer::Offer => self.event(now, Event::OfferDue, out),
            Timer::Deaf => self.event(now, Event::PartnerDeaf, out),
            Timer::TwoOwners => self.other_owner_stays(out),
            Timer::HandOver => self.hand_over_due(now, out),
            Timer::Relief => self.relieve(now, out),
            Timer::Control => self.event(now, Event::ControlDue, out),
            Timer::OwnAddress => self.own_due(now, out),
            Timer::Idle => self.idle(now, out),
            Timer::Announce => self.announce_again(now, out),
            Timer::Duplicates => self.duplicates_due(now, out),
            Timer::Clear => self.clear_table(now, out),
            Timer::Beat => self.send_now(now, out),
            Timer::Question => self.ask_or_answer(now, out),
            Timer::Challenge => self.challenge(now, out),
        }
    }

    fn look_at_paths(&mut self, now: Mono, out: &mut Vec<Action>) {
        if let Some(notice) = self.partner.check_paths(now, self.settings.dead_time)
            && self.settings.has_private_path
        {
            out.push(Action::Notice(notice));
        }
    }

    fn announce_again(&mut self, now: Mono, out: &mut Vec<Action>) {
        let holding = self.stage.holding_mut();
        let due = holding.map_or(Due::No, |it| it.announcements.due(now));
        if due != Due::No {
            self.announce(out);
        }
        if due == Due::LastOfBurst {
            let service = self.settings.service;
            out.push(Action::Notice(Notice::AnnouncementsFinished(service)));
        }
    }

    pub(super) fn silence(&mut self, now: Mono, out: &mut Vec<Action>) {
        self.part(out);
        self.partner.forget();
        self.timers.stop(Timer::Idle);
        self.timers.stop(Timer::TwoOwners);
        self.told.two_owners = false;
        self.claims.conflict = None;
        let claiming = self.stage.is_claiming();
        let is_known = self.settings.has_partner && !self.is_cut_off();
        if claiming && is_known && !self.told.partner_lost {
            self.told.partner_lost = true;
            out.push(Action::Notice(Notice::PartnerLost));
        }
        self.relieve(now, out);
        self.event(now, Event::PartnerSilent, out);
        self.say_if_barred(now, out);
        if self.phase() != Phase::Starting {
            self.controlled();
        }
    }
}
