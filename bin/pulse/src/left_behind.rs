//! What a killed runner has left running: a hook, and programs for addresses. They become pulse's own children
//! and are killed with all that they started, before another runner is told anything: an `active_cmd` must
//! not go on beside `inactive_cmd`, nor beside the partner's.

use std::time::Duration;

use daemon::Signal;
use lvs_model::Mono;
use nix::errno::Errno;
use nix::sys::signal::killpg;
use nix::unistd::Pid;

/// Time that they have to end. A process that waits for a disk heeds not even SIGKILL.
const WITHIN: Duration = Duration::from_secs(2);

/// Those that have not ended.
#[derive(Debug, Default)]
pub struct LeftBehind {
    groups: Vec<Pid>,
    /// When they are waited for no longer.
    until: Option<Mono>,
}

impl LeftBehind {
    /// Kills the groups of these leaders, if they are our children now.
    pub fn end(&mut self, now: Mono, leaders: &[i32]) {
        for leader in leaders.iter().filter(|pid| daemon::is_child(**pid)) {
            let leader = Pid::from_raw(*leader);
            log::error!("process {leader}, which it ran, is killed");
            // ESRCH: nothing is left of it.
            let _ = killpg(leader, Signal::SIGKILL);
            self.groups.push(leader);
        }
        self.until = (!self.groups.is_empty()).then_some(now + WITHIN);
    }

    /// Looks which of them are still there; after their time they are waited for no longer, which is said.
    pub fn look(&mut self, now: Mono) {
        let Some(until) = self.until else {
            return;
        };
        self.groups
            .retain(|group| killpg(*group, None) != Err(Errno::ESRCH));
        if now >= until && !self.groups.is_empty() {
            let pids: Vec<String> = self.groups.drain(..).map(|pid| pid.to_string()).collect();
            log::error!(
                "killed and not ended: process {}; hooks run beside it",
                pids.join(" ")
            );
        }
        if self.groups.is_empty() {
            self.until = None;
        }
    }

    /// Whether `pid` is one of them.
    pub fn has(&self, pid: i32) -> bool {
        self.groups.contains(&Pid::from_raw(pid))
    }

    /// Whether hooks have to wait for some.
    pub const fn is_there(&self) -> bool {
        self.until.is_some()
    }

    /// When to look again.
    pub const fn deadline(&self) -> Option<Mono> {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_not_our_child_is_killed_or_waited_for() {
        let mut left = LeftBehind::default();
        left.end(Mono::ZERO, &[1, i32::MAX]);
        assert!(!left.is_there());
        left.look(Mono::ZERO);
        assert_eq!(left.deadline(), None);
    }
}
