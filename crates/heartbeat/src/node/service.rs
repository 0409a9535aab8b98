//! The service as a process: it ended, it is not ready in time, it hangs, it is tried again.

use lvs_model::{EndStep, Mono};

use super::Node;
use crate::model::Action;
use crate::notice::Notice;
use crate::supervise::State;
use crate::transitions::{Event, Phase};

impl Node {
    pub(super) fn service_due(&mut self, now: Mono, out: &mut Vec<Action>) {
        match self.service.state() {
            State::Loading(_) => {
                out.push(Action::Notice(Notice::ServiceNotReady));
                out.push(Action::KillService);
                self.service.was_slow(now);
            }
            State::Ending(_) => self.end_due(now, out),
            State::Pausing(_) => self.start_service(now, out),
            State::Up(_) if self.service.hangs(now) => {
                out.push(Action::Notice(Notice::ServiceHangs));
                out.push(Action::KillService);
                self.service.killed(now);
            }
            State::Absent | State::Up(_) => {}
        }
    }

    /// The process has not ended. If the kernel keeps it although it was killed, this node is unfit: the
    /// next one can begin only when it is gone.
    fn end_due(&mut self, now: Mono, out: &mut Vec<Action>) {
        let was_stuck = self.service.is_stuck();
        let Some(step) = self.service.end_due(now) else {
            return;
        };
        out.push(Action::KillService);
        if step == EndStep::Stuck {
            let notice = Action::Notice(Notice::ServiceStuck);
            out.extend((!was_stuck).then_some(notice));
            self.event(now, Event::ServiceStuck, out);
        }
    }

    pub(super) fn service_ended(&mut self, now: Mono, out: &mut Vec<Action>) {
        if self.is_fos() {
            self.fos_ended(now, out);
            return;
        }
        let asked = self.service.ended(now);
        match self.phase() {
            Phase::Releasing => self.release(now, out),
            // The takeover had waited for the end of the old one.
            Phase::Starting if asked => self.start_service(now, out),
            Phase::Standby if asked => self.keep_warm(now, out),
            _ if asked => {}
            _ if self.service.is_unfit() => self.event(now, Event::ServiceUnfit, out),
            _ => self.event(now, Event::ServiceEnded, out),
        }
    }
}
