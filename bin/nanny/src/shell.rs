//! The loop around one watch: waits for signals, lvsd, the check and the question for the load.

use std::io;

use daemon::{Awaited, Clock, Event, EventHandler, EventLoop, Signal, Signals};
use healthcheck::Input;
use lvs_model::ChildExit;

use crate::lvsd::{Heard, Lvsd};
use crate::reaping;
use crate::setup::Setup;
use crate::table::Table;
use crate::watch::{Ready, Watch};

/// Runs one nanny until there is an exit status.
///
/// # Errors
/// The wait itself failed: no memory.
pub fn run(
    setup: Setup,
    signals: Signals,
    lvsd: Option<Lvsd>,
    table: Option<Table>,
) -> io::Result<u8> {
    let clock = Clock::start();
    let mut shell = Shell {
        clock,
        lvsd,
        watch: Watch::start(setup, table, clock.now()),
        ready: Ready::default(),
        has_strays: false,
    };
    let mut turning = EventLoop::new(clock, signals);
    let status = turning.run(&mut shell)?;
    reaping::kill_all(vec![&mut shell.watch], &mut turning, clock);
    Ok(status)
}

/// One nanny.
struct Shell {
    clock: Clock,
    lvsd: Option<Lvsd>,
    watch: Watch,
    /// What the watch waited for and the loop has found.
    ready: Ready,
    /// Programs have ended; they may have left some of theirs behind.
    has_strays: bool,
}

/// What a nanny waits for.
#[derive(Clone, Copy)]
enum Source {
    Lvsd,
    Check,
    Load,
}

impl EventHandler for Shell {
    type Source = Source;
    /// The exit status.
    type End = u8;

    fn work(&mut self) -> Option<u8> {
        if let Some(lvsd) = &mut self.lvsd {
            for report in self.watch.take_reports() {
                lvsd.say(report);
            }
        }
        self.watch.exit()
    }

    fn await_on<'h>(&'h self, awaited: &mut Awaited<'h, Source>) {
        let wanted = [
            (Source::Lvsd, self.lvsd.as_ref().map(Lvsd::poll_fd)),
            (Source::Check, self.watch.check_fd()),
            (Source::Load, self.watch.load_fd()),
        ];
        for (source, fd) in wanted {
            if let Some(fd) = fd {
                awaited.polling(source, fd);
            }
        }
        awaited.until(self.watch.next_deadline());
    }

    fn take(&mut self, event: Event<Source>) {
        match event {
            Event::Ready(Source::Lvsd) => self.take_orders(),
            Event::Ready(Source::Check) => self.ready.check = true,
            Event::Ready(Source::Load) => self.ready.load = true,
            Event::Signal(signal) => self.signal(signal),
            Event::Ended(pid, exit) => self.ended(pid, exit),
            Event::Time => self.time(),
        }
    }
}

impl Shell {
    fn signal(&mut self, signal: Signal) {
        use healthcheck::Signal as Meaning;
        let meaning = match signal {
            Signal::SIGCHLD => return,
            Signal::SIGHUP => Meaning::Hangup,
            Signal::SIGUSR1 => Meaning::User1,
            Signal::SIGUSR2 => Meaning::User2,
            other => Meaning::Terminate(other as i32),
        };
        self.watch.feed(self.clock.now(), Input::Signal(meaning));
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

    fn ended(&mut self, pid: i32, exit: ChildExit) {
        self.watch.reaped(self.clock.now(), pid, exit);
        self.has_strays = true;
    }

    /// What a program left behind when it ended is killed; the watch goes on.
    fn time(&mut self) {
        if std::mem::take(&mut self.has_strays) {
            reaping::kill_strays(std::iter::once(&self.watch));
        }
        let ready = std::mem::take(&mut self.ready);
        self.watch.turn(self.clock.now(), ready);
    }
}
