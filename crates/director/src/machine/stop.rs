//! The end: nannies first, all at once, then the services.

use std::time::Duration;

use lvs_model::{EndStep, Ending, Mono, Patience, ServiceKey, Timers};

use crate::notice::Notice;
use crate::{Action, NannyId, plan};

use super::Lvsd;
use super::phase::{Phase, Stop};
use super::timer::Timer;

/// How long a nanny may take to end.
pub const GRACE: Duration = Duration::from_secs(5);
/// The same at the end of lvsd, which waits for no nanny that cannot be killed.
const LAST_PATIENCE: Patience = Patience {
    grace: GRACE,
    last: Some(Duration::from_secs(2)),
};

impl Lvsd {
    /// SIGTERM or SIGINT; one more during the end changes nothing.
    pub(super) fn terminate(&mut self, now: Mono, number: i32, out: &mut Vec<Action>) {
        match self.phase {
            Phase::Stopping(_) | Phase::Ended(_) => {}
            Phase::Loading | Phase::Running => {
                out.push(Action::Notice(Notice::ShuttingDown(number)));
                self.stop(now, 0, out);
            }
        }
    }

    /// Begins to end with `status`.
    pub(super) fn stop(&mut self, now: Mono, status: i32, out: &mut Vec<Action>) {
        if matches!(self.phase, Phase::Stopping(_) | Phase::Ended(_)) {
            return;
        }
        for (name, _) in self.site.services.iter().flat_map(|s| &s.blocks) {
            out.push(Action::Notice(Notice::StoppingVirtual(name.clone())));
        }
        let running: Vec<NannyId> = self.nannies.by_id.keys().copied().collect();
        for nanny in running {
            self.end_nanny(now, nanny, out);
        }
        self.nannies.watches.clear();
        let ending = Ending::asked(now, LAST_PATIENCE);
        self.phase = Phase::Stopping(Stop { status, ending });
        self.timers = Timers::new();
        self.timers.set_or_stop(Timer::Stop, ending.deadline());
        self.finish_stop(out);
    }

    /// Time is up for the nannies that are left.
    pub(super) fn tend_stop(&mut self, now: Mono, out: &mut Vec<Action>) {
        let Phase::Stopping(stop) = &mut self.phase else {
            return;
        };
        let step = stop.ending.due(now);
        self.timers.set_or_stop(Timer::Stop, stop.ending.deadline());
        match step {
            // They were asked when the end began.
            None | Some(EndStep::Ask) => {}
            Some(EndStep::Kill) => {
                out.extend(self.nannies.ending.keys().copied().map(Action::Kill));
                out.push(Action::Notice(Notice::MonitorStuck(
                    self.nannies.ending.len(),
                )));
            }
            Some(EndStep::Stuck) => {
                self.nannies.ending.clear();
                self.finish_stop(out);
            }
        }
    }

    /// A nanny that was told to end has ended.
    pub(super) fn forget_ending(&mut self, nanny: NannyId, out: &mut Vec<Action>) {
        self.nannies.ending.remove(&nanny);
        if self.nannies.ending.is_empty() {
            self.timers.stop(Timer::Kill);
        }
        self.finish_stop(out);
    }

    /// Once no nanny is left: what is ours goes, then lvsd.
    fn finish_stop(&mut self, out: &mut Vec<Action>) {
        let Phase::Stopping(stop) = self.phase else {
            return;
        };
        if !self.nannies.ending.is_empty() {
            return;
        }
        let mut ours: Vec<ServiceKey> = self.site.services.iter().map(|s| s.service.key).collect();
        ours.extend(self.given_up());
        let ops = plan(&[], &self.kernel.known, &ours);
        self.phase = Phase::Ended(stop.status);
        if ops.is_empty() {
            out.push(Action::Exit(stop.status));
        } else {
            self.apply(ops, out);
        }
    }
}
