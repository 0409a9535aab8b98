//! What this node and its partner can serve, and what follows from it.
//!
//! Troubles count only beside a living partner that does better. A node that has them gives up to it, takes
//! nothing over from it and refuses a hand-over. A silent partner it replaces all the same. Where both have
//! troubles, the one serves that could not serve fewer addresses; between equals the active one, then the
//! primary. An original says nothing of this. It gets its time to take over; if it does not, it cannot, and
//! the node that gave up serves again. A partner of ours that does not sign says only that it is not fit:
//! then the active one stays.

use crate::datagram::details::Details;
use crate::datagram::signed::State;
use lvs_model::Mono;

use super::Node;
use super::timer::Timer;
use crate::fitness::{Trouble, Unfit};
use crate::model::Action;
use crate::notice::{Notice, Unserved};
use crate::said::Said;
use crate::transitions::{Event, Phase};

impl Node {
    /// Why this node does not take over from a living partner.
    pub(super) fn unfit(&self, now: Mono) -> Vec<Unfit> {
        let dead_time = self.settings.dead_time;
        let reasons = [
            (self.service.is_stuck(), Unfit::ServiceStuck),
            (self.is_failing(now), Unfit::Service),
            (
                self.has_moving_hooks() && self.fitness.hooks.has_failed,
                Unfit::HookFailed,
            ),
            (
                self.has_moving_hooks() && self.fitness.hooks.are_missing,
                Unfit::NoHooks,
            ),
            (self.ways.links.is_lost(), Unfit::Links),
            (self.is_banned(now), self.why_banned()),
            (
                self.partner.is_misconfigured(now, dead_time),
                Unfit::Misconfigured,
            ),
            (!self.ways.own.is_whole(), Unfit::OwnAddress),
            (self.serves_unheard(), Unfit::Unheard),
            (self.orders.kept.standby, Unfit::OrderedStandby),
            (self.orders.kept.frozen, Unfit::Frozen),
        ];
        let reasons = reasons.into_iter().filter(|(is_so, _)| *is_so);
        let troubles = self.fitness.troubles.iter().cloned();
        let unserved = troubles.map(Unfit::Unserved);
        let unused = self.unused().map(Unfit::InUse);
        let reasons = reasons.map(|(_, reason)| reason);
        reasons.chain(unserved).chain(unused).collect()
    }

    const fn why_banned(&self) -> Unfit {
        if self.fitness.left_duplicates.is_some() {
            Unfit::WereInUse
        } else {
            Unfit::Banned
        }
    }

    /// How many addresses this node could not serve, or does not use because another machine has them.
    fn count_unserved(&self) -> u16 {
        let unused = u16::try_from(self.unused().count()).unwrap_or(u16::MAX);
        self.fitness.unserved.saturating_add(unused)
    }

    /// Addresses or services were lost here a short while ago.
    pub(super) fn is_banned(&self, now: Mono) -> bool {
        self.fitness.banned_until.is_some_and(|until| now < until)
    }

    /// The service that runs on standby does not stay up.
    fn is_failing(&self, now: Mono) -> bool {
        self.is_warm() && self.service.is_failing(now)
    }

    /// Whether it could serve something, whatever the partner does.
    fn can_serve(&self, now: Mono) -> bool {
        let dead_time = self.settings.dead_time;
        let is_misconfigured = self.partner.is_misconfigured(now, dead_time);
        let is_lost = self.is_cut_off() || self.is_stranded();
        !self.is_banned(now) && !is_misconfigured && !is_lost
    }

    /// No order forbids to take over, and the service is not known bad.
    pub(super) fn is_willing(&self, now: Mono) -> bool {
        let serves = !self.is_failing(now) && !self.service.is_stuck();
        self.can_serve(now) && serves && !self.orders.is_barred()
    }

    /// Nor do the links: the node may replace a silent partner.
    pub(super) fn is_able(&self, now: Mono) -> bool {
        self.can_serve(now) && !self.ways.links.is_lost() && !self.orders.is_barred()
    }

    /// Nothing is known to be wrong.
    pub(super) fn is_fit(&self, now: Mono) -> bool {
        let serves_all = self.fitness.troubles.is_empty() && self.unused().next().is_none();
        let whole = self.ways.own.is_whole() && serves_all;
        let serves = !self.is_failing(now) && !self.service.is_stuck() && !self.is_without_hooks();
        self.is_able(now) && serves && whole
    }

    /// What it tells the partner.
    pub(super) fn details(&self, now: Mono) -> Details {
        Details {
            content: Some(self.settings.content),
            unserved: Some(self.count_unserved()),
            standby: self.orders.kept.standby,
            frozen: self.orders.kept.frozen,
            helpless: self.stage.is_leaving() || self.is_helpless(now),
        }
    }

    /// It could serve nothing.
    fn is_helpless(&self, now: Mono) -> bool {
        let has_service = !self.is_failing(now) && !self.service.is_stuck();
        !has_service || self.is_without_hooks() || !self.can_serve(now)
    }

    /// Not fit, but of the two the better one.
    pub(super) fn is_better(&self, now: Mono) -> bool {
        let unfit = self.partner.said().is_some_and(|said| !said.statement.fit);
        let details = self.partner.details();
        self.is_willing(now) && unfit && details.is_some_and(|it| self.is_worse(now, it))
    }

    /// Whether a partner that is not fit serves fewer addresses than we could, or none.
    fn is_worse(&self, now: Mono, partner: Details) -> bool {
        if partner.helpless || partner.standby || partner.frozen {
            return true;
        }
        let (theirs, ours) = (partner.unserved, Some(self.fitness.unserved));
        theirs > ours || theirs == ours && self.is_first(now)
    }

    /// Whether the partner lives, and has told of no order that keeps it from taking over.
    pub(super) fn is_partner_free(&self, now: Mono) -> bool {
        let details = self.partner.details();
        let is_barred = details.is_some_and(|it| it.standby || it.frozen);
        !is_barred && self.partner.is_alive(now, self.settings.dead_time)
    }

    /// Whether the partner does not say that it is unfit. One that says nothing of itself gets the chance.
    pub(super) fn is_partner_fit(&self) -> bool {
        self.partner.said().is_none_or(|said| said.statement.fit)
    }

    /// Whether the partner lives and could serve something. What we cannot serve is left to it. One that
    /// hands over by order serves on if nobody takes over.
    pub(super) fn is_partner_capable(&self, now: Mono) -> bool {
        let can = self.partner.details().is_some_and(|it| !it.helpless);
        let is_leaving = |said: Said| said.statement.state == State::Leaving;
        let serves_on = can && self.partner.said().is_some_and(is_leaving);
        let may = self.is_partner_free(now) && (can || self.is_partner_fit());
        may || serves_on && self.partner.is_alive(now, self.settings.dead_time)
    }

    /// Whether the partner is to take over from a node that is not fit.
    pub(super) fn is_partner_better(&self, now: Mono) -> bool {
        let keeps = self.fitness.keep_until.is_some_and(|until| now < until);
        let alive = self.partner.is_alive(now, self.settings.dead_time);
        if keeps || !alive || self.orders.kept.frozen {
            return false;
        }
        let serves_more = |it: Details| {
            let can = !(it.helpless || it.standby || it.frozen);
            let theirs = it.unserved.unwrap_or(u16::MAX);
            can && theirs < self.fitness.unserved
        };
        self.is_partner_fit() || self.partner.details().is_some_and(serves_more)
    }

    /// Which addresses this node could not serve has changed.
    pub(super) fn serving(&mut self, now: Mono, troubles: Vec<Trouble>, out: &mut Vec<Action>) {
        let before = self.fitness.change(troubles);
        let unserved = self.fitness.unserved;
        if unserved == 0 {
            self.fitness.keep_until = None;
            self.fitness.keep_pause.reset();
        }
        if self.settings.has_partner && unserved != before {
            let follows = self.unserved_follows(now);
            out.push(Action::Notice(Notice::Unserved(unserved, follows)));
        }
        self.let_go_if_better(now, out);
    }

    fn unserved_follows(&self, now: Mono) -> Unserved {
        match self.phase() {
            Phase::Standby | Phase::Releasing | Phase::Gone => Unserved::NotTaken,
            Phase::Starting | Phase::Active if self.is_partner_better(now) => Unserved::Left,
            Phase::Starting | Phase::Active | Phase::HandingOver => Unserved::ServedOn,
        }
    }

    /// A claiming node that is not fit gives up to a partner that does better.
    pub(super) fn let_go_if_better(&mut self, now: Mono, out: &mut Vec<Action>) {
        if !self.stage.is_claiming() {
            return;
        }
        let hooks = &self.fitness.hooks;
        // One that is being run again has its time: how it ends decides.
        let has_failed = hooks.has_failed && !hooks.is_running;
        if self.has_moving_hooks() && has_failed {
            self.event(now, Event::HookFailed, out);
        } else if !self.fitness.troubles.is_empty() {
            self.event(now, Event::Unserved, out);
        } else if self.ways.links.is_lost() {
            self.event(now, Event::LinksLost, out);
        } else if !self.ways.own.is_whole() && !self.timers.is_set(Timer::OwnAddress) {
            self.event(now, Event::OwnAddressGone, out);
        }
    }

    /// The partner says STOPPED.
    pub(super) fn note_idle(&mut self, now: Mono) {
        if self.phase() == Phase::Standby && !self.timers.is_set(Timer::Idle) {
            self.timers.set(Timer::Idle, self.idle_due(now));
        }
    }

    /// It gave up in vain, and does not do so again for a while.
    #[cfg(test)]
    pub(crate) fn is_keeping(&self, now: Mono) -> bool {
        self.fitness.keep_until.is_some_and(|until| now < until)
    }

    /// When a node that is not fit serves all the same, because nobody has served from `since` on.
    fn idle_due(&self, since: Mono) -> Mono {
        let (keepalive, dead_time) = (self.settings.keepalive, self.settings.dead_time);
        // An offer is taken at once, or a keepalive and an eighth later.
        let precedence = keepalive * 9 / 8;
        let wait = if self.fitness.has_let_go {
            dead_time + precedence
        } else if self.is_first(since) {
            dead_time * 2 + precedence
        } else {
            dead_time * 3 + precedence * 2
        };
        since + wait
    }

    pub(super) fn idle(&mut self, now: Mono, out: &mut Vec<Action>) {
        self.timers.set(Timer::Idle, self.idle_due(now));
        self.say_if_barred(now, out);
        // A fit node takes the offer after its wait.
        if !self.is_fit(now) {
            self.event(now, Event::NobodyServes, out);
        }
        if self.phase() != Phase::Standby {
            let fitness = &mut self.fitness;
            fitness.keep_until = Some(now + fitness.keep_pause.pause());
        }
    }

    /// A takeover by a node that cannot serve everything.
    pub(super) fn say_what_is_served(&self, out: &mut Vec<Action>) {
        let unserved = self.fitness.unserved;
        if unserved > 0 {
            out.push(Action::Notice(Notice::ServingPartly(unserved)));
        }
    }
}
