//! What a status shows, and the record of the last changes.

use lvs_model::Mono;

use super::Node;
use super::history::KEPT;
use super::stage::Stage;
use crate::orders::Orders;
use crate::pair::PairPath;
use crate::said::Form;
use crate::transitions::Phase;
use crate::view::{PartnerView, PathView, Silence, Transition, View};

impl Node {
    /// What a status shows.
    #[must_use]
    pub fn view(&self, now: Mono) -> View {
        let path = |path| PathView {
            heard_ago: self.partner.heard(path).map(|heard| now - heard),
        };
        let has_private = self.settings.has_private_path;
        View {
            role: self.settings.role,
            phase: self.phase(),
            holding: self.is_holding(),
            unfit: self.unfit(now),
            own: self.ways.own,
            public: path(PairPath::Public),
            private: has_private.then(|| path(PairPath::Private)),
            partner: self.settings.has_partner.then(|| self.view_partner(now)),
            service: self.service.state(),
            is_checked: self.service.is_checked(),
            orders: self.orders.kept,
            term: self.claims.term,
            content: self.settings.content,
            same_role: self.one_role(now),
            two_owners: self.two_owners(),
            uninvited: self.uninvited(),
            transitions: self.history.transitions.iter().cloned().collect(),
        }
    }

    fn view_partner(&self, now: Mono) -> PartnerView {
        let said = self.partner.said();
        let details = self.partner.details();
        let signed = said.filter(|said| said.form != Form::Unsigned);
        PartnerView {
            alive: self.partner.is_alive(now, self.settings.dead_time),
            value: self.partner.last_value(),
            state: signed.map(|said| said.statement.state),
            fit: said
                .filter(|said| said.form != Form::Unsigned || !said.statement.fit)
                .map(|said| said.statement.fit),
            form: self.partner.form(),
            content: details.and_then(|details| details.content),
            unserved: details.and_then(|details| details.unserved),
            orders: details.map(|details| Orders {
                standby: details.standby,
                frozen: details.frozen,
            }),
        }
    }

    /// For how long the paths have been silent.
    pub(super) fn silence_of_paths(&self, now: Mono) -> Silence {
        let since = |path| self.partner.heard(path).map(|heard| now - heard);
        let has_private = self.settings.has_private_path;
        Silence {
            public: since(PairPath::Public),
            private: has_private.then(|| since(PairPath::Private)),
        }
    }

    /// Changes the phase, and remembers why.
    pub(super) fn enter(&mut self, now: Mono, to: Stage, silence: Option<Silence>) {
        let from = self.phase();
        self.stage = to;
        let to = self.phase();
        self.timers.retain(|timer| timer.runs_in(to));
        self.told.two_owners &= to == Phase::Active;
        let kept = &mut self.history.transitions;
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back(Transition {
            at: now,
            from,
            to,
            reason: self.history.reason,
            silence,
        });
    }
}
