//! What happens to fos, and what it does.

use std::ffi::OsString;

use lvs_model::{Account, ChildExit};

use super::{Notice, Site};

/// One started monitor; a successor has another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonitorId(pub u64);

/// What happens to fos.
#[derive(Clone, Debug)]
pub enum Input {
    /// The program starts.
    Start,
    /// The time of [`Fos::next_deadline`](super::Fos::next_deadline) has come.
    Deadline,
    /// The command of [`Action::RunCommand`] has ended, or why it was not started.
    CommandEnded(Result<ChildExit, String>),
    /// Answer to [`Action::StartMonitor`]: its pid, or why there is none.
    MonitorStarted(MonitorId, Result<i32, String>),
    /// A monitor has ended and is reaped.
    MonitorEnded(MonitorId, ChildExit),
    /// SIGHUP.
    Hangup,
    /// Answer to [`Action::ReadConfiguration`]: the new one, or the lines that say why not.
    Configuration(Result<Box<Site>, Vec<String>>),
    /// SIGTERM or SIGINT.
    Terminate(i32),
    /// pulse, which started this fos, is gone.
    ParentGone,
}

/// What the shell shall do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Run a command of lvs.cf in a process group of its own. There is never more than one.
    RunCommand(Vec<OsString>),
    /// Send SIGTERM to the running command's group.
    TerminateCommand,
    /// Send SIGKILL to the running command's group.
    KillCommand,
    /// Start a monitor.
    StartMonitor(MonitorId, Vec<OsString>, Option<Account>),
    /// Send SIGTERM to a monitor.
    TerminateMonitor(MonitorId),
    /// Send SIGKILL to a monitor.
    KillMonitor(MonitorId),
    /// Read and check lvs.cf again.
    ReadConfiguration,
    /// Everything is started: tell who waits for that.
    Ready,
    /// Write a log line.
    Notice(Notice),
    /// End with status 0. Nothing comes after it.
    Exit,
}
