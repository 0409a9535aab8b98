//! The commands of lvs.cf and the monitors, as processes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;

use daemon::{Child, Program, Signal, Stdin, Stdout};
use director::failover::MonitorId;
use lvs_model::Account;

use crate::options::{NAME, Options};

/// What has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The command.
    Command,
    /// A monitor.
    Monitor(MonitorId),
}

/// Everything that fos has started and not reaped.
pub struct Children {
    command: Option<Child>,
    monitors: BTreeMap<MonitorId, Child>,
    stdout: Stdout,
    /// The user of the monitors; the commands run as us.
    account: Option<Account>,
}

impl Children {
    /// None yet. In the foreground their output goes where our log goes, beside the pipe to a parent.
    pub fn new(options: &Options, has_parent: bool) -> Self {
        Self {
            command: None,
            monitors: BTreeMap::new(),
            stdout: Stdout::for_log(options.foreground, has_parent),
            account: daemon::check_user(),
        }
    }

    /// Runs a command in a process group of its own, so that its children end with it.
    ///
    /// # Errors
    /// No such program, not executable, no room for a process.
    pub fn run(&mut self, argv: &[OsString]) -> io::Result<()> {
        let mut program = program(argv)?;
        program.own_group = true;
        self.command = Some(program.start()?);
        Ok(())
    }

    /// Starts a monitor, which ends with us, as `account` if we are root; its pid.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn start(
        &mut self,
        monitor: MonitorId,
        argv: &[OsString],
        account: Option<&Account>,
    ) -> io::Result<i32> {
        let mut program = program(argv)?;
        program.stdin = Stdin::Lifeline;
        program.stdout = self.stdout;
        program.parent_name = NAME;
        if let Some(own) = &self.account {
            program.run_as(account.unwrap_or(own));
        }
        let child = program.start()?;
        let pid = child.pid();
        self.monitors.insert(monitor, child);
        Ok(pid)
    }

    /// Sends a signal to the command's process group.
    pub fn signal_command(&self, signal: Signal) {
        let sent = self.command.as_ref().map(|c| c.signal_group(signal));
        if let Some(Err(error)) = sent {
            log::error!("command: cannot send {signal}: {error}");
        }
    }

    /// Sends a signal to a monitor that is not reaped yet.
    pub fn signal(&self, monitor: MonitorId, signal: Signal) {
        let sent = self.monitors.get(&monitor).map(|c| c.signal(signal));
        if let Some(Err(error)) = sent {
            log::error!("monitor: cannot send {signal}: {error}");
        }
    }

    /// Whose pid this was; it is gone.
    pub fn ended(&mut self, pid: i32) -> Option<Ended> {
        if self.command.as_ref().is_some_and(|c| c.pid() == pid) {
            self.command = None;
            return Some(Ended::Command);
        }
        let found = self.monitors.iter().find(|(_, child)| child.pid() == pid);
        let monitor = *found?.0;
        self.monitors.remove(&monitor);
        Some(Ended::Monitor(monitor))
    }
}

fn program(argv: &[OsString]) -> io::Result<Program> {
    let (path, args) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut program = Program::new(path);
    // Not searched for in PATH, as a word without a slash would be.
    if !program.path.is_absolute() {
        let reason = format!("{}: a command needs its whole path", program.path.display());
        return Err(io::Error::other(reason));
    }
    program.args = args.to_vec();
    log::debug!("DEBUG -- Executing '{} {args:?}'", program.path.display());
    Ok(program)
}
