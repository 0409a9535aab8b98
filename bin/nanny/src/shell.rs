//! The loop around one watch: waits for signals, lvsd, the check and the question for the load.

use std::io;
use std::os::fd::AsFd;

use daemon::{Clock, PollFd, PollFlags, Signal, Signals};
use healthcheck::Input;

use crate::lvsd::{Heard, Lvsd};
use crate::reaping;
use crate::setup::Setup;
use crate::table::Table;
use crate::watch::{Ready, Watch};

/// One nanny.
pub struct Shell {
    clock: Clock,
    signals: Signals,
    lvsd: Option<Lvsd>,
    watch: Watch,
}

impl Shell {
    /// A nanny at its start.
    pub fn new(setup: Setup, signals: Signals, lvsd: Option<Lvsd>, table: Option<Table>) -> Self {
        let clock = Clock::start();
        let watch = Watch::start(setup, table, clock.now());
        Self {
            clock,
            signals,
            lvsd,
            watch,
        }
    }

    /// Runs until there is an exit status.
    ///
    /// # Errors
    /// The wait itself failed: no memory.
    pub fn run(mut self) -> io::Result<u8> {
        loop {
            self.report();
            if let Some(status) = self.watch.exit() {
                reaping::kill_all(&mut [&mut self.watch], &mut self.signals, &self.clock);
                return Ok(status);
            }
            self.turn()?;
        }
    }

    fn report(&mut self) {
        if let Some(lvsd) = &mut self.lvsd {
            for report in self.watch.take_reports() {
                lvsd.say(report);
            }
        }
    }

    /// One turn of the loop.
    fn turn(&mut self) -> io::Result<()> {
        let wanted = [
            Some(PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)),
            self.lvsd.as_ref().map(Lvsd::poll_fd),
            self.watch.check_fd(),
            self.watch.load_fd(),
        ];
        let is_there = wanted.each_ref().map(Option::is_some);
        let mut fds: Vec<PollFd<'_>> = wanted.into_iter().flatten().collect();
        daemon::wait(&mut fds, &self.clock, self.watch.next_deadline())?;
        let mut found = fds.iter().map(|fd| fd.any().unwrap_or(false));
        let [has_signals, has_orders, check, load] =
            is_there.map(|is_there| is_there && found.next().unwrap_or(false));
        let ready = Ready { check, load };
        if has_signals {
            self.take_signals();
        }
        if has_orders {
            self.take_orders();
        }
        self.watch.turn(self.clock.now(), ready);
        Ok(())
    }

    fn take_signals(&mut self) {
        use healthcheck::Signal as Meaning;
        for signal in self.signals.pending() {
            let meaning = match signal {
                Signal::SIGCHLD => {
                    self.reap();
                    continue;
                }
                Signal::SIGHUP => Meaning::Hangup,
                Signal::SIGUSR1 => Meaning::User1,
                Signal::SIGUSR2 => Meaning::User2,
                other => Meaning::Terminate(other as i32),
            };
            self.watch.feed(self.clock.now(), Input::Signal(meaning));
        }
    }

    fn take_orders(&mut self) {
        if let Some(lvsd) = &mut self.lvsd {
            lvsd.retry();
        }
        while let Some(lvsd) = &self.lvsd {
            match lvsd.hear() {
                Heard::Order(order) => self.watch.feed(self.clock.now(), Input::Order(order)),
                Heard::Nothing => return,
                Heard::Gone => {
                    self.watch.feed(self.clock.now(), Input::Orphaned);
                    return;
                }
            }
        }
    }

    /// Takes in what has ended; what a program left behind when it ended is killed.
    fn reap(&mut self) {
        let mut reaped = false;
        while let Some((pid, exit)) = daemon::reap() {
            self.watch.reaped(self.clock.now(), pid, exit);
            reaped = true;
        }
        if reaped {
            reaping::kill_strays(std::iter::once(&self.watch));
        }
    }
}
