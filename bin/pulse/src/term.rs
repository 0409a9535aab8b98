//! The ownership term, kept for the next start in a small file of its own.
//!
//! In systemd's state directory if there is one, else below /var/lib. A file that cannot be read
//! or written costs a line of log and nothing else: the partner's term is learnt from it.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

/// Without systemd's `StateDirectory=`.
const DIRECTORY: &str = "/var/lib/lvs";
const FILE: &str = "pulse.term";

/// Where the term is kept.
#[derive(Debug)]
pub struct TermFile {
    path: PathBuf,
    /// Why the last term is not there, as it was logged.
    fault: Option<String>,
}

/// Where this service keeps what outlives a start.
pub fn state_directory() -> PathBuf {
    let directory = std::env::var_os("STATE_DIRECTORY").unwrap_or_else(|| DIRECTORY.into());
    directory.into()
}

impl TermFile {
    /// The place of this service.
    pub fn find() -> Self {
        Self::at(state_directory().join(FILE))
    }

    const fn at(path: PathBuf) -> Self {
        Self { path, fault: None }
    }

    /// The term of an earlier start; 0 if none was kept.
    pub fn read(&self) -> u64 {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return 0,
            Err(error) => {
                log::warn!("{}: {error}", self.path.display());
                return 0;
            }
        };
        text.trim().parse().unwrap_or_else(|_| {
            log::warn!("{}: no ownership term in it", self.path.display());
            0
        })
    }

    /// Keeps `term`. Not waited for until it is on the disk: that can take longer than a dead
    /// time, and what is lost with the machine is learnt again from the partner.
    pub fn write(&mut self, term: u64) {
        let path = self.path.display();
        let fault = self.try_write(term).err();
        let fault = fault.map(|error| format!("{path}: ownership term not kept: {error}"));
        if let Some(line) = fault.as_ref().filter(|_| self.fault.is_none()) {
            log::warn!("{line}");
        }
        self.fault = fault;
    }

    /// Why the last term is not there, until one can be written.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    fn try_write(&self, term: u64) -> io::Result<()> {
        if let Some(directory) = self.path.parent() {
            daemon::make_directory(directory)?;
        }
        let new = self.path.with_extension("new");
        daemon::create_file(&new)?.write_all(format!("{term}\n").as_bytes())?;
        fs::rename(new, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_outlives_the_program_and_an_unwritable_place_is_no_failure() {
        let directory = std::env::temp_dir().join(format!("pulse-term-{}", std::process::id()));
        let mut file = TermFile::at(directory.join("state/term"));
        assert_eq!(file.read(), 0);
        file.write(41);
        file.write(42);
        assert_eq!(TermFile::at(directory.join("state/term")).read(), 42);
        fs::write(directory.join("state/term"), "no number").unwrap();
        assert_eq!(file.read(), 0);
        let mut below_a_file = TermFile::at(directory.join("state/term/x"));
        below_a_file.write(1);
        let fault = below_a_file.fault().unwrap();
        assert!(
            fault.contains("state/term/x: ownership term not kept: "),
            "{fault}"
        );
        // It is over when one can be written.
        below_a_file.path = directory.join("state/term");
        below_a_file.write(2);
        assert_eq!(below_a_file.fault(), None);
        fs::remove_dir_all(&directory).unwrap();
    }
}
