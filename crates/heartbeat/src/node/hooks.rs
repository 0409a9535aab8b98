//! Addresses that the hooks of lvs.cf move (`vip = external`): the old owner lets go first.
//!
//! pulse cannot see such an address. It is gone when `inactive_cmd` has ended, and so the partner
//! is told STOPPED then and not before. A hook that hangs costs `hook_patience`
//! at most.

use crate::datagram::Value;
use lvs_model::Mono;

use super::Node;
use super::timer::Timer;
use crate::model::{Action, Hook};
use crate::notice::Notice;
use crate::table::{Event, Phase};

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

    /// `inactive_cmd` is run now because of `event`. Who was away says STOPPED without waiting: the
    /// partner may be active by now.
    pub(super) fn let_go(&mut self, now: Mono, event: Event, out: &mut Vec<Action>) {
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

    /// The partner was active beside us and has let go. Its `inactive_cmd` may have taken along what
    /// our `active_cmd` had moved here.
    pub(super) fn partner_let_go(
        &self,
        value: Value,
        before: Option<Value>,
        out: &mut Vec<Action>,
    ) {
        let lets_go = value == Value::Stopped && before == Some(Value::Running);
        if self.has_moving_hooks() && lets_go && self.phase() == Phase::Active {
            self.run_hook(Hook::Active, out);
        }
    }
}
