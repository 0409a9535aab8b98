//! Orders of lvsd to a nanny: where to go on from, another target, a check at once. A nanny by hand gives
//! the first to itself.

use control::{Order, Phase, Place, Standing};
use lvs_model::{Mono, Weight};

use super::{Activity, Monitor};
use crate::event::Action;
use crate::weight::{first_weight, retargeted_weight};

impl Monitor {
    pub(super) fn on_order(&mut self, now: Mono, order: Order, out: &mut Vec<Action>) {
        match order {
            Order::Adopt(standing) => {
                if matches!(self.activity, Activity::Awaiting(_)) {
                    self.adopt(now, standing, out);
                }
            }
            Order::Target(target) => self.retarget(now, target, out),
            Order::Check => {
                if matches!(self.activity, Activity::Pausing(_)) {
                    self.check(now, out);
                }
            }
        }
    }

    /// Goes on where another nanny ended. Where phase and place contradict each other, a server in the
    /// table counts as up unless it was taken out on purpose.
    pub(super) fn adopt(&mut self, now: Mono, found: Standing, out: &mut Vec<Action>) {
        self.written = found.place;
        self.standing = found;
        self.reported = None;
        match (found.phase, found.place) {
            (Phase::ForcedUp, Place::In(weight)) => self.weight = weight,
            (Phase::Down | Phase::Counting | Phase::ForcedDown, _) => {
                self.leave(found.phase);
                self.standing.count = found.count;
            }
            (_, Place::In(weight)) if weight > Weight::ZERO || found.phase.is_up() => {
                self.standing.count = found.count.max(self.settings.rise);
                self.set_weight(if weight == Weight::ZERO {
                    first_weight(self.settings.weight)
                } else {
                    weight.min(self.most_weight())
                });
            }
            (_, place) => {
                self.standing = Standing {
                    phase: Phase::New,
                    place,
                    count: self.settings.rise,
                }
            }
        }
        self.settle(now, out);
        if matches!(self.standing.phase, Phase::ForcedDown | Phase::ForcedUp) {
            self.activity = Activity::Resting;
        } else {
            self.check(now, out);
        }
    }

    fn most_weight(&self) -> Weight {
        let target = self.settings.weight;
        if !self.settings.has_load {
            return target;
        }
        let most = target.get().saturating_mul(self.settings.scale);
        Weight::new(most).unwrap_or(Weight::MAX).max(target)
    }

    fn retarget(&mut self, now: Mono, target: Weight, out: &mut Vec<Action>) {
        let old = std::mem::replace(&mut self.settings.weight, target);
        let weight = retargeted_weight(self.weight, old, target);
        match self.standing.phase {
            Phase::ForcedUp => {
                self.standing.place = Place::In(target);
                // For the time after.
                self.weight = weight;
            }
            Phase::Ramp | Phase::Up => self.adjust(weight, out),
            _ => {}
        }
        self.reported = None;
        self.settle(now, out);
    }
}
