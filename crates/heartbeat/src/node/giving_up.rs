//! The way out: handing over, giving up, letting go of the addresses, the end.

use std::time::Duration;

use crate::datagram::Value;
use lvs_model::{Mono, SyncRole};

use super::Node;
use super::stage::{Cause, HandingOver, Releasing, Stage, Standby};
use super::timer::Timer;
use crate::model::{Action, Hook};
use crate::notice::Notice;
use crate::transitions::Event;

/// How long addresses stay for a service that does not end.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long a clean stop goes on serving while the partner does not take over.
const HAND_OVER_WITHIN: Duration = Duration::from_secs(10);
/// How long a partner that does not sign has to say that it takes over. An original says nothing: it waits
/// for STOPPED.
const CLAIM_WITHIN: Duration = Duration::from_millis(250);

impl Node {
    /// Everything is given up: from now on we listen to the partner.
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
            self.end_what_is_not_kept_warm(now, out);
        }
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
            Event::ServiceStuck => Notice::StuckDeactivating,
            Event::HookFailed => Notice::HookDeactivating,
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
            self.fitness.ban(now);
        }
        out.push(Action::Notice(notice));
    }

    /// The partner has not taken over, or has not said that it will.
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
            // The table stays; what is down is released at once.
            self.release(now, out);
            return;
        }
        self.service.cancel_pause();
        if self.is_fos() && self.service.has_process() {
            // The services must have ended here before the partner starts them.
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

    /// The addresses go down. Only then STOPPED is said, because the partner acts on it. Addresses that
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

    fn switch_sync(&self, role: SyncRole, out: &mut Vec<Action>) {
        if !self.is_fos() {
            out.push(Action::SyncDaemon(role));
        }
    }
}
