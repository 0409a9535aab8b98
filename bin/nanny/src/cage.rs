//! What check and load programs are shut into under lvsd or fos. All of them run as the same user, and none
//! may end, stop or look into a nanny or the program of another server.
//!
//! Landlock keeps signals in where the kernel can (6.12): a program reaches what it has started, and
//! nothing else. Otherwise a filter of system calls does, which cannot tell what the program has started: a
//! program then reaches only itself and its process group, whose leader is the program that is run first.
//! In both cases the filter refuses everything else that one process can do to another of the same user.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use daemon::calls::{Is, OWN_ARCHITECTURE, Others, Rule, Table, filter};
use daemon::{Cage, CallFilter, OWN_GROUP, OWN_PROCESS};
use landlock::{
    AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, Scope,
};
use nix::libc;

/// Allowed for the program itself, or for signal 0, which only asks whether a process is there.
const SIGNALS: Rule = Rule::If(&[&[(1, 0)], &[(0, 0)], &[(0, OWN_PROCESS)], &[(0, OWN_GROUP)]]);
/// The same where another argument is the signal, or the first one a thread.
const THREAD_SIGNALS: Rule = Rule::If(&[&[(2, 0)], &[(0, OWN_PROCESS)]]);
const QUEUED_SIGNALS: Rule = Rule::If(&[&[(1, 0)], &[(0, OWN_PROCESS)]]);
/// A descriptor stands for the process.
const SIGNALS_BY_DESCRIPTOR: Rule = Rule::If(&[&[(1, 0)]]);
/// Only of the process that calls.
const OWN: Rule = Rule::If(&[&[(0, 0)], &[(0, OWN_PROCESS)]]);
/// `PRIO_PROCESS`, 0.
const OWN_PRIORITY: Rule = Rule::If(&[&[(0, 0), (1, 0)]]);
/// `IOPRIO_WHO_PROCESS`, 0.
const OWN_IO_PRIORITY: Rule = Rule::If(&[&[(0, 1), (1, 0)]]);
/// `F_SETOWN`, `F_SETOWN_EX`: who gets a signal, any one, when a descriptor is ready.
const NO_OWNER: &[Is] = &[(1, 8), (1, 15)];
/// `FIOSETOWN`, `SIOCSPGRP`: the same.
const NO_OWNER_BY_IOCTL: &[Is] = &[(1, 0x8901), (1, 0x8902)];

/// A call: its number here, that of 32-bit programs (x86, then ARM), and when it is allowed.
type Row = (libc::c_long, [u32; 2], Rule);

/// Numbers as in the kernel's tables `syscall_32.tbl` and `syscall.tbl` of these architectures.
const SIGNAL_CALLS: [Row; 6] = [
    (libc::SYS_kill, [37, 37], SIGNALS),
    (libc::SYS_tkill, [238, 238], QUEUED_SIGNALS),
    (libc::SYS_tgkill, [270, 268], THREAD_SIGNALS),
    (libc::SYS_rt_sigqueueinfo, [178, 178], QUEUED_SIGNALS),
    (libc::SYS_rt_tgsigqueueinfo, [335, 363], THREAD_SIGNALS),
    (
        libc::SYS_pidfd_send_signal,
        [424, 424],
        SIGNALS_BY_DESCRIPTOR,
    ),
];

const OTHER_CALLS: [Row; 17] = [
    (libc::SYS_ptrace, [26, 26], Rule::Never),
    (libc::SYS_process_vm_readv, [347, 376], Rule::Never),
    (libc::SYS_process_vm_writev, [348, 377], Rule::Never),
    (libc::SYS_kcmp, [349, 378], Rule::Never),
    (libc::SYS_pidfd_getfd, [438, 438], Rule::Never),
    (libc::SYS_process_madvise, [440, 440], Rule::Never),
    (libc::SYS_prlimit64, [340, 369], OWN),
    (libc::SYS_sched_setaffinity, [241, 241], OWN),
    (libc::SYS_sched_setscheduler, [156, 156], OWN),
    (libc::SYS_sched_setparam, [154, 154], OWN),
    (libc::SYS_sched_setattr, [351, 380], OWN),
    (libc::SYS_migrate_pages, [294, 400], OWN),
    (libc::SYS_move_pages, [317, 344], OWN),
    (libc::SYS_setpriority, [97, 97], OWN_PRIORITY),
    (libc::SYS_ioprio_set, [289, 314], OWN_IO_PRIORITY),
    (libc::SYS_fcntl, [55, 55], Rule::Unless(NO_OWNER)),
    (libc::SYS_ioctl, [54, 54], Rule::Unless(NO_OWNER_BY_IOCTL)),
];

/// `fcntl64`, which only 32-bit programs have; the same number on both.
const FCNTL64: (u32, Rule) = (221, Rule::Unless(NO_OWNER));

/// The 32-bit architecture whose programs run here too, and its column of the numbers above.
const OTHER_ARCHITECTURE: Option<(u32, usize)> = if cfg!(target_arch = "x86_64") {
    Some((0x4000_0003, 0))
} else if cfg!(target_arch = "aarch64") {
    Some((0x4000_0028, 1))
} else {
    None
};

/// What keeps signals in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signals {
    /// Landlock does.
    ByLandlock,
    /// The filter does.
    ByFilter,
}

/// Makes what all programs of this process are shut into. Logs once what the kernel cannot do.
pub fn make() -> Arc<Cage> {
    let signals = if scope().is_ok() {
        Signals::ByLandlock
    } else {
        Signals::ByFilter
    };
    let ruleset = scope().or_else(|_| isolation()).unwrap_or_else(|error| {
        log::info!("programs are not shut in by Landlock: {error}");
        None
    });
    let filter = daemon::calls_can_be_filtered().then(|| calls(signals));
    let filter = filter.flatten();
    match &filter {
        Some(_) => log::debug!("programs are shut in, signals {signals:?}"),
        None => log::warn!("this kernel filters no system calls: programs can end other nannies"),
    }
    Arc::new(Cage { ruleset, filter })
}

/// The filter of their calls; `None` where none can be made.
fn calls(signals: Signals) -> Option<CallFilter> {
    let signal_calls = SIGNAL_CALLS.iter().filter(|_| signals == Signals::ByFilter);
    let calls: Vec<&Row> = signal_calls.chain(&OTHER_CALLS).collect();
    let own = Table {
        architecture: OWN_ARCHITECTURE?,
        rows: calls
            .iter()
            .filter_map(|(own, _, rule)| Some((u32::try_from(*own).ok()?, *rule)))
            .collect(),
    };
    let other = OTHER_ARCHITECTURE.map(|(architecture, place)| {
        let rows = calls
            .iter()
            .filter_map(|(_, numbers, rule)| Some((*numbers.get(place)?, *rule)));
        Table {
            architecture,
            rows: rows.chain([FCNTL64]).collect(),
        }
    });
    let tables: Vec<Table> = [own].into_iter().chain(other).collect();
    filter(&tables, Others::Allowed).ok()
}

/// Keeps signals in, and with them every look into processes outside.
///
/// # Errors
/// The kernel does not know how.
fn scope() -> Result<Option<OwnedFd>, RulesetError> {
    let rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .scope(Scope::Signal)?;
    Ok(rules.create()?.into())
}

/// Keeps looks into processes outside, which every ruleset does, and forbids no access to files. Each
/// ruleset forbids one, to move files between directories; it is given back.
///
/// # Errors
/// The kernel is older than 5.19, or has Landlock switched off.
fn isolation() -> Result<Option<OwnedFd>, RulesetError> {
    let rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::Refer)?
        .create()?;
    let Ok(root) = PathFd::new("/") else {
        return Ok(None);
    };
    let rules = rules.add_rule(PathBeneath::new(root, AccessFs::Refer))?;
    Ok(rules.into())
}
