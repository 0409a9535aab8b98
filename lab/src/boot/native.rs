//! This machine's own kernel, in namespaces: nothing to boot, for root on a machine with IPVS.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::getuid;

use super::error::BootError;
use super::find::find_program;
use super::rootfs::{RUN, mount_plain};

/// Directories into which the lab installs; each gets a layer of its own.
const CHANGED: [&str; 4] = ["/etc", "/usr", "/sbin", "/var"];
/// Devices that programs expect; a /dev of our own keeps the machine's log socket out of reach.
const DEVICES: [&str; 8] = [
    "null", "zero", "full", "random", "urandom", "tty", "pts", "shm",
];

/// Whether this machine's kernel has IPVS, as a module or built in.
pub(super) fn has_ipvs() -> bool {
    if Path::new("/proc/net/ip_vs").exists() {
        return true;
    }
    let Some(modprobe) = find_program("modprobe") else {
        return false;
    };
    Command::new(modprobe)
        .args(["-n", "-q", "ip_vs"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The command that enters the namespaces.
pub(super) fn command(run: &Path, init: &Path) -> Result<Command, BootError> {
    if !getuid().is_root() {
        return Err(BootError::NotHere("only root can make namespaces"));
    }
    if !has_ipvs() {
        return Err(BootError::NotHere("it has no IPVS"));
    }
    let console = File::create(run.join("console")).map_err(BootError::Run)?;
    let mut command = Command::new(init);
    command
        .args(["guest", "native"])
        .arg(run)
        .stdin(Stdio::null())
        .stderr(console.try_clone().map_err(BootError::Run)?)
        .stdout(console);
    Ok(command)
}

/// Moves this process into namespaces of its own and lays the layers.
pub(super) fn enter(run: &Path) -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET)?;
    mount(
        None::<&str>,
        "/",
        None::<&str>,
        MsFlags::MS_REC | MsFlags::MS_PRIVATE,
        None::<&str>,
    )?;
    let layers = run.join("layers");
    fs::create_dir(&layers)?;
    mount_plain("tmpfs", &layers, None)?;
    own_devices(&layers)?;
    for dir in CHANGED {
        if !Path::new(dir).is_symlink() {
            overlay(&layers.join(dir.trim_start_matches('/')), dir)?;
        }
    }
    let kept = layers.join("run");
    fs::create_dir(&kept)?;
    bind(run, &kept)?;
    mount_plain("tmpfs", Path::new("/run"), None)?;
    fs::create_dir(RUN)?;
    bind(&kept, Path::new(RUN))?;
    // /sys shows the network namespace it was mounted in.
    mount_plain("sysfs", Path::new("/sys"), None)?;
    mount_plain("cgroup2", Path::new("/sys/fs/cgroup"), None)?;
    let ip =
        find_program("ip").ok_or_else(|| io::Error::other("no ip: apt-get install iproute2"))?;
    Command::new(ip)
        .args(["link", "set", "lo", "up"])
        .status()?;
    Ok(())
}

fn overlay(layer: &Path, dir: &str) -> io::Result<()> {
    let [upper, work] = ["upper", "work"].map(|name| layer.join(name));
    fs::create_dir_all(&upper)?;
    fs::create_dir_all(&work)?;
    let data = format!(
        "lowerdir={dir},upperdir={},workdir={}",
        upper.display(),
        work.display()
    );
    mount_plain("overlay", Path::new(dir), Some(&data))
}

fn own_devices(layers: &Path) -> io::Result<()> {
    let own = layers.join("dev");
    fs::create_dir(&own)?;
    for name in DEVICES {
        let (from, to) = (Path::new("/dev").join(name), own.join(name));
        if from.is_dir() {
            fs::create_dir(&to)?;
        } else {
            File::create(&to)?;
        }
        bind(&from, &to)?;
    }
    for (target, name) in [
        ("/proc/self/fd", "fd"),
        ("fd/1", "stdout"),
        ("fd/2", "stderr"),
    ] {
        std::os::unix::fs::symlink(target, own.join(name))?;
    }
    mount(
        Some(&own),
        "/dev",
        None::<&str>,
        MsFlags::MS_BIND | MsFlags::MS_REC,
        None::<&str>,
    )?;
    Ok(())
}

fn bind(from: &Path, to: &Path) -> io::Result<()> {
    mount(Some(from), to, None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
    Ok(())
}
