//! The machine: where a node is, what it waits for, and what each verdict of the table means in actions.
//!
//! - `stage`: the phases, drawn, each with what only it needs
//! - `timer`: what is waited for, and in which phases; `clock` deals with what has expired
//! - `parts`: what is known in every phase
//! - [`transitions`](crate::transitions): the rule: which event leads where; `decision` asks it and begins what it says
//! - the others: an input or a subject each
//!
//! Called by the shell of `bin/pulse`, by the simulation and by nothing else.

mod can_serve;
mod claimed;
mod clock;
mod cold;
mod conflict;
mod decision;
mod fitness;
mod fos;
#[cfg(test)]
mod fos_tests;
mod giving_up;
mod hearing;
mod history;
mod hooks;
mod links;
mod orders;
mod own;
mod parts;
mod relief;
mod same_role;
mod sending;
mod service;
mod stage;
mod stranded;
mod takeover;
mod timer;
mod two_owners;
mod uninvited;
mod view;
mod warm;

use std::time::Duration;

use lvs_model::{Mono, SyncRole, Timers};

use crate::fitness::OwnAddresses;
use crate::model::{Action, Hook, Input, Settings};
use crate::notice::Notice;
use crate::orders::OrderRefused;
use crate::pair::{ConfiguredRole, PairPath};
use crate::partner::Partner;
use crate::question::Questions;
use crate::said::DiscardReason;
use crate::supervise::Supervision;
use crate::transitions::{Event, Phase};
use crate::view::Reason;
use can_serve::Fitness;
use history::History;
use parts::{Calls, Claims, Ordered, SameRole, Told, Ways};
use stage::{Active, Stage, Standby};
use timer::Timer;

/// At this many removals within [`REMOVAL_WINDOW`] the addresses go to the partner.
const REMOVALS_ALLOWED: usize = 3;
const REMOVAL_WINDOW: Duration = Duration::from_secs(10);

/// One director's view of its partner.
#[derive(Clone, Debug)]
pub struct Node {
    /// `has_partner` is true as well while one is heard that lvs.cf has switched off.
    settings: Settings,
    /// lvs.cf has no partner.
    is_alone: bool,
    /// Where it is, with what belongs there.
    stage: Stage,
    /// What it waits for.
    timers: Timers<Timer>,
    /// The partner as heard.
    partner: Partner,
    /// lvsd or fos as a process.
    service: Supervision,
    ways: Ways,
    /// What it could serve.
    fitness: Fitness,
    claims: Claims,
    orders: Ordered,
    /// Lost heartbeats that are asked for.
    questions: Questions,
    calls: Calls,
    told: Told,
    same_role: SameRole,
    history: History,
}

impl Node {
    /// A node that has not been started. [`Input::Start`] lets it speak. Links, own addresses and devices
    /// that are missing are handed in before, so that its first heartbeat says so.
    #[must_use]
    pub fn new(now: Mono, settings: Settings) -> Self {
        let mut node = Self {
            is_alone: !settings.has_partner,
            settings,
            stage: Stage::Standby(Standby::begin(now)),
            timers: Timers::new(),
            partner: Partner::new(now),
            service: Supervision::default(),
            ways: Ways::whole(now),
            fitness: Fitness::default(),
            claims: Claims::none(now),
            orders: Ordered::NOTHING,
            questions: Questions::default(),
            calls: Calls::default(),
            told: Told::default(),
            same_role: SameRole::default(),
            history: History::default(),
        };
        node.timers
            .set(Timer::Silence, now + node.settings.dead_time);
        node.beat_at(now + node.settings.keepalive);
        node.arm();
        node
    }

    /// Tells a node that has not been started which term an earlier start kept.
    pub const fn remember_term(&mut self, term: u64) {
        self.claims.term = term;
    }

    /// Where the node is.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.stage.phase()
    }

    /// Whether its addresses are, or may be, up.
    #[must_use]
    pub const fn is_holding(&self) -> bool {
        self.stage.is_holding()
    }

    /// Takes one input at `now`, which never goes back, and appends what is to be done.
    pub fn handle(&mut self, now: Mono, input: Input, out: &mut Vec<Action>) {
        if self.phase() == Phase::Gone {
            if matches!(input, Input::Order(_)) {
                out.push(Action::Answer(Err(OrderRefused::Busy)));
            }
            return;
        }
        let before = out.len();
        self.check_lateness(now, out);
        match input {
            Input::Start => self.start(now, out),
            Input::Tick => self.tick(now, out),
            Input::Beat { value, path, said } => self.hear(now, value, path, said, out),
            Input::Asked => self.asked(now),
            Input::Unproven => self.unproven(now, out),
            Input::Refused(refusal, path) => self.refuse(now, refusal, path, out),
            Input::Incompatible => {
                let error = crate::datagram::DecodeError::Incompatible;
                self.refuse(
                    now,
                    DiscardReason::NoHeartbeat(error),
                    PairPath::Public,
                    out,
                );
            }
            Input::ServiceReady => {
                self.service.ready(now);
                // The word of one that is ending comes too late.
                if self.service.is_up() {
                    self.event(now, Event::ServiceReady, out);
                }
            }
            Input::ServiceAlive => self.service.alive(now),
            Input::ServiceChecked => {
                self.service.checked();
                if self.service.is_checked() {
                    self.event(now, Event::ServiceChecked, out);
                }
            }
            Input::ServiceEnded => self.service_ended(now, out),
            Input::ClearingFailed => self.clearing_failed(now),
            Input::ServiceSurrendered => self.fos_surrendered(now, out),
            Input::Gateway(found) => self.gateway(now, found, out),
            Input::Links(links) => self.links(now, links, out),
            Input::LinksUnmonitored => self.links_unmonitored(now, out),
            Input::OwnAddresses { public, private } => {
                self.own_addresses(now, OwnAddresses { public, private }, out);
            }
            Input::CanSend(it_can) => self.can_send(now, it_can),
            Input::Serving(troubles) => self.serving(now, troubles, out),
            Input::Order(order) => self.order(now, order, out),
            Input::HookEnded(Hook::Inactive) => self.has_let_go(now, out),
            Input::HookEnded(Hook::Active) => self.active_hook_ended(now, true, out),
            Input::HookFailed => self.active_hook_ended(now, false, out),
            Input::HooksRun(they_do) => self.fitness.hooks.are_missing = !they_do,
            Input::AddressRemoved => self.address_removed(now, out),
            Input::AddressAnswered { address, mac } => {
                self.address_answered(now, address, mac, out);
            }
            Input::InterfaceChanged => self.raise_and_announce(now, out),
            Input::Reload(settings) => self.reload(now, *settings, out),
            Input::Stop { signal } => self.stop(now, signal, out),
        }
        self.say_if_unheard(out);
        self.note_stranding(now, out);
        self.look_at_hand_over(now, out);
        self.name_partner(before, out);
        self.arm();
        // Whatever this input makes due is late from now on, not from an earlier time on.
        self.calls.promised = self.next_deadline().map(|due| due.max(now));
    }

    /// Behind a line that says 'partner', names the machine on a line of its own: an original's texts stand
    /// alone. `before`: how many actions were there already.
    fn name_partner(&self, before: usize, out: &mut Vec<Action>) {
        let is_about = |it: &Action| matches!(it, Action::Notice(it) if it.is_about_partner());
        let mut new = out.iter().skip(before);
        if !self.settings.partner.is_empty() && new.any(is_about) {
            let partner = Notice::Partner(self.settings.partner.clone());
            out.push(Action::Notice(partner));
        }
    }

    fn start(&mut self, now: Mono, out: &mut Vec<Action>) {
        out.push(Action::Notice(Notice::Starting(self.settings.role)));
        self.listen(now);
        self.stage = Stage::Standby(Standby::begin(now));
        if self.orders.is_barred() {
            out.push(Action::Notice(Notice::OrdersInForce(self.orders.kept)));
        }
        if self.is_fos() {
            self.start_fos(now, out);
            return;
        }
        if !self.settings.has_partner && !self.orders.kept.standby {
            // Nobody is waited for, and what an earlier start left is adopted.
            self.history.reason = Reason::NoPartner;
            self.take_over(now, Notice::NoPartner(self.settings.service), out);
            return;
        }
        out.push(Action::RunHook(Hook::Inactive));
        out.push(Action::SyncDaemon(SyncRole::Backup));
        if self.settings.force_active && !self.orders.is_barred() {
            let notice = Notice::ForcedActive(self.settings.service);
            self.history.reason = Reason::Forced;
            self.take_over(now, notice, out);
            return;
        }
        self.keep_warm(now, out);
        if self.settings.signs || self.settings.role == ConfiguredRole::Backup {
            self.send_now(now, out);
        }
        // An unsigned primary begins after a keepalive, as an original does. Otherwise its STOPPED would
        // cross that of a backup that has just begun, and each would take the other's offer.
    }

    fn stop(&mut self, now: Mono, signal: i32, out: &mut Vec<Action>) {
        out.push(Action::Notice(Notice::Terminating { signal }));
        if let Stage::Releasing(releasing) = &mut self.stage {
            releasing.ends = true;
        }
        self.event(now, Event::StopOrdered, out);
    }

    fn address_removed(&mut self, now: Mono, out: &mut Vec<Action>) {
        let Stage::Active(Active { holding, .. }) = &mut self.stage else {
            return;
        };
        let removals = &mut holding.removals;
        removals.retain(|at| now - *at < REMOVAL_WINDOW);
        removals.push(now);
        if removals.len() >= REMOVALS_ALLOWED {
            removals.clear();
            self.event(now, Event::AddressesTaken, out);
        } else {
            out.push(Action::Notice(Notice::AddressRestored));
            self.event(now, Event::AddressRemoved, out);
        }
    }

    fn reload(&mut self, now: Mono, settings: Settings, out: &mut Vec<Action>) {
        let was_warm = self.is_warm();
        let had_partner = self.settings.has_partner;
        self.change_settings(settings);
        self.listen(now);
        let next = self.timers.due(Timer::Beat).unwrap_or(now);
        self.beat_at(next.min(now + self.settings.keepalive));
        out.push(Action::Notice(Notice::Reloaded));
        if let Stage::Standby(standby) = &mut self.stage {
            standby.is_cleared = false;
        }
        if self.service.has_process() && !self.service.is_clearing() {
            out.push(Action::ReloadService);
        }
        self.change_warmth(now, was_warm, out);
        self.forgive_hook(out);
        self.raise_and_announce(now, out);
        if !had_partner && self.settings.has_partner {
            // What is gone mattered to nobody so far.
            self.own_changed(now, OwnAddresses::PRESENT, out);
        }
    }
}
