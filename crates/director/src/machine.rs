//! lvsd itself: what happened in, what to do out.
//!
//! ```text
//!          Start             table read, plan applied            SIGTERM, hard_shutdown
//!  (new) ─────────▶ Loading ──────────────────────────▶ Running ───────────────────────▶ Stopping
//!                      │ cannot be read                  │  ▲                               │ nannies gone,
//!                      ▼                                 └──┘ reload, audit, verdict, death    ▼ services deleted
//!                   Exit(1)                                                            Exit(0), Exit(1)
//! ```
//!
//! The table changes in one way: [`plan`] between what is wanted and what was found. At start, at
//! reload and at every audit the kernel is read first; for a verdict the last reading, with the
//! changes made since, is good enough.

mod nannies;
mod reload;
mod stop;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use control::Standing;
use lvs_model::{IpvsOp, Mono, ServiceKey};

use crate::notice::Notice;
use crate::presence::{Presence, SorryChange};
use crate::supervision::Watch;
use crate::{
    Action, Input, MonitorKey, NannyId, Refusal, RefusalKind, Site, SiteService, Table,
    TableService, plan,
};

/// Where lvsd is between its start and its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Waits for the kernel's table.
    Loading,
    /// Works.
    Running,
    /// Waits for its nannies until then, kills them, and ends with this status.
    Stopping(stop::Stop),
    /// Has said `Exit`, or waits for the last answer before it.
    Ended(i32),
}

/// lvsd. Never reads a clock, a file or the kernel.
#[derive(Debug)]
pub struct Lvsd {
    site: Site,
    /// Whether the table is emptied first (`--clear`).
    clear: bool,
    phase: Phase,
    /// The kernel's table as last read, with our changes since.
    known: Table,
    /// Lists of operations whose answers have not come yet.
    in_flight: VecDeque<Vec<IpvsOp>>,
    /// Whether an answer to `ReadTable` has not come yet.
    is_reading: bool,
    /// When to compare the kernel's table with the wanted one again.
    audit_at: Mono,
    /// Whether the idle times go with the next plan.
    timeouts_due: bool,
    /// Whether the plan at the next reading is our own doing, not a repair.
    expects_changes: bool,
    /// Whether `Ready` was said.
    is_ready: bool,
    presence: BTreeMap<ServiceKey, Presence>,
    /// Services that came with a start or reload: what the kernel has of them is taken over.
    to_adopt: BTreeSet<ServiceKey>,
    /// Services that were ours and shall go.
    given_up: Vec<ServiceKey>,
    /// Services with a refused operation: said once.
    failing: BTreeSet<ServiceKey>,
    /// Services of others: said once.
    foreign: BTreeSet<ServiceKey>,
    table_unreadable: bool,
    /// Whether the table was read out of turn because an operation found it changed.
    has_looked_again: bool,
    watches: BTreeMap<MonitorKey, Watch>,
    by_nanny: BTreeMap<NannyId, MonitorKey>,
    /// Nannies that were told to end, and when they are killed if they have not.
    ending: BTreeMap<NannyId, Mono>,
    next_nanny: u64,
    /// Stray signals: said once.
    strays: BTreeSet<i32>,
}

impl Lvsd {
    /// An lvsd that has done nothing yet. `clear` empties the kernel's table first, as the original
    /// did.
    #[must_use]
    pub fn new(site: Site, clear: bool) -> Self {
        Self {
            site,
            clear,
            phase: Phase::Loading,
            known: Table::new(),
            in_flight: VecDeque::new(),
            is_reading: false,
            audit_at: Mono::ZERO,
            timeouts_due: true,
            expects_changes: true,
            is_ready: false,
            presence: BTreeMap::new(),
            to_adopt: BTreeSet::new(),
            given_up: Vec::new(),
            failing: BTreeSet::new(),
            foreign: BTreeSet::new(),
            table_unreadable: false,
            has_looked_again: false,
            watches: BTreeMap::new(),
            by_nanny: BTreeMap::new(),
            ending: BTreeMap::new(),
            next_nanny: 0,
            strays: BTreeSet::new(),
        }
    }

    /// What lvs.cf asks for at present.
    #[must_use]
    pub const fn site(&self) -> &Site {
        &self.site
    }

    /// Takes one event; what to do about it goes to `out`, in order.
    pub fn handle(&mut self, now: Mono, input: Input, out: &mut Vec<Action>) {
        match input {
            Input::Start => self.start(now, out),
            Input::Deadline => self.tend(now, out),
            Input::Table(Ok(found)) => self.take_table(now, found, out),
            Input::Table(Err(reason)) => self.miss_table(now, reason, out),
            Input::Applied(refusals) => self.take_refusals(now, &refusals, out),
            Input::Started(nanny, result) => self.take_start(now, nanny, result, out),
            Input::Report(nanny, report) => self.take_report(now, nanny, &report, out),
            Input::Ended(nanny, exit) => self.take_end(now, nanny, exit, out),
            Input::Hangup => self.hang_up(out),
            Input::Configuration(Ok(site)) => self.reload(now, *site, out),
            Input::Configuration(Err(lines)) => {
                let notice = |line| Action::Notice(Notice::BadConfiguration(line));
                out.extend(lines.into_iter().map(notice));
            }
            Input::Terminate(number) => self.terminate(now, number, out),
            Input::StraySignal(number) => {
                if self.strays.insert(number) {
                    out.push(Action::Notice(Notice::SignalIgnored(number)));
                }
            }
            Input::ParentGone => {
                out.push(Action::Notice(Notice::ParentGone));
                self.phase = Phase::Ended(0);
                out.push(Action::Exit(0));
            }
        }
    }

    /// When to call [`handle`](Self::handle) with [`Input::Deadline`].
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        match self.phase {
            Phase::Loading | Phase::Ended(_) => None,
            Phase::Stopping(stop) => Some(stop.until()),
            Phase::Running => {
                let audit = (!self.is_reading).then_some(self.audit_at);
                let endings = self.ending.values().copied();
                let nannies = self.nanny_deadline();
                let sorries = self.sorry_deadlines().min();
                endings.chain(audit).chain(nannies).chain(sorries).min()
            }
        }
    }

    fn sorry_deadlines(&self) -> impl Iterator<Item = Mono> {
        self.site.services.iter().filter_map(|service| {
            let presence = self.presence.get(&service.service.key)?;
            presence.deadline(service)
        })
    }

    fn start(&mut self, now: Mono, out: &mut Vec<Action>) {
        for service in &self.site.services {
            let key = service.service.key;
            self.presence.insert(key, Presence::new(now));
            self.to_adopt.insert(key);
            announce_start(service, out);
            for monitor in service.destinations.iter().flat_map(|d| &d.monitors) {
                self.watches.insert(monitor.key, Watch::new(now));
            }
        }
        self.read_table(out);
    }

    fn read_table(&mut self, out: &mut Vec<Action>) {
        if !self.is_reading {
            self.is_reading = true;
            out.push(Action::ReadTable);
        }
    }

    /// What is due now: an audit, nannies, sorry servers.
    fn tend(&mut self, now: Mono, out: &mut Vec<Action>) {
        match self.phase {
            Phase::Running => {
                if now >= self.audit_at {
                    self.read_table(out);
                }
                self.kill_stuck(now, out);
                self.tend_nannies(now, out);
                self.settle_late_sorries(now, out);
            }
            Phase::Stopping(stop) => self.tend_stop(now, stop, out),
            Phase::Loading | Phase::Ended(_) => {}
        }
    }

    /// Puts in the sorry servers whose service has waited long enough for a verdict.
    fn settle_late_sorries(&mut self, now: Mono, out: &mut Vec<Action>) {
        let late: Vec<ServiceKey> = self
            .site
            .services
            .iter()
            .filter(|service| {
                let presence = self.presence.get(&service.service.key);
                let deadline = presence.and_then(|presence| presence.deadline(service));
                deadline.is_some_and(|deadline| deadline <= now)
            })
            .map(|service| service.service.key)
            .collect();
        for key in late {
            self.settle_and_apply(now, &key, out);
        }
    }

    /// The kernel was read: adopt what is new to us, then lead it to what is wanted.
    fn take_table(&mut self, now: Mono, found: Table, out: &mut Vec<Action>) {
        self.is_reading = false;
        self.table_unreadable = false;
        self.audit_at = now + self.site.audit_interval;
        if !matches!(self.phase, Phase::Loading | Phase::Running) {
            return;
        }
        let mut ops = Vec::new();
        self.known = found;
        if std::mem::take(&mut self.clear) {
            self.known = Table::new();
            ops.push(IpvsOp::Flush);
        }
        if std::mem::take(&mut self.timeouts_due) {
            ops.push(IpvsOp::SetTimeouts(self.site.timeouts));
        }
        self.adopt();
        self.report_foreign(out);
        let wanted = self.settle_all(now, out);
        self.given_up.retain(|key| self.known.contains(key));
        let planned = plan(&wanted, &self.known, &self.given_up);
        self.forget_failures(&planned);
        let repairs = self.repairs(&planned);
        if !std::mem::take(&mut self.expects_changes) && repairs > 0 {
            out.push(Action::Notice(Notice::Repaired(repairs)));
        }
        self.has_looked_again &= !planned.is_empty();
        ops.extend(planned);
        self.phase = Phase::Running;
        self.apply(ops, out);
        if !std::mem::replace(&mut self.is_ready, true) {
            out.push(Action::Ready);
        }
        self.tend_nannies(now, out);
    }

    /// The kernel could not be read: no start without it, else another try at the next audit.
    fn miss_table(&mut self, now: Mono, reason: String, out: &mut Vec<Action>) {
        self.is_reading = false;
        self.audit_at = now + self.site.audit_interval;
        if !std::mem::replace(&mut self.table_unreadable, true) {
            out.push(Action::Notice(Notice::TableUnreadable(reason)));
        }
        if self.phase == Phase::Loading {
            self.phase = Phase::Ended(1);
            out.push(Action::Exit(1));
        }
    }

    fn adopt(&mut self) {
        for service in &self.site.services {
            let key = service.service.key;
            if !self.to_adopt.contains(&key) {
                continue;
            }
            if let (Some(presence), Some(found)) =
                (self.presence.get_mut(&key), self.known.get(&key))
            {
                presence.adopt(service, found);
            }
        }
        self.to_adopt.clear();
    }

    fn report_foreign(&mut self, out: &mut Vec<Action>) {
        let ours =
            |key: &ServiceKey| self.presence.contains_key(key) || self.given_up.contains(key);
        let keys = self.known.services().map(|service| service.service.key);
        let foreign: BTreeSet<ServiceKey> = keys.filter(|key| !ours(key)).collect();
        let new: Vec<ServiceKey> = foreign.difference(&self.foreign).copied().collect();
        if !new.is_empty() {
            out.push(Action::Notice(Notice::Foreign(new)));
        }
        self.foreign = foreign;
    }

    /// Every service as the kernel shall have it.
    fn settle_all(&mut self, now: Mono, out: &mut Vec<Action>) -> Vec<TableService> {
        let mut wanted = Vec::with_capacity(self.site.services.len());
        for service in &self.site.services {
            if let Some(presence) = self.presence.get_mut(&service.service.key) {
                wanted.push(settle(presence, service, now, &self.watches, out));
            }
        }
        wanted
    }

    /// Follows a verdict: one service, against the table as we know it.
    fn settle_and_apply(&mut self, now: Mono, key: &ServiceKey, out: &mut Vec<Action>) {
        let mut services = self.site.services.iter();
        let service = services.find(|service| service.service.key == *key);
        let (Some(service), Some(presence)) = (service, self.presence.get_mut(key)) else {
            return;
        };
        let wanted = settle(presence, service, now, &self.watches, out);
        let ops = plan(&[wanted], &self.known, &[]);
        self.apply(ops, out);
    }

    /// Sends operations, and takes them for done until the answer says otherwise.
    fn apply(&mut self, ops: Vec<IpvsOp>, out: &mut Vec<Action>) {
        if ops.is_empty() {
            return;
        }
        for op in &ops {
            self.known.follow(op);
        }
        self.in_flight.push_back(ops.clone());
        out.push(Action::Apply(ops));
    }

    /// Says what was refused, once for each service; looks at the table again if it has changed.
    fn take_refusals(&mut self, now: Mono, refusals: &[Refusal], out: &mut Vec<Action>) {
        let ops = self.in_flight.pop_front().unwrap_or_default();
        let mut is_outdated = false;
        for refusal in refusals {
            let Some(op) = ops.get(refusal.index) else {
                continue;
            };
            if refusal.kind == RefusalKind::Outdated {
                is_outdated = true;
                continue;
            }
            let key = service_key(op);
            if key.is_none_or(|key| self.failing.insert(key)) {
                out.push(Action::Notice(self.refusal_notice(op, &refusal.reason)));
            }
        }
        match self.phase {
            // Once: if that does not help, the next audit is soon enough.
            Phase::Running if is_outdated && !self.has_looked_again => {
                self.has_looked_again = true;
                self.audit_at = now;
            }
            Phase::Ended(status) => out.push(Action::Exit(status)),
            _ => {}
        }
    }

    fn refusal_notice(&self, op: &IpvsOp, reason: &str) -> Notice {
        let reason = reason.to_owned();
        match op {
            IpvsOp::SetTimeouts(timeouts) => Notice::TimeoutsFailed(*timeouts, reason),
            IpvsOp::AddService(_) | IpvsOp::EditService(_) | IpvsOp::DeleteService(_) => {
                Notice::ServiceFailed {
                    name: service_key(op).map_or_else(String::new, |key| self.name(&key)),
                    op: op.clone(),
                    reason,
                }
            }
            _ => Notice::DestinationFailed {
                program: self.site.ipvsadm.clone(),
                op: op.clone(),
                reason,
            },
        }
    }

    /// The name of the service's first block, or its key if lvs.cf no longer names it.
    fn name(&self, key: &ServiceKey) -> String {
        let mut services = self.site.services.iter();
        let service = services.find(|service| service.service.key == *key);
        let block = service.and_then(|service| service.blocks.first());
        block.map_or_else(|| key.to_string(), |(name, _)| name.clone())
    }

    /// Number of operations that put right what somebody else did, not what failed before.
    fn repairs(&self, planned: &[IpvsOp]) -> usize {
        let is_repair =
            |op: &&IpvsOp| service_key(op).is_none_or(|key| !self.failing.contains(&key));
        planned.iter().filter(is_repair).count()
    }

    /// A service that nothing is planned for any more has come right.
    fn forget_failures(&mut self, planned: &[IpvsOp]) {
        let open: BTreeSet<ServiceKey> = planned.iter().filter_map(service_key).collect();
        self.failing.retain(|key| open.contains(key));
    }
}

/// The service as the kernel shall have it, after its nannies' last words.
fn settle(
    presence: &mut Presence,
    service: &SiteService,
    now: Mono,
    watches: &BTreeMap<MonitorKey, Watch>,
    out: &mut Vec<Action>,
) -> TableService {
    let standing = |key: &MonitorKey| -> Option<Standing> { watches.get(key)?.standing };
    let change = presence.settle(service, now, &standing);
    if let (Some(change), Some(sorry)) = (change, &service.sorry) {
        let name = sorry.block.clone();
        let address = sorry.destination.key.address;
        out.push(Action::Notice(match change {
            SorryChange::In => Notice::SorryIn { name, address },
            SorryChange::Out(up) => Notice::SorryOut { name, up, address },
        }));
    }
    presence.wanted(service)
}

fn announce_start(service: &SiteService, out: &mut Vec<Action>) {
    for (name, port) in &service.blocks {
        out.push(Action::Notice(Notice::StartingVirtual {
            name: name.clone(),
            port: *port,
        }));
    }
}

const fn service_key(op: &IpvsOp) -> Option<ServiceKey> {
    match op {
        IpvsOp::AddService(service) | IpvsOp::EditService(service) => Some(service.key),
        IpvsOp::DeleteService(key)
        | IpvsOp::AddDestination(key, _)
        | IpvsOp::EditDestination(key, _)
        | IpvsOp::DeleteDestination(key, _) => Some(*key),
        _ => None,
    }
}
