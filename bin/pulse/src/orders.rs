//! The orders of an administrator, kept for the next start in a small file of their own.
//!
//! In systemd's state directory if there is one, else below /var/lib. That they are on the disk is
//! waited for before the administrator is told so; a disk can take longer than a dead time, so a child
//! does it, never the loop.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use daemon::{Child, Program, Stdin};
use heartbeat::Orders;
use lvs_model::ChildExit;

use crate::term;

/// The argument that makes pulse write a file and end; only with a lifeline. Behind it the path and the
/// text.
const ARGUMENT: &str = "--keep";
/// What `ps` shows.
const NAME: &str = "pulse-keeper";
const FILE: &str = "pulse.orders";
/// The words of the file, a line each.
const STANDBY: &str = "standby";
const FREEZE: &str = "freeze";

/// Where the orders are kept.
pub struct OrdersFile {
    path: PathBuf,
    /// Writes them.
    child: Option<Child>,
    /// To be written when that has ended.
    next: Option<Orders>,
}

impl OrdersFile {
    /// The place of this service.
    pub fn find() -> Self {
        Self::at(term::state_directory().join(FILE))
    }

    const fn at(path: PathBuf) -> Self {
        Self {
            path,
            child: None,
            next: None,
        }
    }

    /// The orders of an earlier start, none if none were kept; and why they are not known, if they are not.
    pub fn read(&self) -> (Orders, Option<String>) {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return (Orders::default(), None);
            }
            Err(error) => {
                let fault = format!("{}: orders not known: {error}", self.path.display());
                log::error!("{fault}");
                return (Orders::default(), Some(fault));
            }
        };
        let (mut orders, mut fault) = (Orders::default(), None);
        for word in text.lines() {
            match word {
                STANDBY => orders.standby = true,
                FREEZE => orders.frozen = true,
                other => {
                    let line = format!("{}: no order: {other:?}", self.path.display());
                    log::error!("{line}");
                    fault = Some(line);
                }
            }
        }
        (orders, fault)
    }

    /// Keeps these. [`is_busy`](Self::is_busy) until they are on the disk.
    ///
    /// # Errors
    /// No room for a process.
    pub fn keep(&mut self, orders: Orders) -> io::Result<()> {
        if self.child.is_some() {
            self.next = Some(orders);
            return Ok(());
        }
        let mut program = Program::new("/proc/self/exe");
        program.name = Some(NAME);
        program.args = vec![
            ARGUMENT.into(),
            self.path.clone().into(),
            print(orders).into(),
        ];
        program.stdin = Stdin::Lifeline;
        program.parent_name = "pulse";
        self.child = Some(program.start()?);
        Ok(())
    }

    /// Whether orders are being written.
    pub const fn is_busy(&self) -> bool {
        self.child.is_some()
    }

    /// If `pid` wrote them: how that ended.
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
        let done = done.map_err(|error| {
            let path = self.path.display();
            io::Error::new(error.kind(), format!("{path}: {error}"))
        });
        match self.next.take() {
            Some(next) => Some(done.and(self.keep(next))),
            None => Some(done),
        }
    }
}

/// The file's text.
fn print(orders: Orders) -> String {
    let words = [(orders.standby, STANDBY), (orders.frozen, FREEZE)];
    let words = words.into_iter().filter(|(is_given, _)| *is_given);
    words.map(|(_, word)| format!("{word}\n")).collect()
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
fn write(path: &Path, text: &OsStr) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    daemon::make_directory(directory)?;
    let new = path.with_extension("orders.new");
    let mut file = daemon::create_file(&new)?;
    file.write_all(text.as_encoded_bytes())?;
    file.sync_all()?;
    fs::rename(new, path)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_outlive_the_program_and_what_is_not_understood_is_none() {
        let directory = std::env::temp_dir().join(format!("pulse-orders-{}", std::process::id()));
        let file = OrdersFile::at(directory.join("state/pulse.orders"));
        assert_eq!(file.read(), (Orders::default(), None));
        for (standby, frozen) in [(true, false), (false, true), (true, true), (false, false)] {
            let orders = Orders { standby, frozen };
            write(&file.path, OsStr::new(&print(orders))).unwrap();
            assert_eq!(file.read(), (orders, None));
        }
        write(&file.path, OsStr::new("standby\nstandy\n")).unwrap();
        let standby = Orders {
            standby: true,
            ..Orders::default()
        };
        let (orders, fault) = file.read();
        assert_eq!(orders, standby);
        let fault = fault.expect("it is shown");
        assert!(
            fault.ends_with("pulse.orders: no order: \"standy\""),
            "{fault}"
        );
        let left: Vec<_> = fs::read_dir(directory.join("state")).unwrap().collect();
        assert_eq!(left.len(), 1);
        let below_a_file = file.path.join("x");
        let refused = write(&below_a_file, OsStr::new("")).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        fs::remove_dir_all(&directory).unwrap();
    }
}
