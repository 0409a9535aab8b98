//! Many watches in one process (lvs.cf `nannies = shared`): lvsd says which, one loop serves all.
//!
//! A watch is the same as in a process of its own. Its descriptors stand in one epoll set and its
//! deadline in one ordered list, so that a turn costs no more than what happened.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;

use control::{Errand, News};
use daemon::{Clock, PollFd, PollFlags, Signal, Signals};
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

/// The loop.
pub struct Shared {
    clock: Clock,
    signals: Signals,
    link: Link,
    epoll: Epoll,
    members: BTreeMap<u64, Member>,
    /// When which member is due; each at most once.
    due: BTreeSet<(Mono, u64)>,
    seed: u64,
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

impl Shared {
    /// Nobody to watch yet. `seed` spreads the members' pauses.
    ///
    /// # Errors
    /// No room for a descriptor.
    pub fn new(signals: Signals, link: Link, seed: u64) -> io::Result<Self> {
        Ok(Self {
            clock: Clock::start(),
            signals,
            link,
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            members: BTreeMap::new(),
            due: BTreeSet::new(),
            seed,
            is_over: false,
        })
    }

    /// Runs until lvsd is gone or a signal ends it.
    ///
    /// # Errors
    /// The wait itself failed: no memory.
    pub fn run(mut self) -> io::Result<u8> {
        while !self.is_over {
            self.link.flush(self.clock.now());
            self.turn()?;
        }
        let watches = self.members.values_mut().map(|member| &mut member.watch);
        let mut watches: Vec<&mut Watch> = watches.collect();
        reaping::kill_all(&mut watches, &mut self.signals, &self.clock);
        Ok(0)
    }

    /// One turn of the loop.
    fn turn(&mut self) -> io::Result<()> {
        let mut fds = [
            PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            self.link.poll_fd(),
            PollFd::new(self.epoll.0.as_fd(), PollFlags::POLLIN),
        ];
        let member = self.due.first().map(|(at, _)| *at);
        let deadline = member.into_iter().chain(self.link.deadline()).min();
        daemon::wait(&mut fds, &self.clock, deadline)?;
        let [signals, link, members] = fds.map(|fd| fd.any().unwrap_or(false));
        if signals {
            self.take_signals();
        }
        if link {
            self.take_errands();
        }
        let mut ready = if members {
            self.ready()?
        } else {
            BTreeMap::new()
        };
        let now = (self.clock.now(), u64::MAX);
        for (_, nanny) in self.due.range(..=now) {
            ready.entry(*nanny).or_default();
        }
        for (nanny, ready) in ready {
            if let Some(member) = self.members.get_mut(&nanny) {
                member.watch.turn(&self.clock, ready);
                self.settle(nanny);
            }
        }
        Ok(())
    }

    /// The members whose descriptors are ready.
    fn ready(&self) -> io::Result<BTreeMap<u64, Ready>> {
        let mut events = [EpollEvent::empty(); EVENTS];
        let count = match self.epoll.wait(&mut events, EpollTimeout::ZERO) {
            Ok(count) => count,
            Err(Errno::EINTR) => 0,
            Err(errno) => return Err(errno.into()),
        };
        let mut members: BTreeMap<u64, Ready> = BTreeMap::new();
        for event in events.iter().take(count) {
            let ready = members.entry(event.data() >> 1).or_default();
            if event.data() & 1 == Source::Check as u64 {
                ready.check = true;
            } else {
                ready.load = true;
            }
        }
        Ok(members)
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
            let clock = &self.clock;
            let its = self.members.iter_mut().find_map(|(nanny, member)| {
                member.watch.reaped(clock, pid, exit).then_some(*nanny)
            });
            if let Some(nanny) = its {
                self.settle(nanny);
            }
        }
        reaping::kill_strays(self.members.values().map(|member| &member.watch));
    }

    fn take_errands(&mut self) {
        loop {
            match self.link.hear() {
                Heard::Errand(Errand::Start(nanny, args)) => self.start(nanny, &args),
                Heard::Errand(Errand::Tell(nanny, order)) => {
                    self.feed(nanny, Input::Order(order));
                }
                Heard::Errand(Errand::End(nanny)) => {
                    let terminate = healthcheck::Signal::Terminate(Signal::SIGTERM as i32);
                    self.feed(nanny, Input::Signal(terminate));
                }
                Heard::Nothing => return,
                Heard::Gone => {
                    self.is_over = true;
                    return;
                }
            }
        }
    }

    fn start(&mut self, nanny: u64, args: &[OsString]) {
        match self.watch(nanny, args) {
            Ok(watch) => {
                self.members.insert(nanny, Member { watch, due: None });
                self.settle(nanny);
            }
            Err(error) => {
                log::error!("{error}");
                self.link.say(self.clock.now(), &News::Ended(nanny, 1));
            }
        }
    }

    fn watch(&self, nanny: u64, args: &[OsString]) -> Result<Watch, StartError> {
        let Request::Run(options) = options::parse(args, &Aliases::default())? else {
            return Err(StartError::UnexpectedArguments);
        };
        crate::describe(&options);
        // Numbers follow each other: far apart, so that pauses differ from the first on.
        let seed = self.seed ^ nanny.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let setup = setup::resolve(&options, true, seed)?;
        Ok(Watch::start(setup, None, &self.clock))
    }

    fn feed(&mut self, nanny: u64, input: Input) {
        if let Some(member) = self.members.get_mut(&nanny) {
            member.watch.feed(&self.clock, input);
            self.settle(nanny);
        }
    }

    /// After something happened to a member: what it has to say, what it waits for.
    fn settle(&mut self, nanny: u64) {
        let Some(member) = self.members.get_mut(&nanny) else {
            return;
        };
        let now = self.clock.now();
        for report in member.watch.take_reports() {
            self.link.say(now, &News::Report(nanny, report));
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
            self.link.say(now, &News::Ended(nanny, status));
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
