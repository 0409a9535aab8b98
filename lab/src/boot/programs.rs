//! What the lab puts into the guest's root: the built programs, a user, a few files.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use nix::mount::{MsFlags, mount};

use super::find::SEARCH_PATH;

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
    keep_c_ipvsadm()?;
    for (name, place) in PROGRAMS {
        let program = built.join(name);
        // An installation of an earlier build there would be found first.
        remove(&Path::new("/usr/local/sbin").join(name))?;
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

/// Copies the C ipvsadm to its place in the lab, if this machine has it.
fn keep_c_ipvsadm() -> io::Result<()> {
    remove(Path::new(C_IPVSADM))?;
    for file in ["/sbin/ipvsadm", "/sbin/ipvsadm.distrib"] {
        let help = Command::new(file)
            .arg("--help")
            .env("PATH", SEARCH_PATH)
            .output();
        if help.is_ok_and(|help| is_c(&help.stdout)) {
            fs::create_dir_all("/usr/local/libexec")?;
            return fs::copy(file, C_IPVSADM).map(|_| ());
        }
    }
    Ok(())
}

/// Whether the help text is the C program's. Ours begins with the same line of its version, and says of its
/// own options whose they are.
fn is_c(help: &[u8]) -> bool {
    let text = String::from_utf8_lossy(help);
    text.starts_with("ipvsadm v1.") && !text.contains("not in the C ipvsadm")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_not_taken_for_the_c_program() {
        let version = "ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\n";
        assert!(is_c(format!("{version}Usage:\n").as_bytes()));
        assert!(!is_c(
            format!("{version}  --json (not in the C ipvsadm)\n").as_bytes()
        ));
        assert!(!is_c(b""));
    }
}
