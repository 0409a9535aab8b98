//! A process of nannies: of one, or of many (lvs.cf `nannies = shared`).
//!
//! Owned by [`Nannies`](crate::nannies::Nannies). To its callers the members look like nannies with
//! processes of their own: they start, speak, and end; all of them end if the process does. A nanny with a
//! process of its own is the only member of a pool from its start to its end.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::PathBuf;

use control::{Crew, Errand, MAX_ERRANDS, News, Order};
use daemon::{Child, Signal};
use director::{Input, NannyId, NannyOptions};
use lvs_model::{Account, ChildExit};
use nix::errno::Errno;
use nix::sys::epoll::Epoll;
use nix::sys::socket::{MsgFlags, recv, send};

use crate::nanny_socket::{close, give_up};

/// Bytes of a full datagram of several errands: a site starts and ends thousands of nannies together. One
/// that is not full is sent at the end of the turn.
const FULL: usize = 16 * 1024;

/// What members have in common: a nanny must not get the rights of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolKind {
    /// The program; lvs.cf may name another one for each virtual service.
    program: PathBuf,
    /// Whether its members may start programs; else they are confined.
    needs_files: bool,
    account: Option<Account>,
    set: Set,
}

/// Which nannies share a process. A server that makes its nanny die takes all others in the process along;
/// the next time fewer, and in the end none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    /// All that have not died lately.
    All,
    /// A sixteenth of those that have died once.
    Sixteenth(u64),
    /// A part of 256 of those that have died twice.
    Part(u64),
}

impl Set {
    /// Where a nanny belongs; `None` if it has to be alone.
    fn of(options: &NannyOptions) -> Option<Self> {
        let NannyOptions { vip, port, rip, .. } = options;
        let mut hasher = DefaultHasher::new();
        (vip, port, rip, options.check_port()).hash(&mut hasher);
        let number = hasher.finish();
        match options.deaths {
            0 => Some(Self::All),
            1 => Some(Self::Sixteenth(number % 16)),
            2 => Some(Self::Part(number % 256)),
            _ => None,
        }
    }
}

impl PoolKind {
    /// The kind of pool that a nanny belongs to; `None` if it has to have a process of its own.
    pub fn of(options: &NannyOptions) -> Option<Self> {
        let set = Set::of(options).filter(|_| options.shared)?;
        Some(Self {
            program: options.program.clone(),
            needs_files: options.needs_files(),
            account: options.account.clone(),
            set,
        })
    }
}

/// The process and its members.
pub struct Pool {
    /// `None` for a nanny of its own.
    kind: Option<PoolKind>,
    crew: Crew,
    child: Child,
    members: BTreeSet<NannyId>,
    /// Datagrams of errands that are not sent yet, in their order.
    unsent: VecDeque<Vec<u8>>,
    was_full: bool,
    /// Whether it has said something that is no message, which is logged once.
    has_babbled: bool,
    /// Whether it has closed its end or its last member has ended.
    is_over: bool,
}

impl Pool {
    /// The process `child`, for members of that kind; without any.
    pub fn many(kind: PoolKind, child: Child) -> Self {
        Self::new(Some(kind), Crew::Many, child)
    }

    /// The process `child` of this nanny alone.
    pub fn one(nanny: NannyId, child: Child) -> Self {
        let mut pool = Self::new(None, Crew::One(nanny.0), child);
        pool.members.insert(nanny);
        pool
    }

    fn new(kind: Option<PoolKind>, crew: Crew, child: Child) -> Self {
        Self {
            kind,
            crew,
            child,
            members: BTreeSet::new(),
            unsent: VecDeque::new(),
            was_full: false,
            has_babbled: false,
            is_over: false,
        }
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.child.pid()
    }

    /// Whether another nanny of that kind can join it.
    pub fn takes(&self, kind: &PoolKind) -> bool {
        self.kind.as_ref() == Some(kind) && self.link().is_some()
    }

    /// Our end of its socket, until it has closed its own or its last member has ended.
    pub fn link(&self) -> Option<BorrowedFd<'_>> {
        self.child.link().filter(|_| !self.is_over)
    }

    /// Whether it is of no use any more.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// Closes our end of its socket, which is in the set `links`.
    pub fn close(&mut self, links: &Epoll) {
        self.is_over = true;
        close(links, &mut self.child);
    }

    /// Ends it, before it is reaped; the next nanny of its kind gets a new one.
    pub fn give_up(&mut self, links: &Epoll) {
        self.is_over = true;
        give_up(links, &mut self.child);
    }

    /// Those of its members that have not ended.
    pub fn members(&self) -> &BTreeSet<NannyId> {
        &self.members
    }

    /// Whether errands wait for room in the socket, behind a [`flush`](Self::flush).
    pub fn is_full(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Whether that has changed since the last call.
    pub fn has_become_full_or_free(&mut self) -> bool {
        let is_full = self.is_full();
        std::mem::replace(&mut self.was_full, is_full) != is_full
    }

    /// Whether a nanny with these arguments can be one of many: three texts of lvs.cf together may be
    /// longer than a datagram.
    pub fn fits(nanny: NannyId, args: &[OsString]) -> bool {
        start(nanny, args).encode(Crew::Many).len() <= MAX_ERRANDS
    }

    /// Makes it a nanny more; its arguments must [fit](Self::fits).
    pub fn start(&mut self, nanny: NannyId, args: &[OsString]) {
        self.members.insert(nanny);
        self.say(&start(nanny, args));
    }

    /// Says something to a member.
    pub fn tell(&mut self, nanny: NannyId, order: Order) {
        self.say(&Errand::Tell(nanny.0, order));
    }

    /// Sends a signal. SIGTERM to one of many ends that one. Any other signal, and any to an only member,
    /// is for the whole process.
    pub fn signal(&mut self, nanny: NannyId, signal: Signal) {
        if signal == Signal::SIGTERM && self.crew == Crew::Many {
            self.say(&Errand::End(nanny.0));
        } else if let Err(error) = self.child.signal(signal) {
            log::error!("{nanny}: cannot send {signal}: {error}");
        }
    }

    fn say(&mut self, errand: &Errand<'_>) {
        let errand = errand.encode(self.crew);
        let has_room = |datagram: &[u8]| datagram.len() + errand.len() <= FULL;
        match self.unsent.back_mut() {
            Some(last) if self.crew == Crew::Many && has_room(last) => last.extend(errand),
            _ => {
                self.flush();
                self.unsent.push_back(errand);
            }
        }
    }

    /// Sends what waits, as far as there is room. To be called before each wait.
    pub fn flush(&mut self) {
        if self.link().is_none() {
            self.unsent.clear();
        }
        while let (Some(link), Some(datagram)) = (self.link(), self.unsent.front()) {
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
            match send(link.as_raw_fd(), datagram, flags) {
                Err(Errno::EAGAIN | Errno::ENOBUFS) => return,
                Err(errno) => log::debug!("{self} takes no errand: {errno}"),
                Ok(_) => {}
            }
            self.unsent.pop_front();
        }
    }

    /// What its members have said since the last time, at most `most` datagrams of it; `buffer` is room for
    /// one.
    pub fn hear(&mut self, most: usize, buffer: &mut [u8], heard: &mut Vec<Input>) {
        for _ in 0..most {
            let Some(link) = self.link() else {
                return;
            };
            match recv(link.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT) {
                // It has closed its end, which it does only when it ends.
                Ok(0) => self.is_over = true,
                Ok(length) => {
                    for line in News::lines(buffer.get(..length).unwrap_or_default()) {
                        self.take(line, heard);
                    }
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return,
                Err(_) => self.is_over = true,
            }
        }
    }

    /// It speaks for its members only.
    fn take(&mut self, line: &[u8], heard: &mut Vec<Input>) {
        match News::decode(line, self.crew) {
            Ok(News::Report(nanny, report)) => {
                let nanny = NannyId(nanny);
                if self.members.contains(&nanny) {
                    heard.push(Input::Report(nanny, report));
                }
            }
            Ok(News::Ended(nanny, status)) => {
                let nanny = NannyId(nanny);
                if self.members.remove(&nanny) {
                    let exit = ChildExit::Status(status.into());
                    heard.push(Input::Ended(nanny, exit));
                }
                self.is_over = self.members.is_empty();
            }
            Err(error) if !std::mem::replace(&mut self.has_babbled, true) => {
                log::warn!("{self}: {error}");
            }
            Err(_) => {}
        }
    }
}

impl fmt::Display for Pool {
    /// Its name in the log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.crew {
            Crew::One(nanny) => NannyId(nanny).fmt(f),
            Crew::Many => write!(f, "process {}", self.pid()),
        }
    }
}

fn start(nanny: NannyId, args: &[OsString]) -> Errand<'_> {
    let args = args.iter().map(OsString::as_os_str).collect();
    Errand::Start(nanny.0, args)
}
