//! One command, measured. Called by [`crate::guest`].

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// A command: the program, its arguments, what it reads and where its output goes.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The program's path.
    pub program: &'a Path,
    /// Its arguments.
    pub args: &'a [&'a str],
    /// A file for standard input; `None` is empty.
    pub input: Option<&'a Path>,
    /// A file for standard output, replaced by each run; `None` drops it.
    pub output: Option<&'a Path>,
}

impl<'a> Job<'a> {
    /// `program args`, without input, its output dropped.
    #[must_use]
    pub const fn new(program: &'a Path, args: &'a [&'a str]) -> Self {
        Self {
            program,
            args,
            input: None,
            output: None,
        }
    }

    /// Reads from `input`.
    #[must_use]
    pub const fn reading(mut self, input: &'a Path) -> Self {
        self.input = Some(input);
        self
    }

    /// Writes to `output`.
    #[must_use]
    pub const fn writing(mut self, output: &'a Path) -> Self {
        self.output = Some(output);
        self
    }

    /// Runs once, unmeasured.
    ///
    /// # Errors
    /// It cannot be started, or does not end with status 0.
    pub fn run(&self) -> io::Result<()> {
        self.run_behind(&[])
    }

    /// Runs once as the last words of another command line.
    fn run_behind(&self, words: &[OsString]) -> io::Result<()> {
        let mut argv = words.iter().map(OsString::as_os_str).chain(
            std::iter::once(self.program.as_os_str()).chain(self.args.iter().map(OsStr::new)),
        );
        let mut command = Command::new(argv.next().unwrap_or_default());
        command.args(argv);
        command.stdin(match self.input {
            Some(file) => File::open(file)?.into(),
            None => Stdio::null(),
        });
        command.stdout(match self.output {
            Some(file) => File::create(file)?.into(),
            None => Stdio::null(),
        });
        let status = command.status()?;
        if status.success() {
            return Ok(());
        }
        Err(io::Error::other(format!("{self}: {status}")))
    }

    /// CPU time of one run in microseconds: in the lab's counting clock, thousands of instructions.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn cpu(&self) -> io::Result<u64> {
        let before = children_cpu()?;
        self.run()?;
        Ok(children_cpu()?.saturating_sub(before))
    }

    /// System calls of one run, children included, counted by strace.
    ///
    /// # Errors
    /// As [`run`](Self::run), and if strace is missing or its summary is not understood.
    pub fn calls(&self, scratch: &Path) -> io::Result<u64> {
        let words = ["strace", "-f", "-c", "-U", "calls,name", "-o"].map(OsString::from);
        let mut words = Vec::from(words);
        words.push(scratch.into());
        self.run_behind(&words)?;
        let summary = fs::read_to_string(scratch)?;
        read_total(&summary).ok_or_else(|| io::Error::other(format!("strace: {summary}")))
    }

    /// KiB of memory of one run at its peak, found by `own`, this program, in a process of its own.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn peak(&self, own: &Path, scratch: &Path) -> io::Result<u64> {
        self.run_behind(&[own.into(), "peak".into(), scratch.into()])?;
        let text = fs::read_to_string(scratch)?;
        text.trim().parse().map_err(io::Error::other)
    }
}

impl std::fmt::Display for Job<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.program.display(), self.args.join(" "))
    }
}

/// The total in strace's summary of calls and names.
fn read_total(summary: &str) -> Option<u64> {
    let line = summary.lines().find(|line| line.ends_with(" total"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn children_cpu() -> io::Result<u64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    u64::try_from(micros).map_err(io::Error::other)
}

/// The other side of [`Job::peak`]: runs a command line and writes the KiB it took to a file.
///
/// # Errors
/// It cannot be started or fails, or the file cannot be written.
pub fn peak(file: &OsStr, argv: &[OsString]) -> io::Result<()> {
    let Some((program, args)) = argv.split_first() else {
        return Err(io::Error::other("peak: which program?"));
    };
    let status = Command::new(program).args(args).status()?;
    if !status.success() {
        return Err(io::Error::other(format!(
            "{}: {status}",
            program.to_string_lossy()
        )));
    }
    let kibibytes = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss();
    fs::write(file, kibibytes.to_string())
}

/// The middle one; of an even number the upper of the two. `None` of none.
#[must_use]
pub fn median(mut values: Vec<u64>) -> Option<u64> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_does_not_depend_on_the_order() {
        assert_eq!(median(vec![9, 1, 5]), Some(5));
        assert_eq!(median(vec![]), None);
    }

    #[test]
    fn the_total_of_strace_is_read() {
        let summary = "    calls syscall\n--------- ----------------\n       12 read\n--------- ---\n      108 total\n";
        assert_eq!(read_total(summary), Some(108));
    }

    #[test]
    fn a_command_that_fails_is_no_measurement() {
        assert!(Job::new("/bin/false".as_ref(), &[]).cpu().is_err());
    }
}
