//! Chooses the kernel, starts it, copies the program's output while it runs, keeps the time limit.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use clap::builder::TypedValueParser;
use clap::{Args, ValueEnum, value_parser};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getuid};

use super::host_time::HostTime;
use super::{Job, NO_STATUS, native, qemu, uml};

/// How often the output is looked at.
const TICK: Duration = Duration::from_millis(20);
/// Limit of a run for which none is given.
const LIMIT: Duration = Duration::from_secs(300);
/// Time between asking a guest to end and killing it.
const GRACE: Duration = Duration::from_secs(3);

/// Where the kernel comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kernel {
    /// This machine's own if it has IPVS and the user is root, else user-mode Linux.
    Auto,
    /// User-mode Linux (Debian package `user-mode-linux`); one CPU, boots in seconds.
    Uml,
    /// The distribution's kernel under QEMU's emulation, without KVM.
    Qemu,
    /// This machine's own kernel, in namespaces.
    Native,
}

/// Kernel, size and limits of one run.
#[derive(Args, Clone, Debug)]
pub struct Boot {
    /// Where the kernel comes from.
    #[arg(long, value_enum, default_value_t = Kernel::Auto)]
    pub kernel: Kernel,
    /// Memory of the guest as kernels and emulators write it.
    #[arg(long, value_name = "SIZE", default_value = "1G")]
    pub memory: String,
    /// Limit of one guest: 300, of a test 1800; past it the status is 97.
    #[arg(long = "timeout", value_name = "SECONDS",
          value_parser = value_parser!(u64).map(Duration::from_secs))]
    pub limit: Option<Duration>,
    /// QEMU only: the guest's clock counts instructions, idle time is skipped.
    #[arg(long)]
    pub icount: bool,
    /// systemd is the guest's process 1, as on a director; not on this machine's own kernel.
    #[arg(long)]
    pub systemd: bool,
}

/// Why there is no kernel to run on.
#[derive(Debug)]
pub enum BootError {
    /// A program that boots kernels is not installed.
    Missing {
        /// Its name.
        program: &'static str,
        /// The Debian package that has it.
        package: &'static str,
    },
    /// The machine's own kernel was asked for and cannot serve.
    NotHere(&'static str),
    /// This processor needs a library of the lab's to run user-mode Linux.
    NoXstate(PathBuf),
    /// The run's directory or its files.
    Run(io::Error),
    /// The kernel's program could not be started.
    Start(io::Error),
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { program, package } => {
                write!(f, "{program} is missing: apt-get install {package}")
            }
            Self::NotHere(why) => write!(f, "this machine's own kernel cannot be used: {why}"),
            Self::NoXstate(library) => write!(
                f,
                "this processor has AMX, user-mode Linux then needs {}: \
                 cargo build -p caribe-uml-xstate",
                library.display()
            ),
            Self::Run(_) => write!(f, "cannot prepare the run"),
            Self::Start(_) => write!(f, "cannot start the kernel"),
        }
    }
}

impl std::error::Error for BootError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Run(error) | Self::Start(error) => Some(error),
            Self::Missing { .. } | Self::NotHere(_) | Self::NoXstate(_) => None,
        }
    }
}

impl Boot {
    /// Time from start to end of the run.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.limit.unwrap_or(LIMIT)
    }

    /// Runs `job`, copies its output to `out` as it comes, and returns its exit status.
    ///
    /// [`NO_STATUS`] means: no kernel, or past the time limit; `err` then has the reason.
    ///
    /// # Errors
    /// [`BootError`] if nothing could be started at all.
    pub fn run(
        &self,
        job: &Job,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<u8, BootError> {
        if self.systemd && self.kernel == Kernel::Native {
            return Err(BootError::NotHere("it has its process 1"));
        }
        let run = RunDirectory::create().map_err(BootError::Run)?;
        job.write(run.path()).map_err(BootError::Run)?;
        File::create(run.path().join("out")).map_err(BootError::Run)?;
        let init = own_program().map_err(BootError::Run)?;
        let mut command = match self.chosen() {
            Kernel::Qemu => qemu::command(self, job, run.path(), &init)?,
            Kernel::Native => native::command(run.path(), &init)?,
            Kernel::Uml | Kernel::Auto => uml::command(self, run.path(), &init)?,
        };
        let stop = stop_flag().map_err(BootError::Run)?;
        let guest = start(&mut command)?;
        // A counting clock does not know of this machine's time, and on this machine's own kernel the
        // guest's load would count as taken.
        let foreign = !self.icount && self.chosen() != Kernel::Native;
        let _taken = foreign
            .then(|| HostTime::watch(guest.id(), run.path()))
            .transpose()
            .map_err(BootError::Run)?;
        self.follow(guest, run.path(), out, &stop)
            .map_err(BootError::Run)?;
        match run.status() {
            Some(status) => Ok(status),
            None => {
                run.explain(self.limit(), err).map_err(BootError::Run)?;
                Ok(NO_STATUS)
            }
        }
    }

    fn chosen(&self) -> Kernel {
        match self.kernel {
            Kernel::Auto if self.systemd => Kernel::Uml,
            Kernel::Auto if getuid().is_root() && native::has_ipvs() => Kernel::Native,
            Kernel::Auto => Kernel::Uml,
            named => named,
        }
    }

    /// Copies output until the guest is gone; asks it to go, then kills it, when its time is over.
    fn follow(
        &self,
        mut guest: Child,
        run: &Path,
        out: &mut dyn Write,
        stop: &AtomicBool,
    ) -> io::Result<()> {
        let mut output = File::open(run.join("out"))?;
        let mut deadline = Instant::now() + self.limit();
        let mut asked = false;
        loop {
            let ended = guest.try_wait()?.is_some();
            copy_new(&mut output, out)?;
            if ended {
                return Ok(());
            }
            if Instant::now() >= deadline || (!asked && stop.load(Ordering::Relaxed)) {
                if asked {
                    guest.kill()?;
                } else if let Ok(pid) = i32::try_from(guest.id()) {
                    kill(Pid::from_raw(pid), Signal::SIGTERM)?;
                }
                asked = true;
                deadline = Instant::now() + GRACE;
            }
            std::thread::sleep(TICK);
        }
    }
}

/// This program, which is also the guest's init.
///
/// Asked for once, at the start: `lab test` lets cargo build, and cargo may put a new file in its
/// place; the kernel then calls the old one deleted.
///
/// # Errors
/// If the kernel does not say.
pub(crate) fn own_program() -> io::Result<PathBuf> {
    static OWN: OnceLock<PathBuf> = OnceLock::new();
    if let Some(path) = OWN.get() {
        return Ok(path.clone());
    }
    let path = std::env::current_exe()?;
    Ok(OWN.get_or_init(|| path).clone())
}

fn start(command: &mut Command) -> Result<Child, BootError> {
    command.spawn().map_err(BootError::Start)
}

/// Set when this process is asked to end: the guest must not outlive it.
fn stop_flag() -> io::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&flag))?;
    }
    Ok(flag)
}

fn copy_new(output: &mut File, out: &mut dyn Write) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    loop {
        match output.read(&mut buffer)? {
            0 => return out.flush(),
            length => out.write_all(buffer.get(..length).unwrap_or_default())?,
        }
    }
}

/// The run's own directory, removed when the run is over.
struct RunDirectory(PathBuf);

impl RunDirectory {
    fn create() -> io::Result<Self> {
        let base = std::env::temp_dir();
        let mut number = std::process::id();
        loop {
            let path = base.join(format!("caribe-lab.{number}"));
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    number = number.wrapping_add(1);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn status(&self) -> Option<u8> {
        std::fs::read_to_string(self.0.join("rc"))
            .ok()?
            .trim()
            .parse()
            .ok()
    }

    fn explain(&self, limit: Duration, err: &mut dyn Write) -> io::Result<()> {
        writeln!(
            err,
            "lab: no exit status from the guest (limit {} s)",
            limit.as_secs()
        )?;
        let console = std::fs::read(self.0.join("console")).unwrap_or_default();
        let console = String::from_utf8_lossy(&console);
        // A call trace says nothing to people who do not work on kernels.
        let lines: Vec<_> = console
            .lines()
            .filter(|line| !line.contains("[<"))
            .collect();
        for line in lines.iter().skip(lines.len().saturating_sub(12)) {
            writeln!(err, "lab: console: {line}")?;
        }
        Ok(())
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        // A directory left in /tmp is no reason to fail a run that has its result.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Finds a program in `PATH` and in the directories of root's programs.
pub(super) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from))
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}
