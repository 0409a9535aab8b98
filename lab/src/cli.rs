//! The command line of `lab`. Called by `main`.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::boot::{Boot, BootError, Job, Kernel, NO_STATUS, guest, own_program};
use crate::demo;
use crate::suite;

/// Exit status for a command line that is not understood.
const USAGE_STATUS: u8 = 2;

const USAGE: &str = "\
usage: lab run  [BOOT] [--] PROGRAM [ARG...]   run a program on a kernel with IPVS
       lab test [BOOT] [FILTER] [-- TEST-ARG...]  run the lab tests, each in a guest of its own
       lab demo [BOOT] [--timeline FILE]       show a cluster of two directors at work; what
                                               happened when goes to FILE as JSON lines
BOOT:  --kernel auto|uml|qemu|native   where the kernel comes from (auto: native for root where
                                       this kernel has IPVS, else user-mode Linux)
       --memory SIZE                   memory of the guest (1G)
       --timeout SECONDS               limit of one guest (300, of a test 1800); past it the
                                       status is 97
       --icount                        qemu: the clock counts instructions, idle time is skipped
       --systemd                       uml, qemu: systemd is process 1, as on a director
       --share DIR                     the guest may write to DIR; any number of times
       --programs DIR                  where the built programs are (this program's directory)
";

/// A command line, understood.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) boot: Boot,
    pub(crate) shares: Vec<PathBuf>,
    pub(crate) programs: PathBuf,
    pub(crate) timeline: Option<PathBuf>,
    pub(crate) words: Vec<OsString>,
}

/// What is wrong with a command line or with a run.
#[derive(Debug)]
pub(crate) enum Failure {
    Usage(String),
    Boot(BootError),
    Io(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<BootError> for Failure {
    fn from(error: BootError) -> Self {
        Self::Boot(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) => write!(f, "{what}"),
            Self::Io(error) => write!(f, "{error}"),
            Self::Boot(error) => {
                write!(f, "{error}")?;
                match std::error::Error::source(error) {
                    Some(cause) => write!(f, ": {cause}"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// Runs `lab` with its arguments (without the program's name); the exit status.
pub fn run(args: &[OsString], out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match dispatch(args, out, err) {
        Ok(status) => status,
        Err(failure) => {
            let status = if let Failure::Usage(_) = failure {
                USAGE_STATUS
            } else {
                NO_STATUS
            };
            // Nobody is left to hear that standard error is closed.
            let _ = writeln!(err, "lab: {failure}");
            status
        }
    }
}

fn dispatch(args: &[OsString], out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Failure> {
    let Some((command, rest)) = args.split_first() else {
        return Err(Failure::Usage(format!("no command\n{USAGE}")));
    };
    match (command.to_str().unwrap_or_default(), rest) {
        // User-mode Linux puts words of its own behind ours.
        ("guest", [how, run, ..]) => Ok(guest::run(how, Path::new(run), out)),
        ("run", _) => {
            let mut options = Options::parse(rest)?;
            if options.words.first().is_some_and(|word| word == "--") {
                options.words.remove(0);
            }
            if options.words.is_empty() {
                return Err(Failure::Usage("run: which program?".into()));
            }
            Ok(options
                .boot
                .run(&options.job(options.words.clone())?, out, err)?)
        }
        ("demo", _) if std::env::var_os("CARIBE_LAB").is_some() => {
            let colour = std::env::var_os("CARIBE_COLOUR").is_some();
            Ok(u8::from(!demo::play(out, colour)?))
        }
        ("demo", _) => run_demo(&Options::parse(rest)?, out, err),
        ("test", _) => {
            let mut options = Options::parse(rest)?;
            options.boot.limit.get_or_insert(suite::LIMIT);
            suite::run(&options, out, err)
        }
        ("help" | "--help" | "-h", _) => {
            write!(out, "{USAGE}")?;
            Ok(0)
        }
        (other, _) => Err(Failure::Usage(format!("unknown command: {other}\n{USAGE}"))),
    }
}

/// Runs the demonstration in the lab; its timeline comes out through a directory of its own.
fn run_demo(options: &Options, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Failure> {
    let mut job = options.job(vec![own_program()?.into_os_string(), "demo".into()])?;
    let Some(file) = &options.timeline else {
        return Ok(options.boot.run(&job, out, err)?);
    };
    let dir = std::env::temp_dir().join(format!("caribe-timeline.{}", std::process::id()));
    std::fs::create_dir(&dir)?;
    let inside = dir.join("timeline");
    job.shares.push(dir.clone());
    job.env.push((demo::TIMELINE.into(), inside.clone().into()));
    let status = options.boot.run(&job, out, err);
    let copied = std::fs::copy(&inside, file);
    std::fs::remove_dir_all(&dir)?;
    let status = status?;
    copied.map_err(|error| {
        io::Error::new(error.kind(), format!("{}: {error}", file.to_string_lossy()))
    })?;
    Ok(status)
}

impl Options {
    pub(crate) fn parse(args: &[OsString]) -> Result<Self, Failure> {
        let mut options = Self {
            boot: Boot::default(),
            shares: Vec::new(),
            programs: own_directory()?,
            timeline: std::env::var_os(demo::TIMELINE).map(PathBuf::from),
            words: Vec::new(),
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let name = arg.to_str().unwrap_or_default();
            match name {
                "--systemd" => options.boot.systemd = true,
                "--icount" => options.boot.icount = true,
                "--kernel" | "--memory" | "--timeout" | "--share" | "--programs" | "--timeline" => {
                    let value = args
                        .next()
                        .ok_or_else(|| Failure::Usage(format!("{name}: missing argument")))?;
                    options.set(name, value)?;
                }
                "--" => {
                    options.words.push(arg.clone());
                    break;
                }
                _ if name.starts_with('-') => {
                    return Err(Failure::Usage(format!("{name}: unknown option")));
                }
                _ => {
                    options.words.push(arg.clone());
                    break;
                }
            }
        }
        options.words.extend(args.cloned());
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &OsStr) -> Result<(), Failure> {
        let bad = || Failure::Usage(format!("{name}: invalid value {}", value.to_string_lossy()));
        let text = value.to_str().ok_or_else(bad)?;
        match name {
            "--kernel" => self.boot.kernel = text.parse::<Kernel>().map_err(|()| bad())?,
            "--memory" => self.boot.memory = text.into(),
            "--timeout" => {
                self.boot.limit = Some(Duration::from_secs(text.parse().map_err(|_| bad())?));
            }
            "--timeline" => self.timeline = Some(std::path::absolute(value)?),
            "--share" => self.shares.push(std::path::absolute(value)?),
            _ => self.programs = std::path::absolute(value)?,
        }
        Ok(())
    }

    /// The job that runs `argv` here, with what of this environment concerns it.
    pub(crate) fn job(&self, argv: Vec<OsString>) -> io::Result<Job> {
        Ok(Job {
            argv,
            cwd: std::env::current_dir()?,
            env: guest_environment(),
            shares: self.shares.clone(),
            programs: self.programs.clone(),
            limit: self.boot.limit(),
            systemd: self.boot.systemd,
        })
    }
}

/// The built programs lie where this one does.
fn own_directory() -> io::Result<PathBuf> {
    let own = own_program()?;
    Ok(own.parent().unwrap_or(Path::new("/")).to_owned())
}

/// A fixed environment, plus the variables that tests and programs of this project read.
fn guest_environment() -> Vec<(OsString, OsString)> {
    let fixed = [
        ("PATH", guest::SEARCH_PATH),
        ("HOME", "/root"),
        ("LANG", "C.UTF-8"),
        ("CARIBE_LAB", "1"),
        ("CARIBE_C_IPVSADM", guest::C_IPVSADM),
    ];
    let mut env: Vec<_> = fixed
        .map(|(name, value)| (name.into(), value.into()))
        .into();
    env.extend(std::env::vars_os().filter(|(name, _)| {
        let name = name.to_string_lossy();
        let is_fixed = fixed.iter().any(|(of_ours, _)| *of_ours == name);
        name.starts_with("RUST_")
            || name.starts_with("CARIBE_") && !is_fixed
            || ["LVS_UNDER_TEST", "NO_COLOR", "CI"].contains(&name.as_ref())
    }));
    if io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        env.push(("CARIBE_COLOUR".into(), "always".into()));
    }
    env
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn options_end_at_the_program() {
        let options =
            Options::parse(&words("--timeout 7 --kernel qemu /bin/ls --timeout 8")).unwrap();
        assert_eq!(options.boot.limit, Some(Duration::from_secs(7)));
        assert_eq!(options.boot.kernel, Kernel::Qemu);
        assert_eq!(options.words, words("/bin/ls --timeout 8"));
    }

    #[test]
    fn two_dashes_end_the_options() {
        assert_eq!(
            Options::parse(&words("-- -x")).unwrap().words,
            words("-- -x")
        );
    }

    #[test]
    fn a_wrong_value_is_named() {
        let failure = Options::parse(&words("--kernel windows x")).unwrap_err();
        assert_eq!(failure.to_string(), "--kernel: invalid value windows");
    }

    #[test]
    fn an_unknown_command_ends_with_status_2() {
        let mut err = Vec::new();
        assert_eq!(run(&words("fly"), &mut Vec::new(), &mut err), USAGE_STATUS);
        assert!(
            String::from_utf8(err)
                .unwrap()
                .starts_with("lab: unknown command: fly\n")
        );
    }
}
