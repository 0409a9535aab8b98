//! A small file that outlives a start, and the child that writes it.
//!
//! A disk can take longer than a dead time, and one that hangs answers never. So a child writes, one at a time for
//! each file, never the loop; what is to be kept meanwhile waits, and of that the last.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use daemon::{Child, Program, Signal, Stdin};
use lvs_model::ChildExit;

/// The argument that makes pulse write a file and end; only with a lifeline. Behind it the path and the
/// text.
const ARGUMENT: &str = "--keep";
/// What `ps` shows.
const NAME: &str = "pulse-keeper";
/// Without systemd's `StateDirectory=`.
const DIRECTORY: &str = "/var/lib/lvs";
/// Between a file's name and the process that writes it, while it is not whole.
const NEW: &str = ".new-";

/// The file, and who writes it.
#[derive(Debug)]
pub struct KeptFile {
    path: PathBuf,
    /// Where an older pulse had it: one file for all network namespaces.
    plain: PathBuf,
    /// Writes it.
    child: Option<Child>,
    /// To be written when that has ended.
    next: Option<String>,
}

impl KeptFile {
    /// The file of this name and network namespace, where this service keeps what outlives a start: in systemd's
    /// state directory if there is one, else below /var/lib.
    pub fn find(name: &str) -> Self {
        let directory = std::env::var_os("STATE_DIRECTORY").unwrap_or_else(|| DIRECTORY.into());
        let plain = PathBuf::from(directory).join(name);
        Self::new(daemon::lasting_name(&plain), plain)
    }

    /// The file at `path`.
    #[cfg(test)]
    pub fn at(path: PathBuf) -> Self {
        Self::new(path.clone(), path)
    }

    const fn new(path: PathBuf, plain: PathBuf) -> Self {
        Self {
            path,
            plain,
            child: None,
            next: None,
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What an earlier start kept, also one of an older pulse; `None` if nothing.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn read(&self) -> io::Result<Option<String>> {
        for path in [&self.path, &self.plain] {
            match fs::read_to_string(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                read => return read.map(Some),
            }
        }
        Ok(None)
    }

    /// Whether this network namespace has none of its own yet. What another one keeps later under the plain name is
    /// none of ours: so one is to be written.
    pub fn is_to_be_begun(&self) -> bool {
        self.path != self.plain && !self.path.exists()
    }

    /// Keeps `text`. [`is_busy`](Self::is_busy) until it is on the disk.
    ///
    /// # Errors
    /// No room for a process.
    pub fn keep(&mut self, text: String) -> io::Result<()> {
        if self.child.is_some() {
            self.next = Some(text);
            return Ok(());
        }
        let mut program = Program::new("/proc/self/exe");
        program.name = Some(NAME);
        program.args = vec![ARGUMENT.into(), self.path.clone().into(), text.into()];
        program.stdin = Stdin::Lifeline;
        program.parent_name = "pulse";
        self.child = Some(program.start()?);
        Ok(())
    }

    /// Whether it is being written.
    pub const fn is_busy(&self) -> bool {
        self.child.is_some()
    }

    /// Who writes it.
    #[cfg(test)]
    pub fn pid(&self) -> Option<i32> {
        self.child.as_ref().map(Child::pid)
    }

    /// If `pid` wrote it: how that ended.
    pub fn ended(&mut self, pid: i32, exit: ChildExit) -> Option<io::Result<()>> {
        self.child.take_if(|child| child.pid() == pid)?;
        let done = match exit {
            ChildExit::Status(0) => Ok(()),
            // Each end has its meaning in the child's own hands, see `run`.
            ChildExit::Status(errno) => Err(io::Error::from_raw_os_error(errno)),
            ChildExit::Signal(signal) => {
                Err(io::Error::other(format!("killed by signal {signal}")))
            }
        };
        match self.next.take() {
            Some(next) => Some(done.and(self.keep(next))),
            None => Some(done),
        }
    }

    /// It is waited for no longer. What it has not written by then it never will: the next start may write.
    pub fn give_up(&mut self) {
        self.next = None;
        if let Some(child) = self.child.take() {
            // ESRCH: it has just ended.
            let _ = child.signal(Signal::SIGKILL);
        }
    }
}

/// Whether the command line asks for a file to be written.
pub fn is_asked_for(args: &[OsString]) -> bool {
    let has_parent = std::env::var_os(daemon::PARENT_VARIABLE).is_some();
    matches!(args, [first, _, _] if first == ARGUMENT) && has_parent
}

/// Writes the file; the status is the error's number.
pub fn run(args: &[OsString]) -> ExitCode {
    daemon::show_name(NAME);
    let [_, path, text] = args else {
        return ExitCode::FAILURE;
    };
    match write(Path::new(path), text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let errno = error
                .raw_os_error()
                .and_then(|errno| u8::try_from(errno).ok());
            ExitCode::from(errno.unwrap_or(5))
        }
    }
}

/// All of it or nothing, and on the disk.
pub fn write(path: &Path, text: &OsStr) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    daemon::make_directory(directory)?;
    let mut prefix = path.file_name().unwrap_or_default().to_owned();
    prefix.push(NEW);
    let mut name = prefix.clone();
    name.push(std::process::id().to_string());
    let new = directory.join(name);
    let mut file = daemon::create_file(&new)?;
    file.write_all(text.as_encoded_bytes())?;
    file.sync_all()?;
    remove_others(directory, &prefix, &new)?;
    fs::rename(new, path)?;
    File::open(directory)?.sync_all()
}

/// What others have begun and not finished: a killed one, or one that hangs since an earlier start, which is
/// outdated and must not take the place of this one.
fn remove_others(directory: &Path, prefix: &OsStr, own: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        if name.starts_with(prefix.as_encoded_bytes()) && path != own {
            // Its own process may have been faster.
            let _ = fs::remove_file(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_has_nobody_elses_beginning_and_leaves_none() {
        let directory = std::env::temp_dir().join(format!("pulse-kept-{}", std::process::id()));
        let file = KeptFile::at(directory.join("state/pulse.term"));
        assert_eq!(file.read().unwrap(), None);
        write(file.path(), OsStr::new("1\n")).unwrap();
        // Of a writer that was killed, and of another file.
        fs::write(directory.join("state/pulse.term.new-1"), "100").unwrap();
        fs::write(directory.join("state/pulse.orders.new-1"), "").unwrap();
        write(file.path(), OsStr::new("2\n")).unwrap();
        assert_eq!(file.read().unwrap().as_deref(), Some("2\n"));
        let left = fs::read_dir(directory.join("state")).unwrap();
        let mut left: Vec<_> = left.map(|it| it.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["pulse.orders.new-1", "pulse.term"]);
        let refused = write(&file.path().join("x"), OsStr::new("")).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn what_an_older_pulse_kept_under_the_plain_name_counts_until_there_is_an_own_file() {
        let directory = std::env::temp_dir().join(format!("pulse-older-{}", std::process::id()));
        let plain = directory.join("pulse.orders");
        let file = KeptFile::new(directory.join("pulse.orders.blue"), plain.clone());
        assert!(file.is_to_be_begun() && file.read().unwrap().is_none());
        write(&plain, OsStr::new("standby\n")).unwrap();
        assert_eq!(file.read().unwrap().as_deref(), Some("standby\n"));
        write(file.path(), OsStr::new("")).unwrap();
        assert!(!file.is_to_be_begun());
        assert_eq!(file.read().unwrap().as_deref(), Some(""));
        assert!(!KeptFile::at(plain).is_to_be_begun());
        fs::remove_dir_all(&directory).unwrap();
    }
}
