//! The last thing pulse waits for at its end, though not for ever: that the sync daemon is switched, that the
//! hooks have ended, and that what is kept for the next start is on the disk. A service manager kills what is left of a program that has ended.

use std::io;
use std::time::Duration;

use daemon::{Awaited, Clock, Event, EventHandler, EventLoop, PollFd, PollFlags};
use lvs_config::Config;
use lvs_model::{ChildExit, Mono};

use crate::commands::Commands;
use crate::hook_queue::LAST_HOOK_WITHIN;
use crate::orders::OrdersFile;
use crate::term::TermFile;

/// Time for the switch of the sync daemon.
const SWITCH_WITHIN: Duration = Duration::from_secs(5);

/// Time for the disk.
const KEPT_WITHIN: Duration = Duration::from_secs(5);

/// What is kept for the next start.
pub struct Files<'p> {
    pub term: &'p mut TermFile,
    pub orders: &'p mut OrdersFile,
}

impl Files<'_> {
    fn is_busy(&self) -> bool {
        self.term.is_busy() || self.orders.is_busy()
    }

    fn ended(&mut self, now: Mono, pid: i32, exit: ChildExit) -> bool {
        self.term.ended(now, pid, exit) || self.orders.ended(pid, exit).is_some()
    }

    /// What is not on the disk by now never will be.
    fn give_up(&mut self) {
        if self.is_busy() {
            log::error!(
                "the disk does not answer: the next start does not know the last term or orders"
            );
            self.term.give_up();
            self.orders.give_up();
        }
    }
}

/// Lets the helpers do what they have been told.
///
/// # Errors
/// Waiting failed.
pub fn finish(
    turning: &mut EventLoop,
    clock: Clock,
    commands: &mut Commands,
    config: &Config,
    files: Files<'_>,
) -> io::Result<()> {
    commands.finish();
    let now = clock.now();
    let mut last = LastSwitch {
        clock,
        commands,
        config,
        files,
        kept_until: now + KEPT_WITHIN,
        switch_until: now + SWITCH_WITHIN,
        hooks_until: now + LAST_HOOK_WITHIN,
    };
    turning.run(&mut last)?;
    last.files.give_up();
    commands.say_lost();
    Ok(())
}

struct LastSwitch<'p> {
    clock: Clock,
    commands: &'p mut Commands,
    config: &'p Config,
    files: Files<'p>,
    kept_until: Mono,
    switch_until: Mono,
    hooks_until: Mono,
}

impl LastSwitch<'_> {
    /// The deadlines of what is not over.
    fn open(&self) -> impl Iterator<Item = Mono> {
        let switch = self.commands.is_switching().then_some(self.switch_until);
        let hooks = self.commands.runs_hooks().then_some(self.hooks_until);
        let files = self.files.is_busy().then_some(self.kept_until);
        switch.into_iter().chain(hooks).chain(files)
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
            Event::Ended(pid, exit) => {
                if !self.files.ended(now, pid, exit) {
                    self.commands.ended(now, pid, self.config);
                }
            }
            Event::Time => self.commands.hear(now),
            Event::Ready(()) | Event::Signal(_) => {}
        }
    }
}
