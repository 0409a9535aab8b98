//! Weights that somebody else has set: which of them stay, and how long. lvs.cf: `manual_weight`.
//!
//! Owned by [`Presence`](crate::presence::Presence), one for each service; asked at every reading of
//! the table.

use std::collections::BTreeMap;

use lvs_config::ManualWeight;
use lvs_model::{DestinationKey, Weight};

/// The weights that stay.
#[derive(Clone, Debug, Default)]
pub struct HeldWeights(BTreeMap<DestinationKey, Weight>);

/// One destination at a reading of the table.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// Its weight as we left it.
    pub before: Option<Weight>,
    /// Its weight now.
    pub found: Option<Weight>,
    /// Its weight in lvs.cf.
    pub configured: Weight,
    /// Whether its checks are bad.
    pub is_down: bool,
}

/// What has become of a weight that somebody else has set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldChange {
    /// This one stays.
    Held(Weight),
    /// The one that stayed does so no longer.
    LetGo,
}

impl HeldWeights {
    /// The weight that stays, if one does.
    pub fn get(&self, key: &DestinationKey) -> Option<Weight> {
        self.0.get(key).copied()
    }

    /// Sees what somebody else may have done.
    pub fn follow(
        &mut self,
        policy: ManualWeight,
        key: DestinationKey,
        sight: &Sight,
    ) -> Option<HeldChange> {
        let held = self.get(&key);
        let next = sight.stays(policy, held);
        match next {
            Some(weight) => self.0.insert(key, weight),
            None => self.0.remove(&key),
        };
        match next {
            _ if next == held => None,
            Some(weight) => Some(HeldChange::Held(weight)),
            None => Some(HeldChange::LetGo),
        }
    }

    /// A destination that is out of the table: only a drain can be held. It stays unless every weight is
    /// repaired from now on.
    pub fn restrict(&mut self, policy: ManualWeight, key: &DestinationKey) -> Option<HeldChange> {
        if policy != ManualWeight::Repair {
            return None;
        }
        self.0.remove(key).map(|_| HeldChange::LetGo)
    }

    /// The checks are bad: no weight set by hand brings new clients to a dead server.
    pub fn fail(&mut self, key: &DestinationKey) {
        if self.get(key) > Some(Weight::ZERO) {
            self.0.remove(key);
        }
    }

    /// Forgets the others.
    pub fn retain(&mut self, mut is_kept: impl FnMut(&DestinationKey) -> bool) {
        self.0.retain(|key, _| is_kept(key));
    }
}

impl Sight {
    /// The weight that stays from now on; `held` is the one that stayed until now.
    fn stays(&self, policy: ManualWeight, held: Option<Weight>) -> Option<Weight> {
        // Taken away altogether: that is repaired.
        let found = self.found?;
        let is_changed = self.before.is_some_and(|before| before != found);
        let is_drain = found == Weight::ZERO;
        match policy {
            ManualWeight::Repair => None,
            ManualWeight::Drain if is_drain && (is_changed || held == Some(found)) => Some(found),
            ManualWeight::Drain => None,
            ManualWeight::Keep if !is_changed => held,
            // lvs.cf's own weight hands it back.
            ManualWeight::Keep if found == self.configured => None,
            ManualWeight::Keep if self.is_down && !is_drain => None,
            ManualWeight::Keep => Some(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(number: u32) -> Weight {
        Weight::new(number).unwrap()
    }

    fn key() -> DestinationKey {
        DestinationKey {
            address: "10.0.0.1".parse().unwrap(),
            port: 80,
        }
    }

    /// What stays after a weight `before` is found as `found`; lvs.cf says 5.
    fn after(policy: ManualWeight, held: Option<u32>, before: u32, found: Option<u32>) -> Held {
        let mut weights = HeldWeights::default();
        weights.0.extend(held.map(|number| (key(), weight(number))));
        let sight = Sight {
            before: Some(weight(before)),
            found: found.map(weight),
            configured: weight(5),
            is_down: false,
        };
        let change = weights.follow(policy, key(), &sight);
        (weights.get(&key()).map(Weight::get), change)
    }

    type Held = (Option<u32>, Option<HeldChange>);

    fn held(number: u32) -> Held {
        (Some(number), Some(HeldChange::Held(weight(number))))
    }

    const LET_GO: Held = (None, Some(HeldChange::LetGo));
    const NOTHING: Held = (None, None);

    #[test]
    fn a_drain_stays_until_another_weight_is_set() {
        use ManualWeight::Drain;
        assert_eq!(after(Drain, None, 5, Some(0)), held(0));
        assert_eq!(after(Drain, None, 5, Some(9)), NOTHING);
        assert_eq!(after(Drain, Some(0), 0, Some(0)), (Some(0), None));
        assert_eq!(after(Drain, Some(0), 0, Some(9)), LET_GO);
        assert_eq!(after(Drain, Some(0), 0, None), LET_GO);
        // Its own weight 0, as of a server that is quiesced.
        assert_eq!(after(Drain, None, 0, Some(0)), NOTHING);
    }

    #[test]
    fn kept_is_any_weight_until_that_of_lvs_cf_is_set() {
        use ManualWeight::Keep;
        assert_eq!(after(Keep, None, 5, Some(0)), held(0));
        assert_eq!(after(Keep, None, 5, Some(9)), held(9));
        assert_eq!(after(Keep, Some(9), 9, Some(9)), (Some(9), None));
        assert_eq!(after(Keep, Some(9), 9, Some(2)), held(2));
        assert_eq!(after(Keep, Some(9), 9, Some(5)), LET_GO);
        assert_eq!(after(Keep, None, 1, Some(5)), NOTHING);
        assert_eq!(after(Keep, Some(9), 9, None), LET_GO);
        // Our own weight on its way up, seen twice.
        assert_eq!(after(Keep, None, 2, Some(2)), NOTHING);
    }

    #[test]
    fn repaired_is_every_weight_also_one_that_was_kept_before_a_reload() {
        use ManualWeight::{Drain, Repair};
        assert_eq!(after(Repair, None, 5, Some(0)), NOTHING);
        assert_eq!(after(Repair, None, 5, Some(9)), NOTHING);
        assert_eq!(after(Repair, Some(0), 0, Some(0)), LET_GO);
        assert_eq!(after(Drain, Some(9), 9, Some(9)), LET_GO);
    }

    #[test]
    fn a_dead_server_is_given_no_weight_by_hand_and_loses_the_one_it_had() {
        let mut weights = HeldWeights::default();
        let mut sight = Sight {
            before: Some(Weight::ZERO),
            found: Some(weight(9)),
            configured: weight(5),
            is_down: true,
        };
        assert_eq!(weights.follow(ManualWeight::Keep, key(), &sight), None);
        sight.is_down = false;
        let change = weights.follow(ManualWeight::Keep, key(), &sight);
        assert_eq!(change, Some(HeldChange::Held(weight(9))));
        weights.fail(&key());
        assert_eq!(weights.get(&key()), None);
        sight.before = Some(weight(5));
        sight.found = Some(Weight::ZERO);
        weights.follow(ManualWeight::Keep, key(), &sight);
        weights.fail(&key());
        assert_eq!(weights.get(&key()), Some(Weight::ZERO));
    }
}
