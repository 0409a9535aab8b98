//! What must hold after each step, and in the end.

use lvs_model::Mono;

use super::{FAULTS_END, GROWN, Happening, ONE_WAY, OVERLAP, World};
use crate::table::Phase;

impl World {
    /// Both may claim in the same moment, also long after a fault; it must be over soon.
    fn check_overlap(&mut self, seed: u64) {
        if self.owners() < 2 {
            self.two_since = None;
            return;
        }
        let since = *self.two_since.get_or_insert(self.now);
        let from = since.max(Mono::new(FAULTS_END));
        let time = self.now - from;
        assert!(time <= OVERLAP, "seed {seed}: two owners since {since}");
    }

    /// Whatever happens besides may cost more time than the rule allows.
    pub(super) fn watch_one_way(&mut self, happening: &Happening) {
        let signed = self.sides.iter().all(|side| side.signing.mode.signs());
        match happening {
            Happening::Partition(cut @ (1 | 2)) if signed && self.loss_percent == 0 => {
                let healed = self.now - self.healed > GROWN;
                let whole = healed && self.cut == 0 && self.two_since.is_none() && self.is_quiet();
                let calm = self.sides.iter().all(|side| {
                    // A young node's partner may not have proven itself yet.
                    let grown = self.now - side.started > GROWN;
                    grown && side.paused_until.max(side.service_bad_until) <= self.now
                });
                self.one_way_since = (whole && calm && *cut != 0).then_some(self.now);
            }
            Happening::Wake(_) | Happening::Arrive(..) | Happening::Ready(..) => {}
            Happening::Checked(..) | Happening::Ended(..) => {}
            _ => self.one_way_since = None,
        }
    }

    /// R3.
    fn check_one_way(&self, seed: u64) {
        if let Some(since) = self.one_way_since
            && self.now - since > ONE_WAY
        {
            assert!(self.owners() <= 1, "seed {seed}: one way since {since}");
        }
    }

    pub(super) fn is_quiet(&self) -> bool {
        let has = |phase| self.sides.iter().any(|side| side.node.phase() == phase);
        has(Phase::Active) && has(Phase::Standby)
    }

    pub(super) fn owners(&self) -> usize {
        self.sides.iter().filter(|side| side.holding).count()
    }

    pub(super) fn check(&mut self, seed: u64) {
        for side in &self.sides {
            assert_eq!(side.holding, side.node.is_holding(), "seed {seed}");
            let may = matches!(
                side.node.phase(),
                Phase::Active | Phase::HandingOver | Phase::Releasing
            );
            assert!(!side.holding || may, "seed {seed}: {:?}", side.node.phase());
        }
        self.check_overlap(seed);
        self.check_one_way(seed);
    }
}
