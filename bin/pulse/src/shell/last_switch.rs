//! The last thing pulse waits for at its end, though not for ever: that the sync daemon is switched and that the
//! hooks have ended. A service manager kills what is left of a program that has ended.

use std::io;
use std::time::Duration;

use daemon::{Awaited, Clock, Event, EventHandler, EventLoop, PollFd, PollFlags};
use lvs_config::Config;
use lvs_model::Mono;

use crate::commands::Commands;
use crate::hook_queue::LAST_HOOK_WITHIN;

/// Time for the switch of the sync daemon.
const SWITCH_WITHIN: Duration = Duration::from_secs(5);

/// Lets the helpers do what they have been told.
///
/// # Errors
/// Waiting failed.
pub fn finish(
    turning: &mut EventLoop,
    clock: Clock,
    commands: &mut Commands,
    config: &Config,
) -> io::Result<()> {
    commands.finish();
    let now = clock.now();
    let mut last = LastSwitch {
        clock,
        commands,
        config,
        switch_until: now + SWITCH_WITHIN,
        hooks_until: now + LAST_HOOK_WITHIN,
    };
    turning.run(&mut last)?;
    commands.say_lost();
    Ok(())
}

struct LastSwitch<'p> {
    clock: Clock,
    commands: &'p mut Commands,
    config: &'p Config,
    switch_until: Mono,
    hooks_until: Mono,
}

impl LastSwitch<'_> {
    /// The deadlines of what is not over.
    fn open(&self) -> impl Iterator<Item = Mono> {
        let switch = self.commands.is_switching().then_some(self.switch_until);
        let hooks = self.commands.runs_hooks().then_some(self.hooks_until);
        switch.into_iter().chain(hooks)
    }
}

impl EventHandler for LastSwitch<'_> {
    /// Nothing but the helpers.
    type Source = ();
    type End = ();

    fn work(&mut self) -> Option<()> {
        let now = self.clock.now();
        self.open().all(|until| now >= until).then_some(())
    }

    fn await_on<'h>(&'h self, awaited: &mut Awaited<'h, ()>) {
        for fd in self.commands.fds() {
            awaited.reading((), fd);
        }
        if let Some(crowded) = self.commands.crowded_fd() {
            awaited.polling((), PollFd::new(crowded, PollFlags::POLLOUT));
        }
        awaited.until(self.commands.deadline());
        // What is past is not waited for.
        let now = self.clock.now();
        awaited.until(self.open().filter(|until| *until > now).min());
    }

    fn take(&mut self, event: Event<()>) {
        let now = self.clock.now();
        match event {
            Event::Ended(pid, _) => {
                self.commands.ended(now, pid, self.config);
            }
            Event::Time => self.commands.hear(now),
            Event::Ready(()) | Event::Signal(_) => {}
        }
    }
}
