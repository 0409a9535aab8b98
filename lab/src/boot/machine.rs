//! Chooses the kernel, starts it, copies the program's output while it runs, keeps the time limit.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getuid};

use super::error::BootError;
use super::find::own_program;
use super::host_time::HostTime;
use super::options::{Boot, Kernel};
use super::{Job, NO_STATUS, native, qemu, uml};

/// How often the output is looked at.
const TICK: Duration = Duration::from_millis(20);
/// Time between asking a guest to end and killing it.
const GRACE: Duration = Duration::from_secs(3);

impl Boot {
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
