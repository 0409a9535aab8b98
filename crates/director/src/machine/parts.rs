//! What lvsd keeps in every phase, by subject.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use lvs_model::{DestinationKey, Ending, IpvsOp, Mono, ServiceKey};

use super::object::Object;
use crate::supervision::Supervised;
use crate::{MonitorKey, NannyId, Table};

/// The nannies.
#[derive(Debug)]
pub struct Nannies {
    /// The nanny of each monitor of lvs.cf, and what it reported.
    pub watches: BTreeMap<MonitorKey, Supervised>,
    /// The monitor of each nanny that runs, or is being started.
    pub by_id: BTreeMap<NannyId, MonitorKey>,
    /// Those that were told to end.
    pub ending: BTreeMap<NannyId, Ending>,
    /// The number of the one that was started last.
    pub last_id: u64,
    /// Before this time no nanny has to be started, and none has been silent too long. Too early is
    /// harmless: what a nanny says puts its own deadline off, and only this one is kept.
    pub due: Mono,
}

/// The kernel's table, as far as lvsd knows it.
#[derive(Debug)]
pub struct Kernel {
    /// As last read, with our changes since.
    pub known: Table,
    /// Lists of operations whose answers have not come yet.
    pub in_flight: VecDeque<Vec<IpvsOp>>,
    pub reading: Reading,
    /// It could not be read: said once.
    pub is_unreadable: bool,
    /// It was read out of turn because an operation found it changed.
    pub has_looked_again: bool,
    /// The plan at the next reading is our own doing, not a repair.
    pub expects_changes: bool,
    /// Destinations with a refused operation since the last reading: they may never have been as we know
    /// them.
    pub unsure: BTreeSet<(ServiceKey, DestinationKey)>,
    /// Operations that it refused and that are still wanted, with the reason.
    pub refused: BTreeMap<Object, String>,
    /// Services of others: said once.
    pub foreign: BTreeSet<ServiceKey>,
}

/// A question for the kernel's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Not asked, or answered.
    Idle,
    /// Its answer has not come yet.
    Asked,
    /// The same, and the answer is to an old question: lvs.cf has changed since.
    Outdated,
}

/// The idle times of connections, which are in no table.
#[derive(Clone, Copy, Debug)]
pub struct IdleTimes {
    /// They go with the next plan.
    pub are_due: bool,
    /// They were refused: said once.
    pub are_refused: bool,
}

impl Nannies {
    /// None.
    pub const fn none() -> Self {
        Self {
            watches: BTreeMap::new(),
            by_id: BTreeMap::new(),
            ending: BTreeMap::new(),
            last_id: 0,
            due: Mono::ZERO,
        }
    }
}

impl Kernel {
    /// Nothing was read.
    pub fn unknown() -> Self {
        Self {
            known: Table::new(),
            in_flight: VecDeque::new(),
            reading: Reading::Idle,
            is_unreadable: false,
            has_looked_again: false,
            expects_changes: true,
            unsure: BTreeSet::new(),
            refused: BTreeMap::new(),
            foreign: BTreeSet::new(),
        }
    }
}
