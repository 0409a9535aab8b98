//! What must hold after each step, and in the end.

use crate::datagram::Value;
use crate::datagram::signed::State;
use lvs_model::Mono;

use super::{FAULTS_END, GROWN, Happening, ONE_WAY, OVERLAP, Side, World};
use crate::transitions::{Event, Phase};
use crate::view::Reason;

impl World {
    /// Both may claim in the same moment, also long after a fault; it must be over soon.
    fn check_overlap(&mut self, seed: u64) {
        if self.owners() < 2 {
            self.two_since = None;
            return;
        }
        let since = *self.two_since.get_or_insert(self.now);
        let from = if self.watches_mute {
            since
        } else {
            since.max(Mono::new(FAULTS_END))
        };
        let time = self.now - from;
        assert!(time <= OVERLAP, "seed {seed}: two owners since {since}");
    }

    /// Whatever happens besides may cost more time than the rule allows.
    pub(super) fn watch_one_way(&mut self, happening: &Happening) {
        let signed = self.sides.iter().all(|side| side.signing.mode.signs());
        match happening {
            Happening::Partition(cut @ (5 | 10)) if signed && self.loss_percent == 0 => {
                let healed = self.now - self.healed > GROWN;
                let whole = healed && self.cut == 0 && self.two_since.is_none() && self.is_quiet();
                let calm = self.sides.iter().all(|side| {
                    // A young node's partner may not have proven itself yet.
                    let grown = self.now - side.started > GROWN;
                    grown && side.paused_until.max(side.service_bad_until) <= self.now
                });
                let able = self
                    .sides
                    .iter()
                    .all(|side| side.is_well() && !side.is_mute && !side.is_off);
                let untouched = self.attacker.is_away(self.now);
                let is_watched = whole && calm && able && untouched && *cut != 0;
                self.one_way_since = is_watched.then_some(self.now);
            }
            Happening::Wake(_) | Happening::Arrive(..) | Happening::Ready(..) => {}
            Happening::Checked(..) | Happening::Ended(..) => {}
            _ => self.one_way_since = None,
        }
    }

    /// With one direction cut the node that hears has yielded by then.
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
            assert!(!side.node.has_stray_timer(), "seed {seed}");
        }
        self.check_overlap(seed);
        self.check_one_way(seed);
        if let Some(side) = self.watches_own {
            let owners = self.owners();
            assert!(owners <= 1, "seed {seed}: {side} is cut off, two owners");
        }
    }

    /// One owner throughout, when one side loses all of its own addresses and nothing else is wrong.
    pub(super) fn watch_own(&mut self, happening: &Happening) {
        match happening {
            Happening::Own(side, false, false) => {
                self.watches_own = self.is_peaceful().then_some(*side);
            }
            Happening::Wake(_) | Happening::Arrive(..) | Happening::Ready(..) => {}
            Happening::Checked(..) | Happening::Ended(..) => {}
            // It is back in the last moment: both may claim.
            Happening::Own(side, true, true) if self.watches_own == Some(*side) => {
                if self.sides[*side].holding {
                    self.watches_own = None;
                }
            }
            _ => self.watches_own = None,
        }
    }

    /// Nothing is wrong, one serves and the other one stands by.
    fn is_peaceful(&self) -> bool {
        let whole = self.now - self.healed > GROWN && self.cut == 0;
        let calm = self.sides.iter().all(|side| {
            let grown = self.now - side.started > GROWN;
            let hears = side.node.statement(self.now, Value::Stopped).hears;
            let at_ease = side.paused_until.max(side.service_bad_until) <= self.now;
            grown && hears && at_ease && !side.is_mute && !side.is_off
        });
        let untouched = self.attacker.is_away(self.now);
        let alone = self.owners() == 1 && self.is_quiet();
        let able = self.sides.iter().all(Side::is_well);
        self.loss_percent == 0 && whole && calm && untouched && alone && able
    }

    /// A node that can say nothing lets go when its partner has taken over.
    pub(super) fn watch_mute(&mut self, happening: &Happening) {
        match happening {
            Happening::Mute(_, true) => self.watches_mute = self.is_peaceful(),
            Happening::Wake(_) | Happening::Arrive(..) | Happening::Ready(..) => {}
            Happening::Checked(..) | Happening::Ended(..) | Happening::CanSend(..) => {}
            Happening::LetGo(_) => {}
            _ => self.watches_mute = false,
        }
    }

    /// Nobody takes over against an order, and a frozen owner stays but for its own death.
    pub(super) fn check_orders(&self, index: usize, before: Phase) {
        let side = &self.sides[index];
        let after = side.node.phase();
        if before == after {
            return;
        }
        let claims = matches!(after, Phase::Starting | Phase::Active);
        // Without a partner a start is no move, also of a frozen one.
        let begins = side.is_off && !side.orders.standby && side.started == self.now;
        assert!(
            before != Phase::Standby || !claims || !side.is_barred() || begins,
            "seed {}: taken over against an order",
            self.seed
        );
        if before == Phase::Active && side.orders.frozen {
            let view = side.node.view(self.now);
            let left = view.transitions.iter().rev();
            let mut left = left.filter(|it| it.from == Phase::Active);
            let reason = left.next().map(|it| it.reason);
            let may = matches!(
                reason,
                Some(Reason::Event(
                    Event::HeardRunning
                        | Event::PartnerDeaf
                        | Event::ServiceUnfit
                        | Event::Late
                        | Event::CutOff
                        | Event::StopOrdered
                ))
            );
            let seed = self.seed;
            assert!(may, "seed {seed}: frozen, and gives up: {reason:?}");
        }
    }

    /// What is wrong here is not left to a node that is known not to take it: it would serve no more. A
    /// node that stops leaves in any case.
    pub(super) fn check_give_up(&self, index: usize, before: Phase) {
        let Side { node, leaves, .. } = &self.sides[index];
        let claimed = matches!(before, Phase::Starting | Phase::Active | Phase::HandingOver);
        if !claimed || *leaves || !matches!(node.phase(), Phase::Releasing | Phase::Standby) {
            return;
        }
        let view = node.view(self.now);
        let mut left = view.transitions.iter().rev();
        let reason = left.find(|it| it.from == before).map(|it| it.reason);
        let faults = [
            Event::ServiceUnfit,
            Event::LinksLost,
            Event::Unserved,
            Event::OwnAddressGone,
        ];
        if !faults.map(Reason::Event).map(Some).contains(&reason) {
            return;
        }
        let it = view.partner.expect("there is one");
        let barred = it.orders.is_some_and(|it| it.standby || it.frozen);
        let says_no = barred && it.state != Some(State::Leaving);
        let unknown = it.fit == Some(false) && it.unserved.is_none();
        let may = it.alive && !says_no && !unknown;
        assert!(may, "seed {}: {reason:?}: left to {it:?}", self.seed);
    }

    /// The owner could not serve what the other one could, and may let go.
    pub(super) fn is_misplaced(&self) -> bool {
        let [one, other] = &self.sides;
        let worse = |owner: &Side, other: &Side| {
            let signed = owner.signing.mode.signs() && other.signing.mode.signs();
            let knows = signed && !owner.is_old && !other.is_old;
            let serves_more = other.missing < owner.missing && (other.missing == 0 || knows);
            let may = !owner.orders.frozen && !other.is_barred();
            let keeps = owner.node.is_keeping(self.now);
            owner.holding && serves_more && may && !keeps
        };
        worse(one, other) || worse(other, one)
    }

    /// Nobody serves just now, because one that is not fit gives up, perhaps in vain.
    pub(super) fn is_between(&self) -> bool {
        self.owners() == 0 && self.sides.iter().any(|side| side.missing > 0)
    }

    pub(super) fn check_end(&self, seed: u64) {
        let owners = self.owners();
        if self.sides.iter().all(Side::is_barred) {
            assert!(owners <= 1, "seed {seed}: {owners} owners in the end");
            return;
        }
        assert_eq!(owners, 1, "seed {seed}: {owners} owners in the end");
        let owner = self.sides.iter().find(|side| side.holding);
        let obeys = owner.is_some_and(|owner| !owner.orders.standby);
        assert!(obeys, "seed {seed}: serves though ordered to stand by");
        let is_misplaced = self.is_misplaced();
        assert!(
            !is_misplaced,
            "seed {seed}: the worse one serves in the end"
        );
    }
}
