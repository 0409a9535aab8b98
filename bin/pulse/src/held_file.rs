//! What pulse holds, in a file: for whoever cleans up when pulse and its guardian were killed at once, and
//! lvs.cf does not say it any more. What stands in it at a start says that the last pulse was killed.
//!
//! It lies beside the lock, one of each network namespace, and is gone after a boot as the addresses are.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use link::Assignment;

const NAME: &str = "pulse-held";

/// The file, and what stands in it.
#[derive(Debug)]
pub struct HeldFile {
    /// `None`: there is no place for it.
    path: Option<PathBuf>,
    written: Option<String>,
    /// Why it could not be written, as it was logged.
    fault: Option<String>,
}

impl HeldFile {
    /// The file of this network namespace.
    pub fn find() -> Self {
        let path = daemon::run_file(NAME);
        let fault = path.as_ref().err().map(unkept);
        if let Some(fault) = &fault {
            log::warn!("{fault}");
        }
        Self {
            path: path.ok(),
            written: None,
            fault,
        }
    }

    /// The file, where it can be had without a word: of a program that has not begun to serve.
    pub fn find_quietly() -> Self {
        Self {
            path: daemon::run_file(NAME).ok(),
            written: None,
            fault: None,
        }
    }

    /// What stood in it last. A file that is not there says nothing; a line that is none is passed over.
    pub fn read(&self) -> Vec<Assignment> {
        let Some(path) = &self.path else {
            return Vec::new();
        };
        match fs::read_to_string(path) {
            Ok(text) => text.lines().filter_map(parse_line).collect(),
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                log::warn!("{}: {error}", path.display());
                Vec::new()
            }
        }
    }

    /// When it was written last, by whichever pulse; `None` if it is not there.
    pub fn written_at(&self) -> Option<SystemTime> {
        fs::metadata(self.path.as_ref()?).ok()?.modified().ok()
    }

    /// Keeps `held`. It is in memory, so nobody waits for a disk.
    pub fn write(&mut self, held: &[Assignment]) {
        let text: String = held.iter().map(print_line).collect();
        let Some(path) = self
            .path
            .as_ref()
            .filter(|_| self.written.as_ref() != Some(&text))
        else {
            return;
        };
        let result = try_write(path, &text);
        let fault = result.as_ref().err().map(|error| {
            let path = path.display();
            unkept(&format_args!("{path}: {error}"))
        });
        if let Some(fault) = fault.as_ref().filter(|_| self.fault.is_none()) {
            log::warn!("{fault}");
        }
        self.fault = fault;
        self.written = result.is_ok().then_some(text);
    }

    /// Writes it again if somebody has removed it.
    pub fn look(&mut self) {
        let is_gone = self.path.as_ref().is_some_and(|path| !path.exists());
        if let Some(text) = self.written.take_if(|_| is_gone) {
            let held: Vec<Assignment> = text.lines().filter_map(parse_line).collect();
            self.write(&held);
        }
    }

    /// Why nobody would know what is held if pulse and its guardian were killed.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }
}

fn unkept(error: &impl std::fmt::Display) -> String {
    format!("what is held is not kept: {error}")
}

fn try_write(path: &Path, text: &str) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    daemon::create_file(&new)?.write_all(text.as_bytes())?;
    fs::rename(new, path)
}

/// An address as it stands there, and as the guardian is told it.
pub fn print_line(held: &Assignment) -> String {
    format!(
        "{} {} {} {}\n",
        held.address, held.prefix, held.interface, held.label
    )
}

/// What [`print_line`] prints.
pub fn parse_line(line: &str) -> Option<Assignment> {
    let mut words = line.split(' ');
    Some(Assignment {
        address: words.next()?.parse().ok()?,
        prefix: words.next()?.parse().ok()?,
        interface: words.next()?.to_owned(),
        label: words.next()?.to_owned(),
    })
}
