//! What is done beside the loop, by a process each: the hooks of lvs.cf by the [`Runner`], the switch and
//! the watch of the kernel's sync daemon by the [`SyncKeeper`].

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use lvs_config::{Command, Config};
use lvs_model::SyncRole;

use crate::hook_queue::Job;
use crate::runner::Runner;
use crate::sync_keeper::SyncKeeper;
use crate::sync_watch::SyncStatus;

/// Everything that runs beside lvsd.
#[derive(Default)]
pub struct Commands {
    runner: Option<Runner>,
    /// The number of the last `inactive_cmd` that was ordered, and whether its end is waited for.
    inactive: u32,
    is_letting_go: bool,
    /// Nobody has taken the order.
    is_unheard: bool,
    is_foreground: bool,
    /// It has ended since the last hook, and another has been started.
    is_runner_replaced: bool,
    /// What it runs if pulse is killed.
    will: Vec<OsString>,
    keeper: Option<SyncKeeper>,
    /// What the sync daemon is to be.
    role: Option<SyncRole>,
    sync: Option<SyncStatus>,
    /// The keeper has ended since the last order, and another has been started.
    is_replaced: bool,
    is_finished: bool,
}

impl Commands {
    /// Starts the process that runs the hooks, while there still are rights to hand on.
    ///
    /// # Errors
    /// Those of starting a program.
    pub fn open(foreground: bool) -> io::Result<Self> {
        Ok(Self {
            runner: Some(Runner::start(foreground)?),
            is_foreground: foreground,
            ..Self::default()
        })
    }

    /// Has `active_cmd` run, after `inactive_cmd` if that still runs.
    pub fn run_active(&mut self, hook: Option<&Command>) {
        if let Some(words) = hook.and_then(hook_words) {
            self.is_runner_replaced &= !self.order(&Job::Active(words));
        }
    }

    /// Has `inactive_cmd` run; a running `active_cmd` is ended for it, also where lvs.cf has nothing to
    /// run. [`has_let_go`](Self::has_let_go) tells of the end.
    pub fn run_inactive(&mut self, hook: Option<&Command>) {
        self.inactive = self.inactive.wrapping_add(1);
        let words = hook.and_then(hook_words).unwrap_or_default();
        self.is_unheard = !self.order(&Job::Inactive(self.inactive, words));
        self.is_runner_replaced &= self.is_unheard;
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

    /// Readable when a hook has ended, or the sync daemon has another state.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let runner = self.runner.as_ref().and_then(Runner::fd);
        let keeper = self.keeper.as_ref().and_then(SyncKeeper::fd);
        runner.into_iter().chain(keeper)
    }

    /// Has a command run as hooks are, after those before it; it reads `input`.
    pub fn run(&self, words: &[OsString], input: &Path) {
        self.order(&Job::Command(input.into(), words.to_vec()));
    }

    /// Has a program run at once, beside whatever runs.
    pub fn run_beside(&self, words: Vec<OsString>) {
        self.order(&Job::Beside(words));
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
        self.will = hook.and_then(|hook| words(hook).ok()).unwrap_or_default();
        self.tell_will();
    }

    fn tell_will(&self) {
        let words = &self.will;
        let told = self.runner.as_ref().map(|runner| runner.leave(words));
        if let Some(Err(error)) = told {
            log::error!("{words:?} will not be run when pulse is killed: {error}");
        }
    }

    /// No more hooks and orders: what runs them ends after those it has.
    pub fn finish(&mut self) {
        self.is_finished = true;
        if let Some(keeper) = &mut self.keeper {
            keeper.finish();
        }
        if let Some(runner) = &mut self.runner {
            runner.finish();
        }
    }

    /// Switches the sync daemon, if lvs.cf has one.
    pub fn switch_sync(&mut self, config: &Config, role: SyncRole) {
        self.role = Some(role);
        self.is_replaced = false;
        self.configure_sync(config);
    }

    /// The sync daemon becomes what lvs.cf says now, in the role that it has.
    pub fn configure_sync(&mut self, config: &Config) {
        let Some(role) = self.role.filter(|_| !self.is_finished) else {
            return;
        };
        let told = match &mut self.keeper {
            Some(keeper) => keeper.order(config, role),
            None if config.sync_daemon.is_none() => Ok(()),
            None => SyncKeeper::start(self.is_foreground, config, role).map(|keeper| {
                self.keeper = Some(keeper);
            }),
        };
        if let Err(error) = told {
            log::error!("the sync daemon is not switched to {role}: {error}");
        }
    }

    /// What the sync daemon was switched to last, and what is known of it.
    pub fn sync_status(&self) -> Option<(SyncRole, String)> {
        let problem = self.sync.as_ref().map(|sync| sync.problem.clone());
        let state = match problem {
            None => "being switched".to_owned(),
            Some(None) => "synchronises".to_owned(),
            Some(Some(problem)) => format!("does not synchronise: {problem}"),
        };
        Some((self.role?, state))
    }

    /// Hears what is said of the sync daemon.
    pub fn hear_sync(&mut self) {
        if let Some(status) = self.keeper.as_ref().and_then(SyncKeeper::hear) {
            self.sync = status;
        }
    }

    /// Whether `pid` was one of these; the sync daemon's keeper is replaced.
    pub fn ended(&mut self, pid: i32, config: &Config) -> bool {
        if self.keeper.take_if(|keeper| keeper.pid() == pid).is_some() {
            self.replace_keeper(config);
            return true;
        }
        let runner = self.runner.take_if(|runner| runner.pid() == pid);
        if runner.is_some() && !self.is_finished {
            self.replace_runner();
        }
        runner.is_some()
    }

    /// Once for each hook, as the keeper. pulse has given up the rights that the first one had.
    fn replace_runner(&mut self) {
        // Nobody will say that what it ran has ended.
        self.is_unheard = true;
        let is_first = !std::mem::replace(&mut self.is_runner_replaced, true);
        let then = match is_first {
            true => "another is started, hooks have pulse's own rights until it is restarted",
            false => "no hook runs until pulse is restarted",
        };
        log::error!("the process that runs the hooks has ended: {then}");
        match is_first.then(|| Runner::start(self.is_foreground)) {
            Some(Ok(runner)) => self.runner = Some(runner),
            Some(Err(error)) => log::error!("no process for the hooks: {error}"),
            None => {}
        }
        self.tell_will();
    }

    /// Once for each order: what dies at once each time must not keep us busy.
    fn replace_keeper(&mut self, config: &Config) {
        if self.is_finished {
            return;
        }
        let is_first = !std::mem::replace(&mut self.is_replaced, true);
        let then = match is_first {
            true => "it is started again",
            false => "nobody watches it until the next takeover, give-up or reload",
        };
        log::error!("the process that keeps the sync daemon has ended: {then}");
        if is_first {
            self.configure_sync(config);
        }
    }

    /// Whether the sync daemon is still being switched, or hooks run.
    pub const fn is_busy(&self) -> bool {
        self.keeper.is_some() || self.runner.is_some()
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
