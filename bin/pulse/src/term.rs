//! The ownership term, kept for the next start in a small file of its own.
//!
//! Nothing waits for it: what is lost with the machine is learnt again from the partner. A [child](KeptFile) writes
//! it. A file that cannot be read or written costs a line of log and nothing else.

use std::fmt::Display;
use std::time::Duration;

use lvs_model::{ChildExit, Mono};

use crate::file_keeper::KeptFile;

const FILE: &str = "pulse.term";
/// A disk that has not answered for so long is told of.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the term is kept.
#[derive(Debug)]
pub struct TermFile {
    file: KeptFile,
    /// While one is being written: when it is said that this takes long.
    late_at: Option<Mono>,
    /// Why the last term is not there, as it was logged.
    fault: Option<String>,
}

impl TermFile {
    /// The place of this service.
    pub fn find() -> Self {
        Self::on(KeptFile::find(FILE))
    }

    const fn on(file: KeptFile) -> Self {
        Self {
            file,
            late_at: None,
            fault: None,
        }
    }

    /// The term of an earlier start; 0 if none was kept.
    pub fn read(&self) -> u64 {
        let path = self.file.path().display();
        let text = match self.file.read() {
            Ok(Some(text)) => text,
            Ok(None) => return 0,
            Err(error) => {
                log::warn!("{path}: {error}");
                return 0;
            }
        };
        text.trim().parse().unwrap_or_else(|_| {
            log::warn!("{path}: no ownership term in it");
            0
        })
    }

    /// Has `term` written; nobody waits for that.
    pub fn keep(&mut self, now: Mono, term: u64) {
        let begun = self.file.keep(format!("{term}\n"));
        self.late_at.get_or_insert(now + PATIENCE);
        if let Err(error) = begun {
            self.is_lacking(&error);
        }
    }

    /// Whether `pid` wrote it.
    pub fn ended(&mut self, now: Mono, pid: i32, exit: ChildExit) -> bool {
        let Some(done) = self.file.ended(pid, exit) else {
            return false;
        };
        self.late_at = self.file.is_busy().then(|| now + PATIENCE);
        match done {
            Err(error) => self.is_lacking(&error),
            Ok(()) if !self.file.is_busy() => self.fault = None,
            Ok(()) => {}
        }
        true
    }

    /// When to [`look`](Self::look).
    pub const fn deadline(&self) -> Option<Mono> {
        self.late_at
    }

    /// Says that the disk does not answer, if that is so.
    pub fn look(&mut self, now: Mono) {
        if self.late_at.take_if(|at| *at <= now).is_some() {
            let seconds = PATIENCE.as_secs();
            self.is_lacking(&format_args!("no answer of the disk for {seconds} s"));
        }
    }

    /// Why the last term is not there, until one can be written.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Whether one is being written.
    pub const fn is_busy(&self) -> bool {
        self.file.is_busy()
    }

    /// It is waited for no longer.
    pub fn give_up(&mut self) {
        self.file.give_up();
    }

    fn is_lacking(&mut self, why: &dyn Display) {
        let path = self.file.path().display();
        let line = format!("{path}: ownership term not kept: {why}");
        if self.fault.is_none() {
            log::warn!("{line}");
        }
        self.fault = Some(line);
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;
    use crate::file_keeper::write;

    fn at(seconds: u64) -> Mono {
        Mono::new(Duration::from_secs(seconds))
    }

    #[test]
    fn a_term_outlives_the_program_and_what_is_no_number_is_none() {
        let directory = std::env::temp_dir().join(format!("pulse-term-{}", std::process::id()));
        let path = directory.join("state/term");
        let file = TermFile::on(KeptFile::at(path.clone()));
        assert_eq!(file.read(), 0);
        write(&path, OsStr::new("41\n")).unwrap();
        write(&path, OsStr::new("42\n")).unwrap();
        assert_eq!(file.read(), 42);
        write(&path, OsStr::new("no number")).unwrap();
        assert_eq!(file.read(), 0);
        std::fs::remove_dir_all(&directory).unwrap();
    }

    /// The writer is this test's own program, which knows no such argument.
    #[test]
    fn a_term_that_is_not_on_the_disk_is_said_while_that_lasts() {
        let mut file = TermFile::on(KeptFile::at("/nowhere/term".into()));
        assert_eq!(file.deadline(), None);
        file.keep(at(1), 7);
        let pid = file.file.pid().unwrap();
        file.keep(at(5), 8);
        assert_eq!(file.deadline(), Some(at(11)));
        file.look(at(10));
        assert_eq!(file.fault(), None);
        file.look(at(11));
        let late = "/nowhere/term: ownership term not kept: no answer of the disk for 10 s";
        assert_eq!(file.fault(), Some(late));
        assert_eq!(file.deadline(), None);
        assert!(!file.ended(at(12), 1, ChildExit::Status(0)));
        // The first is there, and the second one follows.
        assert!(file.ended(at(12), pid, ChildExit::Status(0)));
        assert!(file.is_busy() && file.fault().is_some());
        let pid = file.file.pid().unwrap();
        assert!(file.ended(at(13), pid, ChildExit::Status(30)));
        let failed = "/nowhere/term: ownership term not kept: Read-only file system";
        assert!(
            file.fault().unwrap().starts_with(failed),
            "{:?}",
            file.fault()
        );
        assert_eq!((file.is_busy(), file.deadline()), (false, None));
        file.keep(at(14), 9);
        let pid = file.file.pid().unwrap();
        assert!(file.ended(at(14), pid, ChildExit::Status(0)));
        assert_eq!(file.fault(), None);
    }
}
