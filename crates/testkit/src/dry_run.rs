//! `-t` of a daemon as configuration management runs it before a file is put in place (`validate=`):
//! exit status, standard output and standard error. No right needed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;
use nix::unistd::{Uid, mkfifo};

use crate::copy_program;

const NOBODY: u32 = 65534;
/// Many times what it takes on a loaded machine; the writer of a FIFO would never come.
const LIMIT: Duration = Duration::from_secs(60);

/// A directory of the test's own that anybody may read, gone at its end.
#[derive(Debug)]
pub struct Place(PathBuf);

impl Place {
    /// Makes it; `name` is the test's.
    ///
    /// # Panics
    /// It is there, or the disk is full.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("dry-run-{}-{name}", std::process::id()));
        fs::create_dir(&path).expect("a new directory");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
        Self(path)
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Its file `lvs.cf` with this text.
    ///
    /// # Panics
    /// The disk is full.
    pub fn file(&self, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join("lvs.cf");
        fs::write(&path, text).expect("a file");
        path
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Exit status.
    pub status: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Runs a program to its end, without standard input. Where it names a program of the suite that was built
/// beside it, the output gets the usual path instead: whether that program is there depends on what was
/// built last.
///
/// # Panics
/// It was not started, was ended by a signal, took a minute or wrote what is not UTF-8.
pub fn ended(command: &mut Command) -> Ended {
    let began = Instant::now();
    let output = command.stdin(Stdio::null()).output().expect("it starts");
    assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let beside = Path::new(command.get_program()).parent();
    let beside = beside.unwrap_or_else(|| Path::new("/")).display();
    let mut out = text(output.stdout);
    for name in ["lvsd", "nanny", "fos", "send_arp"] {
        out = out.replace(&format!("{beside}/{name} "), &format!("/usr/sbin/{name} "));
    }
    out = out.replace(&format!("{beside}/ipvsadm "), "/sbin/ipvsadm ");
    Ended {
        status: output.status.code().expect("no signal"),
        out,
        err: text(output.stderr),
    }
}

/// A daemon that checks a file.
#[derive(Clone, Copy, Debug)]
pub struct DryRun {
    /// Its executable.
    pub program: &'static str,
    /// The words before `-c` and the file.
    pub words: &'static [&'static str],
    /// What its messages begin with.
    pub says: &'static str,
}

impl DryRun {
    /// The command that checks `file`.
    #[must_use]
    pub fn command(&self, file: &Path) -> Command {
        self.command_of(Path::new(self.program), file)
    }

    fn command_of(&self, program: &Path, file: &Path) -> Command {
        let mut command = Command::new(program);
        command.args(self.words).arg("-c").arg(file);
        command
    }

    /// Checks a file.
    ///
    /// # Panics
    /// As [`ended`].
    #[must_use]
    pub fn check(&self, file: &Path) -> Ended {
        ended(&mut self.command(file))
    }

    /// Checks a file as nobody if this is root, else as who this is.
    ///
    /// # Panics
    /// As [`ended`]; the program cannot be copied into `place`.
    #[must_use]
    pub fn check_without_privilege(&self, place: &Place, file: &Path) -> Ended {
        // Where the build lies, another user may not be let in.
        let program = place.path().join("program");
        copy_program(Path::new(self.program), &program);
        let mut command = self.command_of(&program, file);
        if Uid::effective().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        ended(&mut command)
    }

    /// The lines on standard error of a check that fails with status 1 and says nothing on standard
    /// output.
    ///
    /// # Panics
    /// It ended otherwise.
    #[must_use]
    pub fn refusal(&self, file: &Path) -> Vec<String> {
        let Ended { status, out, err } = self.check(file);
        assert_eq!((status, out.as_str()), (1, ""), "{err}");
        err.lines().map(str::to_owned).collect()
    }

    /// A file of good lines between two bad ones: the first line on standard error is `first`, then
    /// come both faults.
    ///
    /// # Panics
    /// That is not so.
    pub fn names_both_faults(&self, place: &Place, good: &str, first: impl Fn(&str) -> String) {
        let file = place.file(format!("keepalive = soon\n{good}bogus = 1\n"));
        let (name, last) = (file.display().to_string(), good.lines().count() + 2);
        let lines = self.refusal(&file);
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert_eq!(lines.first(), Some(&first(&name)));
        let faults = [
            format!("{name}:1:13: integer expected: "),
            format!("{name}:{last}:1: unknown command: "),
        ];
        for (line, fault) in lines.iter().skip(1).zip(faults) {
            assert!(line.starts_with(&fault), "{line} is not {fault}");
        }
    }

    /// A file with a warning and a note is good, and both are told.
    ///
    /// # Panics
    /// That is not so.
    pub fn tells_a_warning_and_a_note(&self, place: &Place, good: &str) {
        let file = place.file(format!("serial_no = 1\naudit_interval = 2\n{good}"));
        let Ended { status, err, .. } = self.check(&file);
        assert_eq!(status, 0, "{err}");
        let name = file.display();
        for told in [":3:13: warning: serial_no", ":2:1: note: "] {
            assert!(err.contains(&format!("{name}{told}")), "{err}");
        }
    }

    /// What is no file, or none that is as long as a configuration may be, is refused with its name
    /// and the reason.
    ///
    /// # Panics
    /// That is not so.
    pub fn refuses_what_is_no_file(&self, place: &Place) {
        let fifo = place.path().join("fifo");
        mkfifo(&fifo, Mode::S_IRUSR).expect("a FIFO");
        for (path, reason) in [
            (place.path().to_owned(), "Is a directory"),
            (fifo, "not a regular file"),
            ("/dev/zero".into(), "not a regular file"),
            (place.path().join("none"), "No such file or directory"),
            (
                place.path().join("none/lvs.cf"),
                "No such file or directory",
            ),
        ] {
            let name = path.display();
            let expected = [
                format!("{}: failed to open {name}", self.says),
                format!("{name}: {reason}"),
            ];
            assert_eq!(self.refusal(&path), expected);
        }
        let endless = self.refusal(&place.file("#".repeat(1024 * 1024 + 1)));
        assert!(
            endless.iter().any(|line| line.contains("1 MiB")),
            "{endless:?}"
        );
    }
}
