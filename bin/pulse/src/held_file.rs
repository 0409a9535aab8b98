//! What pulse holds, in a file: for whoever cleans up when pulse and its guardian were killed at once, and
//! lvs.cf does not say it any more.
//!
//! It lies beside the lock, one of each network namespace, and is gone after a boot as the addresses are.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use link::Assignment;

use crate::guardian::{parse_line, print_line};

const NAME: &str = "pulse-held";

/// The file, and what stands in it.
#[derive(Debug)]
pub struct HeldFile {
    /// `None`: there is no place for it.
    path: Option<PathBuf>,
    written: Option<String>,
    /// A failure to write was logged.
    has_complained: bool,
}

impl HeldFile {
    /// The file of this network namespace.
    pub fn find() -> Self {
        let path = daemon::run_file(NAME);
        Self {
            path: path
                .map_err(|error| log::warn!("what is held is not kept: {error}"))
                .ok(),
            written: None,
            has_complained: false,
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
        if let Err(error) = &result
            && !self.has_complained
        {
            log::warn!("{}: {error}", path.display());
        }
        self.has_complained = result.is_err();
        self.written = result.is_ok().then_some(text);
    }
}

fn try_write(path: &Path, text: &str) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    daemon::create_file(&new)?.write_all(text.as_bytes())?;
    fs::rename(new, path)
}
