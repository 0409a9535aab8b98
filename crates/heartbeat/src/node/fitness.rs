//! What this node knows of its own fitness, and what it does about it.

use lvs_model::Mono;

use super::Node;
use crate::fitness::{OwnAddresses, Trouble, Unfit};

impl Node {
    /// Why this node does not take over from a living partner.
    pub(super) fn unfit(&self, now: Mono) -> Vec<Unfit> {
        let dead_time = self.settings.dead_time;
        let reasons = [
            (self.is_warm() && self.service.is_failing(now)).then_some(Unfit::Service),
            self.links_lost.then_some(Unfit::Links),
            self.is_banned(now).then_some(Unfit::Banned),
            self.partner
                .is_misconfigured(now, dead_time)
                .then_some(Unfit::Misconfigured),
            (!self.own.is_whole()).then_some(Unfit::OwnAddress),
            self.orders.standby.then_some(Unfit::OrderedStandby),
            self.orders.frozen.then_some(Unfit::Frozen),
        ];
        let unserved = self.troubles.iter().cloned().map(Unfit::Unserved);
        reasons.into_iter().flatten().chain(unserved).collect()
    }

    /// Addresses or services were lost here a short while ago.
    pub(super) fn is_banned(&self, now: Mono) -> bool {
        self.banned_until.is_some_and(|until| now < until)
    }

    pub(super) fn own_addresses(&mut self, own: OwnAddresses) {
        self.own = own;
    }

    pub(super) fn serving(&mut self, troubles: Vec<Trouble>) {
        self.troubles = troubles;
    }
}
