//! Addresses that the hooks of lvs.cf move (`vip = external`): the old owner gives up first.
//!
//! pulse cannot see such an address. It is gone when `inactive_cmd` has ended: then the partner is told
//! STOPPED, and not before. A hook that hangs costs `hook_patience` at most.

use std::time::Duration;

use crate::datagram::Value;
use lvs_model::Mono;

use super::Node;
use super::timer::Timer;
use crate::model::{Action, Hook};
use crate::notice::Notice;
use crate::transitions::{Event, Phase};

/// Pause before a failed `active_cmd` is run again, if nobody takes over.
const TRIED_AGAIN_AFTER: Duration = Duration::from_secs(30);

impl Node {
    /// Hooks and the sync daemon belong to lvs alone.
    pub(super) fn run_hook(&self, hook: Hook, out: &mut Vec<Action>) {
        if !self.is_fos() {
            out.push(Action::RunHook(hook));
        }
    }

    /// Whether the hooks move the addresses.
    pub(super) const fn has_moving_hooks(&self) -> bool {
        !self.settings.hook_patience.is_zero()
    }

    /// With `vip = external`, whether `active_cmd` failed, or nothing could run it.
    pub(super) const fn is_without_hooks(&self) -> bool {
        let hooks = &self.fitness.hooks;
        self.has_moving_hooks() && (hooks.has_failed || hooks.are_missing)
    }

    /// Whether `inactive_cmd` is to let go of the addresses if this process is killed: `active_cmd` has been
    /// ordered, and `inactive_cmd` not since.
    #[must_use]
    pub fn leaves_to_inactive_cmd(&self) -> bool {
        let is_ordered = matches!(
            self.phase(),
            Phase::Starting | Phase::Active | Phase::HandingOver
        );
        let runs_hooks = self.has_moving_hooks() && !self.is_fos();
        runs_hooks && self.settings.has_partner && is_ordered
    }

    /// Whether `active_cmd` has yet to move the addresses: they may not be here yet, or never come.
    pub(super) const fn is_moving(&self) -> bool {
        let hooks = &self.fitness.hooks;
        self.has_moving_hooks() && (hooks.is_running || hooks.has_failed)
    }

    /// `active_cmd` is run now. Its end counts where it is to bring the addresses. One that is run again
    /// may fail because they are there.
    pub(super) fn run_active_hook(&mut self, out: &mut Vec<Action>) {
        let brings = self.phase() == Phase::Starting || self.fitness.hooks.has_failed;
        let counts = self.has_moving_hooks() && self.settings.has_partner;
        self.fitness.hooks.is_running |= brings && counts && !self.is_fos();
        self.run_hook(Hook::Active, out);
    }

    /// `active_cmd` has ended. If it failed nothing is served: a partner that can takes over; without one
    /// the hook is run again.
    pub(super) fn active_hook_ended(&mut self, now: Mono, is_well: bool, out: &mut Vec<Action>) {
        if !self.has_moving_hooks() || !std::mem::take(&mut self.fitness.hooks.is_running) {
            return;
        }
        self.fitness.hooks.has_failed = !is_well;
        if is_well {
            self.timers.stop(Timer::Hook);
        } else {
            out.push(Action::Notice(Notice::HookFailed));
            self.timers.set(Timer::Hook, now + TRIED_AGAIN_AFTER);
            self.event(now, Event::HookFailed, out);
        }
    }

    /// It failed a while ago, and nobody has taken over.
    pub(super) fn try_hook_again(&mut self, out: &mut Vec<Action>) {
        if self.has_moving_hooks() && self.stage.is_claiming() {
            self.run_active_hook(out);
        }
    }

    /// lvs.cf was read again: the hook may be another one.
    pub(super) fn forgive_hook(&mut self, out: &mut Vec<Action>) {
        if self.fitness.hooks.has_failed {
            self.timers.stop(Timer::Hook);
            self.try_hook_again(out);
            self.fitness.hooks.has_failed = false;
        }
    }

    /// `inactive_cmd` is run now because of `event`. A node that was away says STOPPED without waiting: the
    /// partner may be active by now.
    pub(super) fn let_go(&mut self, now: Mono, event: Event, out: &mut Vec<Action>) {
        self.fitness.hooks.is_running = false;
        self.run_hook(Hook::Inactive, out);
        let waits = self.has_moving_hooks() && event != Event::Late && !self.is_fos();
        let due = waits.then(|| now + self.settings.hook_patience);
        self.timers.set_or_stop(Timer::LetGo, due);
    }

    /// `inactive_cmd` has ended.
    pub(super) fn has_let_go(&mut self, now: Mono, out: &mut Vec<Action>) {
        if self.timers.stop(Timer::LetGo) {
            self.release_if_ended(now, out);
        }
    }

    /// It has not ended in time.
    pub(super) fn hook_hangs(&mut self, now: Mono, out: &mut Vec<Action>) {
        out.push(Action::Notice(Notice::HookHangs {
            seconds: self.settings.hook_patience.as_secs(),
        }));
        self.release_if_ended(now, out);
    }

    fn release_if_ended(&mut self, now: Mono, out: &mut Vec<Action>) {
        if self.phase() == Phase::Releasing && !self.timers.is_set(Timer::Release) {
            self.release(now, out);
        }
    }

    /// The partner was active beside us and has given up. Its `inactive_cmd` may have taken along what our
    /// `active_cmd` had moved here.
    pub(super) fn partner_let_go(
        &mut self,
        value: Value,
        before: Option<Value>,
        out: &mut Vec<Action>,
    ) {
        let lets_go = value == Value::Stopped && before == Some(Value::Running);
        if self.has_moving_hooks() && lets_go && self.phase() == Phase::Active {
            self.run_active_hook(out);
        }
    }
}
