//! Programs that are run without waiting for them: the hooks of lvs.cf, and the three commands
//! that switch the kernel's sync daemon. Stopping one waits for kernel threads, up to seconds: so
//! it is done by a child, one command after the other, never by the loop.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use daemon::{Child, Program};
use lvs_config::{Command, Config};
use lvs_model::SyncRole;

/// Everything that runs beside lvsd.
#[derive(Default)]
pub struct Commands {
    hooks: Vec<Child>,
    sync: Option<Child>,
    sync_queue: VecDeque<Vec<OsString>>,
    ipvsadm: PathBuf,
}

impl Commands {
    /// Starts a hook.
    pub fn run_hook(&mut self, hook: Option<&Command>) {
        let Some(program) = hook.and_then(program) else {
            return;
        };
        log::debug!(
            "DEBUG -- Executing '{} {:?}'",
            program.path.display(),
            program.args
        );
        match program.start() {
            Ok(child) => self.hooks.push(child),
            Err(error) => log::error!("{}: {error}", program.path.display()),
        }
    }

    /// Switches the sync daemon, if lvs.cf has one; what was planned and not begun is dropped.
    pub fn switch_sync(&mut self, config: &Config, role: SyncRole) {
        let Some(sync) = &config.sync_daemon else {
            return;
        };
        let words = |words: &[&str]| words.iter().map(OsString::from).collect();
        let (role, id) = (role.to_string(), sync.id.to_string());
        let interface = sync.interface.label();
        self.ipvsadm.clone_from(&config.ipvsadm);
        self.sync_queue = VecDeque::from([
            words(&["--stop-daemon", "backup"]),
            words(&["--stop-daemon", "master"]),
            words(&[
                "--start-daemon",
                &role,
                "--mcast-interface",
                interface,
                "--syncid",
                &id,
            ]),
        ]);
        self.start_next();
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
        let before = self.hooks.len();
        self.hooks.retain(|child| child.pid() != pid);
        self.hooks.len() < before
    }

    /// Whether the sync daemon is still being switched.
    pub const fn is_switching(&self) -> bool {
        self.sync.is_some()
    }
}

/// A hook's words, split at blanks; `None` (and said) if it is no absolute path.
fn program(hook: &Command) -> Option<Program> {
    let words = hook.text.as_bytes().split(|byte| *byte == b' ');
    let mut words = words.filter(|word| !word.is_empty());
    let path = Path::new(OsStr::from_bytes(words.next()?));
    if !path.is_absolute() {
        log::error!("{}: a command needs its whole path", path.display());
        return None;
    }
    let mut program = Program::new(path);
    program.args = words
        .map(|word| OsString::from_vec(word.to_vec()))
        .collect();
    Some(program)
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
        let program = program(&hook("/bin/echo  a 'b c' $HOME")).unwrap();
        assert_eq!(program.path, Path::new("/bin/echo"));
        assert_eq!(program.args, ["a", "'b", "c'", "$HOME"]);
    }

    #[test]
    fn a_hook_without_a_path_is_not_run() {
        assert!(program(&hook("echo a")).is_none());
        assert!(program(&hook("  ")).is_none());
    }
}
