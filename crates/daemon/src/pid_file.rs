//! The pid file: who runs, and that nobody else does.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg, OFlag};

/// Why a pid file could not be had.
#[derive(Debug)]
pub enum PidFileError {
    /// A live process holds it; its pid, if the file says one.
    Held(PathBuf, Option<u32>),
    /// It could not be opened or written.
    Io(PathBuf, io::Error),
}

impl fmt::Display for PidFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held(path, Some(pid)) => {
                write!(
                    f,
                    "already running as pid {pid} ({} is locked)",
                    path.display()
                )
            }
            Self::Held(path, None) => write!(f, "already running ({} is locked)", path.display()),
            Self::Io(path, error) => write!(f, "failed to open {}: {error}", path.display()),
        }
    }
}

impl std::error::Error for PidFileError {}

/// A locked pid file: decimal pid and newline, mode 0644.
///
/// The lock, not the number, says that somebody runs: a file left by a crash is taken over. It
/// stays with the process through [`background`](crate::background()).
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    file: Flock<File>,
    /// Who wrote it; only that process removes it.
    owner: u32,
}

impl PidFile {
    /// Locks the file at `path`; nothing is written yet.
    ///
    /// # Errors
    /// [`PidFileError::Held`] if another process has it, [`PidFileError::Io`] if it cannot be
    /// opened, a symbolic link in its place included.
    pub fn claim(path: &Path) -> Result<Self, PidFileError> {
        let io_error = |error| PidFileError::Io(path.to_owned(), error);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o644)
            .custom_flags(OFlag::O_NOFOLLOW.bits())
            .open(path)
            .map_err(io_error)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(file) => Ok(Self {
                path: path.to_owned(),
                file,
                owner: 0,
            }),
            Err((mut file, nix::errno::Errno::EWOULDBLOCK)) => {
                let mut text = String::new();
                let pid = file
                    .read_to_string(&mut text)
                    .ok()
                    .and_then(|_| text.trim().parse().ok());
                Err(PidFileError::Held(path.to_owned(), pid))
            }
            Err((_, errno)) => Err(io_error(errno.into())),
        }
    }

    /// Writes this process's pid.
    ///
    /// # Errors
    /// [`PidFileError::Io`], a full disk among them; the lock stays.
    pub fn write(&mut self) -> Result<(), PidFileError> {
        self.owner = std::process::id();
        let line = format!("{}\n", self.owner);
        let write = |mut file: &File| {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(line.as_bytes())
        };
        write(&self.file).map_err(|error| PidFileError::Io(self.path.clone(), error))
    }
}

impl Drop for PidFile {
    /// Removes the file, if this process wrote it.
    fn drop(&mut self) {
        if self.owner == std::process::id() {
            // Nothing can be done about a failure at the end, and the lock goes in any case.
            let _ = std::fs::remove_file(&self.path);
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
    fn a_second_claim_names_the_first_ones_pid() {
        let path = path("held");
        let mut first = PidFile::claim(&path).unwrap();
        first.write().unwrap();
        // At most 0644: nobody else may write it (the umask may take more away).
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o133, 0, "{mode:o}");
        match PidFile::claim(&path) {
            Err(PidFileError::Held(_, pid)) => assert_eq!(pid, Some(std::process::id())),
            other => panic!("{other:?}"),
        }
        drop(first);
        assert!(!path.exists());
    }

    #[test]
    fn a_file_left_by_a_crash_is_taken_over() {
        let path = path("stale");
        std::fs::write(&path, "123456789 and more\n").unwrap();
        let mut file = PidFile::claim(&path).unwrap();
        file.write().unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            format!("{}\n", std::process::id())
        );
    }

    #[test]
    fn a_symbolic_link_is_refused() {
        let path = path("link");
        std::os::unix::fs::symlink("/dev/null", &path).unwrap();
        let refused = PidFile::claim(&path).unwrap_err();
        assert!(matches!(refused, PidFileError::Io(..)));
        let said = format!("failed to open {}: ", path.display());
        assert!(refused.to_string().starts_with(&said), "{refused}");
        std::fs::remove_file(&path).unwrap();
    }
}
