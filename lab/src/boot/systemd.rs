//! systemd as the guest's process 1: what starts pulse on a director of today.
//!
//! The lab's init prepares the root, then systemd takes its place. A child of it stays: it waits
//! until systemd is up, runs the job and switches the machine off. Of this machine's own services
//! none is started: systemd boots into a target of the lab's own.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::find::SEARCH_PATH;
use super::rootfs::RUN;

const PROGRAM: &str = "/lib/systemd/systemd";
/// Units of an administrator: they go before those of packages.
const UNITS: &str = "/etc/systemd/system";
/// What the guest boots into: everything that a service asks for by itself, and nothing else.
const TARGET: &str = "lab.target";
/// Not in a machine that lives for minutes and has no disk, no console and no clock of its own.
const LEFT_OUT: [&str; 14] = [
    "systemd-udevd.service",
    "systemd-udev-trigger.service",
    "systemd-modules-load.service",
    "systemd-random-seed.service",
    "systemd-update-utmp.service",
    "systemd-hwdb-update.service",
    "systemd-binfmt.service",
    "systemd-pstore.service",
    "systemd-timesyncd.service",
    "systemd-tmpfiles-setup.service",
    "systemd-tmpfiles-setup-dev.service",
    "systemd-remount-fs.service",
    "keyboard-setup.service",
    "apparmor.service",
];
/// How long systemd may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Leaves a child behind for the job and becomes systemd. Comes back only with an error.
pub(super) fn become_it() -> io::Result<()> {
    fs::remove_dir_all(UNITS)?;
    fs::create_dir_all(UNITS)?;
    for name in LEFT_OUT {
        symlink("/dev/null", Path::new(UNITS).join(name))?;
    }
    let target = "[Unit]\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n";
    fs::write(Path::new(UNITS).join(TARGET), target)?;
    Command::new("/proc/self/exe")
        .args(["guest", "beside-systemd", RUN])
        .spawn()?;
    Err(Command::new(PROGRAM)
        .arg(format!("--unit={TARGET}"))
        .args(["--log-target=journal", "--show-status=no"])
        .env("PATH", SEARCH_PATH)
        .exec())
}

/// Waits until systemd has reached its target.
pub(super) fn wait() -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !is_up() {
        if Instant::now() >= deadline {
            return Err(io::Error::other("systemd does not come up"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn is_up() -> bool {
    // It shares the machine's directory of sockets only once it manages units.
    Command::new("/bin/systemctl")
        .args(["--quiet", "is-active", TARGET])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
