//! Addresses of ours that somebody else claims.

use std::net::IpAddr;

use crate::datagram::Value;
use lvs_model::Mac;
use lvs_model::Mono;

use super::Node;
use super::stage::{Active, Stage};
use crate::duplicates::{Answer, Due};
use crate::model::Action;
use crate::notice::Notice;
use crate::transitions::{Event, Phase};

impl Node {
    /// Whether another machine has `address`, so that it is not to be raised here.
    #[must_use]
    pub fn is_unused(&self, address: IpAddr) -> bool {
        self.unused().any(|unused| unused == address)
    }

    /// The addresses that should be up here, but that another machine has.
    pub(super) fn unused(&self) -> impl Iterator<Item = IpAddr> {
        let holding = self.stage.holding().into_iter();
        holding.flat_map(|it| it.duplicates.unused())
    }

    /// Announces, and asks whether somebody else has what is announced.
    pub(super) fn announce(&self, out: &mut Vec<Action>) {
        out.push(Action::Announce);
        if self.settings.addresses.iter().any(IpAddr::is_ipv6) {
            out.push(Action::AskForAddresses);
        }
    }

    pub(super) fn address_answered(
        &mut self,
        now: Mono,
        address: IpAddr,
        mac: Option<Mac>,
        out: &mut Vec<Action>,
    ) {
        let is_ours = self.settings.addresses.contains(&address);
        if !is_ours || self.may_be_partner(now) {
            return;
        }
        let Stage::Active(Active { holding, .. }) = &mut self.stage else {
            return;
        };
        if holding.duplicates.answered(now, address) != Answer::Duplicate {
            return;
        }
        out.push(Action::Notice(Notice::AddressDuplicate(address, mac)));
        self.leave_duplicates(now, out);
        if self.phase() == Phase::Active {
            out.push(Action::RaiseAddresses);
        }
    }

    /// An active node whose every address another machine has leaves them to a partner that takes them:
    /// now, or when the partner says that it would.
    pub(super) fn leave_duplicates(&mut self, now: Mono, out: &mut Vec<Action>) {
        let all = &self.settings.addresses;
        let has_none = !all.is_empty() && all.iter().all(|address| self.is_unused(*address));
        if self.phase() != Phase::Active || !has_none || !self.fitness.may_leave_duplicates(now) {
            return;
        }
        self.event(now, Event::AddressesDuplicate, out);
        if self.phase() != Phase::Active {
            self.fitness.left_duplicates = Some(now);
        }
    }

    /// A partner that is silent may hold addresses, and one that is active does.
    fn may_be_partner(&self, now: Mono) -> bool {
        let alive = self.partner.is_alive(now, self.settings.dead_time);
        let lets_go = alive && self.partner.last_value() == Some(Value::Stopped);
        self.settings.has_partner && !lets_go
    }

    pub(super) fn duplicates_due(&mut self, now: Mono, out: &mut Vec<Action>) {
        while let Some(holding) = self.stage.holding_mut() {
            match holding.duplicates.due(now) {
                Due::Nothing => return,
                Due::Ask => out.push(Action::AskForAddresses),
                Due::Free(address) => {
                    self.fitness.left_duplicates = None;
                    out.push(Action::Notice(Notice::AddressFree(address)));
                    self.raise_and_announce(now, out);
                }
            }
        }
    }
}
