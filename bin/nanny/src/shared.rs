//! Many watches in one process (lvs.cf `nannies = shared`): lvsd says which, one loop serves all.
//!
//! A watch is the same as in a process of its own. Its descriptors stand in one epoll set and its
//! deadline in one ordered list, so that a turn costs no more than what happened.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use control::{Crew, Errand, MAX_ERRANDS, News};
use daemon::{Cage, Clock, EventLoop, PollFd, PollFlags, Signal, Signals, Tidying};
use healthcheck::Input;
use lvs_model::Mono;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use popt::Aliases;

use crate::error::StartError;
use crate::options::{self, Request};
use crate::reaping;
use crate::setup;
use crate::shared_link::{Heard, Link};
use crate::watch::{Ready, Watch};

/// Most descriptors that one turn takes off the epoll set.
const EVENTS: usize = 256;

/// A turn that served no more members than this takes well under a millisecond.
const SHORT_TURN: usize = 4;

/// Data of the epoll events that are about no member.
const SIGNALS: u64 = u64::MAX;
const LINK: u64 = u64::MAX - 1;

/// The loop.
pub struct Shared {
    clock: Clock,
    tidying: Tidying,
    /// The time of this turn: one look at the clock serves all that happens in it.
    now: Mono,
    /// How many members had something to do in it.
    served: usize,
    signals: Signals,
    link: Link,
    /// Whether `link` is in the epoll set for room too.
    awaits_room: bool,
    /// Signals, the link, and the members' descriptors.
    epoll: Epoll,
    events: Box<[EpollEvent]>,
    /// Room for a datagram of errands; one byte more, to see what is too long.
    errands: Box<[u8]>,
    members: BTreeMap<u64, Member>,
    /// When which member is due; each at most once.
    due: BTreeSet<(Mono, u64)>,
    seed: u64,
    /// What programs are shut into; without it there are none.
    cage: Option<Arc<Cage>>,
    is_over: bool,
}

/// A watch and its place in [`Shared::due`].
struct Member {
    watch: Watch,
    due: Option<Mono>,
}

/// Which descriptor of a member an epoll event is about: the lowest bit of its data, below the
/// member's number.
#[derive(Clone, Copy)]
enum Source {
    Check = 0,
    Load = 1,
}

/// What a wait has found.
#[derive(Default)]
struct Happened {
    signals: bool,
    link: bool,
    members: BTreeMap<u64, Ready>,
}

impl Shared {
    /// Nobody to watch yet. `seed` spreads the members' pauses; `cage` is for programs, if they may start some.
    ///
    /// # Errors
    /// No room for a descriptor.
    pub fn new(
        signals: Signals,
        link: Link,
        seed: u64,
        cage: Option<Arc<Cage>>,
    ) -> io::Result<Self> {
        let clock = Clock::start();
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(&signals, EpollEvent::new(EpollFlags::EPOLLIN, SIGNALS))?;
        epoll.add(link.fd(), EpollEvent::new(EpollFlags::EPOLLIN, LINK))?;
        let now = clock.now();
        Ok(Self {
            clock,
            tidying: Tidying::after(now),
            now,
            served: 0,
            signals,
            link,
            awaits_room: false,
            epoll,
            events: vec![EpollEvent::empty(); EVENTS].into(),
            errands: vec![0; MAX_ERRANDS + 1].into(),
            members: BTreeMap::new(),
            due: BTreeSet::new(),
            seed,
            cage,
            is_over: false,
        })
    }

    /// Runs until lvsd is gone or a signal ends it.
    ///
    /// # Errors
    /// The wait itself failed: no memory.
    pub fn run(mut self) -> io::Result<u8> {
        while !self.is_over {
            self.turn()?;
        }
        let watches = self.members.values_mut().map(|member| &mut member.watch);
        let mut turning = EventLoop::new(self.clock, self.signals);
        reaping::kill_all(watches.collect(), &mut turning, self.clock);
        Ok(0)
    }

    /// One turn of the loop. All that happens in it happens at one time: that of its beginning.
    fn turn(&mut self) -> io::Result<()> {
        let ready = self.wait()?;
        self.now = self.clock.now();
        if ready.signals {
            self.take_signals();
        }
        if ready.link {
            self.take_errands();
        }
        let mut members = ready.members;
        for (_, nanny) in self.due.range(..=(self.now, u64::MAX)) {
            members.entry(*nanny).or_default();
        }
        self.served = members.len();
        if ready.signals || ready.link {
            // Whatever that was.
            self.served = usize::MAX;
        }
        for (nanny, ready) in members {
            if let Some(member) = self.members.get_mut(&nanny) {
                member.watch.turn(self.now, ready);
                self.settle(nanny);
            }
        }
        self.link.flush(self.now);
        self.await_room();
        self.tidying.turn(self.now);
        Ok(())
    }

    /// Sleeps until something happens or is due, which may be a millisecond later.
    fn wait(&mut self) -> io::Result<Happened> {
        let member = self.due.first().map(|(at, _)| *at);
        let deadline = member.into_iter().chain(self.link.deadline()).min();
        let timeout = match deadline {
            None => EpollTimeout::NONE,
            Some(deadline) => milliseconds(deadline.since(self.time_now())),
        };
        let count = match self.epoll.wait(&mut self.events, timeout) {
            Ok(count) => count,
            Err(Errno::EINTR) => 0,
            Err(errno) => return Err(errno.into()),
        };
        let mut happened = Happened::default();
        for event in self.events.iter().take(count) {
            match event.data() {
                SIGNALS => happened.signals = true,
                LINK => happened.link = true,
                data => {
                    let ready = happened.members.entry(data >> 1).or_default();
                    if data & 1 == Source::Check as u64 {
                        ready.check = true;
                    } else {
                        ready.load = true;
                    }
                }
            }
        }
        Ok(happened)
    }

    /// The time, looked at again only after a turn long enough to make a difference.
    fn time_now(&self) -> Mono {
        if self.served > SHORT_TURN {
            self.clock.now()
        } else {
            self.now
        }
    }

    /// A full socket to lvsd is waited for.
    fn await_room(&mut self) {
        if self.awaits_room == self.link.is_full() {
            return;
        }
        self.awaits_room = self.link.is_full();
        let mut flags = EpollFlags::EPOLLIN;
        flags.set(EpollFlags::EPOLLOUT, self.awaits_room);
        let mut event = EpollEvent::new(flags, LINK);
        if let Err(errno) = self.epoll.modify(self.link.fd(), &mut event) {
            log::error!("cannot wait for lvsd: {errno}");
        }
    }

    fn take_signals(&mut self) {
        for signal in self.signals.pending() {
            match signal {
                Signal::SIGCHLD => self.reap(),
                Signal::SIGHUP => {
                    let hangup = || Input::Signal(healthcheck::Signal::Hangup);
                    for nanny in self.members.keys().copied().collect::<Vec<_>>() {
                        self.feed(nanny, hangup());
                    }
                }
                Signal::SIGTERM | Signal::SIGINT => {
                    log::info!("Terminating due to signal {}", signal as i32);
                    self.is_over = true;
                }
                other => log::warn!("{other} would force every server at once: ignored"),
            }
        }
    }

    fn reap(&mut self) {
        while let Some((pid, exit)) = daemon::reap() {
            let now = self.now;
            let its = self
                .members
                .iter_mut()
                .find_map(|(nanny, member)| member.watch.reaped(now, pid, exit).then_some(*nanny));
            if let Some(nanny) = its {
                self.settle(nanny);
            }
        }
        reaping::kill_strays(self.members.values().map(|member| &member.watch));
    }

    fn take_errands(&mut self) {
        let mut buffer = std::mem::take(&mut self.errands);
        loop {
            match self.link.hear(&mut buffer) {
                Heard::Errands(mut datagram) => {
                    while !datagram.is_empty() {
                        match Errand::decode(&mut datagram, Crew::Many) {
                            Ok(errand) => self.take_errand(&errand),
                            Err(error) => log::warn!("from lvsd: {error}"),
                        }
                    }
                }
                Heard::Nothing => break,
                Heard::Gone => {
                    self.is_over = true;
                    break;
                }
            }
        }
        self.errands = buffer;
    }

    fn take_errand(&mut self, errand: &Errand<'_>) {
        match errand {
            Errand::Start(nanny, args) => self.start(*nanny, args),
            Errand::Tell(nanny, order) => self.feed(*nanny, Input::Order(*order)),
            Errand::End(nanny) => {
                let terminate = healthcheck::Signal::Terminate(Signal::SIGTERM as i32);
                self.feed(*nanny, Input::Signal(terminate));
            }
        }
    }

    fn start(&mut self, nanny: u64, args: &[&OsStr]) {
        match self.watch(nanny, args) {
            Ok(watch) => {
                self.tidying = Tidying::after(self.now);
                self.members.insert(nanny, Member { watch, due: None });
                self.settle(nanny);
            }
            Err(error) => {
                log::error!("{error}");
                let ended = News::Ended(nanny, 1);
                self.link.say(self.now, Duration::ZERO, &ended);
            }
        }
    }

    fn watch(&self, nanny: u64, args: &[&OsStr]) -> Result<Watch, StartError> {
        let Request::Run(options) = options::parse(args, &Aliases::default())? else {
            return Err(StartError::UnexpectedArguments);
        };
        options.describe();
        // Numbers follow each other: far apart, so that pauses differ from the first on.
        let seed = self.seed ^ nanny.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut setup = setup::resolve(&options, true, seed)?;
        if setup.needs_files() && self.cage.is_none() {
            return Err(StartError::NoPrograms);
        }
        setup.programs.cage = self.cage.clone();
        Ok(Watch::start(setup, None, self.now))
    }

    fn feed(&mut self, nanny: u64, input: Input) {
        if let Some(member) = self.members.get_mut(&nanny) {
            member.watch.feed(self.now, input);
            self.settle(nanny);
        }
    }

    /// After something happened to a member: what it has to say, what it waits for.
    fn settle(&mut self, nanny: u64) {
        let Some(member) = self.members.get_mut(&nanny) else {
            return;
        };
        let interval = member.watch.interval();
        for report in member.watch.take_reports() {
            let news = News::Report(nanny, report);
            self.link.say(self.now, interval, &news);
        }
        let exit = member.watch.exit();
        let due = match exit {
            Some(_) => None,
            None => member.watch.next_deadline(),
        };
        if due != member.due {
            if let Some(at) = member.due {
                self.due.remove(&(at, nanny));
            }
            self.due.extend(due.map(|at| (at, nanny)));
            member.due = due;
        }
        if let Some(status) = exit {
            member.watch.kill_programs();
            self.members.remove(&nanny);
            let ended = News::Ended(nanny, status);
            self.link.say(self.now, interval, &ended);
            return;
        }
        let check = member.watch.check_fd().map(|fd| (Source::Check, fd));
        let load = member.watch.load_fd().map(|fd| (Source::Load, fd));
        for (source, fd) in [check, load].into_iter().flatten() {
            if let Err(errno) = await_fd(&self.epoll, nanny, source, &fd) {
                // Its deadline comes in any case.
                log::error!("cannot wait for a check: {errno}");
            }
        }
    }
}

/// A timeout that is not shorter; a wait that ends early does no harm.
fn milliseconds(time: Duration) -> EpollTimeout {
    let rounded_up = time.as_nanos().div_ceil(1_000_000);
    EpollTimeout::from(u16::try_from(rounded_up).unwrap_or(u16::MAX))
}

/// Puts a descriptor into the epoll set, or changes what it is there for. The kernel takes
/// closed ones out by itself.
fn await_fd(epoll: &Epoll, nanny: u64, source: Source, fd: &PollFd<'_>) -> Result<(), Errno> {
    let mut flags = EpollFlags::empty();
    flags.set(EpollFlags::EPOLLIN, fd.events().contains(PollFlags::POLLIN));
    flags.set(
        EpollFlags::EPOLLOUT,
        fd.events().contains(PollFlags::POLLOUT),
    );
    let mut event = EpollEvent::new(flags, nanny << 1 | source as u64);
    match epoll.add(fd, event) {
        Err(Errno::EEXIST) => epoll.modify(fd, &mut event),
        other => other,
    }
}
