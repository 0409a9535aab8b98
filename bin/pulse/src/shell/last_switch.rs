//! The last thing pulse waits for at its end: that the sync daemon is switched, though not for ever.

use std::io;
use std::time::Duration;

use daemon::{Awaited, Clock, Event, EventHandler, EventLoop, PollFd, PollFlags};
use lvs_config::Config;
use lvs_model::Mono;

use crate::commands::Commands;

/// So long it is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

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
    let until = clock.now() + PATIENCE;
    let mut last = LastSwitch {
        clock,
        commands,
        config,
        until,
    };
    turning.run(&mut last)?;
    commands.say_lost();
    Ok(())
}

struct LastSwitch<'p> {
    clock: Clock,
    commands: &'p mut Commands,
    config: &'p Config,
    until: Mono,
}

impl EventHandler for LastSwitch<'_> {
    /// Nothing but the helpers.
    type Source = ();
    type End = ();

    fn work(&mut self) -> Option<()> {
        let is_over = !self.commands.is_busy() || self.clock.now() >= self.until;
        is_over.then_some(())
    }

    fn await_on<'h>(&'h self, awaited: &mut Awaited<'h, ()>) {
        for fd in self.commands.fds() {
            awaited.reading((), fd);
        }
        if let Some(crowded) = self.commands.crowded_fd() {
            awaited.polling((), PollFd::new(crowded, PollFlags::POLLOUT));
        }
        awaited.until(self.commands.deadline());
        awaited.until(Some(self.until));
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
