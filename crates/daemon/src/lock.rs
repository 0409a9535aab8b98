//! The right to be the only program of a kind, in a network namespace: table, addresses and the
//! heartbeat's port are the namespace's too.
//!
//! The lock is flock(2) on a file named after the namespace. Whoever may read a file may lock it, so the
//! directory is root's alone. The kernel ends the lock with the last process that has it open: with the
//! daemon, for every program that it starts is started without, and the copy of it that looks up names
//! closes it first. The file stays behind; by itself it says nothing. Somebody may remove it all the same: it is made
//! again, and until then a [name](NameLock) holds.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};

use crate::make_directory;
use crate::name_lock::NameLock;
use crate::namespace::{self, NAMESPACE};
use crate::own_files::identity;

/// Beside the status sockets, which others may read.
const DIRECTORY: &str = "/run/lvs/lock";
/// So much of a command line is shown.
const LONGEST_COMMAND: usize = 200;

/// Why the lock could not be had.
#[derive(Debug)]
pub enum LockError {
    /// Another one of this name has it; its pid, if it has said it.
    Held(&'static str, Option<u32>),
    /// It is not to be had here: the file or directory and the reason.
    Io(PathBuf, io::Error),
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held(program, Some(pid)) => write!(f, "another {program} runs (pid {pid})"),
            Self::Held(program, None) => write!(f, "another {program} runs"),
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for LockError {}

impl LockError {
    /// Which program has the lock: its pid and its command line, if that can be read.
    #[must_use]
    pub fn holder(&self) -> Option<String> {
        let Self::Held(_, Some(pid)) = self else {
            return None;
        };
        let words = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let shown = command_line(&words);
        (!shown.is_empty()).then(|| format!("pid {pid} is {shown:?}"))
    }
}

/// The beginning of a command line that has a NUL behind each word.
fn command_line(words: &[u8]) -> String {
    let words = String::from_utf8_lossy(words);
    let words = words.trim_end_matches('\0').replace('\0', " ");
    words.chars().take(LONGEST_COMMAND).collect()
}

/// The lock. It stays with the process through [`background`](crate::background()).
#[derive(Debug)]
pub struct Lock {
    program: &'static str,
    path: PathBuf,
    file: Flock<File>,
    name: Option<NameLock>,
}

impl Lock {
    /// Takes the lock of `program` in this network namespace; nothing is written yet.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn take(program: &'static str) -> Result<Self, LockError> {
        let mut lock = Self::take_in(Path::new(DIRECTORY), program)?;
        lock.name = match NameLock::take(program) {
            Ok(name) => name,
            Err(pid) => return Err(LockError::Held(program, Some(pid))),
        };
        Ok(lock)
    }

    /// The same with another directory than the usual one.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn take_in(directory: &Path, program: &'static str) -> Result<Self, LockError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |error| LockError::Io(path, error)
        };
        make_own(directory).map_err(at(directory))?;
        let path = in_namespace(directory, program).map_err(at(Path::new(NAMESPACE)))?;
        let file = open(&path).map_err(at(&path))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(file) => Ok(Self {
                program,
                path,
                file,
                name: None,
            }),
            Err((file, Errno::EWOULDBLOCK)) => Err(LockError::Held(program, read_pid(file))),
            Err((_, errno)) => Err(LockError::Io(path, errno.into())),
        }
    }

    /// Says in the file who has it: again after a fork.
    ///
    /// # Errors
    /// [`LockError::Io`], a full disk among them; the lock stays.
    pub fn write_pid(&mut self) -> Result<(), LockError> {
        if let Some(name) = &self.name {
            name.write_pid();
        }
        let written = write_pid(&self.file);
        written.map_err(|error| LockError::Io(self.path.clone(), error))
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes it again if its file is gone, or another one is there: that one keeps nobody from starting. Whether
    /// that was so.
    ///
    /// # Errors
    /// As [`take`](Self::take); [`LockError::Held`] if another one was faster.
    pub(crate) fn restore(&mut self) -> Result<bool, LockError> {
        let own = self.file.metadata().map(|it| (it.dev(), it.ino())).ok();
        if own.is_some() && identity(&self.path).ok() == own {
            return Ok(false);
        }
        let directory = self.path.parent().unwrap_or(Path::new("/"));
        let mut again = Self::take_in(directory, self.program)?;
        again.write_pid()?;
        self.file = again.file;
        Ok(true)
    }
}

/// A file of root's own, one of each network namespace, which is gone after a boot. It may not be there yet.
///
/// # Errors
/// The directory is not root's own or cannot be made.
pub fn run_file(name: &str) -> io::Result<PathBuf> {
    let directory = Path::new(DIRECTORY);
    make_own(directory)?;
    in_namespace(directory, name)
}

fn in_namespace(directory: &Path, name: &str) -> io::Result<PathBuf> {
    Ok(directory.join(format!("{name}.{}", namespace::number()?)))
}

/// Makes the directory; one that is there must be ours, and is nobody else's from then on.
fn make_own(directory: &Path) -> io::Result<()> {
    if let Some(parent) = directory.parent() {
        make_directory(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => return other,
    }
    let found = fs::symlink_metadata(directory)?;
    if !found.is_dir() || found.uid() != nix::unistd::geteuid().as_raw() {
        return Err(io::Error::other("not a directory of our own"));
    }
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700))
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false);
    let flags = OFlag::O_NOFOLLOW.bits();
    options.mode(0o600).custom_flags(flags).open(path)
}

fn write_pid(mut file: &File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(format!("{}\n", std::process::id()).as_bytes())
}

fn read_pid(mut file: File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{chown, symlink};

    use nix::sched::{CloneFlags, unshare};

    use super::*;

    fn directory(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("lock-{}-{name}", std::process::id()))
    }

    fn held(taken: Result<Lock, LockError>) -> String {
        match taken {
            Err(error @ LockError::Held(..)) => error.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_second_one_is_refused_with_the_pid_of_the_first() {
        let directory = directory("second");
        let mut first = Lock::take_in(&directory, "pulse").unwrap();
        assert_eq!(
            held(Lock::take_in(&directory, "pulse")),
            "another pulse runs"
        );
        first.write_pid().unwrap();
        let error = Lock::take_in(&directory, "pulse").unwrap_err();
        let holder = error.holder().unwrap();
        let own = format!("pid {} is \"", std::process::id());
        assert!(
            holder.starts_with(&own) && holder.contains("daemon"),
            "{holder}"
        );
        let said = format!("another pulse runs (pid {})", std::process::id());
        assert_eq!(held(Lock::take_in(&directory, "pulse")), said);
        // Its lvsd is another program.
        Lock::take_in(&directory, "lvsd").unwrap();
        drop(first);
        Lock::take_in(&directory, "pulse").unwrap();
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn r_a_lock_whose_file_was_removed_is_taken_again() {
        let directory = directory("removed");
        let mut first = Lock::take_in(&directory, "pulse").unwrap();
        assert!(!first.restore().unwrap());
        fs::remove_dir_all(&directory).unwrap();
        assert!(first.restore().unwrap());
        let said = format!("another pulse runs (pid {})", std::process::id());
        assert_eq!(held(Lock::take_in(&directory, "pulse")), said);
        // Somebody else was faster.
        fs::remove_dir_all(&directory).unwrap();
        let mut other = Lock::take_in(&directory, "pulse").unwrap();
        other.write_pid().unwrap();
        assert_eq!(first.restore().unwrap_err().to_string(), said);
        drop(other);
        assert!(first.restore().unwrap());
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn of_a_long_command_line_the_first_200_characters_are_shown() {
        assert_eq!(command_line(b"pulse\0-n\0"), "pulse -n");
        assert_eq!(command_line(b""), "");
        let shown = command_line("pulse\0\u{e4}".repeat(100).as_bytes());
        assert_eq!(shown.chars().count(), 200);
        assert!(shown.starts_with("pulse \u{e4}pulse \u{e4}"), "{shown}");
    }

    #[test]
    fn the_file_is_the_namespaces_and_nobody_elses() {
        let directory = directory("private");
        // As a system's configuration might have made it.
        fs::create_dir(&directory).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
        let lock = Lock::take_in(&directory, "lvsd").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&directory), mode(&lock.path)), (0o700, 0o600));
        let link = fs::read_link(NAMESPACE).unwrap();
        let inode = link.to_str().unwrap().strip_prefix("net:[").unwrap();
        let name = lock.path.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("lvsd."), "{name}");
        assert_eq!(
            name.rsplit('-').next().unwrap(),
            inode.strip_suffix(']').unwrap()
        );
        fs::remove_dir_all(directory).unwrap();
    }

    /// Two machines of a test, or containers that share /run.
    #[test]
    fn another_network_namespace_has_its_own() {
        let directory = directory("namespaces");
        let _first = Lock::take_in(&directory, "pulse").unwrap();
        let other = directory.clone();
        let second = std::thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET).map(|()| Lock::take_in(&other, "pulse").map(drop))
        });
        match second.join().unwrap() {
            Ok(taken) => taken.unwrap(),
            Err(errno) => {
                assert_eq!(errno, Errno::EPERM);
                testkit::skipped("only root makes namespaces");
            }
        }
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn what_others_have_made_is_not_used() {
        let (other, link) = (directory("other"), directory("link"));
        fs::create_dir(&other).unwrap();
        symlink(&other, &link).unwrap();
        let said = |path: &Path| Lock::take_in(path, "lvsd").unwrap_err().to_string();
        assert_eq!(
            said(&link),
            format!("{}: not a directory of our own", link.display())
        );
        if nix::unistd::geteuid().is_root() {
            chown(&other, Some(64_001), None).unwrap();
            assert_eq!(
                said(&other),
                format!("{}: not a directory of our own", other.display())
            );
            chown(&other, Some(0), None).unwrap();
        } else {
            testkit::skipped("only root gives a directory to another user");
        }
        fs::remove_file(link).unwrap();
        fs::remove_dir_all(other).unwrap();
    }
}
