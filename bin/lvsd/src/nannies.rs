//! The running nannies: their processes and the sockets on which they report.
//!
//! A nanny has a process of its own, or shares one with others ([`Pool`]); callers need not know.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use control::{MAX_MESSAGE, Order, Report};
use daemon::{Child, Program, Signal, Stdin, Stdout, Stray};
use director::{Input, NannyId, NannyOptions, StartError};
use lvs_model::{Account, ChildExit};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{MsgFlags, recv, send};

use crate::link::{close, give_up};
use crate::pool::{Pool, PoolKind};

/// Most nannies that are asked for at once.
const SPEAKERS: usize = 64;

/// Most messages that one nanny is listened to for in one turn of the loop: one that never stops
/// talking must not keep lvsd from everything else. The rest waits in its socket.
pub const PATIENCE: usize = 64;

/// The same once it has ended: more than its socket holds.
pub const LAST_PATIENCE: usize = 1024;

/// Marks what epoll says about a pool, whose pid is the rest. Nannies are numbered from 1 on.
const POOL: u64 = 1 << 63;

/// The running nannies.
pub struct Nannies {
    children: BTreeMap<NannyId, Child>,
    pools: BTreeMap<i32, Pool>,
    by_pid: BTreeMap<i32, NannyId>,
    /// Those that have said what is no message: said once.
    babblers: BTreeSet<NannyId>,
    /// Their sockets: the cost of a turn does not grow with the number of those that are silent.
    links: Epoll,
    /// Who runs them, if we are root; those with programs may have another user.
    account: Option<Account>,
    stdout: Stdout,
}

impl Nannies {
    /// None yet. `foreground`: their output goes where our log goes, beside the pipe to a parent.
    ///
    /// As root they run as `lvscheck`; otherwise as who we are.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn new(foreground: bool, has_parent: bool) -> io::Result<Self> {
        Ok(Self {
            children: BTreeMap::new(),
            pools: BTreeMap::new(),
            by_pid: BTreeMap::new(),
            babblers: BTreeSet::new(),
            links: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            account: daemon::check_user(),
            stdout: Stdout::for_log(foreground, has_parent),
        })
    }

    /// Starts one and returns the pid of its process.
    pub fn start(&mut self, nanny: NannyId, options: &NannyOptions) -> Result<u32, StartError> {
        let args = options.argv().split_off(1);
        let kind = PoolKind::of(options).filter(|_| Pool::fits(nanny, &args));
        let started = match kind {
            Some(kind) => self.pool(kind, options).map(|pool| {
                pool.start(nanny, &args);
                pool.pid().unsigned_abs()
            }),
            None => {
                let child = self.program(options, args).start();
                child.and_then(|child| self.take_in(nanny, child))
            }
        };
        started.map_err(|error| StartError {
            is_shortage: is_shortage(&error),
            reason: format!("{}: {error}", options.program.display()),
        })
    }

    fn program(&self, options: &NannyOptions, args: Vec<OsString>) -> Program {
        let mut program = Program::new(&options.program);
        program.args = args;
        program.stdin = Stdin::Report;
        program.stdout = self.stdout;
        if let Some(account) = &self.account {
            program.run_as(options.account.as_ref().unwrap_or(account));
        }
        program.parent_name = "lvsd";
        program
    }

    /// The process for all nannies that are of one kind with `options`; started if there is none.
    fn pool(&mut self, kind: PoolKind, options: &NannyOptions) -> io::Result<&mut Pool> {
        let is_it = |pool: &&Pool| *pool.kind() == kind && pool.link().is_some();
        let pid = match self.pools.values().find(is_it) {
            Some(pool) => pool.pid(),
            None => {
                let foreground = self.stdout != Stdout::Null;
                let program = self.program(options, options.pool_args(foreground));
                let pool = Pool::new(kind, program.start()?);
                let pid = pool.pid();
                if let Some(link) = pool.link() {
                    self.links.add(link, pool_event(&pool))?;
                }
                self.pools.insert(pid, pool);
                pid
            }
        };
        self.pools.get_mut(&pid).ok_or_else(|| Errno::ESRCH.into())
    }

    fn pool_of(&mut self, nanny: NannyId) -> Option<&mut Pool> {
        let mut pools = self.pools.values_mut();
        pools.find(|pool| pool.members().contains(&nanny))
    }

    /// Listens to a new one. If that is not possible its link is dropped, which ends it.
    fn take_in(&mut self, nanny: NannyId, child: Child) -> io::Result<u32> {
        if let Some(link) = child.link() {
            let event = EpollEvent::new(EpollFlags::EPOLLIN, nanny.0);
            self.links.add(link, event)?;
        }
        let pid = child.pid();
        self.by_pid.insert(pid, nanny);
        self.children.insert(nanny, child);
        Ok(pid.unsigned_abs())
    }

    /// Says something to one; one that is about to end may miss it.
    pub fn tell(&mut self, nanny: NannyId, order: &Order) {
        if let Some(pool) = self.pool_of(nanny) {
            pool.tell(nanny, *order);
            return;
        }
        let link = self.children.get(&nanny).and_then(Child::link);
        if let Some(link) = link {
            let text = order.to_string();
            if let Err(errno) = send(link.as_raw_fd(), text.as_bytes(), MsgFlags::MSG_NOSIGNAL) {
                log::debug!("{nanny} does not take orders: {errno}");
            }
        }
    }

    /// Sends a signal to one that is not reaped yet.
    pub fn signal(&mut self, nanny: NannyId, signal: Signal) {
        if let Some(pool) = self.pool_of(nanny) {
            pool.signal(nanny, signal);
        } else if let Some(child) = self.children.get(&nanny)
            && let Err(error) = child.signal(signal)
        {
            log::error!("{nanny}: cannot send {signal}: {error}");
        }
    }

    /// The process with this pid has ended and was reaped: what those who were in it said last, and
    /// their ends.
    pub fn remove(&mut self, pid: i32, exit: ChildExit) -> Vec<Input> {
        let mut heard = Vec::new();
        if let Some(mut pool) = self.pools.remove(&pid) {
            pool.hear(LAST_PATIENCE, &mut heard);
            pool.close(&self.links);
            let members = pool.members().iter();
            heard.extend(members.map(|nanny| Input::Ended(*nanny, exit)));
        } else if let Some(nanny) = self.by_pid.remove(&pid) {
            // It is reaped: no signal goes to its pid any more.
            self.listen(nanny, LAST_PATIENCE, &mut heard);
            if let Some(mut child) = self.children.remove(&nanny) {
                close(&self.links, &mut child);
            }
            self.babblers.remove(&nanny);
            heard.push(Input::Ended(nanny, exit));
        }
        heard
    }

    /// Kills check programs whose nanny has ended without ending them. What was not started as a nanny
    /// but is in our process group looks up names or changes the table for us.
    pub fn kill_strays(&self) {
        let own_group = nix::unistd::getpgrp().as_raw();
        let is_known = |stray: Stray| {
            let is_nanny =
                self.by_pid.contains_key(&stray.pid) || self.pools.contains_key(&stray.pid);
            is_nanny || stray.group == Some(own_group)
        };
        match daemon::kill_strays(is_known) {
            Ok(0) => {}
            Ok(count) => log::info!("killed {count} processes that a nanny left behind"),
            Err(error) => log::error!("cannot look for what nannies left behind: {error}"),
        }
    }

    /// What they have said since the last time: all of them have been asked, and each has said all or
    /// as much as lvsd has patience for.
    pub fn hear(&mut self) -> Vec<Input> {
        let mut events = [EpollEvent::empty(); SPEAKERS];
        let mut heard = Vec::new();
        let nannies = self.children.len() + self.pools.len();
        // The kernel puts those behind the others that it has named.
        for _ in 0..=nannies / SPEAKERS {
            let count = self.links.wait(&mut events, EpollTimeout::ZERO);
            let count = count.unwrap_or(0);
            for event in events.iter().take(count) {
                if event.data() & POOL == 0 {
                    self.hear_nanny(NannyId(event.data()), &mut heard);
                } else {
                    self.hear_pool(event.data() & !POOL, &mut heard);
                }
            }
            if count < SPEAKERS {
                break;
            }
        }
        heard
    }

    fn hear_nanny(&mut self, nanny: NannyId, heard: &mut Vec<Input>) {
        if self.listen(nanny, PATIENCE, heard)
            && let Some(child) = self.children.get_mut(&nanny)
        {
            give_up(&self.links, child);
        }
    }

    fn hear_pool(&mut self, pid: u64, heard: &mut Vec<Input>) {
        let pid = i32::try_from(pid).ok();
        if let Some(pool) = pid.and_then(|pid| self.pools.get_mut(&pid)) {
            pool.hear(PATIENCE, heard);
            if pool.is_over() {
                pool.give_up(&self.links);
            }
        }
    }

    /// Before a wait: sends pools what they were told; those that need room in their sockets wait for
    /// that too.
    pub fn flush(&mut self) {
        for pool in self.pools.values_mut() {
            pool.flush();
            let has_changed = pool.has_become_full_or_free();
            if let Some(link) = pool.link().filter(|_| has_changed)
                && let Err(error) = self.links.modify(link, &mut pool_event(pool))
            {
                log::error!("cannot wait for process {}: {error}", pool.pid());
            }
        }
    }

    /// What a nanny has said since the last time, at most `most` messages. Whether it has closed its
    /// end, which it does only when it ends.
    fn listen(&mut self, nanny: NannyId, most: usize, heard: &mut Vec<Input>) -> bool {
        let Some(link) = self.children.get(&nanny).and_then(Child::link) else {
            return false;
        };
        // One byte more, to see what is too long.
        let mut buffer = [0; MAX_MESSAGE + 1];
        for _ in 0..most {
            match recv(link.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(0) => return true,
                Ok(length) => match Report::decode(buffer.get(..length).unwrap_or_default()) {
                    Ok(report) => heard.push(Input::Report(nanny, report)),
                    Err(error) if self.babblers.insert(nanny) => log::warn!("{nanny}: {error}"),
                    Err(_) => {}
                },
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return false,
                Err(_) => return true,
            }
        }
        false
    }
}

impl AsFd for Nannies {
    /// Readable when one of them has said something.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.links.0.as_fd()
    }
}

/// What to wait for from a pool.
fn pool_event(pool: &Pool) -> EpollEvent {
    let mut flags = EpollFlags::EPOLLIN;
    flags.set(EpollFlags::EPOLLOUT, pool.is_full());
    EpollEvent::new(flags, POOL | u64::from(pool.pid().unsigned_abs()))
}

/// Whether the machine lacked something, rather than the program being at fault.
fn is_shortage(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(
        errno,
        Some(Errno::EAGAIN | Errno::ENOMEM | Errno::EMFILE | Errno::ENFILE)
    )
}

#[cfg(test)]
mod tests;
