//! What our heartbeats say, and when they are sent.

use crate::auth;
use crate::datagram::Value;
use crate::datagram::signed::{State, Statement};
use lvs_model::Mono;

use super::Node;
use super::timer::Timer;
use crate::model::Action;
use crate::transitions::Phase;

impl Node {
    /// What the signature of a heartbeat covers that says `value` now.
    #[must_use]
    pub fn statement(&self, now: Mono, value: Value) -> Statement {
        let state = match (value, self.phase()) {
            (Value::Stopped, _) => State::Inactive,
            (_, Phase::HandingOver) => State::Leaving,
            _ if self.is_holding() && !self.is_moving() => State::Active,
            _ => State::Starting,
        };
        let facts = self.facts(now);
        Statement {
            state,
            term: self.claims.term,
            by_term: self.settings.by_term,
            hears: self.partner.is_alive(now, self.settings.dead_time),
            fit: facts.fit && !self.stage.is_leaving(),
            asks: self.questions.is_asking(now),
            details: Some(self.details(now)),
        }
    }

    /// What a heartbeat says now.
    pub(super) fn value(&self) -> Value {
        match self.phase() {
            Phase::Starting | Phase::Active if self.stage.wants_control() => Value::StopMe,
            Phase::Starting | Phase::Active | Phase::HandingOver => Value::Running,
            Phase::Releasing if self.is_holding() || self.timers.is_set(Timer::LetGo) => {
                Value::Running
            }
            Phase::Standby | Phase::Releasing | Phase::Gone => Value::Stopped,
        }
    }

    /// The next heartbeat of every K is sent then; none is without a partner.
    pub(super) fn beat_at(&mut self, due: Mono) {
        let due = self.settings.has_partner.then_some(due);
        self.timers.set_or_stop(Timer::Beat, due);
    }

    pub(super) fn send_now(&mut self, now: Mono, out: &mut Vec<Action>) {
        self.beat_at(now + self.settings.keepalive);
        self.notify_partner(out);
        self.send(now, out);
    }

    pub(super) fn send(&mut self, now: Mono, out: &mut Vec<Action>) {
        if self.settings.has_partner {
            self.ways.note_sent(now);
            out.push(Action::Send(self.value()));
        }
    }

    /// What has become of the last heartbeat.
    pub(super) fn can_send(&mut self, now: Mono, it_can: bool) {
        let ways = &mut self.ways;
        if it_can {
            ways.sent_at = now;
        } else if !ways.is_mute {
            ways.sent_at = ways.sent_before;
        }
        ways.is_mute = !it_can;
    }

    /// Nothing of us can have reached the partner for a dead time.
    pub(super) fn is_unheard(&self, now: Mono) -> bool {
        let dead_time = self.settings.dead_time;
        // The partner may count from a moment before our clock's.
        self.ways.is_mute && now - self.ways.sent_at >= dead_time - dead_time / 32
    }

    /// The partner misses our heartbeats. Questions from while we were away have their answer by now.
    pub(super) fn asked(&mut self, now: Mono) {
        if self.settings.has_partner && !self.calls.is_stale {
            let (keepalive, dead_time) = (self.settings.keepalive, self.settings.dead_time);
            self.questions.asked(now, keepalive, dead_time);
        }
    }

    /// Questions and answers are heartbeats besides those of every K, which stay where they are.
    pub(super) fn ask_or_answer(&mut self, now: Mono, out: &mut Vec<Action>) {
        let (keepalive, dead_time) = (self.settings.keepalive, self.settings.dead_time);
        if self.questions.due(now, keepalive, dead_time) {
            self.send(now, out);
        }
    }

    /// Something is signed but not proven. It is answered at once, but a flood is not.
    pub(super) fn unproven(&mut self, now: Mono, out: &mut Vec<Action>) {
        let pause = self.settings.keepalive / auth::DOUBTED;
        let next = self.partner.challenged.map_or(now, |last| last + pause);
        let due = self.timers.due(Timer::Challenge).unwrap_or(next);
        if due <= now {
            self.timers.stop(Timer::Challenge);
            self.challenge(now, out);
        } else {
            self.timers.set(Timer::Challenge, due);
        }
    }

    pub(super) fn challenge(&mut self, now: Mono, out: &mut Vec<Action>) {
        if self.may_answer() {
            self.partner.challenged = Some(now);
            out.push(Action::Challenge(self.value()));
        }
    }
}
