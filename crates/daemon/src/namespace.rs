//! Names of what a machine has once for each network namespace.
//!
//! Programs of several network namespaces may share /run and /var: those of `ip netns exec`, of a unit with
//! `NetworkNamespacePath=`. The namespace of the machine's first process has the plain names, which documents and
//! scripts know; in any other one a name has a suffix.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Our own namespace.
pub(crate) const NAMESPACE: &str = "/proc/thread-self/ns/net";
/// Where `ip netns` keeps namespaces by their names.
const NAMED: &str = "/run/netns";
/// The machine's first process.
const FIRST: i32 = 1;

/// The name of `path` in this network namespace, while that is there: the machine's own has no suffix.
#[must_use]
pub fn own_name(path: &Path) -> PathBuf {
    if is_the_machines() {
        return path.to_owned();
    }
    number().map_or_else(|_| path.to_owned(), |number| with(path, number))
}

/// The same for what is to be found after a boot, too: a namespace that has a name is known by it.
#[must_use]
pub fn lasting_name(path: &Path) -> PathBuf {
    match own_given_name() {
        Some(name) if !is_the_machines() => with(path, name),
        _ => own_name(path),
    }
}

/// Whether process `pid` is in this network namespace; `None` where that cannot be seen.
///
/// `/proc/PID/ns/net` is for those alone who might trace that process. The numbers of a namespace's files below
/// `/proc/PID/net` are its own, and everybody may see them.
pub(crate) fn is_here(pid: i32) -> Option<bool> {
    let number = |process: &str| {
        let file = fs::metadata(format!("/proc/{process}/net/dev"));
        file.map(|file| file.ino()).ok()
    };
    Some(number(&pid.to_string())? == number("thread-self")?)
}

/// What tells this namespace from the others that are there.
pub(crate) fn number() -> io::Result<String> {
    let namespace = fs::metadata(NAMESPACE)?;
    Ok(format!("{}-{}", namespace.dev(), namespace.ino()))
}

fn is_the_machines() -> bool {
    is_here(FIRST).unwrap_or(true)
}

/// The first name in the alphabet, if it has several.
fn own_given_name() -> Option<OsString> {
    let identity = |path: &Path| fs::metadata(path).map(|it| (it.dev(), it.ino())).ok();
    let own = identity(Path::new(NAMESPACE))?;
    let names = fs::read_dir(NAMED).ok()?.filter_map(Result::ok);
    let names = names.filter(|name| identity(&name.path()) == Some(own));
    names.map(|name| name.file_name()).min()
}

fn with(path: &Path, suffix: impl AsRef<OsStr>) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;
    use nix::sched::{CloneFlags, unshare};

    use super::*;

    #[test]
    fn another_network_namespace_has_names_of_its_own_and_the_machines_has_the_plain_ones() {
        let socket = Path::new("/run/lvs/pulse.sock");
        let own = i32::try_from(std::process::id()).unwrap();
        let there = std::thread::spawn(move || {
            // The namespace of this thread alone.
            unshare(CloneFlags::CLONE_NEWNET)?;
            let suffix = number().unwrap();
            assert_eq!(own_name(socket), with(socket, &suffix));
            assert_eq!(lasting_name(socket), with(socket, &suffix));
            assert_eq!(is_here(own), Some(false));
            Ok(())
        });
        match there.join().unwrap() {
            Ok(()) => {}
            Err(Errno::EPERM) => testkit::skipped("only root makes namespaces"),
            Err(errno) => panic!("{errno}"),
        }
        assert_eq!(is_here(own), Some(true));
        // This test runs in the namespace of the machine, or of its container.
        if is_here(FIRST) == Some(true) {
            assert_eq!(own_name(socket), socket);
            assert_eq!(lasting_name(socket), socket);
        }
        assert_eq!(is_here(i32::MAX), None);
    }
}
