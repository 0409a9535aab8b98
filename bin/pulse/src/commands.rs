//! What is done beside the loop, by a process each: the hooks of lvs.cf by the [`Runner`], the switch and
//! the watch of the kernel's sync daemon by the [`SyncKeeper`].

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use lvs_config::{Command, Config};
use lvs_model::{Mono, SyncRole};
use nix::errno::Errno;

use crate::active_cmd_outcome::ActiveCmdOutcome;
use crate::again::Again;
use crate::hook_orders::HookOrders;
use crate::hook_queue::{Job, Words};
use crate::left_behind::LeftBehind;
use crate::repeats::Repeats;
use crate::runner::Runner;
use crate::sync_keeper::SyncKeeper;
use crate::sync_watch::SyncStatus;

/// What stays so when a helper has ended.
const OWN_RIGHTS: &str = "hooks have pulse's own rights until it is restarted";
const NO_HOOKS: &str = "no hook runs until there is another process for them";
const UNWATCHED: &str = "sync daemon: nobody watches it";

/// Everything that runs beside lvsd.
#[derive(Default)]
pub struct Commands {
    runner: Option<Runner>,
    orders: HookOrders,
    /// What the runner runs, as it said last.
    running: Vec<i32>,
    /// What a killed one ran: ended before anything else is run.
    left: LeftBehind,
    /// The number of the last `inactive_cmd` that was ordered; none if that could not be.
    inactive: Option<u32>,
    /// Its end is waited for.
    is_letting_go: bool,
    taking: ActiveCmdOutcome,
    is_foreground: bool,
    /// The runner does not take what it is to be told.
    is_stuck: bool,
    faults: Repeats,
    runner_again: Again,
    /// It has ended once, and with it the rights that the first one had.
    is_runner_another: bool,
    keeper: Option<SyncKeeper>,
    keeper_again: Again,
    /// What the sync daemon is to be.
    role: Option<SyncRole>,
    sync: Option<SyncStatus>,
    is_finished: bool,
}

impl Commands {
    /// Starts the process that runs the hooks, while there still are rights to hand on.
    ///
    /// # Errors
    /// Those of starting a program.
    pub fn open(foreground: bool) -> io::Result<Self> {
        // What a killed runner leaves comes to us, to be ended.
        daemon::adopt_orphans()?;
        Ok(Self {
            runner: Some(Runner::start(foreground)?),
            is_foreground: foreground,
            ..Self::default()
        })
    }

    /// Has `active_cmd` run, after `inactive_cmd` if that still runs.
    pub fn run_active(&mut self, hook: Option<&Command>) {
        self.taking.look(&self.orders);
        match hook.map(hook_words) {
            None => self.taking.needs_nothing(&self.orders),
            Some(words) => {
                let number = words.and_then(|words| self.order(Job::Active(words)));
                self.taking.order(&self.orders, number);
            }
        }
    }

    /// Whether the last `active_cmd` has ended since this was asked, and well.
    pub fn has_taken(&mut self) -> Option<bool> {
        self.taking.has_ended(&self.orders, self.runner.is_some())
    }

    /// Whether the loop need not wait before it asks [`has_taken`](Self::has_taken).
    pub const fn has_news_of_taking(&self) -> bool {
        self.taking.has_news(self.runner.is_some())
    }

    /// Has `inactive_cmd` run; a running `active_cmd` is ended for it, also where lvs.cf has nothing to
    /// run. [`has_let_go`](Self::has_let_go) tells of the end.
    pub fn run_inactive(&mut self, hook: Option<&Command>) {
        self.taking.forget();
        let words = hook.and_then(hook_words).unwrap_or_default();
        self.inactive = self.order(Job::Inactive(words));
        self.is_letting_go = true;
    }

    /// Whether the last `inactive_cmd` has ended since this was asked, or nobody is left to run it.
    pub fn has_let_go(&mut self) -> bool {
        let is_open = self.inactive.is_some_and(|it| self.orders.is_open(it));
        let has_ended = self.is_letting_go && !is_open && !self.left.is_there();
        (has_ended || self.is_deserted()) && std::mem::take(&mut self.is_letting_go)
    }

    /// Whether the loop need not wait before it asks [`has_let_go`](Self::has_let_go).
    pub fn is_deserted(&self) -> bool {
        let is_lacking = self.runner.is_none() && self.runner_again.fault().is_some();
        self.is_letting_go && !self.left.is_there() && (self.inactive.is_none() || is_lacking)
    }

    /// Readable when a hook has ended, or the sync daemon has another state.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let runner = self.runner.as_ref().and_then(Runner::fd);
        let keeper = self.keeper.as_ref().and_then(SyncKeeper::fd);
        runner.into_iter().chain(keeper)
    }

    /// Writable when there is room for what waits to be told.
    pub fn crowded_fd(&self) -> Option<BorrowedFd<'_>> {
        let is_waiting = self.orders.next().is_some() && !self.left.is_there();
        let runner = self.runner.as_ref().filter(|_| is_waiting);
        runner.and_then(Runner::fd)
    }

    /// When to [hear](Self::hear) again, whatever happens.
    pub fn deadline(&self) -> Option<Mono> {
        let tries = [self.runner_again.next(), self.keeper_again.next()];
        tries
            .into_iter()
            .chain([self.left.deadline()])
            .flatten()
            .min()
    }

    /// Has a command run as hooks are, after those before it; it reads `input`.
    pub fn run(&mut self, words: &[OsString], input: &Path) {
        self.order(Job::Command(input.into(), words.to_vec()));
    }

    /// Has programs run beside whatever runs, as soon as the runner takes them.
    pub fn run_beside(&mut self, now: Mono, programs: Vec<Words>) {
        for words in programs {
            if let Err(line) = self.orders.order_beside(words)
                && self.faults.is_news(now, &[line.to_owned()])
            {
                log::error!("{line}");
            }
        }
        self.tell();
    }

    /// Orders it of the runner; the number under which its end is told.
    fn order(&mut self, job: Job) -> Option<u32> {
        let what = format!("{job:?}");
        log::debug!("DEBUG -- Executing '{what}'");
        let number = self.orders.order(job);
        if number.is_none() {
            log::error!("{what} is not run: too many commands wait, or it is too long");
        } else if self.runner.is_none() {
            log::error!("{what} waits: {NO_HOOKS}");
        }
        self.tell();
        number
    }

    /// What is to be run if pulse is killed; nothing to take it back.
    pub fn leave(&mut self, hook: Option<&Command>) {
        let words = hook.and_then(|hook| words(hook).ok()).unwrap_or_default();
        if !self.orders.leave(words.clone()) {
            log::error!(
                "nothing will be run when pulse is killed, {words:?} is too long: {}",
                Errno::E2BIG.desc()
            );
        }
        self.tell();
    }

    /// Tells the runner what it takes; the rest waits.
    fn tell(&mut self) {
        let Some(runner) = self.runner.as_ref().filter(|_| !self.left.is_there()) else {
            return;
        };
        while let Some(letter) = self.orders.next() {
            if let Err(error) = runner.tell(&letter) {
                let is_news = self.orders.is_behind() && !self.is_stuck;
                // One that has ended is replaced, and told then.
                if is_news && error.kind() == io::ErrorKind::WouldBlock {
                    self.is_stuck = true;
                    log::warn!("the process that runs the hooks does not take orders: they wait");
                }
                return;
            }
            self.orders.told();
        }
        self.is_stuck = false;
        if self.is_finished {
            runner.finish();
        }
    }

    /// No more hooks and orders: what runs them ends after those it has.
    pub fn finish(&mut self) {
        self.is_finished = true;
        self.keeper_again = Again::default();
        self.orders.finish();
        if let Some(keeper) = &self.keeper {
            keeper.finish();
        }
        self.tell();
    }

    /// Switches the sync daemon, if lvs.cf has one.
    pub fn switch_sync(&mut self, now: Mono, config: &Config, role: SyncRole) {
        self.role = Some(role);
        self.configure_sync(now, config);
    }

    /// The sync daemon becomes what lvs.cf says now, in the role that it has.
    pub fn configure_sync(&mut self, now: Mono, config: &Config) {
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
        match told {
            Err(error) => {
                let line = format!("the sync daemon is not switched to {role}: {error}");
                if self.keeper.is_some() || self.keeper_again.failed(now, &line) {
                    log::error!("{line}");
                }
            }
            Ok(()) => {
                if self.keeper_again.started() && self.keeper.is_some() {
                    log::info!("the sync daemon is switched to {role}");
                }
            }
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

    /// What is not as it should be with the helpers, though it was logged once.
    pub fn faults(&self) -> impl Iterator<Item = String> {
        let hooks = hooks_fault(self.runner.is_some(), self.is_runner_another);
        let is_unwatched = self.keeper_again.next().is_some();
        let sync = is_unwatched.then(|| UNWATCHED.to_owned());
        hooks.map(ToOwned::to_owned).into_iter().chain(sync)
    }

    /// Hears what the helpers say, and goes on telling what waits.
    pub fn hear(&mut self, now: Mono) {
        if let Some(status) = self.keeper.as_ref().and_then(SyncKeeper::hear) {
            self.sync = status;
        }
        self.hear_runner();
        self.left.look(now);
        self.start_runner(now);
        self.tell();
    }

    /// Starts the keeper again, if it is time to try.
    pub fn start_keeper(&mut self, now: Mono, config: &Config) {
        if self.keeper_again.is_due(now) {
            self.configure_sync(now, config);
        }
    }

    fn hear_runner(&mut self) {
        if let Some(state) = self.runner.as_ref().and_then(Runner::hear) {
            self.orders.take(&state);
            self.running = state.running;
        }
    }

    /// Whether `pid` was one of these; it is replaced.
    pub fn ended(&mut self, now: Mono, pid: i32, config: &Config) -> bool {
        if self.keeper.take_if(|keeper| keeper.pid() == pid).is_some() {
            self.replace_keeper(now, config);
            return true;
        }
        if self
            .runner
            .as_ref()
            .is_none_or(|runner| runner.pid() != pid)
        {
            return self.left.has(pid);
        }
        // What it said last.
        self.hear_runner();
        self.runner = None;
        if !self.is_finished || self.orders.has_open() {
            self.replace_runner(now);
        }
        true
    }

    /// pulse has given up the rights that the first one had.
    fn replace_runner(&mut self, now: Mono) {
        self.is_runner_another = true;
        log::error!("the process that runs the hooks has ended: another is started, {OWN_RIGHTS}");
        self.left.end(now, &std::mem::take(&mut self.running));
        self.orders.begin_again();
        self.runner_again.ended(now);
        self.start_runner(now);
        self.tell();
    }

    fn start_runner(&mut self, now: Mono) {
        if !self.runner_again.is_due(now) {
            return;
        }
        match Runner::start(self.is_foreground) {
            Ok(runner) => {
                self.runner = Some(runner);
                if self.runner_again.started() {
                    log::info!("there is a process for the hooks again");
                }
            }
            Err(error) => {
                let line = format!("no process for the hooks: {error}");
                if self.runner_again.failed(now, &line) {
                    log::error!("{line}");
                }
            }
        }
    }

    fn replace_keeper(&mut self, now: Mono, config: &Config) {
        if self.is_finished {
            return;
        }
        log::error!("the process that keeps the sync daemon has ended: it is started again");
        self.keeper_again.ended(now);
        self.start_keeper(now, config);
    }

    /// Says what was ordered and never begun, at the end of the program.
    pub fn say_lost(&self) {
        if self.orders.is_behind() {
            log::error!("hooks were not run: the process that runs them took no orders");
        } else if self.runs_hooks() {
            log::error!("hooks have not ended in time: pulse ends before them");
        }
    }

    /// Whether the sync daemon is still being switched.
    pub const fn is_switching(&self) -> bool {
        self.keeper.is_some()
    }

    /// Whether hooks still run, or wait for a process that runs them.
    pub fn runs_hooks(&self) -> bool {
        let is_lacking = self.runner_again.fault().is_some();
        self.runner.is_some() || self.orders.has_open() && !is_lacking
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

const fn hooks_fault(has_runner: bool, is_another: bool) -> Option<&'static str> {
    match (has_runner, is_another) {
        (false, _) => Some(NO_HOOKS),
        (true, true) => Some(OWN_RIGHTS),
        (true, false) => None,
    }
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
    fn a_runner_that_is_gone_or_another_one_is_a_fault_until_a_restart() {
        assert_eq!(hooks_fault(true, false), None);
        assert_eq!(hooks_fault(true, true), Some(OWN_RIGHTS));
        for is_another in [true, false] {
            assert_eq!(hooks_fault(false, is_another), Some(NO_HOOKS));
        }
        let mut commands = Commands::default();
        let faults = |it: &Commands| it.faults().collect::<Vec<_>>();
        assert_eq!(faults(&commands), [NO_HOOKS]);
        commands.keeper_again.ended(Mono::ZERO);
        assert_eq!(faults(&commands).len(), 2);
    }

    #[test]
    fn a_hook_without_a_path_is_not_run() {
        for (text, first) in [("echo a", "echo"), ("  ", "")] {
            let NoPath(refused) = words(&hook(text)).unwrap_err();
            assert_eq!(refused, Path::new(first), "{text:?}");
        }
    }
}
