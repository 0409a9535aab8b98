//! The guest's root: this machine's files below, a tmpfs above. Called by the lab's init.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::mount::{MsFlags, mount};
use nix::unistd::{chdir, chroot};

/// How directories of the machine reach the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sharing {
    /// User-mode Linux: by path.
    HostFs,
    /// QEMU: by a tag, `job` or `share0`, `share1` …
    NineP,
}

/// Where the run's directory is in the guest.
pub(crate) const RUN: &str = "/run/lab";

/// Mounts a tmpfs on `base`, an overlay of `lower` there, and makes that the root.
pub(super) fn enter(base: &Path, lower: &Path, release: &str) -> io::Result<()> {
    mount_plain("tmpfs", base, Some("size=75%"))?;
    let [upper, work, root] = ["upper", "work", "root"].map(|name| base.join(name));
    for dir in [&upper, &work, &root] {
        fs::create_dir(dir)?;
    }
    load_overlay(base, release)?;
    let layers = format!(
        "lowerdir={},upperdir={},workdir={}",
        lower.display(),
        upper.display(),
        work.display()
    );
    mount_plain("overlay", &root, Some(&layers))?;
    switch_to(&root)
}

/// Makes `root` the root of this process and of the kernel's helpers.
pub(super) fn switch_to(root: &Path) -> io::Result<()> {
    chdir(root)?;
    mount(Some("."), "/", None::<&str>, MsFlags::MS_MOVE, None::<&str>)?;
    chroot(".")?;
    chdir("/")?;
    Ok(())
}

/// The overlay may be a module, and the modules are not yet where `modprobe` looks.
fn load_overlay(base: &Path, release: &str) -> io::Result<()> {
    if fs::read_to_string("/proc/filesystems").is_ok_and(|list| list.contains("overlay")) {
        return Ok(());
    }
    let tree = base.join("modules/lib/modules");
    fs::create_dir_all(&tree)?;
    link_modules(&tree, release)?;
    let status = Command::new("/sbin/modprobe")
        .arg("-d")
        .arg(base.join("modules"))
        .arg("overlay")
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other("modprobe overlay failed"))
    }
}

/// Links the running kernel's modules into `tree` unless they are there.
pub(super) fn link_modules(tree: &Path, release: &str) -> io::Result<()> {
    let place = tree.join(release);
    let uml = Path::new("/usr/lib/uml/modules").join(release);
    if !place.exists() && uml.exists() {
        fs::create_dir_all(tree)?;
        symlink(uml, place)?;
    }
    Ok(())
}

/// Mounts what every program expects: /proc, /sys, /dev, /run and their kin.
pub(super) fn mount_kernel_files() -> io::Result<()> {
    for (kind, place) in [("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev")] {
        fs::create_dir_all(place)?;
        mount_plain(kind, Path::new(place), None)?;
    }
    for (kind, place) in [
        ("devpts", "/dev/pts"),
        ("tmpfs", "/dev/shm"),
        ("tmpfs", "/run"),
    ] {
        fs::create_dir_all(place)?;
        mount_plain(kind, Path::new(place), None)?;
    }
    mount_plain("cgroup2", Path::new("/sys/fs/cgroup"), None)?;
    for (target, link) in [
        ("/proc/self/fd", "/dev/fd"),
        ("fd/0", "/dev/stdin"),
        ("fd/1", "/dev/stdout"),
        ("fd/2", "/dev/stderr"),
    ] {
        replace_link(Path::new(target), Path::new(link))?;
    }
    Ok(())
}

/// Makes `link` a symbolic link to `target`, whatever it was.
pub(super) fn replace_link(target: &Path, link: &Path) -> io::Result<()> {
    match fs::remove_file(link) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => symlink(target, link),
    }
}

impl Sharing {
    /// Mounts the run's directory at [`RUN`].
    pub(super) fn mount_run(self, run: &Path) -> io::Result<()> {
        self.mount(run, "job", Path::new(RUN))
    }

    /// Mounts the machine's directories, writable, at their own paths.
    pub(super) fn mount_shares(self, shares: &[PathBuf]) -> io::Result<()> {
        for (number, dir) in shares.iter().enumerate() {
            self.mount(dir, &format!("share{number}"), dir)?;
        }
        Ok(())
    }

    fn mount(self, dir: &Path, tag: &str, place: &Path) -> io::Result<()> {
        fs::create_dir_all(place)?;
        let (source, kind, data) = match self {
            Self::HostFs => (OsStr::new("none"), "hostfs", dir.as_os_str()),
            Self::NineP => (OsStr::new(tag), "9p", OsStr::new(NINE_P_OPTIONS)),
        };
        mount(
            Some(source),
            place,
            Some(kind),
            MsFlags::empty(),
            Some(data),
        )?;
        Ok(())
    }
}

/// Unbuffered: what the guest writes is seen at once.
const NINE_P_OPTIONS: &str = "trans=virtio,version=9p2000.L,msize=262144,cache=none";

pub(super) fn mount_plain(kind: &str, place: &Path, data: Option<&str>) -> io::Result<()> {
    mount(Some(kind), place, Some(kind), MsFlags::empty(), data)
        .map_err(|errno| io::Error::other(format!("mount {kind} on {}: {errno}", place.display())))
}
