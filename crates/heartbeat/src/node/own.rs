//! The addresses that our own heartbeats are sent from.
//!
//! Without any of them nothing is heard and nothing said. The fault is our own, and the silence says
//! nothing of the partner. But the partner hears nothing either, and takes over a dead time after our last
//! heartbeat. So an owner of the addresses gives them up by then.
//!
//! A partner that was dead already, or that an order kept from it, takes nothing over: the node serves on
//! and says so. If that partner starts, or its order is lifted, before an own address is back, neither
//! hears the other and both may own the addresses. Nobody can know that: a give-up would leave the clients
//! without a server.

use lvs_model::Mono;

use super::Node;
use super::timer::Timer;
use crate::fitness::OwnAddresses;
use crate::model::Action;
use crate::notice::Notice;
use crate::transitions::{Event, Phase};

impl Node {
    /// Nothing can be heard or said.
    pub(super) const fn is_cut_off(&self) -> bool {
        self.settings.has_partner && self.ways.own.is_cut_off()
    }

    pub(super) fn own_addresses(&mut self, now: Mono, own: OwnAddresses, out: &mut Vec<Action>) {
        let before = std::mem::replace(&mut self.ways.own, own);
        self.own_changed(now, before, out);
    }

    /// They are others than `before`.
    pub(super) fn own_changed(&mut self, now: Mono, before: OwnAddresses, out: &mut Vec<Action>) {
        let own = self.ways.own;
        if before == own || !self.settings.has_partner {
            return;
        }
        self.timers.stop(Timer::OwnAddress);
        if own.is_cut_off() {
            self.cut_off(now, out);
            return;
        }
        if before.is_cut_off() {
            // The silence so far was our own. The partner's first word is no offer: it may be taking over
            // just now.
            self.listen(now);
            self.claims.offers_from = now + self.settings.dead_time;
            self.send_now(now, out);
        }
        if own.is_whole() {
            out.push(Action::Notice(Notice::OwnAddressBack));
        } else {
            let due = now + self.settings.dead_time;
            self.timers.set(Timer::OwnAddress, due);
            out.push(Action::Notice(Notice::OwnAddressGone));
        }
    }

    fn cut_off(&mut self, now: Mono, out: &mut Vec<Action>) {
        let dead_time = self.settings.dead_time;
        let claiming = matches!(
            self.phase(),
            Phase::Starting | Phase::Active | Phase::HandingOver
        );
        self.timers.stop(Timer::Offer);
        self.timers.stop(Timer::Idle);
        if claiming && self.is_partner_free(now) {
            // The partner may count from a moment before our clock's.
            let due = self.ways.sent_at + (dead_time - dead_time / 32);
            self.timers.set(Timer::OwnAddress, due);
        }
        out.push(Action::Notice(Notice::CutOff));
    }

    pub(super) fn own_due(&mut self, now: Mono, out: &mut Vec<Action>) {
        if self.is_cut_off() {
            self.event(now, Event::CutOff, out);
        } else {
            self.let_go_if_better(now, out);
        }
    }
}
