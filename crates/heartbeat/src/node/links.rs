//! The carriers of the links under the heartbeat, with lvs.cf `monitor_links`.

use lvs_model::Mono;

use super::Node;
use crate::model::{Action, Links};
use crate::notice::Notice;
use crate::table::{Event, Phase};

impl Node {
    pub(super) fn links(&mut self, now: Mono, links: Links, out: &mut Vec<Action>) {
        let before = std::mem::replace(&mut self.links, links);
        if links.is_lost() {
            let notices = [
                (before.public_up && !links.public_up).then_some(Notice::PublicLinkDown),
                (before.private_up && !links.private_up).then_some(Notice::PrivateLinkDown),
                (!before.is_lost()).then_some(Notice::LinkFailure),
            ];
            out.extend(notices.into_iter().flatten().map(Action::Notice));
            if !before.is_lost() {
                self.event(now, Event::LinksLost, out);
            }
            if !before.is_cut_off() {
                self.say_if_unheard(out);
            }
        } else if before.is_lost() {
            self.listen(now);
            out.push(Action::Notice(Notice::LinksRestored));
        }
    }

    /// It serves on, and nothing can be heard of the partner or said to it: a partner that could take over serves
    /// as well.
    pub(super) fn serves_unheard(&self) -> bool {
        let claims = matches!(
            self.phase,
            Phase::Starting | Phase::Active | Phase::HandingOver
        );
        let is_cut_off = self.own.is_cut_off() || self.links.is_cut_off();
        let lets_go = self.own_due.is_some();
        self.settings.has_partner && claims && is_cut_off && !lets_go
    }

    pub(super) fn say_if_unheard(&self, out: &mut Vec<Action>) {
        if self.serves_unheard() {
            out.push(Action::Notice(Notice::ServingUnheard));
        }
    }
}
