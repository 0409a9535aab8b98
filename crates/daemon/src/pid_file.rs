//! The pid file: by which scripts find a daemon. That there is no second one is the
//! [lock](crate::Lock)'s business: whoever may read a file may lock it.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::create_file;
use crate::own_files::identity;

/// A pid file that could not be written, and why.
#[derive(Debug)]
pub struct PidFileError(PathBuf, io::Error);

impl fmt::Display for PidFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to open {}: {}", self.0.display(), self.1)
    }
}

impl std::error::Error for PidFileError {}

/// A pid file: decimal pid and newline, mode 0644. One that a crash left is written over.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    /// Who wrote it; only that process removes it.
    owner: u32,
}

impl PidFile {
    /// Writes this process's pid to the file at `path`.
    ///
    /// # Errors
    /// Those of open(2), for a symbolic link in its place too, and of write(2), a full disk among them.
    pub fn write(path: &Path) -> Result<Self, PidFileError> {
        let owner = std::process::id();
        try_write(path, owner).map_err(|error| PidFileError(path.to_owned(), error))?;
        Ok(Self {
            path: path.to_owned(),
            owner,
        })
    }
}

impl PidFile {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes it again if it is gone; whether that was so.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub(crate) fn restore(&self) -> Result<bool, PidFileError> {
        let is_gone = identity(&self.path).is_err();
        if is_gone {
            try_write(&self.path, self.owner)
                .map_err(|error| PidFileError(self.path.clone(), error))?;
        }
        Ok(is_gone)
    }
}

fn try_write(path: &Path, pid: u32) -> io::Result<()> {
    let mut file = create_file(path)?;
    let written = file.write_all(format!("{pid}\n").as_bytes());
    if written.is_err() {
        // One without a pid misleads. The first error is the one to tell.
        let _ = fs::remove_file(path);
    }
    written
}

impl Drop for PidFile {
    /// Removes the file, if this process wrote it and none after it, in another network namespace.
    fn drop(&mut self) {
        let own = self.owner.to_string();
        let is_own = || fs::read_to_string(&self.path).is_ok_and(|text| text.trim() == own);
        if self.owner == std::process::id() && is_own() {
            // Nothing can be done about a failure at the end.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("caribe-{}-{name}.pid", std::process::id()))
    }

    #[test]
    fn it_is_there_for_everybody_to_read_until_its_process_ends() {
        let path = path("mode");
        let file = PidFile::write(&path).unwrap();
        // At most 0644: nobody else may write it (the umask may take more away).
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o133, 0, "{mode:o}");
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn r_one_that_was_removed_is_written_again() {
        let path = path("removed");
        let file = PidFile::write(&path).unwrap();
        assert!(!file.restore().unwrap());
        fs::remove_file(&path).unwrap();
        assert!(file.restore().unwrap());
        let own = format!("{}\n", std::process::id());
        assert_eq!(fs::read_to_string(&path).unwrap(), own);
    }

    #[test]
    fn one_that_another_process_has_written_since_stays() {
        let path = path("other");
        let file = PidFile::write(&path).unwrap();
        fs::write(&path, "1\n").unwrap();
        drop(file);
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_file_left_by_a_crash_is_taken_over() {
        let path = path("stale");
        fs::write(&path, "123456789 and more\n").unwrap();
        let _file = PidFile::write(&path).unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            format!("{}\n", std::process::id())
        );
    }

    #[test]
    fn a_symbolic_link_is_refused() {
        let path = path("link");
        std::os::unix::fs::symlink("/dev/null", &path).unwrap();
        let refused = PidFile::write(&path).unwrap_err();
        let said = format!("failed to open {}: ", path.display());
        assert!(refused.to_string().starts_with(&said), "{refused}");
        fs::remove_file(&path).unwrap();
    }
}
