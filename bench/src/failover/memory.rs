//! Programs in memory. The lab's root is this machine's file system: even a file that was read before is opened
//! by asking this machine, and the counting clock skips the time until it answers. A takeover that starts a
//! program would be measured with that, milliseconds on a busy machine.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::mount::{MsFlags, mount};

/// What both daemons start.
const PROGRAMS: [&str; 4] = [
    "/usr/sbin/pulse",
    "/usr/sbin/lvsd",
    "/usr/sbin/nanny",
    "/usr/sbin/keepalived",
];
/// What every program opens.
const FILES: [&str; 2] = ["/etc/ld.so.cache", "/etc/localtime"];
/// The copies; /run is in memory, and each director has one of its own above it.
const COPIES: &str = "/run/bench";

/// Puts copies in memory in the place of the programs, of the libraries that they load, and of what every program
/// opens.
///
/// # Errors
/// A file cannot be read, or nothing be mounted.
pub fn keep() -> io::Result<()> {
    fs::create_dir_all(COPIES)?;
    let mut files: BTreeSet<PathBuf> = PROGRAMS.iter().chain(&FILES).map(PathBuf::from).collect();
    for program in PROGRAMS {
        files.extend(libraries(program)?);
    }
    for file in files.iter().filter(|file| file.exists()) {
        let name = file.display().to_string().replace('/', "-");
        let copy = Path::new(COPIES).join(name);
        fs::copy(file, &copy)?;
        let none = None::<&str>;
        mount(Some(&copy), file, none, MsFlags::MS_BIND, none)?;
    }
    Ok(())
}

/// The libraries of a program, its loader too; none of one that is linked statically.
fn libraries(program: &str) -> io::Result<Vec<PathBuf>> {
    let output = Command::new("ldd").arg(program).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let paths = text.split_whitespace().filter(|word| word.starts_with('/'));
    let is_other = |word: &&str| !word.ends_with(':');
    Ok(paths.filter(is_other).map(PathBuf::from).collect())
}
