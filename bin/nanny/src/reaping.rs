//! What programs leave behind, and how they end with the process. Called when the loop ends.

use std::collections::BTreeSet;
use std::time::Duration;

use daemon::{Awaited, Clock, Event, EventHandler, EventLoop};
use lvs_model::Mono;

use crate::watch::Watch;

/// Time that programs get to be reaped after they were killed at the end.
const LAST_REAPING: Duration = Duration::from_millis(200);

/// Kills what belongs to no running program of `watches`; returns how many there were.
pub fn kill_strays<'w>(watches: impl Iterator<Item = &'w Watch>) -> usize {
    let groups: BTreeSet<i32> = watches.flat_map(Watch::groups).collect();
    let killed =
        daemon::kill_strays(|stray| stray.group.is_some_and(|group| groups.contains(&group)));
    killed.unwrap_or_else(|error| {
        log::error!("cannot look for what programs left behind: {error}");
        0
    })
}

/// Leaves no program behind; init reaps what does not end in a moment.
pub fn kill_all(mut watches: Vec<&mut Watch>, turning: &mut EventLoop, clock: Clock) {
    for watch in &mut watches {
        watch.kill_programs();
    }
    let deadline = clock.now() + LAST_REAPING;
    let mut last = LastReaping {
        clock,
        watches,
        deadline,
    };
    if let Err(error) = turning.run(&mut last) {
        log::error!("cannot wait for the programs to end: {error}");
    }
}

/// The end of the programs that were killed.
struct LastReaping<'w> {
    clock: Clock,
    watches: Vec<&'w mut Watch>,
    deadline: Mono,
}

impl EventHandler for LastReaping<'_> {
    /// Nothing but the signals.
    type Source = ();
    type End = ();

    fn work(&mut self) -> Option<()> {
        let watches = || self.watches.iter().map(|watch| &**watch);
        let runs = watches().any(|watch| watch.groups().next().is_some());
        let is_busy = runs || kill_strays(watches()) > 0;
        (!is_busy || self.clock.now() >= self.deadline).then_some(())
    }

    fn await_on<'h>(&'h self, awaited: &mut Awaited<'h, ()>) {
        awaited.until(Some(self.deadline));
    }

    fn take(&mut self, event: Event<()>) {
        if let Event::Ended(pid, exit) = event {
            let now = self.clock.now();
            let mut watches = self.watches.iter_mut();
            watches.any(|watch| watch.reaped(now, pid, exit));
        }
    }
}
