//! Starts of a daemon that fail: what is said of it, where, and how often. No kernel with IPVS needed.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::{Ended, Place, ended};

/// There is no such file.
const MISSING: &str = "/nowhere/lvs.cf";

/// A daemon that is started and cannot go on.
#[derive(Clone, Copy, Debug)]
pub struct BadStart {
    /// Its executable.
    pub program: &'static str,
    /// The words before the option that keeps it in the foreground.
    pub words: &'static [&'static str],
    /// What its messages begin with.
    pub says: &'static str,
    /// An lvs.cf with which nothing is wrong.
    pub good: &'static str,
}

impl BadStart {
    /// What it says of a file that is missing.
    #[must_use]
    pub fn faults(&self) -> [String; 2] {
        let first = format!("{}: failed to open {MISSING}", self.says);
        [first, format!("{MISSING}: No such file or directory")]
    }

    fn command(&self, file: &Path) -> Command {
        let mut command = Command::new(self.program);
        command.args(self.words).args(["-n", "-c"]).arg(file);
        command
    }

    /// Standard output of a start under pulse with a file that is missing.
    ///
    /// # Panics
    /// As [`ended`].
    #[must_use]
    pub fn under_pulse(&self) -> Vec<String> {
        let mut command = self.command(Path::new(MISSING));
        let output = ended(command.env("CARIBE_PARENT", "pulse")).out;
        output.lines().map(str::to_owned).collect()
    }

    /// A person sees both streams, and so does systemd.
    ///
    /// # Panics
    /// It is not so.
    pub fn says_once_on_standard_error_what_is_wrong(&self) {
        for option in ["-n", "--nodaemon"] {
            let mut command = Command::new(self.program);
            let command = command.args(self.words).args([option, "-c", MISSING]);
            let Ended { status, out, err } = ended(command);
            assert_eq!((status, out.as_str()), (1, ""), "{option}");
            assert_eq!(err.lines().collect::<Vec<_>>(), self.faults(), "{option}");
        }
    }

    /// As systemd's journal, which says by device and inode which stream is its own.
    ///
    /// # Panics
    /// A line has not its severity, or stands there twice.
    pub fn tells_the_journal_once_with_its_severity(&self) {
        for options in [&["-n", "-c"][..], &["-c"]] {
            let (mut journal, stream) = UnixStream::pair().expect("a socket");
            let stream = File::from(OwnedFd::from(stream));
            let its = stream.metadata().expect("a socket's inode");
            let mut command = Command::new(self.program);
            command.args(self.words).args(options).arg(MISSING);
            command.env("JOURNAL_STREAM", format!("{}:{}", its.dev(), its.ino()));
            command.stdout(stream.try_clone().expect("a descriptor"));
            command.stderr(stream).stdin(Stdio::null());
            assert_eq!(command.status().expect("it runs").code(), Some(1));
            // The last that holds the other end.
            drop(command);
            let mut said = String::new();
            journal.read_to_string(&mut said).expect("what it said");
            let errors = self.faults().map(|line| format!("<3>{line}"));
            assert_eq!(said.lines().collect::<Vec<_>>(), errors, "{options:?}");
        }
    }

    /// # Panics
    /// The status is another one than with its streams.
    pub fn ends_the_same_with_every_stream_closed(&self) {
        let status = Command::new("/bin/sh")
            .args(["-c", "exec \"$0\" \"$@\" <&- >&- 2>&-", self.program])
            .args(self.words)
            .args(["-n", "-c", MISSING])
            .status();
        assert_eq!(status.expect("a shell").code(), Some(1));
    }

    /// With more descriptors than the loader of programs needs, and fewer than the program does.
    ///
    /// # Panics
    /// It ends otherwise than with one line that says so.
    pub fn names_the_lack_of_descriptors(&self) {
        let place = Place::new("descriptors");
        let file = place.file(self.good);
        for count in 4..8 {
            let mut limited = Command::new("prlimit");
            limited.arg(format!("--nofile={count}:{count}"));
            // A time limit must not be reached: what the program then says would be missing.
            limited.args(["timeout", "60", self.program]);
            limited.args(self.words).args(["-n", "-c"]).arg(&file);
            let output: Output = limited.stdin(Stdio::null()).output().expect("prlimit");
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8(said).expect("UTF-8");
            let named = said.matches("Too many open files").count();
            assert_eq!(named, 1, "{count}: {said}");
            let status = output.status.code();
            assert!(matches!(status, Some(1 | 255)), "{count}: {said}");
        }
    }
}
