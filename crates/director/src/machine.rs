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
//! The table changes in one way: [`plan`](crate::plan()) between what is wanted and what was found. At
//! start, at reload and at every audit the kernel is read first; for verdicts the last reading, with
//! the changes made since, is good enough, and only the servers that they are about are planned, those
//! of one turn of the loop together.

mod index;
mod nannies;
mod object;
mod parts;
mod phase;
mod refusals;
mod reload;
mod served;
mod service;
mod status;
mod stop;
mod table;
mod timer;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lvs_model::{Mono, ServiceKey, Timers};

use index::Index;
use parts::{IdleTimes, Kernel, Nannies, Reading};
use phase::Phase;
use service::ServiceState;
use timer::{Timer, await_sorry};

use crate::notice::Notice;
use crate::pace::Pace;
use crate::presence::Presence;
use crate::supervision::Supervised;
use crate::{Action, Input, Site, SiteService};

/// A deadline met later than by this time means that lvsd, or the whole machine, was asleep.
const SLEPT: Duration = Duration::from_secs(1);

/// What has been said of the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Nothing.
    Starting,
    /// `Ready`: the services are in the table.
    Ready,
    /// `Checked`: the table has the first verdicts of all real servers.
    Checked,
}

/// lvsd. Never reads a clock, a file or the kernel.
#[derive(Debug)]
pub struct Lvsd {
    site: Site,
    /// Where things stand in `site`.
    index: Index,
    /// Whether the table is emptied first (`--clear`).
    clear: bool,
    phase: Phase,
    /// What it waits for while it runs or ends.
    timers: Timers<Timer>,
    kernel: Kernel,
    timeouts: IdleTimes,
    progress: Progress,
    /// Services of lvs.cf, and those that were in it and have yet to go.
    services: BTreeMap<ServiceKey, ServiceState>,
    /// Destinations, by their numbers in the site, whose verdicts the table does not follow yet. Not in `services`:
    /// the end of a turn looks at these few alone.
    unsettled: BTreeMap<ServiceKey, BTreeSet<usize>>,
    nannies: Nannies,
    /// Stray signals: said once.
    strays: BTreeSet<i32>,
    /// When lvs.cf may be read again.
    pace: Pace,
    /// What was wrong with lvs.cf at the last reload.
    reload_failure: Vec<String>,
    /// Operations that put right what somebody else had changed.
    repair_count: u64,
}

impl Lvsd {
    /// An lvsd that has done nothing yet. `clear` empties the kernel's table first, as the original
    /// did.
    #[must_use]
    pub fn new(site: Site, clear: bool) -> Self {
        Self {
            index: Index::new(&site),
            site,
            clear,
            phase: Phase::Loading,
            timers: Timers::new(),
            kernel: Kernel::unknown(),
            timeouts: IdleTimes {
                are_due: true,
                are_refused: false,
            },
            progress: Progress::Starting,
            services: BTreeMap::new(),
            unsettled: BTreeMap::new(),
            nannies: Nannies::none(),
            strays: BTreeSet::new(),
            pace: Pace::new(),
            reload_failure: Vec::new(),
            repair_count: 0,
        }
    }

    /// What lvs.cf asks for at present.
    #[must_use]
    pub const fn site(&self) -> &Site {
        &self.site
    }

    /// Keys of our services: those of lvs.cf, and those that have yet to go. For other services a reading
    /// of the table needs no destinations.
    #[must_use]
    pub fn own_services(&self) -> BTreeSet<ServiceKey> {
        let wanted = self.site.services.iter().map(|s| s.service.key);
        wanted.chain(self.given_up()).collect()
    }

    /// Keys of the services that were ours and have yet to go.
    fn given_up(&self) -> impl Iterator<Item = ServiceKey> {
        let given_up =
            |(key, state): (&ServiceKey, &ServiceState)| state.is_given_up().then_some(*key);
        self.services.iter().filter_map(given_up)
    }

    /// Who serves a service of lvs.cf.
    fn presence(&self, key: &ServiceKey) -> Option<&Presence> {
        self.services.get(key)?.presence.as_ref()
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
            Input::Report(nanny, report) => self.take_report(now, nanny, &report),
            Input::TurnEnd => self.follow_verdicts(now, out),
            Input::Ended(nanny, exit) => self.take_end(now, nanny, exit, out),
            Input::Hangup => self.hang_up(now, out),
            Input::Configuration(Ok(site)) => self.reload(now, *site, out),
            Input::Configuration(Err(lines)) => {
                let notice = |line: &String| Action::Notice(Notice::BadConfiguration(line.clone()));
                out.extend(lines.iter().map(notice));
                self.reload_failure = lines;
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
        self.arm();
    }

    /// Whether verdicts wait for [`Input::TurnEnd`].
    #[must_use]
    pub fn has_open_verdicts(&self) -> bool {
        !self.unsettled.is_empty()
    }

    /// When to call [`handle`](Self::handle) with [`Input::Deadline`].
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        match self.phase {
            Phase::Loading | Phase::Ended(_) => None,
            Phase::Running | Phase::Stopping(_) => self.timers.next(),
        }
    }

    /// After each input: what follows from more than one fact. While the table is read no nanny is started
    /// or killed.
    fn arm(&mut self) {
        let is_running = self.phase == Phase::Running;
        let sees_nannies =
            is_running && self.kernel.reading == Reading::Idle && !self.nannies.watches.is_empty();
        let nannies = sees_nannies.then_some(self.nannies.due);
        let reread = self.pace.deadline().filter(|_| is_running);
        self.timers.set_or_stop(Timer::Nannies, nannies);
        self.timers.set_or_stop(Timer::Reread, reread);
    }

    fn start(&mut self, now: Mono, out: &mut Vec<Action>) {
        for service in &self.site.services {
            let state = self.services.entry(service.service.key).or_default();
            await_sorry(&mut self.timers, service, state.begin(now));
            announce_start(service, out);
            for monitor in service.destinations.iter().flat_map(|d| &d.monitors) {
                self.nannies
                    .watches
                    .insert(monitor.key, Supervised::new(now));
            }
        }
        self.read_table(out);
    }

    /// Nobody hears anything while asleep: the silence of the nannies begins anew.
    fn forgive_silence(&mut self, now: Mono) {
        if self
            .next_deadline()
            .is_some_and(|deadline| now - deadline > SLEPT)
        {
            for watch in self.nannies.watches.values_mut() {
                watch.hear(now);
            }
        }
    }

    /// What is due now: an audit, nannies, sorry servers.
    fn tend(&mut self, now: Mono, out: &mut Vec<Action>) {
        match self.phase {
            Phase::Loading | Phase::Ended(_) => return,
            Phase::Running => self.forgive_silence(now),
            Phase::Stopping(_) => {}
        }
        while let Some(timer) = self.timers.expired(now) {
            self.expire(now, timer, out);
            self.arm();
        }
    }

    fn expire(&mut self, now: Mono, timer: Timer, out: &mut Vec<Action>) {
        match timer {
            Timer::Reread if self.pace.is_due(now) => reread(out),
            Timer::Reread => {}
            Timer::Sorry(key) => self.settle_and_apply(now, &key, out),
            Timer::Audit => self.read_table(out),
            Timer::Kill => self.kill_stuck(now, out),
            Timer::Nannies => self.tend_nannies(now, true, out),
            Timer::Stop => self.tend_stop(now, out),
        }
    }
}

fn reread(out: &mut Vec<Action>) {
    out.push(Action::Notice(Notice::Rereading));
    out.push(Action::ReadConfiguration);
}

fn announce_start(service: &SiteService, out: &mut Vec<Action>) {
    for (name, port) in &service.blocks {
        out.push(Action::Notice(Notice::StartingVirtual {
            name: name.clone(),
            port: *port,
        }));
    }
}
