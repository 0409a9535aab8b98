//! Orders of an administrator: which are obeyed, which are refused, and what they keep from happening.

use std::time::Duration;

use crate::datagram::Value;
use crate::datagram::signed::State;
use lvs_model::Mono;

use super::Node;
use super::stage::{Active, Control, Stage};
use crate::hand_over::{HandOverFailed, OrderedHandOver};
use crate::model::Action;
use crate::notice::Notice;
use crate::orders::{Begun, Order, OrderRefused, Orders};
use crate::said::Form;
use crate::transitions::{Event, Phase};
use crate::view::Reason;

/// Least time after a give-up by order in which the partner must say that it is active.
const TAKEN_WITHIN: Duration = Duration::from_secs(15);
/// Time in which the `active_cmd` of a partner that claims must move the addresses: a hook's limit, and a
/// bit.
const MOVED_WITHIN: Duration = Duration::from_secs(45);
/// Pause between two reports that nobody serves because of an order.
const SAID_EVERY: Duration = Duration::from_secs(60);

impl Node {
    /// Tells a node that has not been started which orders an earlier start kept.
    pub const fn remember_orders(&mut self, orders: Orders) {
        self.orders.kept = orders;
    }

    pub(super) fn order(&mut self, now: Mono, order: Order, out: &mut Vec<Action>) {
        let answer = match self.check_order(now, order) {
            Ok(()) => {
                out.push(Action::Notice(Notice::Ordered(order)));
                Ok(self.obey(now, order, out))
            }
            Err(refused) => {
                out.push(Action::Notice(Notice::OrderRefused(order, refused)));
                Err(refused)
            }
        };
        out.push(Action::Answer(answer));
    }

    fn check_order(&self, now: Mono, order: Order) -> Result<(), OrderRefused> {
        match (order, self.phase()) {
            (Order::Standby(false) | Order::Freeze(false), _) => Ok(()),
            (Order::Standby(true), _) if self.orders.kept.standby => Ok(()),
            (Order::Freeze(true), _) if self.orders.kept.frozen => Ok(()),
            (Order::Failover | Order::Standby(true), _) if !self.settings.has_partner => {
                Err(OrderRefused::NoPartner)
            }
            (Order::Failover, Phase::Standby) => Err(OrderRefused::NotActive),
            (Order::Standby(true) | Order::Freeze(true), Phase::Standby)
            | (Order::Freeze(true), Phase::Active) => Ok(()),
            (_, Phase::Active) if self.orders.kept.frozen => Err(OrderRefused::Frozen),
            (_, Phase::Active) => self.check_partner(now),
            _ => Err(OrderRefused::Busy),
        }
    }

    /// Whether the partner could take over, as far as it says.
    fn check_partner(&self, now: Mono) -> Result<(), OrderRefused> {
        let Some(heard) = self.partner.last_heard() else {
            return Err(OrderRefused::NeverHeard);
        };
        if !self.partner.is_alive(now, self.settings.dead_time) {
            return Err(OrderRefused::Silent(now - heard));
        }
        if self.partner.last_value() != Some(Value::Stopped) {
            return Err(OrderRefused::PartnerActive);
        }
        if self.partner.said().is_none_or(|said| said.statement.fit) {
            return Ok(());
        }
        let details = self.partner.details().unwrap_or_default();
        Err(match details.unserved {
            _ if details.standby => OrderRefused::PartnerOrderedStandby,
            _ if details.frozen => OrderRefused::PartnerFrozen,
            Some(unserved @ 1..) => OrderRefused::PartnerUnserved(unserved),
            _ => OrderRefused::PartnerUnfit,
        })
    }

    fn obey(&mut self, now: Mono, order: Order, out: &mut Vec<Action>) -> Begun {
        let orders = Orders {
            standby: match order {
                Order::Standby(on) => on,
                _ => self.orders.kept.standby,
            },
            frozen: match order {
                Order::Freeze(on) => on,
                _ => self.orders.kept.frozen,
            },
        };
        let keeping = order != Order::Failover;
        if keeping {
            let is_lifted = self.orders.is_barred();
            self.keep_orders(orders, out);
            if is_lifted && !self.orders.is_barred() {
                // Nothing is taken over before the partner had its time to speak.
                self.told.barred = None;
                self.listen(now);
            }
        }
        let moves = matches!(order, Order::Failover | Order::Standby(true));
        let hand_over = moves && self.phase() == Phase::Active;
        if hand_over {
            self.orders.hand_over = OrderedHandOver::UnderWay;
            self.event(now, Event::FailoverOrdered, out);
        }
        Begun { keeping, hand_over }
    }

    /// After each input: whether the hand-over by order has come about.
    pub(super) fn look_at_hand_over(&mut self, now: Mono, out: &mut Vec<Action>) {
        if self.orders.hand_over == OrderedHandOver::No {
            return;
        }
        let end = match self.phase() {
            Phase::HandingOver | Phase::Releasing => return,
            Phase::Starting | Phase::Active => {
                Err(HandOverFailed::StillActive(self.history.reason))
            }
            Phase::Standby | Phase::Gone if self.is_taken(now) => Ok(()),
            Phase::Gone => Err(HandOverFailed::NotTaken),
            Phase::Standby => {
                let (mut until, before) = match self.orders.hand_over {
                    OrderedHandOver::GivenUp { until, claimed } => (until, claimed),
                    _ => (now + self.taken_within(), None),
                };
                let claims = self.partner.last_value() == Some(Value::Running);
                let claimed = claims.then(|| before.unwrap_or(now));
                if claims && before.is_none() {
                    until = until.max(now + MOVED_WITHIN);
                }
                self.orders.hand_over = OrderedHandOver::GivenUp { until, claimed };
                if now < until {
                    return;
                }
                Err(HandOverFailed::NotTaken)
            }
        };
        self.orders.hand_over = OrderedHandOver::No;
        out.push(Action::HandOverEnded(end));
    }

    /// Whether the partner has taken over. Its RUNNING says so, unless its `active_cmd` has to move the
    /// addresses first. Then the signed state says so, or that it still says RUNNING after a while.
    fn is_taken(&self, now: Mono) -> bool {
        let claims = self.partner.last_value() == Some(Value::Running);
        if !self.has_moving_hooks() {
            return claims;
        }
        let signed = self
            .partner
            .said()
            .filter(|said| said.form != Form::Unsigned);
        let lasts = match self.orders.hand_over {
            OrderedHandOver::GivenUp {
                claimed: Some(at), ..
            } => now - at >= self.settings.hook_patience,
            _ => false,
        };
        claims && signed.map_or(lasts, |said| said.statement.state == State::Active)
    }

    /// After a give-up by order: a partner of ours that served a short while ago puts our offer off for
    /// this time, and its claim is here a heartbeat later.
    fn taken_within(&self) -> Duration {
        TAKEN_WITHIN.max(self.longest_damping() + self.settings.keepalive)
    }

    fn keep_orders(&mut self, orders: Orders, out: &mut Vec<Action>) {
        self.orders.kept = orders;
        out.push(Action::KeepOrders(orders));
    }

    /// The partner did not take over: an order to stand by that could not be obeyed is void.
    pub(super) fn resume(&mut self, now: Mono, out: &mut Vec<Action>) {
        if self.history.reason == Reason::Event(Event::HeardStopped) {
            self.history.reason = Reason::HandOverRefused;
        }
        let active = Active {
            holding: self.stage.take_holding(now),
            control: Control::Left,
        };
        self.enter(now, Stage::Active(active), None);
        out.push(Action::Notice(Notice::FailoverFailed));
        // The order came before the hand-over, and was not lifted since: no order is in force on an active
        // node.
        if self.orders.kept.standby {
            let orders = Orders {
                standby: false,
                ..self.orders.kept
            };
            self.keep_orders(orders, out);
            out.push(Action::Notice(Notice::StandbyVoid));
        }
        // lvs.cf or the addresses may have changed meanwhile.
        self.raise_and_announce(now, out);
        self.send_now(now, out);
    }

    /// Nobody serves, and this node could but for an order.
    pub(super) fn say_if_barred(&mut self, now: Mono, out: &mut Vec<Action>) {
        let recent = |said: Mono| now - said < SAID_EVERY;
        let is_due = !self.told.barred.is_some_and(recent);
        if self.phase() == Phase::Standby && self.orders.is_barred() && !self.is_cut_off() && is_due
        {
            self.told.barred = Some(now);
            out.push(Action::Notice(Notice::NobodyServes(self.orders.kept)));
        }
    }
}
