//! What the lab puts into the guest's root: the built programs, a user, a few files.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use nix::mount::{MsFlags, mount};

/// Built program and the fixed path under which the others start it.
const PROGRAMS: [(&str, &str); 7] = [
    ("pulse", "/usr/sbin/pulse"),
    ("lvsd", "/usr/sbin/lvsd"),
    ("nanny", "/usr/sbin/nanny"),
    ("fos", "/usr/sbin/fos"),
    ("send_arp", "/usr/sbin/send_arp"),
    ("lvsctl", "/usr/sbin/lvsctl"),
    ("ipvsadm", "/sbin/ipvsadm"),
];

/// Where the installed C ipvsadm is kept when ours takes its place.
pub(crate) const C_IPVSADM: &str = "/usr/local/libexec/ipvsadm-c";

/// A director's own log socket lies below its own /run; /dev/log leads there.
pub(crate) const LOG_SOCKET: &str = "/run/lab.log";

/// The user that health checks run as.
const CHECK_USER: &str = "lvscheck:x:64539:64539:health checks:/nonexistent:/usr/sbin/nologin\n";

/// Puts everything in place. Where systemd runs, the programs are files that can be exchanged, and the
/// log is its journal.
pub(super) fn install(built: &Path, systemd: bool) -> io::Result<()> {
    if Path::new("/sbin/ipvsadm").exists() {
        fs::create_dir_all("/usr/local/libexec")?;
        fs::copy("/sbin/ipvsadm", C_IPVSADM)?;
    }
    for (name, place) in PROGRAMS {
        let program = built.join(name);
        if program.is_file() {
            let how = if systemd { copy } else { bind };
            how(&program, Path::new(place))?;
        }
    }
    if !fs::read_to_string("/etc/passwd")?.contains("lvscheck:") {
        OpenOptions::new()
            .append(true)
            .open("/etc/passwd")?
            .write_all(CHECK_USER.as_bytes())?;
        let mut group = OpenOptions::new().append(true).open("/etc/group")?;
        group.write_all(b"lvscheck:x:64539:\n")?;
    }
    // Without a resolver in the lab, a look-up that leaves the machine would hang.
    replace(
        "/etc/nsswitch.conf",
        "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n",
    )?;
    replace("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")?;
    fs::create_dir_all("/etc/sysconfig/ha")?;
    fs::create_dir_all("/run/lock/subsys")?;
    fs::create_dir_all("/run/netns")?;
    if systemd {
        return Ok(());
    }
    super::rootfs::replace_link(Path::new(LOG_SOCKET), Path::new("/dev/log"))
}

/// A file in its place, as an installation leaves it.
fn copy(program: &Path, place: &Path) -> io::Result<()> {
    remove(place)?;
    fs::copy(program, place).map(|_| ())
}

/// Binds the program to its place: as quick as a link, and reachable for a user that may not enter
/// the directory where it was built.
fn bind(program: &Path, place: &Path) -> io::Result<()> {
    remove(place)?;
    File::create(place)?;
    mount(
        Some(program),
        place,
        None::<&OsStr>,
        MsFlags::MS_BIND,
        None::<&OsStr>,
    )?;
    Ok(())
}

fn remove(place: &Path) -> io::Result<()> {
    match fs::remove_file(place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn replace(file: &str, text: &str) -> io::Result<()> {
    if fs::symlink_metadata(file).is_ok() {
        fs::remove_file(file)?;
    }
    fs::write(file, text)
}
