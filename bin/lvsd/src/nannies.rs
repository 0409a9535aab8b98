//! The running nannies: their processes and the sockets on which they report.
//!
//! Each has a place in a process, with others or alone ([`Pool`]); callers need not know.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use control::{MAX_NEWS, Order};
use daemon::{Program, Signal, Stdin, Stdout, Stray};
use director::{Input, NannyId, NannyOptions, StartError};
use lvs_model::{Account, ChildExit};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::pool::{Pool, PoolKind};

/// Most processes that are asked for at once.
const SPEAKERS: usize = 64;

/// Most messages read from one process in one turn of the loop: one that never stops talking must not keep
/// lvsd from everything else. The rest waits in its socket.
pub const PATIENCE: usize = 64;

/// The same once it has ended: more than its socket holds.
pub const LAST_PATIENCE: usize = 1024;

/// The running nannies.
pub struct Nannies {
    /// Their processes, by pid.
    pools: BTreeMap<i32, Pool>,
    /// The process of each.
    by_nanny: BTreeMap<NannyId, i32>,
    /// Processes to which something is still to be sent.
    unsent: BTreeSet<i32>,
    /// The sockets of the processes, by pid. Silent ones add nothing to the cost of a turn.
    links: Epoll,
    /// Room for a datagram of news.
    buffer: Box<[u8]>,
    /// Their user, if we are root; those with programs may have another one.
    account: Option<Account>,
    stdout: Stdout,
}

impl Nannies {
    /// None yet. `foreground`: their output goes where our log goes, beside the pipe to a parent.
    ///
    /// As root they run as `lvscheck`; otherwise as our own user.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn new(foreground: bool, has_parent: bool) -> io::Result<Self> {
        Ok(Self {
            pools: BTreeMap::new(),
            by_nanny: BTreeMap::new(),
            unsent: BTreeSet::new(),
            links: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            buffer: vec![0; MAX_NEWS].into(),
            account: daemon::check_user(),
            stdout: Stdout::for_log(foreground, has_parent),
        })
    }

    /// Starts one and returns the pid of its process.
    pub fn start(&mut self, nanny: NannyId, options: &NannyOptions) -> Result<u32, StartError> {
        let args = options.argv().split_off(1);
        let kind = PoolKind::of(options).filter(|_| Pool::fits(nanny, &args));
        let started = match kind {
            Some(kind) => self.join(nanny, kind, options, &args),
            None => self.start_alone(nanny, options, args),
        };
        let error = match started {
            Ok(pid) => {
                self.by_nanny.insert(nanny, pid);
                return Ok(pid.unsigned_abs());
            }
            Err(error) => error,
        };
        Err(StartError {
            is_shortage: is_shortage(&error),
            reason: format!("{}: {error}", options.program.display()),
        })
    }

    fn start_alone(
        &mut self,
        nanny: NannyId,
        options: &NannyOptions,
        args: Vec<OsString>,
    ) -> io::Result<i32> {
        let child = self.program(options, args).start()?;
        self.take_in(Pool::one(nanny, child))
    }

    /// Starts it in the process for all nannies of one kind with `options`; starts that process if there is
    /// none.
    fn join(
        &mut self,
        nanny: NannyId,
        kind: PoolKind,
        options: &NannyOptions,
        args: &[OsString],
    ) -> io::Result<i32> {
        let pid = match self.pools.values().find(|pool| pool.takes(&kind)) {
            Some(pool) => pool.pid(),
            None => {
                let foreground = self.stdout != Stdout::Null;
                let program = self.program(options, options.pool_args(foreground));
                self.take_in(Pool::many(kind, program.start()?))?
            }
        };
        let pool = self.pools.get_mut(&pid).ok_or(Errno::ESRCH)?;
        pool.start(nanny, args);
        self.unsent.insert(pid);
        Ok(pid)
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

    /// Listens to a new process. If that is not possible, its link is dropped, which ends it.
    fn take_in(&mut self, pool: Pool) -> io::Result<i32> {
        if let Some(link) = pool.link() {
            self.links.add(link, event(&pool))?;
        }
        let pid = pool.pid();
        self.pools.insert(pid, pool);
        Ok(pid)
    }

    fn pool_of(&mut self, nanny: NannyId) -> Option<&mut Pool> {
        let pid = self.by_nanny.get(&nanny)?;
        self.unsent.insert(*pid);
        self.pools.get_mut(pid)
    }

    /// Tells one something; a nanny that is about to end may miss it.
    pub fn tell(&mut self, nanny: NannyId, order: &Order) {
        if let Some(pool) = self.pool_of(nanny) {
            pool.tell(nanny, *order);
        }
    }

    /// Sends a signal to one that is not reaped yet.
    pub fn signal(&mut self, nanny: NannyId, signal: Signal) {
        if let Some(pool) = self.pool_of(nanny) {
            pool.signal(nanny, signal);
        }
    }

    /// The process with this pid has ended and was reaped. Returns what its nannies said last, and their
    /// ends.
    pub fn remove(&mut self, pid: i32, exit: ChildExit) -> Vec<Input> {
        let mut heard = Vec::new();
        self.listen(pid, LAST_PATIENCE, &mut heard);
        // It is reaped: no signal goes to its pid any more.
        if let Some(mut pool) = self.pools.remove(&pid) {
            pool.close(&self.links);
            self.unsent.remove(&pid);
            for nanny in pool.members() {
                self.by_nanny.remove(nanny);
                heard.push(Input::Ended(*nanny, exit));
            }
        }
        heard
    }

    /// Kills check programs whose nanny has ended without ending them. A process in our process group that
    /// was not started as a nanny looks up names or changes the table for us.
    pub fn kill_strays(&self) {
        let own_group = nix::unistd::getpgrp().as_raw();
        let is_known =
            |stray: Stray| self.pools.contains_key(&stray.pid) || stray.group == Some(own_group);
        match daemon::kill_strays(is_known) {
            Ok(0) => {}
            Ok(count) => log::info!("killed {count} processes that a nanny left behind"),
            Err(error) => log::error!("cannot look for what nannies left behind: {error}"),
        }
    }

    /// What they have said since the last time. All of them are asked, and each has said all, or as much as
    /// lvsd has patience for.
    pub fn hear(&mut self) -> Vec<Input> {
        let mut events = [EpollEvent::empty(); SPEAKERS];
        let mut heard = Vec::new();
        // The kernel puts those that it has named behind the others.
        for _ in 0..=self.pools.len() / SPEAKERS {
            let count = self.links.wait(&mut events, EpollTimeout::ZERO);
            let count = count.unwrap_or(0);
            for event in events.iter().take(count) {
                self.hear_one(event.data(), &mut heard);
            }
            if count < SPEAKERS {
                break;
            }
        }
        heard
    }

    fn hear_one(&mut self, pid: u64, heard: &mut Vec<Input>) {
        let Ok(pid) = i32::try_from(pid) else {
            return;
        };
        self.listen(pid, PATIENCE, heard);
        if let Some(pool) = self.pools.get_mut(&pid).filter(|pool| pool.is_over()) {
            pool.give_up(&self.links);
        }
    }

    /// What a process has said since the last time, at most `most` messages. A nanny in it that has ended
    /// is no member any more.
    fn listen(&mut self, pid: i32, most: usize, heard: &mut Vec<Input>) {
        let Some(pool) = self.pools.get_mut(&pid) else {
            return;
        };
        let known = heard.len();
        pool.hear(most, &mut self.buffer, heard);
        for input in heard.iter().skip(known) {
            if let Input::Ended(nanny, _) = input {
                self.by_nanny.remove(nanny);
            }
        }
    }

    /// Call it before a wait. Sends what processes were told; lvsd then also waits for sockets that lack
    /// room.
    pub fn flush(&mut self) {
        for pid in std::mem::take(&mut self.unsent) {
            let Some(pool) = self.pools.get_mut(&pid) else {
                continue;
            };
            pool.flush();
            if pool.is_full() {
                self.unsent.insert(pid);
            }
            let has_changed = pool.has_become_full_or_free();
            if let Some(link) = pool.link().filter(|_| has_changed)
                && let Err(error) = self.links.modify(link, &mut event(pool))
            {
                log::error!("cannot wait for process {pid}: {error}");
            }
        }
    }
}

impl AsFd for Nannies {
    /// Readable when one of them has said something.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.links.0.as_fd()
    }
}

/// What to wait for from a process.
fn event(pool: &Pool) -> EpollEvent {
    let mut flags = EpollFlags::EPOLLIN;
    flags.set(EpollFlags::EPOLLOUT, pool.is_full());
    EpollEvent::new(flags, u64::from(pool.pid().unsigned_abs()))
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
