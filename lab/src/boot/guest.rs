//! The lab's init: what the guest's kernel starts first. Prepares the root, runs the job, carries
//! its output and status out, switches the machine off.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::reboot::{RebootMode, reboot};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::utsname::uname;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid, getppid, pipe2, sethostname};

use super::find::SEARCH_PATH;
pub(crate) use super::programs::C_IPVSADM;
use super::rootfs::{self, RUN, Sharing};
use super::{Job, NO_STATUS, programs, qemu, systemd};

/// Output is forced out of the guest's cache at most this often.
const FLUSH_EVERY: Duration = Duration::from_millis(40);
/// How often ended processes are collected.
const REAP_EVERY: u16 = 20;

/// Files that a process of the job may have open.
const OPEN_FILES: u64 = 65_536;

/// By whom this program is started inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Entry {
    /// By user-mode Linux, as process 1.
    Uml,
    /// By the distribution's kernel under QEMU, as process 1.
    Qemu,
    /// By the lab itself, on this machine's own kernel.
    Native,
    /// By the lab's process 1, before it becomes systemd.
    BesideSystemd,
}

/// Runs the job of the directory `run` in the guest. Comes back only from this machine's own kernel,
/// and where the machine cannot be switched off.
pub(crate) fn run(entry: Entry, run: &Path, console: &mut dyn Write) -> u8 {
    if !is_inside(entry) {
        let _ = writeln!(console, "lab guest: only the lab itself starts this");
        return NO_STATUS;
    }
    let done = match entry {
        Entry::Uml => uml(run),
        Entry::Qemu => qemu_stage(run),
        Entry::Native => return native_status(run, console),
        Entry::BesideSystemd => systemd::wait().and_then(|()| run_job(&Job::read(Path::new(RUN))?)),
    };
    if let Err(error) = done {
        // The console is all that is left.
        let _ = writeln!(console, "lab guest: {error}");
    }
    nix::unistd::sync();
    let _ = reboot(RebootMode::RB_POWER_OFF);
    NO_STATUS
}

/// Whether this process belongs to a run of the lab: it has the lab's variable, and the run's job is there.
#[must_use]
pub fn is_guest() -> bool {
    std::env::var_os("CARIBE_LAB").is_some() && Path::new(RUN).join(Job::FILE).is_file()
}

/// Whether a guest is around this process. Elsewhere, as root, it would mount over this machine's files
/// and switch the machine off.
fn is_inside(entry: Entry) -> bool {
    let first = Pid::from_raw(1);
    match entry {
        Entry::Uml | Entry::Qemu => getpid() == first,
        Entry::BesideSystemd => getppid() == first && Path::new(RUN).join(Job::FILE).is_file(),
        // In namespaces of its own, and nothing is switched off.
        Entry::Native => true,
    }
}

fn uml(run: &Path) -> io::Result<()> {
    rootfs::mount_plain("proc", Path::new("/proc"), None)?;
    let release = kernel_release()?;
    rootfs::enter(Path::new("/mnt"), Path::new("/"), &release)?;
    rootfs::link_modules(Path::new("/lib/modules"), &release)?;
    rootfs::mount_kernel_files()?;
    prepare_and_run(Sharing::HostFs, run)
}

fn qemu_stage(run: &Path) -> io::Result<()> {
    qemu::mount_root()?;
    rootfs::enter(Path::new("/rw"), Path::new("/ro"), &kernel_release()?)?;
    rootfs::mount_kernel_files()?;
    prepare_and_run(Sharing::NineP, run)
}

fn native_status(run: &Path, console: &mut dyn Write) -> u8 {
    let done = super::native::enter(run).and_then(|()| {
        let job = Job::read(Path::new(RUN))?;
        programs::install(&job.programs, false)?;
        finish(&job)
    });
    match done {
        Ok(()) => 0,
        Err(error) => {
            let _ = writeln!(console, "lab guest: {error}");
            NO_STATUS
        }
    }
}

fn prepare_and_run(sharing: Sharing, run: &Path) -> io::Result<()> {
    sharing.mount_run(run)?;
    let job = Job::read(Path::new(RUN))?;
    sharing.mount_shares(&job.shares)?;
    // The kernel loads most modules when they are asked for; IPVS itself is asked for by name.
    command_ok(Command::new("modprobe").arg("ip_vs"))?;
    programs::install(&job.programs, job.systemd)?;
    sethostname("lab")?;
    command_ok(Command::new("ip").args(["link", "set", "lo", "up"]))?;
    if job.systemd {
        return systemd::become_it();
    }
    finish(&job)
}

fn finish(job: &Job) -> io::Result<()> {
    fs::write("/proc/sys/net/ipv4/ping_group_range", "0 2147483647")?;
    run_job(job)
}

/// Runs the job and leaves its status in the run's directory.
fn run_job(job: &Job) -> io::Result<()> {
    // One process plays the client and all real servers: both ends of each connection are its own.
    setrlimit(Resource::RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES)?;
    let status = Relay::start(job)?.run(Instant::now() + job.limit)?;
    let mut file = File::create(Path::new(RUN).join("rc"))?;
    writeln!(file, "{status}")?;
    file.sync_all()
}

fn command_ok(command: &mut Command) -> io::Result<()> {
    let status = command.env("PATH", SEARCH_PATH).status().map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("{}: {error}", command.get_program().to_string_lossy()),
        )
    })?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("{command:?}: {status}")))
    }
}

fn kernel_release() -> io::Result<String> {
    Ok(uname()?.release().to_string_lossy().into_owned())
}

/// Starts the job and copies its output to the run's directory until it ends.
struct Relay {
    pipe: File,
    out: File,
    pid: Pid,
    written: bool,
    flushed: Instant,
}

impl Relay {
    fn start(job: &Job) -> io::Result<Self> {
        let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
        let out = File::options()
            .append(true)
            .open(Path::new(RUN).join("out"))?;
        let pid = start_job(job, write)?;
        Ok(Self {
            pipe: File::from(read),
            out,
            pid,
            written: false,
            flushed: Instant::now(),
        })
    }

    fn run(mut self, deadline: Instant) -> io::Result<u8> {
        loop {
            let open = self.copy()?;
            if let Some(status) = reap(self.pid)? {
                while open && self.copy()? && self.written {}
                self.out.sync_data()?;
                return Ok(status);
            }
            if Instant::now() >= deadline {
                return Ok(NO_STATUS);
            }
        }
    }

    /// Waits a moment for output and copies it. False at the end of the pipe.
    fn copy(&mut self) -> io::Result<bool> {
        let mut fds = [PollFd::new(self.pipe.as_fd(), PollFlags::POLLIN)];
        let ready = match poll(&mut fds, PollTimeout::from(REAP_EVERY)) {
            Err(Errno::EINTR) => 0,
            other => other?,
        };
        let mut open = true;
        let wrote = self.written;
        self.written = false;
        if ready > 0 {
            let mut buffer = vec![0; 64 * 1024];
            let length = self.pipe.read(&mut buffer)?;
            self.out
                .write_all(buffer.get(..length).unwrap_or_default())?;
            self.written = length > 0;
            open = length > 0;
        }
        if !open {
            std::thread::sleep(Duration::from_millis(u64::from(REAP_EVERY)));
        }
        if (wrote || self.written) && self.flushed.elapsed() >= FLUSH_EVERY {
            self.out.sync_data()?;
            self.flushed = Instant::now();
        }
        Ok(open)
    }
}

fn start_job(job: &Job, output: OwnedFd) -> io::Result<Pid> {
    let (program, args) = job
        .argv
        .split_first()
        .ok_or_else(|| io::Error::other("no program to run"))?;
    let path = resolve(program)
        .ok_or_else(|| io::Error::other(format!("{}: not found", program.to_string_lossy())))?;
    let child = Command::new(path)
        .args(args)
        .env_clear()
        .envs(job.env.iter().map(|(name, value)| (name, value)))
        .current_dir(&job.cwd)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()?;
    i32::try_from(child.id())
        .map(Pid::from_raw)
        .map_err(io::Error::other)
}

fn resolve(program: &OsStr) -> Option<PathBuf> {
    if program.as_encoded_bytes().contains(&b'/') {
        return Some(program.into());
    }
    std::env::split_paths(SEARCH_PATH)
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}

/// Collects every ended process; the status of `job` if it is among them.
fn reap(job: Pid) -> io::Result<Option<u8>> {
    loop {
        let (pid, status) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) => (pid, u8::try_from(code).unwrap_or(u8::MAX)),
            Ok(WaitStatus::Signaled(pid, signal, _)) => {
                (pid, u8::try_from(128 + signal as i32).unwrap_or(u8::MAX))
            }
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return Ok(None),
            // A real-time signal ended it, for which nix has no value; it is reaped.
            Ok(_) | Err(Errno::EINVAL) => continue,
            Err(errno) => return Err(errno.into()),
        };
        if pid == job {
            return Ok(Some(status));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_of_a_guest_nothing_is_mounted_or_switched_off() {
        for entry in [Entry::Uml, Entry::Qemu, Entry::BesideSystemd] {
            assert!(!is_inside(entry), "{entry:?}");
        }
    }
}
