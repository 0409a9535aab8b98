//! What happens to lvsd, and what it does.

use std::fmt;

use control::{Order, Report};
use lvs_model::{ChildExit, IpvsOp};

use crate::{NannyOptions, Notice, Site, Table};

/// One started nanny; a successor of the same monitor has another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NannyId(pub u64);

impl fmt::Display for NannyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nanny {}", self.0)
    }
}

/// What happens to lvsd. The answers to an action come in the order of the actions.
#[derive(Clone, Debug)]
pub enum Input {
    /// The program starts.
    Start,
    /// The time of [`Lvsd::next_deadline`](crate::Lvsd::next_deadline) has come.
    Deadline,
    /// Answer to [`Action::ReadTable`].
    Table(Result<Table, String>),
    /// Answer to [`Action::Apply`]: what was refused; empty if all was done.
    Applied(Vec<Refusal>),
    /// Answer to [`Action::StartNanny`].
    Started(NannyId, Result<u32, StartError>),
    /// A nanny said something.
    Report(NannyId, Report),
    /// Everything that had happened has been handed in: now the table follows the verdicts in it. To be
    /// given whenever [`Lvsd::has_open_verdicts`](crate::Lvsd::has_open_verdicts), before the next wait.
    TurnEnd,
    /// A nanny has ended and is reaped.
    Ended(NannyId, ChildExit),
    /// SIGHUP.
    Hangup,
    /// Answer to [`Action::ReadConfiguration`]: the new one, or the lines that say why not.
    Configuration(Result<Box<Site>, Vec<String>>),
    /// SIGTERM or SIGINT.
    Terminate(i32),
    /// A signal that means nothing to lvsd.
    StraySignal(i32),
    /// pulse, which started this lvsd, is gone.
    ParentGone,
}

/// What the shell shall do, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Read the kernel's services and destinations.
    ReadTable,
    /// Carry out every operation in order; a refused one does not stop the others.
    Apply(Vec<IpvsOp>),
    /// Start a nanny.
    StartNanny(NannyId, Box<NannyOptions>),
    /// Say something to a nanny.
    Tell(NannyId, Order),
    /// Send SIGTERM.
    Terminate(NannyId),
    /// Send SIGKILL.
    Kill(NannyId),
    /// Read and check lvs.cf again.
    ReadConfiguration,
    /// The table is as lvs.cf wants it: tell the process that waits for it.
    Ready,
    /// Every real server has been checked once, and the table follows: nothing more enters it unless
    /// something changes. Given once, after `Ready`.
    Checked,
    /// Write a log line.
    Notice(Notice),
    /// End with this status. Nothing comes after it.
    Exit(i32),
}

/// An operation that was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its place in the list.
    pub index: usize,
    /// What that means for the plan.
    pub kind: RefusalKind,
    /// The reason in words.
    pub reason: String,
}

/// What a refusal means for the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// Added already, or gone already: somebody else changed the table. Read it again.
    Outdated,
    /// Anything else: it will be tried again at the next audit.
    Failed,
}

/// Why a nanny could not be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartError {
    /// Whether the machine lacked processes, descriptors or memory. Then it does not count as a death.
    pub is_shortage: bool,
    /// The reason in words.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::NannyId;

    #[test]
    fn a_nanny_is_named_by_its_number_in_the_log() {
        assert_eq!(NannyId(7).to_string(), "nanny 7");
    }
}
