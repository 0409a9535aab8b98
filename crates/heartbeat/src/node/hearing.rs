//! What a heartbeat of the partner means: life, an offer, a conflict, a clean stop.

use std::time::Duration;

use crate::datagram::Value;
use crate::datagram::signed::State;
use lvs_model::Mono;

use super::Node;
use super::stage::Stage;
use super::timer::Timer;
use crate::model::Action;
use crate::notice::Notice;
use crate::pair::PairPath;
use crate::said::{DiscardReason, Said};
use crate::transitions::{Event, Facts, Phase, Verdict, decide};

impl Node {
    pub(super) fn hear(
        &mut self,
        now: Mono,
        value: Value,
        path: PairPath,
        said: Option<Said>,
        out: &mut Vec<Action>,
    ) {
        // Only an attacker sends HOLD and HELD; what came while we were away is old.
        if self.calls.is_stale || matches!(value, Value::Hold | Value::Held) {
            return;
        }
        self.meet(now, out);
        let notice = self.partner.hear_life(now, path);
        out.extend(notice.map(Action::Notice));
        self.listen(now);
        self.told.nothing_counts = false;
        if std::mem::take(&mut self.told.partner_lost) {
            out.push(Action::Notice(Notice::PartnerBack));
        }
        if said.is_some_and(|said| said.first) {
            // It may not know yet that we hear it.
            self.send(now, out);
        }
        if said.is_some_and(|said| !said.newest) {
            return;
        }
        let before = self.partner.hear(value, said);
        self.note_role(now, said, out);
        self.partner_let_go(value, before, out);
        self.compare_content(out);
        self.learn_term(said, out);
        if said.is_none_or(|said| said.statement.state != State::Leaving) {
            self.relieve(now, out);
        }
        self.hear_fos(now, value, path, out);
        match value {
            Value::Running => {
                self.fitness.banned_until = None;
                self.timers.stop(Timer::Offer);
                self.told.barred = None;
                self.fitness.partner_serves();
                self.timers.stop(Timer::Idle);
                self.hear_running(now, said, out);
            }
            Value::Stopped => {
                self.timers.stop(Timer::Deaf);
                self.forget_other_owner(out);
                self.note_idle(now);
                self.let_go_if_better(now, out);
                self.leave_duplicates(now, out);
                self.hear_offer(now, before, out);
            }
            _ => self.event(now, Event::HeardStopMe, out),
        }
    }

    /// STOPPED: takes the offer at once, or puts it off until a time.
    fn hear_offer(&mut self, now: Mono, before: Option<Value>, out: &mut Vec<Action>) {
        let primary = self.is_first(now);
        let gave_up = before == Some(Value::Running);
        // The primary goes first: two nodes that wait for the same moment would claim together. An original
        // that has taken our own offer says so a keepalive after it made its own, and the time that a
        // takeover costs it.
        let precedence = if primary {
            Duration::ZERO
        } else {
            self.precedence()
        };
        let wait = if gave_up { now } else { now + precedence };
        // At most one takeover in four dead times, unless the partner is silent.
        let damped = self
            .claims
            .last_takeover
            .map_or(now, |last| last + self.damping() + precedence);
        let take_at = wait.max(damped).max(self.claims.offers_from);
        let facts = Facts {
            prompt: take_at <= now
                && (self.timers.due(Timer::Offer)).is_none_or(|at| at <= now || gave_up || primary),
            ..self.facts(now)
        };
        let verdict = decide(self.phase(), Event::HeardStopped, facts);
        if verdict == Verdict::TakeOverLater {
            if !self.timers.is_set(Timer::Offer) {
                self.timers.set(Timer::Offer, take_at);
            }
        } else {
            self.carry_out(now, Event::HeardStopped, verdict, out);
        }
    }

    /// How long a takeover by an offer puts the next one off.
    fn damping(&self) -> Duration {
        self.settings.dead_time * 4
    }

    /// How much later than a primary a backup takes an offer.
    fn precedence(&self) -> Duration {
        self.settings.keepalive * 9 / 8
    }

    /// How long a partner of ours puts an offer off at most.
    pub(super) fn longest_damping(&self) -> Duration {
        self.damping() + self.precedence()
    }

    /// The partner claims, or leaves, or has taken what we are leaving.
    fn hear_running(&mut self, now: Mono, said: Option<Said>, out: &mut Vec<Action>) {
        let state = said.map(|said| said.statement.state);
        let event = match state {
            Some(State::Leaving) => Event::HeardLeaving,
            Some(State::Active) if self.phase() == Phase::HandingOver => Event::Taken,
            _ => Event::HeardRunning,
        };
        self.note_deafness(now, event, said, out);
        if let Stage::HandingOver(hand_over) = &mut self.stage {
            // It claims, and will say when it has the addresses.
            hand_over.is_answered = true;
            self.timers.set(Timer::HandOver, hand_over.until);
        }
        self.event(now, event, out);
        self.note_other_owner(now, event, out);
        self.say_who_serves(out);
        if event == Event::HeardRunning {
            self.clear_table(now, out);
        }
    }

    /// A director that comes back finds the other one serving: its log begins with that.
    fn say_who_serves(&mut self, out: &mut Vec<Action>) {
        let is_known = std::mem::replace(&mut self.told.who_serves, true);
        if !is_known && self.phase() == Phase::Standby {
            out.push(Action::Notice(Notice::PartnerServes));
        }
    }

    /// A partner that claims and cannot hear us will not yield, whatever the ranks are.
    fn note_deafness(
        &mut self,
        now: Mono,
        event: Event,
        said: Option<Said>,
        out: &mut Vec<Action>,
    ) {
        let claiming = self.stage.is_claiming();
        let is_deaf = said.is_some_and(|said| !said.statement.hears);
        let stays = event == Event::HeardRunning && claiming && !self.is_outranked(now);
        if stays && self.is_unheard(now) {
            // It has taken over from a silent partner, and cannot be told otherwise.
            self.event(now, Event::PartnerDeaf, out);
        } else if event != Event::HeardRunning || !claiming || !is_deaf || self.is_outranked(now) {
            self.timers.stop(Timer::Deaf);
        } else if !self.timers.is_set(Timer::Deaf) {
            self.timers.set(Timer::Deaf, now + self.settings.keepalive);
            // If it can hear again, it shall know at once.
            self.send_now(now, out);
        }
    }

    /// The term only grows; it is kept for the next start, so that a claim is higher than all
    /// before it.
    fn learn_term(&mut self, said: Option<Said>, out: &mut Vec<Action>) {
        let claiming = matches!(
            self.phase(),
            Phase::Starting | Phase::Active | Phase::HandingOver
        );
        let heard = said.map_or(0, |said| said.statement.term);
        if heard > self.claims.term && !claiming {
            self.claims.term = heard;
            out.push(Action::KeepTerm(heard));
        }
    }

    /// The next term, for a claim.
    pub(super) fn raise_term(&mut self, out: &mut Vec<Action>) {
        let heard = self.partner.said().map_or(0, |said| said.statement.term);
        self.claims.term = self.claims.term.max(heard).saturating_add(1);
        if self.settings.signs {
            out.push(Action::KeepTerm(self.claims.term));
        }
    }

    /// Whether the partner is the one that stays when both are active. Terms decide only where
    /// both want that and each knows that the other one reads them; else the primary stays.
    pub(super) fn is_outranked(&self, now: Mono) -> bool {
        let by_role = !self.is_first(now);
        let readable = self.partner.said().filter(|said| {
            self.settings.signs
                && self.settings.by_term
                && said.knows_us
                && said.statement.by_term
                && said.statement.term != self.claims.term
        });
        readable.map_or(by_role, |said| said.statement.term > self.claims.term)
    }

    /// Whether the partner may take over before we give up. With fos the services, and with
    /// `vip = external` the addresses, must be gone here before they come up there.
    pub(super) fn can_hand_over(&self) -> bool {
        !self.is_fos() && !self.has_moving_hooks()
    }

    /// Whether a clean stop can be handed over: the partner stands by and understands it. Whether one that
    /// does not sign understands it shows only when it answers.
    pub(super) fn is_partner_ready(&self, now: Mono) -> bool {
        let alive = self.partner.is_alive(now, self.settings.dead_time);
        if !self.settings.signs {
            let is_fit = self.partner.said().is_none_or(|said| said.statement.fit);
            return alive && is_fit && self.partner.last_value() == Some(Value::Stopped);
        }
        let ready = |said: Said| {
            said.knows_us && said.statement.fit && said.statement.state == State::Inactive
        };
        alive && self.partner.said().is_some_and(ready)
    }

    /// D begins anew.
    pub(super) fn listen(&mut self, now: Mono) {
        let (keepalive, dead_time) = (self.settings.keepalive, self.settings.dead_time);
        self.timers.set(Timer::Silence, now + dead_time);
        if self.settings.has_partner {
            self.questions.listen(now, keepalive, dead_time);
        } else {
            self.questions.give_up();
        }
    }

    /// Logs once that the partner's lvs.cf is another one, and once that it is ours again.
    fn compare_content(&mut self, out: &mut Vec<Action>) {
        let theirs = self.partner.details().and_then(|details| details.content);
        let Some(theirs) = theirs else { return };
        let own = self.settings.content;
        let is_same = theirs == own;
        let before = self.told.same_content.replace(is_same);
        if !is_same && before != Some(false) {
            out.push(Action::Notice(Notice::OtherContent { own, theirs }));
        } else if is_same && before == Some(false) {
            out.push(Action::Notice(Notice::SameContent));
        }
    }

    /// What must not count. Only a replay does not show how the partner is configured.
    pub(super) fn refuse(
        &mut self,
        now: Mono,
        refusal: DiscardReason,
        path: PairPath,
        out: &mut Vec<Action>,
    ) {
        let keys = self.settings.keys.clone();
        let refused = Notice::Refused(refusal, path, keys);
        if matches!(refusal, DiscardReason::Replayed | DiscardReason::Reflected) {
            return;
        }
        if refusal == DiscardReason::HeldBack {
            if self.partner.hear_held_back(now) {
                out.push(Action::Notice(refused));
            }
            return;
        }
        if self.partner.hear_incompatible(now) {
            out.push(Action::Notice(match refusal {
                DiscardReason::NoHeartbeat(error) => Notice::BadPacket(error),
                _ => refused,
            }));
        }
        if matches!(refusal, DiscardReason::Signature(_)) {
            self.note_that_nothing_counts(now, out);
        }
    }

    /// A forger can say as much, but then heartbeats of the partner count as well.
    fn note_that_nothing_counts(&mut self, now: Mono, out: &mut Vec<Action>) {
        let alive = self.partner.is_alive(now, self.settings.dead_time);
        if !alive && !std::mem::replace(&mut self.told.nothing_counts, true) {
            out.push(Action::Notice(Notice::NothingCounts));
        }
    }
}
