//! What the verdicts of the table are made of: takeover, give-up, release, announcement.

use std::time::Duration;

use crate::datagram::Value;
use lvs_model::{Mono, SyncRole};

use super::Node;
use super::stage::{
    Active, Cause, Control, HandingOver, Holding, Releasing, Stage, Standby, Starting,
};
use super::timer::Timer;
use crate::model::{Action, Hook};
use crate::notice::Notice;
use crate::schedule::Announcements;
use crate::table::{Event, Phase};
use crate::view::Reason;

/// How long addresses wait for the service to end before they are dropped all the same.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long a clean stop goes on serving while the partner does not take over.
const HAND_OVER_WITHIN: Duration = Duration::from_secs(10);
/// How long a partner that does not sign has to say that it will. An original says nothing: it waits to
/// be told STOPPED.
const CLAIM_WITHIN: Duration = Duration::from_millis(250);
/// "resending arps" happens this often at most, whatever the partner sends.
const REASSERT_PAUSE: Duration = Duration::from_secs(1);

impl Node {
    pub(super) fn take_over(&mut self, now: Mono, notice: Notice, out: &mut Vec<Action>) {
        let silence = self.is_because_of(Event::PartnerSilent) && self.settings.has_partner;
        let silence = silence.then(|| self.silence_of_paths(now));
        let relief = self.relief(now);
        let starting = Starting {
            relief,
            // A partner that leaves tells us of its connections until we serve. Nor does a takeover
            // that is nothing but addresses wait for the processes that the switch takes.
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
        self.run_hook(Hook::Active, out);
        // An old one that is still ending is waited for: its end starts the new one.
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

    /// The service stands, or with fos the partner has let go: the addresses follow.
    pub(super) fn raise(&mut self, now: Mono, event: Event, out: &mut Vec<Action>) {
        let sync_now = matches!(&self.stage, Stage::Starting(it) if it.sync_at_raise);
        let control = match &self.stage {
            // A partner that has let go, or is not there, need not be told to.
            Stage::Starting(it) if event == Event::ControlDue => it.control,
            _ => Control::Left,
        };
        let holding = Holding::begin(now);
        self.enter(now, Stage::Active(Active { holding, control }), None);
        self.claims.last_takeover = Some(now);
        self.reassert(now, out);
        self.send_now(now, out);
        if sync_now {
            out.push(Action::SyncDaemon(SyncRole::Master));
        }
        if self.is_fos() {
            self.raised_fos(now, out);
        }
    }

    /// Everything is given up: from now on the partner is listened to.
    pub(super) fn rest(&mut self, now: Mono, out: &mut Vec<Action>) {
        let standby = Standby {
            on_trial: self.stage.is_on_trial(),
            ..Standby::begin(now)
        };
        self.enter(now, Stage::Standby(standby), None);
        self.listen(now);
        self.send_now(now, out);
        if self.is_fos() {
            self.rest_fos(now, out);
        } else {
            self.keep_warm(now, out);
        }
    }

    /// Whether `event` is what is being dealt with.
    pub(super) fn is_because_of(&self, event: Event) -> bool {
        self.history.reason == Reason::Event(event)
    }

    /// Brings up, announces, and begins the burst anew.
    pub(super) fn reassert(&mut self, now: Mono, out: &mut Vec<Action>) {
        if let Stage::Active(Active { holding, .. }) = &mut self.stage {
            holding.announcements = Announcements::begin(now);
            out.push(Action::RaiseAddresses);
            self.announce(out);
        }
    }

    /// The same after a conflict or a loss; a flood of conflicts does not become a flood of ARP.
    pub(super) fn reassert_after(&mut self, now: Mono, event: Event, out: &mut Vec<Action>) {
        if event == Event::HeardRunning {
            let recent = |last: Mono| now - last < REASSERT_PAUSE;
            if self.claims.last_reassert.is_some_and(recent) {
                return;
            }
            self.claims.last_reassert = Some(now);
            let notice = Notice::Reasserting(self.settings.service);
            out.push(Action::Notice(notice));
            self.run_hook(Hook::Active, out);
        } else if event == Event::AddressesTaken {
            // Nobody else takes over.
            out.push(Action::Notice(Notice::AddressRestored));
        }
        self.reassert(now, out);
    }

    pub(super) fn give_up_because(&mut self, now: Mono, event: Event, out: &mut Vec<Action>) {
        let notice = match event {
            Event::LinksLost => Notice::LinkFailureDeactivating(self.settings.service),
            Event::HeardStopMe => Notice::ToldToGoInactive,
            Event::PartnerDeaf => Notice::PartnerDeaf,
            Event::AddressesTaken => Notice::AddressesTaken,
            Event::AddressesDuplicate => Notice::AddressesDuplicate,
            Event::Unserved => Notice::LettingGo,
            Event::OwnAddressGone => Notice::OwnAddressDeactivating,
            Event::FailoverOrdered => Notice::FailoverDeactivating,
            Event::HandOverUnanswered => Notice::HandOverUnanswered,
            _ => Notice::ServiceUnfit,
        };
        self.fitness.has_let_go = matches!(
            event,
            Event::Unserved | Event::LinksLost | Event::OwnAddressGone
        );
        if matches!(event, Event::FailoverOrdered | Event::HandOverUnanswered) {
            // What the partner said before it heard of this is no offer.
            let wait = self.settings.dead_time + self.settings.keepalive * 9 / 8;
            self.fitness.banned_until = Some(now + wait);
        }
        let is_lost = match event {
            Event::ServiceUnfit => self.is_fos(),
            Event::AddressesTaken | Event::AddressesDuplicate => true,
            _ => false,
        };
        if is_lost {
            self.fitness.banned_until = Some(now + self.fitness.ban.pause());
        }
        out.push(Action::Notice(notice));
    }

    /// The partner has not taken over, or not said that it will.
    pub(super) fn hand_over_due(&mut self, now: Mono, out: &mut Vec<Action>) {
        let event = match &self.stage {
            Stage::HandingOver(it) if !it.is_answered => Event::HandOverUnanswered,
            _ => Event::HandOverDue,
        };
        self.event(now, event, out);
    }

    /// Asks the partner to take over and serves until it has.
    pub(super) fn hand_over(&mut self, now: Mono, event: Event, out: &mut Vec<Action>) {
        let until = now + HAND_OVER_WITHIN + self.settings.sync_wait;
        let is_answered = self.settings.signs;
        let due = if is_answered {
            until
        } else {
            now + CLAIM_WITHIN
        };
        let (cause, notice) = match event {
            Event::StopOrdered => (Cause::Stop, Notice::HandingOver),
            _ => (Cause::Order, Notice::HandingOverByOrder),
        };
        let handing_over = HandingOver {
            holding: self.stage.take_holding(now),
            cause,
            until,
            is_answered,
        };
        self.enter(now, Stage::HandingOver(handing_over), None);
        self.timers.set(Timer::HandOver, due);
        out.push(Action::Notice(notice));
        self.send_now(now, out);
    }

    /// Hook, sync daemon, service; then the addresses, see [`Node::release`].
    pub(super) fn give_up(&mut self, now: Mono, event: Event, out: &mut Vec<Action>) {
        self.let_go_of_all(now, event, self.is_holding(), out);
    }

    /// The same; whether the addresses are still up.
    pub(super) fn let_go_of_all(
        &mut self,
        now: Mono,
        event: Event,
        holding: bool,
        out: &mut Vec<Action>,
    ) {
        let ends = event == Event::StopOrdered || self.stage.is_leaving();
        let has_failed = event == Event::ServiceUnfit && !self.is_fos() && !ends;
        let releasing = Releasing {
            holding,
            ends,
            on_trial: has_failed || self.stage.is_on_trial(),
        };
        self.enter(now, Stage::Releasing(releasing), None);
        self.let_go(now, event, out);
        self.switch_sync(SyncRole::Backup, out);
        self.controlled();
        if self.is_warm() && !ends {
            // The table stays; what is down is let go of at once.
            self.release(now, out);
            return;
        }
        self.service.cancel_pause();
        if self.is_fos() && self.service.has_process() {
            // What the services hold must be let go of before the partner takes it.
            let by = self.stop_fos(now, out);
            self.timers.set(Timer::Release, by);
        } else if self.service.has_process() {
            out.push(Action::StopService);
            self.service.stopping(now);
            self.timers.set(Timer::Release, now + PATIENCE);
        } else {
            self.release(now, out);
        }
    }

    /// The addresses go down; only then STOPPED is said, because the partner acts on it. Those that
    /// hooks move go when `inactive_cmd` has ended, which comes here again.
    pub(super) fn release(&mut self, now: Mono, out: &mut Vec<Action>) {
        self.timers.stop(Timer::Release);
        if self.timers.is_set(Timer::LetGo) {
            return;
        }
        self.drop_addresses(out);
        self.event(now, Event::Released, out);
    }

    fn drop_addresses(&mut self, out: &mut Vec<Action>) {
        if let Stage::Releasing(Releasing { holding, .. }) = &mut self.stage
            && std::mem::take(holding)
        {
            out.push(Action::DropAddresses);
        }
    }

    pub(super) fn end(&mut self, now: Mono, event: Event, out: &mut Vec<Action>) {
        if event == Event::StopOrdered {
            self.run_hook(Hook::Inactive, out);
            self.switch_sync(SyncRole::Backup, out);
        }
        self.enter(now, Stage::Gone, None);
        if self.settings.has_partner {
            // Twice: nothing repeats it.
            out.extend([Action::Send(Value::Stopped), Action::Send(Value::Stopped)]);
        }
        out.push(Action::Exit);
    }

    /// The next heartbeat of every K is sent then; none is without a partner.
    pub(super) fn beat_at(&mut self, due: Mono) {
        let due = self.settings.has_partner.then_some(due);
        self.timers.set_or_stop(Timer::Beat, due);
    }

    pub(super) fn send_now(&mut self, now: Mono, out: &mut Vec<Action>) {
        self.beat_at(now + self.settings.keepalive);
        self.notify_partner(out);
        self.send(now, out);
    }

    pub(super) fn send(&mut self, now: Mono, out: &mut Vec<Action>) {
        if self.settings.has_partner {
            if !self.ways.own.is_cut_off() {
                self.ways.sent_at = now;
            }
            out.push(Action::Send(self.value()));
        }
    }

    /// Hooks and the sync daemon belong to lvs alone.
    pub(super) fn run_hook(&self, hook: Hook, out: &mut Vec<Action>) {
        if !self.is_fos() {
            out.push(Action::RunHook(hook));
        }
    }

    fn switch_sync(&self, role: SyncRole, out: &mut Vec<Action>) {
        if !self.is_fos() {
            out.push(Action::SyncDaemon(role));
        }
    }

    /// What a heartbeat says now.
    pub(super) fn value(&self) -> Value {
        match self.phase() {
            Phase::Starting | Phase::Active if self.stage.wants_control() => Value::StopMe,
            Phase::Starting | Phase::Active | Phase::HandingOver => Value::Running,
            Phase::Releasing if self.is_holding() || self.timers.is_set(Timer::LetGo) => {
                Value::Running
            }
            Phase::Standby | Phase::Releasing | Phase::Gone => Value::Stopped,
        }
    }
}
