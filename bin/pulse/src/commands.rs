//! Programs that are run without waiting for them: the hooks of lvs.cf, by a process of their own,
//! and the three commands that switch the kernel's sync daemon. Stopping one waits for kernel
//! threads, up to seconds: so it is done by a child, one command after the other, never by the loop.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use daemon::{Child, Program};
use lvs_config::{Command, Config};
use lvs_model::SyncRole;

use crate::hook_queue::Job;
use crate::runner::Runner;

/// Everything that runs beside lvsd.
#[derive(Default)]
pub struct Commands {
    runner: Option<Runner>,
    /// The number of the last `inactive_cmd` that was ordered, and whether its end is waited for.
    inactive: u32,
    is_letting_go: bool,
    /// Nobody has taken the order.
    is_unheard: bool,
    sync: Option<Child>,
    sync_role: Option<SyncRole>,
    sync_queue: VecDeque<Vec<OsString>>,
    ipvsadm: PathBuf,
}

impl Commands {
    /// Starts the process that runs the hooks, while there still are rights to hand on.
    ///
    /// # Errors
    /// Those of starting a program.
    pub fn open(foreground: bool) -> io::Result<Self> {
        Ok(Self {
            runner: Some(Runner::start(foreground)?),
            ..Self::default()
        })
    }

    /// Has `active_cmd` run, after `inactive_cmd` if that still runs.
    pub fn run_active(&mut self, hook: Option<&Command>) {
        if let Some(words) = hook.and_then(hook_words) {
            self.order(&Job::Active(words));
        }
    }

    /// Has `inactive_cmd` run; a running `active_cmd` is ended for it, also where lvs.cf has nothing to
    /// run. [`has_let_go`](Self::has_let_go) tells of the end.
    pub fn run_inactive(&mut self, hook: Option<&Command>) {
        self.inactive = self.inactive.wrapping_add(1);
        let words = hook.and_then(hook_words).unwrap_or_default();
        self.is_unheard = !self.order(&Job::Inactive(self.inactive, words));
        self.is_letting_go = true;
    }

    /// Whether the last `inactive_cmd` has ended since this was asked, or nobody is left to run it.
    pub fn has_let_go(&mut self) -> bool {
        let mut has_ended = self.is_deserted();
        while let Some(number) = self.runner.as_ref().and_then(Runner::hear) {
            has_ended |= number == self.inactive;
        }
        has_ended && std::mem::take(&mut self.is_letting_go)
    }

    /// Whether the loop need not wait before it asks [`has_let_go`](Self::has_let_go).
    pub const fn is_deserted(&self) -> bool {
        self.is_letting_go && (self.is_unheard || self.runner.is_none())
    }

    /// Readable when a hook has ended.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.runner.as_ref().and_then(Runner::fd)
    }

    /// Has a command run as hooks are, after those before it; it reads `input`.
    pub fn run(&self, words: &[OsString], input: &Path) {
        self.order(&Job::Command(input.into(), words.to_vec()));
    }

    /// Hands it to the runner; whether that has it.
    fn order(&self, job: &Job) -> bool {
        log::debug!("DEBUG -- Executing '{job:?}'");
        match self.runner.as_ref().map(|runner| runner.run(job)) {
            Some(Ok(())) => return true,
            Some(Err(error)) => log::error!("{job:?}: {error}"),
            None => log::error!("{job:?} is not run: nobody is left to do it"),
        }
        false
    }

    /// What is to be run if pulse is killed; nothing to take it back.
    pub fn leave(&mut self, hook: Option<&Command>) {
        let words = hook.and_then(|hook| words(hook).ok()).unwrap_or_default();
        let told = self.runner.as_ref().map(|runner| runner.leave(&words));
        if let Some(Err(error)) = told {
            log::error!("{words:?} will not be run when pulse is killed: {error}");
        }
    }

    /// No more hooks: the runner ends after those it has.
    pub fn finish(&mut self) {
        if let Some(runner) = &mut self.runner {
            runner.finish();
        }
    }

    /// Switches the sync daemon, if lvs.cf has one; what was planned and not begun is dropped.
    pub fn switch_sync(&mut self, config: &Config, role: SyncRole) {
        if config.sync_daemon.is_none() {
            return;
        }
        self.sync_role = Some(role);
        self.ipvsadm.clone_from(&config.ipvsadm);
        self.sync_queue = sync_arguments(config, role).into();
        self.start_next();
    }

    /// What the sync daemon was switched to last, and what is known of that.
    pub fn sync_status(&self) -> Option<(SyncRole, String)> {
        let state = if self.sync.is_some() || !self.sync_queue.is_empty() {
            "being switched"
        } else {
            "switched"
        };
        Some((self.sync_role?, state.to_owned()))
    }

    fn start_next(&mut self) {
        while self.sync.is_none() {
            let Some(args) = self.sync_queue.pop_front() else {
                return;
            };
            let mut program = Program::new(&self.ipvsadm);
            program.args = args;
            log::debug!(
                "DEBUG -- Executing '{} {:?}'",
                program.path.display(),
                program.args
            );
            match program.start() {
                Ok(child) => self.sync = Some(child),
                Err(error) => log::error!("{}: {error}", program.path.display()),
            }
        }
    }

    /// Whether `pid` was one of these; the next command of the sync daemon is then started.
    pub fn ended(&mut self, pid: i32) -> bool {
        if self.sync.as_ref().is_some_and(|child| child.pid() == pid) {
            self.sync = None;
            self.start_next();
            return true;
        }
        let runner = self.runner.take_if(|runner| runner.pid() == pid);
        if runner.is_some() {
            log::debug!("the process for the hooks has ended");
        }
        runner.is_some()
    }

    /// Whether the sync daemon is still being switched, or hooks run.
    pub const fn is_busy(&self) -> bool {
        self.sync.is_some() || self.runner.is_some()
    }
}

/// Arguments of the commands of `ipvsadm` that switch the sync daemon; none if lvs.cf has none.
///
/// The new one starts before the other one stops, which may take seconds: until then connections would
/// neither be told nor learnt. One of the same role that a killed predecessor left may have other settings.
pub fn sync_arguments(config: &Config, role: SyncRole) -> Vec<Vec<OsString>> {
    let Some(sync) = &config.sync_daemon else {
        return Vec::new();
    };
    let words = |words: &[&str]| words.iter().map(OsString::from).collect();
    let other = match role {
        SyncRole::Master => SyncRole::Backup,
        SyncRole::Backup => SyncRole::Master,
    };
    let (role, other, id) = (role.to_string(), other.to_string(), sync.id.to_string());
    let interface = sync.interface.label();
    vec![
        words(&["--stop-daemon", &role]),
        words(&[
            "--start-daemon",
            &role,
            "--mcast-interface",
            interface,
            "--syncid",
            &id,
        ]),
        words(&["--stop-daemon", &other]),
    ]
}

/// The words of a hook; one that cannot be run is told of.
fn hook_words(hook: &Command) -> Option<Vec<OsString>> {
    words(hook).inspect_err(|error| log::error!("{error}")).ok()
}

/// A hook that names no program by its whole path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoPath(PathBuf);

impl fmt::Display for NoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: a command needs its whole path", self.0.display())
    }
}

impl std::error::Error for NoPath {}

/// A hook's words, split at blanks.
///
/// # Errors
/// [`NoPath`]: nothing is searched for in PATH.
pub fn words(hook: &Command) -> Result<Vec<OsString>, NoPath> {
    let words = hook.text.as_bytes().split(|byte| *byte == b' ');
    let words = words.filter(|word| !word.is_empty());
    let words: Vec<OsString> = words.map(|w| OsString::from_vec(w.to_vec())).collect();
    match words.first() {
        Some(path) if Path::new(path).is_absolute() => Ok(words),
        first => Err(NoPath(first.map(PathBuf::from).unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(text: &str) -> Command {
        Command {
            text: text.into(),
            line: 1,
        }
    }

    #[test]
    fn a_hook_is_an_argument_vector_not_a_shell_line() {
        let words = words(&hook("/bin/echo  a 'b c' $HOME")).unwrap();
        assert_eq!(words, ["/bin/echo", "a", "'b", "c'", "$HOME"]);
    }

    #[test]
    fn a_hook_without_a_path_is_not_run() {
        assert!(words(&hook("echo a")).is_err());
        assert!(words(&hook("  ")).is_err());
    }
}
