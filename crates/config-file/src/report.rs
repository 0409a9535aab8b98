//! The lines about a file: the same in every program, except the original's first one.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use daemon::log::{is_stderr_journal, severity_on_stderr};
use log::Level;
use lvs_config::{Consequence, Finding};

use crate::{ConfigFile, Fault};

/// Whose words the first line of a fault has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// pulse: names the reason.
    Pulse,
    /// lvsd: does not.
    Lvsd,
    /// fos: as lvsd.
    Fos,
}

impl Program {
    const fn name(self) -> &'static str {
        match self {
            Self::Pulse => "pulse",
            Self::Lvsd => "lvs",
            Self::Fos => "fos",
        }
    }
}

impl Fault {
    /// The lines for standard error and the log: the original's, then all that is wrong, one each.
    #[must_use]
    pub fn lines(&self, program: Program) -> Vec<String> {
        self.lines_and_notes(program, false)
    }

    /// The same for `-t`: with the notes, which concern an original on the other director and refuse
    /// nothing.
    #[must_use]
    pub fn lines_with_notes(&self, program: Program) -> Vec<String> {
        self.lines_and_notes(program, true)
    }

    fn lines_and_notes(&self, program: Program, with_notes: bool) -> Vec<String> {
        let name = program.name();
        match self {
            Self::Unreadable(path, reason) => {
                let file = path.display();
                vec![
                    format!("{name}: failed to open {file}"),
                    format!("{file}: {reason}"),
                ]
            }
            Self::Refused {
                path,
                refusal,
                names,
                ..
            } => {
                let (file, line, reason) = (path.display(), refusal.line(), refusal.reason());
                let first = match program {
                    Program::Pulse => {
                        format!("{name}: error parsing {file} at line {line}: {reason}")
                    }
                    Program::Lvsd | Program::Fos => {
                        format!("{name}: error parsing {file} on line {line}.")
                    }
                };
                let mut lines = vec![first];
                let shown =
                    |finding: &&Finding| with_notes || finding.consequence != Consequence::Note;
                lines.extend(in_file(refusal.findings.iter().filter(shown), path));
                lines.extend(and_more(refusal.more, path));
                lines.extend(names.iter().map(|why| format!("{file}: {why}")));
                lines
            }
        }
    }
}

impl ConfigFile {
    /// What is odd about it. The notes, which concern an original on the other director, only on request.
    #[must_use]
    pub fn remarks(&self, with_notes: bool) -> Vec<String> {
        let shown = |finding: &&Finding| with_notes || finding.consequence != Consequence::Note;
        let mut lines = in_file(self.loaded.findings.iter().filter(shown), &self.path);
        let more = and_more(self.loaded.more, &self.path);
        lines.extend(more.filter(|_| with_notes));
        lines.extend(self.beside_its_text(with_notes));
        lines
    }

    /// Whether a part of it will not work, or the daemons will not go by it where it lies: then `-t` exits
    /// 1.
    #[must_use]
    pub fn has_faults(&self) -> bool {
        self.loaded.has_faults()
            || self.kept.beside.is_usual && self.kept.beside.untrusted.is_some()
    }

    /// What of it does not work, in the words of the log.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let is_fault = |finding: &&Finding| finding.consequence < Consequence::Warn;
        in_file(self.loaded.findings.iter().filter(is_fault), &self.path)
    }

    fn beside_its_text(&self, with_notes: bool) -> impl Iterator<Item = String> {
        let file = self.path.display().to_string();
        let consequence = if self.kept.beside.is_usual {
            "error"
        } else {
            "note"
        };
        let untrusted = self.kept.beside.untrusted.as_ref().filter(|_| with_notes);
        let untrusted = untrusted.map(|part| {
            format!("{file}: {consequence}: {part}: as root the daemons refuse the file")
        });
        let names = self
            .kept
            .beside
            .names
            .as_ref()
            .map(|why| format!("{file}: {why}"));
        untrusted.into_iter().chain(names)
    }

    /// Writes what is odd about it and which file this is to the log: at start and every reload.
    pub fn log(&self) {
        let file = self.path.display().to_string();
        for finding in &self.loaded.findings {
            let level = match finding.consequence {
                Consequence::Refuse | Consequence::LeaveOut | Consequence::Error => Level::Error,
                Consequence::Warn => Level::Warn,
                Consequence::Note => continue,
            };
            log::log!(level, "{}", finding.in_file(&file));
        }
        for line in self.beside_its_text(false) {
            log::warn!("{line}");
        }
        log::info!("{}", self.identity());
    }

    /// Path, `serial_no` and content hash, by which two directors' files are compared.
    #[must_use]
    pub fn identity(&self) -> String {
        let (serial, hash) = (self.loaded.config.serial, self.loaded.hash);
        format!(
            "{}: serial_no {serial}, content {hash}",
            self.path.display()
        )
    }
}

/// Says that there are more findings than are shown.
fn and_more(more: usize, path: &Path) -> Option<String> {
    (more > 0).then(|| format!("{}: and {more} more", path.display()))
}

fn in_file<'a>(findings: impl IntoIterator<Item = &'a Finding>, path: &Path) -> Vec<String> {
    let file = path.display().to_string();
    let findings = findings.into_iter();
    findings.map(|finding| finding.in_file(&file)).collect()
}

/// Writes lines about the start to `err`, standard error. They go to the log too, unless a person sees
/// standard error, it is the journal, or the log goes to standard output beside it (`is_log_beside`): so
/// each error comes once.
pub fn tell(lines: &[String], err: &mut dyn Write, is_log_beside: bool) {
    let log = |line: &str| log::log!(Level::Error, "{line}");
    let is_seen = is_log_beside || is_stderr_journal() || io::stderr().is_terminal();
    tell_and_log(lines, err, is_seen, log);
}

fn tell_and_log(lines: &[String], err: &mut dyn Write, is_seen: bool, mut log: impl FnMut(&str)) {
    let severity = severity_on_stderr(Level::Error);
    for line in lines {
        // Standard error may be closed; the log has the lines then.
        let _ = writeln!(err, "{severity}{line}");
        if !is_seen {
            log(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::read;

    fn on_disk(name: &str, text: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("config-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn the_first_line_is_the_originals_the_rest_is_the_same_in_every_program() {
        let path = on_disk("bad.cf", "serial_no = 7\nkeepalive = soon\nbogus = 1\n");
        let fault = read(&path).unwrap_err();
        let (pulse, lvsd) = (fault.lines(Program::Pulse), fault.lines(Program::Lvsd));
        let file = path.display();
        assert_eq!(
            pulse[0],
            format!("pulse: error parsing {file} at line 2: integer expected")
        );
        assert_eq!(lvsd[0], format!("lvs: error parsing {file} on line 2."));
        assert_eq!(pulse[1..], lvsd[1..]);
        let start = format!("{file}:2:13: integer expected: keepalive = soon");
        assert!(pulse[1].starts_with(&start), "{pulse:?}");
        assert_eq!(pulse.len(), 3);
        std::fs::remove_file(path).unwrap();
    }

    /// A reload logs the lines of a refused file as errors; a note about an original is no error.
    #[test]
    fn notes_about_a_refused_file_are_for_the_check_alone() {
        let path = on_disk("refused-notes.cf", "serial_no = 7\r\nbogus = 1\r\n");
        let fault = read(&path).unwrap_err();
        let notes = |lines: Vec<String>| {
            let is_note = |line: &&String| line.contains(": note: ");
            lines.iter().filter(is_note).count()
        };
        assert_ne!(notes(fault.lines_with_notes(Program::Pulse)), 0);
        assert_eq!(notes(fault.lines(Program::Pulse)), 0);
        assert_eq!(fault.lines(Program::Pulse).len(), 2);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn what_is_not_shown_is_counted() {
        for (name, good) in [("more.cf", "bogus = 1\n"), ("odd.cf", "serial_no = 1\n")] {
            let path = on_disk(name, &good.repeat(30));
            let lines = match read(&path) {
                Ok(file) => file.remarks(true),
                Err(fault) => fault.lines(Program::Pulse).split_off(1),
            };
            let last = lines.last().unwrap();
            // The first statement is given once.
            let more = if good == "bogus = 1\n" { 10 } else { 9 };
            assert_eq!(lines.len(), 21);
            assert_eq!(*last, format!("{}: and {more} more", path.display()));
            std::fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named_with_the_reason() {
        let fault = read(Path::new("/nowhere/lvs.cf")).unwrap_err();
        assert_eq!(
            fault.lines(Program::Pulse),
            [
                "pulse: failed to open /nowhere/lvs.cf",
                "/nowhere/lvs.cf: No such file or directory"
            ]
        );
    }

    /// As pulse starts lvsd, where nobody reads standard error.
    #[test]
    fn without_a_terminal_the_log_has_the_lines_too() {
        let lines = ["one", "two"].map(str::to_owned);
        for (is_seen, logged_lines) in [(true, vec![]), (false, vec!["one", "two"])] {
            let (mut err, mut logged) = (Vec::new(), Vec::new());
            tell_and_log(&lines, &mut err, is_seen, |line| {
                logged.push(line.to_owned());
            });
            assert_eq!(err, b"one\ntwo\n");
            assert_eq!(logged, logged_lines);
        }
    }

    #[test]
    fn notes_are_for_the_dry_run_only() {
        let path = on_disk(
            "notes.cf",
            "serial_no = 7\nserial_no = 8\naudit_interval = 2\n",
        );
        let file = read(&path).unwrap();
        assert_eq!(file.remarks(false).len(), 1);
        assert_eq!(file.remarks(true).len(), 2);
        let hash = file.loaded.hash;
        assert_eq!(
            file.identity(),
            format!("{}: serial_no 8, content {hash}", path.display())
        );
        std::fs::remove_file(path).unwrap();
    }
}
