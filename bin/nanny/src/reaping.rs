//! What programs leave behind, and their end when the process ends. Called by both loops.

use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::time::Duration;

use daemon::{Clock, PollFd, PollFlags, Signals};

use crate::watch::Watch;

/// Time that programs get to be reaped after they were killed at the end.
const LAST_REAPING: Duration = Duration::from_millis(200);

/// Kills what belongs to no program that runs for one of `watches`; returns how many there were.
pub fn kill_strays<'w>(watches: impl Iterator<Item = &'w Watch>) -> usize {
    let groups: BTreeSet<i32> = watches.flat_map(Watch::groups).collect();
    let killed =
        daemon::kill_strays(|stray| stray.group.is_some_and(|group| groups.contains(&group)));
    killed.unwrap_or_else(|error| {
        log::error!("cannot look for what programs left behind: {error}");
        0
    })
}

/// Leaves no program behind; init reaps what does not go in a moment.
pub fn kill_all(watches: &mut [&mut Watch], signals: &mut Signals, clock: &Clock) {
    for watch in watches.iter_mut() {
        watch.kill_programs();
    }
    let deadline = clock.now() + LAST_REAPING;
    let is_busy = |watches: &[&mut Watch]| {
        let runs = watches.iter().any(|watch| watch.groups().next().is_some());
        runs || kill_strays(watches.iter().map(|watch| &**watch)) > 0
    };
    while is_busy(watches) {
        let mut fds = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        let waited = daemon::wait(&mut fds, clock, Some(deadline));
        if waited.is_err() || clock.now() >= deadline {
            return;
        }
        signals.pending();
        while let Some((pid, exit)) = daemon::reap() {
            watches
                .iter_mut()
                .any(|watch| watch.reaped(clock.now(), pid, exit));
        }
    }
}
