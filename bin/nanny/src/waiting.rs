//! What many watches wait for, in one epoll set: a turn costs no more than what happened. Owned by
//! [`shell`](crate::shell).

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use daemon::{PollFd, PollFlags, Signals};
use lvs_model::Mono;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::parent_socket::Link;
use crate::watch::{Ready, Watch};

/// Most descriptors that one turn takes off the epoll set.
const EVENTS: usize = 256;

/// Data of the epoll events that are about no member.
const SIGNALS: u64 = u64::MAX;
const LINK: u64 = u64::MAX - 1;

/// Signals, the link, and the members' descriptors.
pub struct Waiting {
    epoll: Epoll,
    events: Box<[EpollEvent]>,
    /// Whether the link is in there for room too.
    awaits_room: bool,
}

/// Which descriptor of a member an epoll event is about. It is the lowest bit of the event's data, below
/// the member's number.
#[derive(Clone, Copy)]
enum Source {
    Check = 0,
    Load = 1,
}

/// What a wait has found.
#[derive(Default)]
pub struct Happened {
    /// A signal came.
    pub signals: bool,
    /// The parent said something, has room again, or is gone.
    pub parent: bool,
    /// Which members have something to do.
    pub members: BTreeMap<u64, Ready>,
}

impl Waiting {
    /// Signals and the link, no members yet.
    ///
    /// # Errors
    /// No room for a descriptor.
    pub fn new(signals: &Signals, link: &Link) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(signals, EpollEvent::new(EpollFlags::EPOLLIN, SIGNALS))?;
        epoll.add(link.fd(), EpollEvent::new(EpollFlags::EPOLLIN, LINK))?;
        Ok(Self {
            epoll,
            events: vec![EpollEvent::empty(); EVENTS].into(),
            awaits_room: false,
        })
    }

    /// Sleeps until something happens or `deadline`, which may be a millisecond later.
    ///
    /// # Errors
    /// No memory.
    pub fn wait(&mut self, deadline: Option<Mono>, now: Mono) -> io::Result<Happened> {
        let timeout = match deadline {
            None => EpollTimeout::NONE,
            Some(deadline) => milliseconds(deadline.since(now)),
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
                LINK => happened.parent = true,
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

    /// A full socket to lvsd is waited for.
    pub fn await_room(&mut self, link: &Link) {
        if self.awaits_room == link.is_full() {
            return;
        }
        self.awaits_room = link.is_full();
        let mut flags = EpollFlags::EPOLLIN;
        flags.set(EpollFlags::EPOLLOUT, self.awaits_room);
        let mut event = EpollEvent::new(flags, LINK);
        if let Err(errno) = self.epoll.modify(link.fd(), &mut event) {
            log::error!("cannot wait for lvsd: {errno}");
        }
    }

    /// What a member waits for.
    pub fn await_member(&self, nanny: u64, watch: &Watch) {
        let check = watch.check_fd().map(|fd| (Source::Check, fd));
        let load = watch.load_fd().map(|fd| (Source::Load, fd));
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

/// Puts a descriptor into the epoll set, or changes what is awaited of it. The kernel takes closed ones out
/// by itself.
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
