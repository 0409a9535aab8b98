//! A takeover: the service, then the addresses, then their announcement.

use lvs_model::{Mono, SyncRole};

use super::Node;
use super::stage::{Active, Control, Holding, Stage, Starting};
use crate::model::Action;
use crate::notice::Notice;
use crate::schedule::Announcements;
use crate::transitions::{Event, Phase};
use crate::view::Reason;

impl Node {
    pub(super) fn take_over(&mut self, now: Mono, notice: Notice, out: &mut Vec<Action>) {
        let silence = self.is_because_of(Event::PartnerSilent) && self.settings.has_partner;
        let silence = silence.then(|| self.silence_of_paths(now));
        let relief = self.relief(now);
        let starting = Starting {
            relief,
            // A partner that leaves sends us its connections until we serve. A takeover that is nothing but
            // addresses does not wait either for the processes that the switch takes.
            sync_at_raise: !self.is_fos() && (self.service.is_up() || relief.is_some()),
            control: if self.is_because_of(Event::PartnerServiceLost) {
                Control::Wanted
            } else {
                Control::Left
            },
        };
        self.enter(now, Stage::Starting(starting), silence);
        self.fitness.take_over();
        self.told.who_serves = true;
        self.fitness.banned_until = None;
        self.service.forgive();
        self.raise_term(out);
        out.push(Action::Notice(notice));
        out.extend(silence.map(|silence| Action::Notice(Notice::PathsSilent(silence))));
        self.say_what_is_served(out);
        if self.is_fos() {
            self.take_over_fos(now, out);
            return;
        }
        self.run_active_hook(out);
        // An old one that is still ending: its end starts the new one.
        if !self.service.has_process() {
            self.start_service(now, out);
        }
        self.stop_clearing(out);
        if !starting.sync_at_raise {
            out.push(Action::SyncDaemon(SyncRole::Master));
        }
        // The claim: a partner that is about to take over as well hears it before it does.
        self.send_now(now, out);
        if self.service.is_up() {
            self.event(now, Event::ServiceReady, out);
        }
    }

    pub(super) fn takeover_notice(&self, event: Event) -> Notice {
        let service = self.settings.service;
        match event {
            _ if !self.settings.has_partner => Notice::NoPartner(service),
            Event::PartnerSilent => Notice::PartnerDead(service),
            _ => Notice::PartnerInactive {
                role: self.settings.role,
                service,
            },
        }
    }

    /// Whether `event` is what is being dealt with.
    pub(super) fn is_because_of(&self, event: Event) -> bool {
        self.history.reason == Reason::Event(event)
    }

    pub(super) fn start_service(&mut self, now: Mono, out: &mut Vec<Action>) {
        self.service.started(now);
        if !self.is_fos() {
            out.push(Action::StartService);
            return;
        }
        // Its commands have deadlines of their own; nobody waits for it here.
        self.service.ready(now);
        if self.phase() == Phase::Standby {
            out.push(Action::Notice(Notice::StartingMonitors));
            out.push(Action::StartMonitors);
        } else {
            out.push(Action::StartService);
        }
    }

    /// The service is ready, or with fos the partner has given up: the addresses follow.
    pub(super) fn become_active(&mut self, now: Mono, event: Event, out: &mut Vec<Action>) {
        let sync_now = matches!(&self.stage, Stage::Starting(it) if it.sync_at_raise);
        let control = match &self.stage {
            // A partner that has given up, or is not there, need not be told to.
            Stage::Starting(it) if event == Event::ControlDue => it.control,
            _ => Control::Left,
        };
        let holding = Holding::begin(now);
        self.enter(now, Stage::Active(Active { holding, control }), None);
        self.claims.last_takeover = Some(now);
        self.raise_and_announce(now, out);
        self.send_now(now, out);
        if sync_now {
            out.push(Action::SyncDaemon(SyncRole::Master));
        }
        if self.is_fos() {
            self.raised_fos(now, out);
        }
    }

    /// Brings up, announces, and begins the burst anew.
    pub(super) fn raise_and_announce(&mut self, now: Mono, out: &mut Vec<Action>) {
        if let Stage::Active(Active { holding, .. }) = &mut self.stage {
            holding.announcements = Announcements::begin(now);
            out.push(Action::RaiseAddresses);
            self.announce(out);
        }
    }

    /// The same after a conflict or a loss.
    pub(super) fn reassert(&mut self, now: Mono, event: Event, out: &mut Vec<Action>) {
        if event == Event::HeardRunning {
            let Some(conflict) = self.conflict(now) else {
                return;
            };
            if !conflict.is_announced(now) {
                return;
            }
            let is_said = conflict.is_said(now);
            self.claims.last_reassert = Some(now);
            if is_said {
                let notice = Notice::Reasserting(self.settings.service);
                out.push(Action::Notice(notice));
                self.run_active_hook(out);
            }
            if !self.settings.signs {
                // It tells our role: a partner of the same role decides by that.
                self.send(now, out);
            }
        } else if event == Event::AddressesTaken {
            // Nobody else takes over.
            out.push(Action::Notice(Notice::AddressRestored));
        }
        self.raise_and_announce(now, out);
    }
}
