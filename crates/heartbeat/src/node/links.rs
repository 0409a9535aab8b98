//! The carriers of the links under the heartbeat, with lvs.cf `monitor_links`.

use lvs_model::Mono;

use super::Node;
use super::timer::Timer;
use crate::model::{Action, Links};
use crate::notice::Notice;
use crate::transitions::{Event, Phase};

impl Node {
    pub(super) fn links(&mut self, now: Mono, links: Links, out: &mut Vec<Action>) {
        let before = std::mem::replace(&mut self.ways.links, links);
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
        } else if before.is_lost() {
            self.listen(now);
            out.push(Action::Notice(Notice::LinksRestored));
        }
    }

    /// lvs.cf monitors no link any more: a lost one does not count.
    pub(super) fn links_unmonitored(&mut self, now: Mono, out: &mut Vec<Action>) {
        let before = std::mem::replace(&mut self.ways.links, Links::UP);
        if before.is_lost() {
            self.listen(now);
            out.push(Action::Notice(Notice::LinksUnmonitored));
        }
    }

    /// The node serves on, and can neither hear the partner nor be heard: a partner that could take over
    /// serves as well.
    pub(super) fn serves_unheard(&self) -> bool {
        let claims = matches!(
            self.phase(),
            Phase::Starting | Phase::Active | Phase::HandingOver
        );
        let lets_go = self.ways.own.is_cut_off() && self.timers.is_set(Timer::OwnAddress);
        self.settings.has_partner && claims && self.ways.has_no_path() && !lets_go
    }

    /// After each input: said when it begins.
    pub(super) fn say_if_unheard(&mut self, out: &mut Vec<Action>) {
        let is_unheard = self.serves_unheard();
        let was_unheard = std::mem::replace(&mut self.told.is_unheard, is_unheard);
        if is_unheard && !was_unheard {
            out.push(Action::Notice(Notice::ServingUnheard));
        }
    }
}
