//! A node that could serve no address and can send no heartbeat: its only device is down.
//!
//! It may still hear the partner's silence, but a claim would serve nobody. When the device is back two nodes would
//! claim, and the service might move for nothing. So it claims nothing, and listens first when that is over. One that
//! serves when it comes to that goes on, unless its partner lives and does better.

use lvs_model::Mono;

use super::Node;
use crate::model::Action;
use crate::notice::Notice;
use crate::transitions::Phase;

impl Node {
    pub(super) fn is_stranded(&self) -> bool {
        let all = self.settings.addresses.len();
        let serves_none = all > 0 && usize::from(self.fitness.unserved) >= all;
        self.settings.has_partner && self.ways.is_mute && serves_none
    }

    /// After each input: said when it begins; when it is over the silence so far was our own.
    pub(super) fn note_stranding(&mut self, now: Mono, out: &mut Vec<Action>) {
        let waits = matches!(self.phase(), Phase::Standby | Phase::Releasing);
        let is_stranded = waits && self.is_stranded();
        let was_stranded = std::mem::replace(&mut self.told.is_stranded, is_stranded);
        if is_stranded && !was_stranded {
            out.push(Action::Notice(Notice::Stranded));
        } else if was_stranded && !is_stranded && waits {
            self.listen(now);
            self.claims.offers_from = now + self.settings.dead_time;
        }
    }
}
