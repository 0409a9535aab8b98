//! What the verdicts of the table are made of: takeover, give-up, release, announcement.

use std::time::Duration;

use crate::datagram::Value;
use lvs_model::{Mono, SyncRole};

use super::timer::Timer;
use super::{HandOver, Node};
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
        let silence = self.history.reason == Reason::Event(Event::PartnerSilent);
        let silence = (silence && self.settings.has_partner).then(|| self.silence_of_paths(now));
        self.enter(now, Phase::Starting, silence);
        self.fitness.take_over();
        self.knows_who_serves = true;
        self.banned_until = None;
        self.on_trial = false;
        self.removals.clear();
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
        // A partner that leaves tells us of its connections until we serve. Nor does a takeover that
        // is nothing but addresses wait for the processes that the switch takes.
        self.sync_at_raise = self.service.is_up() || self.relief.is_some();
        // An old one that is still ending is waited for: its end starts the new one.
        if !self.service.has_process() {
            self.start_service(now, out);
        }
        self.stop_clearing(out);
        if !self.sync_at_raise {
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
        if self.phase == Phase::Standby {
            out.push(Action::Notice(Notice::StartingMonitors));
            out.push(Action::StartMonitors);
        } else {
            out.push(Action::StartService);
        }
    }

    /// The service stands, or with fos the partner has let go: the addresses follow.
    pub(super) fn raise(&mut self, now: Mono, event: Event, out: &mut Vec<Action>) {
        self.enter(now, Phase::Active, None);
        self.relief = None;
        self.holding = true;
        self.last_takeover = Some(now);
        self.reassert(now, out);
        // A partner that has let go, or is not there, need not be told to.
        self.fos.wants_control &= event == Event::ControlDue;
        self.send_now(now, out);
        if std::mem::take(&mut self.sync_at_raise) {
            out.push(Action::SyncDaemon(SyncRole::Master));
        }
        if self.is_fos() {
            self.raised_fos(now, out);
        }
    }

    /// Everything is given up: from now on the partner is listened to.
    pub(super) fn rest(&mut self, now: Mono, out: &mut Vec<Action>) {
        self.enter(now, Phase::Standby, None);
        self.standby_since = now;
        self.is_cleared = false;
        self.stands_by_next = false;
        self.listen(now);
        self.send_now(now, out);
        if self.is_fos() {
            self.rest_fos(now, out);
        } else {
            self.keep_warm(now, out);
        }
    }

    /// Brings up, announces, and begins the burst anew.
    pub(super) fn reassert(&mut self, now: Mono, out: &mut Vec<Action>) {
        if self.holding && self.phase == Phase::Active {
            self.announcements = Some(Announcements::begin(now));
            out.push(Action::RaiseAddresses);
            self.announce(out);
        }
    }

    /// The same after a conflict or a loss; a flood of conflicts does not become a flood of ARP.
    pub(super) fn reassert_after(&mut self, now: Mono, event: Event, out: &mut Vec<Action>) {
        if event == Event::HeardRunning {
            let recent = |last: Mono| now - last < REASSERT_PAUSE;
            if self.last_reassert.is_some_and(recent) {
                return;
            }
            self.last_reassert = Some(now);
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
            self.banned_until = Some(now + wait);
        }
        if event == Event::ServiceUnfit && !self.is_fos() {
            self.on_trial = true;
        } else if matches!(
            event,
            Event::ServiceUnfit | Event::AddressesTaken | Event::AddressesDuplicate
        ) {
            self.banned_until = Some(now + self.ban.pause());
        }
        out.push(Action::Notice(notice));
    }

    /// The partner has not taken over, or not said that it will.
    pub(super) fn hand_over_due(&mut self, now: Mono, out: &mut Vec<Action>) {
        let is_answered = self.hand_over.take().is_none_or(|it| it.is_answered);
        self.event(
            now,
            if is_answered {
                Event::HandOverDue
            } else {
                Event::HandOverUnanswered
            },
            out,
        );
    }

    /// Asks the partner to take over and serves until it has.
    pub(super) fn hand_over(&mut self, now: Mono, out: &mut Vec<Action>) {
        self.enter(now, Phase::HandingOver, None);
        let until = now + HAND_OVER_WITHIN + self.settings.sync_wait;
        let is_answered = self.settings.signs;
        let due = if is_answered {
            until
        } else {
            now + CLAIM_WITHIN
        };
        self.timers.set(Timer::HandOver, due);
        self.hand_over = Some(HandOver { until, is_answered });
        out.push(Action::Notice(if self.leaving {
            Notice::HandingOver
        } else {
            Notice::HandingOverByOrder
        }));
        self.send_now(now, out);
    }

    /// Hook, sync daemon, service; then the addresses, see [`Node::release`].
    pub(super) fn give_up(&mut self, now: Mono, event: Event, out: &mut Vec<Action>) {
        self.enter(now, Phase::Releasing, None);
        self.announcements = None;
        self.duplicates.forget();
        self.hand_over = None;
        self.relief = None;
        self.sync_at_raise = false;
        self.let_go(now, event, out);
        self.switch_sync(SyncRole::Backup, out);
        self.controlled();
        if self.is_warm() && !self.leaving {
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

    pub(super) fn drop_addresses(&mut self, out: &mut Vec<Action>) {
        if std::mem::take(&mut self.holding) {
            out.push(Action::DropAddresses);
        }
    }

    pub(super) fn end(&mut self, now: Mono, event: Event, out: &mut Vec<Action>) {
        if event == Event::StopOrdered {
            self.run_hook(Hook::Inactive, out);
            self.switch_sync(SyncRole::Backup, out);
        }
        self.enter(now, Phase::Gone, None);
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
            if !self.own.is_cut_off() {
                self.sent_at = now;
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
        match self.phase {
            Phase::Starting | Phase::Active if self.fos.wants_control => Value::StopMe,
            Phase::Starting | Phase::Active | Phase::HandingOver => Value::Running,
            Phase::Releasing if self.holding || self.timers.is_set(Timer::LetGo) => Value::Running,
            Phase::Standby | Phase::Releasing | Phase::Gone => Value::Stopped,
        }
    }
}
