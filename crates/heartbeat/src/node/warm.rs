//! The service beside a partner that serves: on a standby with `warm_standby`, on one where it did not
//! stay up, and while a partner that leaves waits for us.

use std::time::Duration;

use crate::datagram::{Service, Value};
use lvs_model::Mono;

use super::Node;
use super::relief::Relief;
use super::stage::{Stage, Standby};
use crate::model::Action;
use crate::notice::Notice;
use crate::supervise::{LONGEST_PAUSE, State};
use crate::transitions::{Event, Phase};

/// How long a leaving partner serves on until our real servers have been checked. One of them may be
/// silent, and the partner leaves by itself in the end.
const CHECKED_WITHIN: Duration = Duration::from_secs(1);

impl Node {
    /// Whether the service runs on the standby too: always, or to see whether it stays up.
    pub(super) fn is_warm(&self) -> bool {
        (self.settings.warm_standby || self.stage.is_on_trial())
            && self.settings.service == Service::Lvs
    }

    /// When the partner serves, a service on trial that stays up is not needed any more.
    pub(super) fn end_trial(&mut self, now: Mono, out: &mut Vec<Action>) {
        let is_proven = self.service.is_up() && !self.service.is_failing(now);
        let partner_serves = self.partner.last_value() == Some(Value::Running);
        if let Stage::Standby(standby @ Standby { on_trial: true, .. }) = &mut self.stage
            && is_proven
            && partner_serves
        {
            standby.on_trial = false;
            self.service.forgive();
            self.change_warmth(now, true, out);
        }
    }

    /// On standby: starts the service if it is to run, or after a pause. The end of one that is still
    /// ending starts the next one.
    pub(super) fn keep_warm(&mut self, now: Mono, out: &mut Vec<Action>) {
        if !self.is_warm() || self.service.state() != State::Absent {
            return;
        }
        if self.service.is_unfit() {
            let milliseconds = self.service.put_off(now, LONGEST_PAUSE).as_millis();
            let notice = Action::Notice(Notice::WarmServiceRetried { milliseconds });
            out.extend(self.service.is_news(now).then_some(notice));
        } else {
            self.start_service(now, out);
        }
    }

    /// lvs.cf was read again, perhaps with another `warm_standby`.
    pub(super) fn change_warmth(&mut self, now: Mono, was_warm: bool, out: &mut Vec<Action>) {
        if self.phase() != Phase::Standby {
            return;
        }
        self.keep_warm(now, out);
        if was_warm && !self.is_warm() {
            self.service.cancel_pause();
            if self.service.has_process() {
                out.push(Action::StopService);
                self.service.stopping(now);
            }
        }
    }

    /// Back on standby: lvs.cf may have said `warm_standby` when the give-up began, and not any more.
    pub(super) fn end_what_is_not_kept_warm(&mut self, now: Mono, out: &mut Vec<Action>) {
        if !self.is_warm() && self.service.is_running() {
            out.push(Action::StopService);
            self.service.stopping(now);
        }
    }

    /// A takeover begins. If the partner serves until we do, our table must be complete first, and its
    /// connections known.
    pub(super) fn relief(&self, now: Mono) -> Option<Relief> {
        let Stage::Standby(Standby { since, .. }) = self.stage else {
            return None;
        };
        self.is_because_of(Event::HeardLeaving).then(|| Relief {
            checks_by: now + CHECKED_WITHIN,
            synchronised_at: since + self.settings.sync_wait,
        })
    }

    /// When the partner will have served long enough, if it leaves.
    pub(super) fn relief_due(&self) -> Option<Mono> {
        let is_checked = self.service.is_checked();
        match &self.stage {
            Stage::Starting(starting) => starting.relief.map(|it| it.due(is_checked)),
            _ => None,
        }
    }

    /// It has, or does so no longer.
    pub(super) fn relieve(&mut self, now: Mono, out: &mut Vec<Action>) {
        let relief = match &mut self.stage {
            Stage::Starting(starting) => starting.relief.take(),
            _ => None,
        };
        if relief.is_some() && self.service.is_up() {
            self.event(now, Event::ChecksDue, out);
        }
    }
}
