//! The loop: waits for signals, the parent, and what the watches need.
//!
//! One watch comes with the command line, or lvsd says which watches there are (lvs.cf `nannies = shared`).
//! A watch is the same in both, and gets the same. The end of an only watch, and the signals to the
//! process, are the process's; its few descriptors are given to each wait. The descriptors of many stand in
//! one epoll set and their deadlines in one ordered list, so that a turn costs no more than what happened.

mod errands;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use control::{Crew, News};
use daemon::{
    Awaited, Cage, Clock, Event, EventHandler, EventLoop, Signal, Signals, Tidying, reap,
};
use healthcheck::Input;
use lvs_model::{ChildExit, Mono};

use crate::own_destination::OwnDestination;
use crate::parent_socket::{ALONE, Behind, Link};
use crate::reaping;
use crate::setup::Setup;
use crate::waiting::Waiting;
use crate::watch::{Ready, Watch};

/// A turn that served no more members than this takes well under a millisecond.
const SHORT_TURN: usize = 4;

/// Runs the watch of the command line until it has an exit status. With a `table` it goes on from what is in
/// there; under lvsd it waits for the first order.
///
/// # Errors
/// The wait itself failed: no memory.
pub fn run_one(
    setup: Setup,
    signals: Signals,
    behind: Behind,
    table: Option<OwnDestination>,
) -> io::Result<u8> {
    let mut shell = Shell::new(Crew::One(ALONE), behind);
    let watch = Watch::start(setup, table, shell.now);
    shell.take_in(ALONE, watch);
    let mut turning = EventLoop::new(shell.clock, signals);
    let status = turning.run(&mut shell)?;
    shell.end(turning);
    Ok(status)
}

/// Runs the watches that lvsd starts until it is gone or a signal ends them. `seed` spreads their pauses;
/// `cage` is for programs, if they may start some.
///
/// # Errors
/// No room for a descriptor, or the wait itself failed: no memory.
pub fn run_many(
    mut signals: Signals,
    link: Link,
    seed: u64,
    cage: Option<Arc<Cage>>,
) -> io::Result<u8> {
    let waiting = Waiting::new(&signals, &link)?;
    let mut shell = Shell::new(Crew::Many, Behind::Lvsd(link));
    (shell.waiting, shell.seed, shell.cage) = (Some(waiting), seed, cage);
    let status = loop {
        if let Some(status) = shell.work() {
            break status;
        }
        shell.turn(&mut signals)?;
    };
    let turning = EventLoop::new(shell.clock, signals);
    shell.end(turning);
    Ok(status)
}

/// The watches of this process, and what has become of them.
struct Shell {
    crew: Crew,
    clock: Clock,
    tidying: Tidying,
    /// The time of what happens now. With many watches the clock is read once for all that happens in a
    /// turn.
    now: Mono,
    /// How many members had something to do in this turn.
    served: usize,
    behind: Behind,
    /// What many wait for.
    waiting: Option<Waiting>,
    /// Which descriptors of the members the wait has found ready.
    ready: BTreeMap<u64, Ready>,
    /// Programs have ended; they may have left processes behind.
    has_strays: bool,
    /// Room for a datagram of errands.
    errands: Box<[u8]>,
    /// Boxed: a node of the map has room for eleven, and most processes have one member.
    members: BTreeMap<u64, Box<Member>>,
    /// When which member is due; each at most once.
    due: BTreeSet<(Mono, u64)>,
    seed: u64,
    /// What programs are shut into; without it there are none.
    cage: Option<Arc<Cage>>,
    /// The exit status, once there is one.
    exit: Option<u8>,
}

/// A watch and its place in [`Shell::due`].
struct Member {
    watch: Watch,
    due: Option<Mono>,
}

/// What one watch waits for.
#[derive(Clone, Copy)]
enum Source {
    Parent,
    Check,
    Load,
}

impl EventHandler for Shell {
    type Source = Source;
    /// The exit status.
    type End = u8;

    /// Sends lvsd what is due. A full socket is waited for.
    fn work(&mut self) -> Option<u8> {
        if let Behind::Lvsd(link) = &mut self.behind {
            link.flush(self.now);
            if let Some(waiting) = &mut self.waiting {
                waiting.await_room(link);
            }
        }
        self.exit
    }

    fn await_on<'h>(&'h self, awaited: &mut Awaited<'h, Source>) {
        let watch = self.members.get(&ALONE).map(|member| &member.watch);
        let wanted = [
            (Source::Parent, self.behind.poll_fd()),
            (Source::Check, watch.and_then(Watch::check_fd)),
            (Source::Load, watch.and_then(Watch::load_fd)),
        ];
        for (source, fd) in wanted {
            if let Some(fd) = fd {
                awaited.polling(source, fd);
            }
        }
        awaited.until(self.deadline());
    }

    fn take(&mut self, event: Event<Source>) {
        if self.crew != Crew::Many {
            self.now = self.clock.now();
        }
        match event {
            Event::Ready(Source::Parent) => self.hear_parent(),
            Event::Ready(Source::Check) => self.ready.entry(ALONE).or_default().check = true,
            Event::Ready(Source::Load) => self.ready.entry(ALONE).or_default().load = true,
            Event::Signal(signal) => self.take_signal(signal),
            Event::Ended(pid, exit) => self.ended(pid, exit),
            Event::Time => self.time(),
        }
    }
}

impl Shell {
    /// Nobody to watch yet.
    fn new(crew: Crew, behind: Behind) -> Self {
        let clock = Clock::start();
        let now = clock.now();
        let longest = match &behind {
            Behind::Lvsd(link) => link.longest(),
            Behind::Nobody | Behind::Lifeline(_) => 0,
        };
        Self {
            crew,
            clock,
            tidying: Tidying::after(now),
            now,
            served: 0,
            behind,
            waiting: None,
            ready: BTreeMap::new(),
            has_strays: false,
            errands: vec![0; longest].into(),
            members: BTreeMap::new(),
            due: BTreeSet::new(),
            seed: 0,
            cage: None,
            exit: None,
        }
    }

    fn end(&mut self, mut turning: EventLoop) {
        let watches = self.members.values_mut().map(|member| &mut member.watch);
        reaping::kill_all(watches.collect(), &mut turning, self.clock);
    }

    /// When to wake up at the latest.
    fn deadline(&self) -> Option<Mono> {
        let member = self.due.first().map(|(at, _)| *at);
        let news = match &self.behind {
            Behind::Lvsd(link) => link.deadline(),
            Behind::Nobody | Behind::Lifeline(_) => None,
        };
        member.into_iter().chain(news).min()
    }

    /// A turn of the loop of many. It reports what happened in the order of [`EventLoop`], all with one
    /// time: that of its beginning.
    fn turn(&mut self, signals: &mut Signals) -> io::Result<()> {
        let (deadline, now) = (self.deadline(), self.time_now());
        let Some(waiting) = &mut self.waiting else {
            return Ok(());
        };
        let happened = waiting.wait(deadline, now)?;
        self.now = self.clock.now();
        self.served = 0;
        self.ready = happened.members;
        if happened.parent {
            self.take(Event::Ready(Source::Parent));
        }
        if happened.signals {
            for signal in signals.pending() {
                self.take(Event::Signal(signal));
                while let Some((pid, exit)) = (signal == Signal::SIGCHLD).then(reap).flatten() {
                    self.take(Event::Ended(pid, exit));
                }
            }
        }
        self.take(Event::Time);
        if happened.parent || happened.signals {
            // Whatever that was.
            self.served = usize::MAX;
        }
        Ok(())
    }

    /// The time; the clock is read again only after a turn long enough to make a difference.
    fn time_now(&self) -> Mono {
        if self.served > SHORT_TURN {
            self.clock.now()
        } else {
            self.now
        }
    }

    /// Kills what a program left behind when it ended; gives members that are ready or due their turn.
    fn time(&mut self) {
        if std::mem::take(&mut self.has_strays) {
            reaping::kill_strays(self.members.values().map(|member| &member.watch));
        }
        let mut ready = std::mem::take(&mut self.ready);
        for (_, nanny) in self.due.range(..=(self.now, u64::MAX)) {
            ready.entry(*nanny).or_default();
        }
        self.served = ready.len();
        for (nanny, ready) in ready {
            if let Some(member) = self.members.get_mut(&nanny) {
                member.watch.turn(self.now, ready);
                self.settle(nanny);
            }
        }
        self.tidying.turn(self.now);
    }

    fn take_signal(&mut self, signal: Signal) {
        use healthcheck::Signal as Meaning;
        let meaning = match signal {
            Signal::SIGCHLD => return,
            Signal::SIGHUP => Meaning::Hangup,
            _ if self.crew == Crew::Many => return self.take_signal_of_many(signal),
            Signal::SIGUSR1 => Meaning::User1,
            Signal::SIGUSR2 => Meaning::User2,
            other => Meaning::Terminate(other as i32),
        };
        for nanny in self.members.keys().copied().collect::<Vec<_>>() {
            self.feed(nanny, Input::Signal(meaning));
        }
    }

    fn take_signal_of_many(&mut self, signal: Signal) {
        if matches!(signal, Signal::SIGTERM | Signal::SIGINT) {
            log::info!("Terminating due to signal {}", signal as i32);
            self.exit = Some(0);
        } else {
            log::warn!("{signal} would force every server at once: ignored");
        }
    }

    fn ended(&mut self, pid: i32, exit: ChildExit) {
        self.has_strays = true;
        let now = self.now;
        let its = |(nanny, member): (&u64, &mut Box<Member>)| {
            let is_its = member.watch.reaped(now, pid, exit);
            is_its.then_some(*nanny)
        };
        if let Some(nanny) = self.members.iter_mut().find_map(its) {
            self.settle(nanny);
        }
    }

    fn take_in(&mut self, nanny: u64, watch: Watch) {
        let member = Box::new(Member { watch, due: None });
        self.members.insert(nanny, member);
        self.settle(nanny);
    }

    fn say(&mut self, interval: Duration, news: &News) {
        if let Behind::Lvsd(link) = &mut self.behind {
            link.say(self.now, interval, news);
        }
    }

    fn feed(&mut self, nanny: u64, input: Input) {
        if let Some(member) = self.members.get_mut(&nanny) {
            member.watch.feed(self.now, input);
            self.settle(nanny);
        }
    }

    /// After something happened to a member: what it has to report, what it waits for.
    fn settle(&mut self, nanny: u64) {
        let Some(member) = self.members.get_mut(&nanny) else {
            return;
        };
        let interval = member.watch.interval();
        let exit = member.watch.exit();
        let reports = member.watch.take_reports();
        member.settle_deadline(nanny, &mut self.due);
        if let (Some(waiting), None) = (&self.waiting, exit) {
            waiting.await_member(nanny, &member.watch);
        }
        for report in reports {
            self.say(interval, &News::Report(nanny, report));
        }
        match exit {
            None => {}
            Some(status) if self.crew == Crew::Many => {
                if let Some(mut member) = self.members.remove(&nanny) {
                    member.watch.kill_programs();
                }
                self.say(interval, &News::Ended(nanny, status));
            }
            Some(status) => self.exit = Some(status),
        }
    }
}

impl Member {
    /// Keeps its place in `due` in step with its next deadline.
    fn settle_deadline(&mut self, nanny: u64, due: &mut BTreeSet<(Mono, u64)>) {
        let next = match self.watch.exit() {
            Some(_) => None,
            None => self.watch.next_deadline(),
        };
        if next != self.due {
            if let Some(at) = self.due {
                due.remove(&(at, nanny));
            }
            due.extend(next.map(|at| (at, nanny)));
            self.due = next;
        }
    }
}
