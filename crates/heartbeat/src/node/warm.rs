//! The service beside a partner that serves: on a standby with `warm_standby`, and while a partner
//! that leaves waits for us.

use std::time::Duration;

use lvs_model::Mono;
use wire::heartbeat::Service;

use super::Node;
use crate::model::Action;
use crate::notice::Notice;
use crate::supervise::State;
use crate::table::{Event, Phase};

/// How long a partner that leaves is let serve until our real servers have been checked. One of them
/// may be silent, and the partner leaves by itself after 10 s.
const CHECKED_WITHIN: Duration = Duration::from_secs(1);

impl Node {
    /// Whether the service runs on the standby too.
    pub(super) fn is_warm(&self) -> bool {
        self.settings.warm_standby && self.settings.service == Service::Lvs
    }

    /// On standby: the service runs if it is to, or is tried again after a pause. What is still
    /// ending starts the next one by its end.
    pub(super) fn keep_warm(&mut self, now: Mono, out: &mut Vec<Action>) {
        if !self.is_warm() || self.service.state() != State::Absent {
            return;
        }
        if self.service.is_unfit() {
            let milliseconds = self.service.put_off(now).as_millis();
            out.push(Action::Notice(Notice::WarmServiceRetried { milliseconds }));
        } else {
            self.start_service(now, out);
        }
    }

    /// lvs.cf was read again, perhaps with another `warm_standby`.
    pub(super) fn change_warmth(&mut self, now: Mono, was_warm: bool, out: &mut Vec<Action>) {
        if self.phase != Phase::Standby {
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

    /// A takeover begins because of `event`: if the partner serves until we do, our table is to be
    /// complete first.
    pub(super) fn wait_for_checks(&mut self, now: Mono, event: Event) {
        self.checks_by = (event == Event::HeardLeaving).then_some(now + CHECKED_WITHIN);
    }

    /// The partner has served long enough, or does so no longer.
    pub(super) fn end_checks(&mut self, now: Mono, out: &mut Vec<Action>) {
        if self.checks_by.take().is_some() && self.service.is_up() {
            self.event(now, Event::ChecksDue, out);
        }
    }
}
