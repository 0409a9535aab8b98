//! Which servers are in the table: computed from what the nannies report, kept over reloads and deaths.
//!
//! Owned by the machine, one for each service. Time and standings come in, the wanted [`TableService`]
//! comes out. What a nanny has not reported yet leaves things as they are.

use std::collections::{BTreeMap, BTreeSet};

use control::{Place, Standing};
use lvs_config::ManualWeight;
use lvs_model::{Destination, DestinationKey, Mono, ServiceKey, Weight};

use crate::by_hand::{HeldChange, HeldWeights, Sight};
use crate::{MonitorKey, SiteDestination, SiteService, TableService};

/// Who is in the table for one service.
#[derive(Clone, Debug)]
pub struct Presence {
    /// Since when the service is wanted.
    born: Mono,
    /// When [`settle`](Self::settle) was last called.
    settled: Mono,
    /// Destinations in the table and their weights.
    weights: BTreeMap<DestinationKey, Weight>,
    /// Weights that somebody else has set and that stay. A failed check takes the destination out of
    /// the table, but does not end a drain.
    by_hand: HeldWeights,
    /// What the checks of each destination said last.
    verdicts: BTreeMap<DestinationKey, Verdict>,
    /// How many of `verdicts` are good.
    up: usize,
    /// How many are bad.
    down: usize,
    serves: Serves,
}

/// Who is there for the clients of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Serves {
    /// The real servers; or no report yet says that they are all down.
    Servers,
    /// The sorry server.
    Sorry,
    /// All real servers are down, and there is no sorry server.
    Nobody,
}

/// Another serves than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServesChange {
    /// The sorry server goes in.
    SorryIn,
    /// The sorry server goes out: this many real servers are up.
    SorryOut(usize),
    /// The last real server is down.
    Lost,
    /// How many real servers are up again.
    Back(usize),
}

/// What the checks of one destination say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// All are good: in with this weight.
    Up(Weight),
    /// At least one is bad; the place it asks for.
    Down(Place),
    /// Some have not reported anything yet, the others are good.
    Unknown,
}

impl Presence {
    /// Nobody is in.
    pub fn new(now: Mono) -> Self {
        Self {
            born: now,
            settled: now,
            weights: BTreeMap::new(),
            by_hand: HeldWeights::default(),
            verdicts: BTreeMap::new(),
            up: 0,
            down: 0,
            serves: Serves::Servers,
        }
    }

    /// Adopts what the kernel has, as far as lvs.cf wants it.
    pub fn adopt(&mut self, site: &SiteService, found: &TableService) {
        let present: BTreeMap<DestinationKey, Weight> = found
            .destinations
            .iter()
            .map(|d| (d.key, d.weight))
            .collect();
        for wanted in &site.destinations {
            if let Some(weight) = present.get(&wanted.destination.key) {
                self.weights.insert(wanted.destination.key, *weight);
            }
        }
        let sorry = site.sorry.as_ref().map(|sorry| sorry.destination.key);
        if sorry.is_some_and(|key| present.contains_key(&key)) {
            self.serves = Serves::Sorry;
        }
    }

    /// Finds what somebody else did to the weights between `before` and `found`, which are `None` where
    /// there was no service. In `unsure` are destinations with a refused operation: their state before is
    /// not known.
    pub fn follow_by_hand(
        &mut self,
        site: &SiteService,
        policy: ManualWeight,
        (before, found): (Option<&TableService>, Option<&TableService>),
        unsure: &BTreeSet<(ServiceKey, DestinationKey)>,
    ) -> Vec<(DestinationKey, HeldChange)> {
        let weights = |service: Option<&TableService>| -> BTreeMap<DestinationKey, Weight> {
            let destinations = service
                .into_iter()
                .flat_map(|service| &service.destinations);
            destinations.map(|d| (d.key, d.weight)).collect()
        };
        let (before, found) = (weights(before), weights(found));
        let mut changes = Vec::new();
        for wanted in &site.destinations {
            let key = wanted.destination.key;
            if !self.weights.contains_key(&key) {
                let change = self.by_hand.restrict(policy, &key);
                changes.extend(change.map(|change| (key, change)));
                continue;
            }
            if unsure.contains(&(site.service.key, key)) {
                continue;
            }
            let sight = Sight {
                before: before.get(&key).copied(),
                found: found.get(&key).copied(),
                configured: wanted.destination.weight,
                is_down: matches!(self.verdicts.get(&key), Some(Verdict::Down(_))),
            };
            let change = self.by_hand.follow(policy, key, &sight);
            changes.extend(change.map(|change| (key, change)));
        }
        changes
    }

    /// Whether the sorry server is in.
    pub fn has_sorry(&self) -> bool {
        self.serves == Serves::Sorry
    }

    /// Whether the checks of every real server have reported.
    pub fn is_judged(&self, site: &SiteService) -> bool {
        self.up + self.down == site.destinations.len()
    }

    /// The weight that somebody else has set and that stays.
    pub fn by_hand(&self, key: &DestinationKey) -> Option<Weight> {
        self.by_hand.get(key)
    }

    /// Where its checks want a destination now.
    pub fn place(&self, key: &DestinationKey) -> Place {
        self.weights
            .get(key)
            .map_or(Place::Out, |weight| Place::In(*weight))
    }

    /// Follows the standings, and drops what lvs.cf no longer names.
    pub fn settle(
        &mut self,
        site: &SiteService,
        now: Mono,
        standing: &dyn Fn(&MonitorKey) -> Option<Standing>,
    ) -> Option<ServesChange> {
        self.settled = now;
        let named: BTreeSet<DestinationKey> = site
            .destinations
            .iter()
            .map(|d| d.destination.key)
            .collect();
        self.weights.retain(|key, _| named.contains(key));
        self.by_hand.retain(|key| named.contains(key));
        self.verdicts.clear();
        (self.up, self.down) = (0, 0);
        for wanted in &site.destinations {
            self.judge(wanted, standing);
        }
        self.settle_who_serves(site, now)
    }

    /// The same, where only standings of `touched` have changed since the last call.
    pub fn settle_some(
        &mut self,
        site: &SiteService,
        touched: &[&SiteDestination],
        now: Mono,
        standing: &dyn Fn(&MonitorKey) -> Option<Standing>,
    ) -> Option<ServesChange> {
        self.settled = now;
        for wanted in touched {
            self.judge(wanted, standing);
        }
        self.settle_who_serves(site, now)
    }

    fn judge(
        &mut self,
        wanted: &SiteDestination,
        standing: &dyn Fn(&MonitorKey) -> Option<Standing>,
    ) {
        let key = wanted.destination.key;
        let verdict = verdict(wanted, standing);
        match self.verdicts.insert(key, verdict) {
            Some(Verdict::Up(_)) => self.up -= 1,
            Some(Verdict::Down(_)) => self.down -= 1,
            Some(Verdict::Unknown) | None => {}
        }
        match verdict {
            Verdict::Up(weight) => {
                self.up += 1;
                self.weights.insert(key, weight);
            }
            Verdict::Down(place) => {
                self.down += 1;
                self.by_hand.fail(&key);
                self.take_out(wanted, place);
            }
            Verdict::Unknown => {}
        }
    }

    /// `place` is what the nannies ask for. Each decided for its own block, by the settings it was started
    /// with: blocks may share a destination, and a reload may have changed `quiesce_server` since. So it is
    /// decided here again.
    fn take_out(&mut self, wanted: &SiteDestination, place: Place) {
        let key = wanted.destination.key;
        match place {
            Place::In(_) if wanted.quiesce => {
                if let Some(weight) = self.weights.get_mut(&key) {
                    *weight = Weight::ZERO;
                }
            }
            Place::In(_) | Place::Out => {
                self.weights.remove(&key);
            }
        }
    }

    fn settle_who_serves(&mut self, site: &SiteService, now: Mono) -> Option<ServesChange> {
        let (up, before) = (self.up, self.serves);
        let is_deserted = up == 0 && {
            let nobody_serves = || self.weights.values().all(|weight| *weight == Weight::ZERO);
            let is_late = || now >= self.patience(site) && nobody_serves();
            before != Serves::Servers
                || self.down == site.destinations.len()
                || (site.sorry.is_some() && is_late())
        };
        self.serves = match (is_deserted, &site.sorry) {
            (false, _) => Serves::Servers,
            (true, Some(_)) => Serves::Sorry,
            (true, None) => Serves::Nobody,
        };
        match (before, self.serves) {
            (before, after) if before == after => None,
            (_, Serves::Sorry) => Some(ServesChange::SorryIn),
            (_, Serves::Nobody) => Some(ServesChange::Lost),
            (Serves::Sorry, _) => Some(ServesChange::SorryOut(up)),
            (_, Serves::Servers) => Some(ServesChange::Back(up)),
        }
    }

    /// When the sorry server goes in although no report says that all servers are down.
    fn patience(&self, site: &SiteService) -> Mono {
        self.born + site.interval * 2
    }

    /// When to settle again though no standing changes.
    pub fn deadline(&self, site: &SiteService) -> Option<Mono> {
        let patience = self.patience(site);
        (site.sorry.is_some() && !self.has_sorry() && self.settled < patience).then_some(patience)
    }

    /// The service as the kernel shall have it.
    pub fn wanted(&self, site: &SiteService) -> TableService {
        let real = site.destinations.iter().map(|wanted| &wanted.destination);
        let sorry = site.sorry.as_ref().map(|sorry| &sorry.destination);
        let all = real.chain(sorry);
        TableService {
            service: site.service.clone(),
            destinations: all
                .filter_map(|destination| self.wanted_destination(site, destination))
                .collect(),
        }
    }

    /// The destination of a real server or the sorry server as the kernel should have it, if at all.
    pub fn wanted_destination(
        &self,
        site: &SiteService,
        destination: &Destination,
    ) -> Option<Destination> {
        let key = &destination.key;
        if (site.sorry.as_ref()).is_some_and(|sorry| sorry.destination.key == *key) {
            return self.has_sorry().then_some(*destination);
        }
        let weight = *self.weights.get(key)?;
        Some(Destination {
            weight: self.by_hand.get(key).unwrap_or(weight),
            ..*destination
        })
    }
}

/// Up only while all checks are good; then the smallest weight counts.
fn verdict(
    wanted: &SiteDestination,
    standing: &dyn Fn(&MonitorKey) -> Option<Standing>,
) -> Verdict {
    let mut is_complete = true;
    let mut bad: Option<Place> = None;
    let mut lowest: Option<Weight> = None;
    for monitor in &wanted.monitors {
        match standing(&monitor.key) {
            None => is_complete = false,
            Some(Standing { phase, place, .. }) => match place {
                Place::In(weight) if phase.is_up() => {
                    let weight = weight.min(monitor.options.most_weight());
                    lowest = Some(lowest.map_or(weight, |lowest| lowest.min(weight)));
                }
                _ if phase == control::Phase::New => is_complete = false,
                _ => bad = Some(bad.map_or(place, |bad| bad.min(place))),
            },
        }
    }
    match (bad, lowest) {
        (Some(place), _) => Verdict::Down(place),
        (None, Some(weight)) if is_complete => Verdict::Up(weight),
        _ => Verdict::Unknown,
    }
}
