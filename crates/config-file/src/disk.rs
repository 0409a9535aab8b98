//! The file itself: where it is, and its bytes.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use daemon::{UntrustedPart, untrusted_directory, untrusted_part_of_data};
use lvs_config::MAX_FILE;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::geteuid;

/// The file that an option named, else the first of the usual places that exists or cannot be looked
/// at, else the first.
#[must_use]
pub fn find(named: Option<&Path>) -> PathBuf {
    first_existing(lvs_config::candidates(named))
}

fn first_existing(candidates: Vec<PathBuf>) -> PathBuf {
    let first = candidates.first().cloned().unwrap_or_default();
    let exists = |path: &PathBuf| match path.try_exists() {
        Ok(exists) => exists,
        Err(error) => error.kind() != io::ErrorKind::NotADirectory,
    };
    candidates.into_iter().find(exists).unwrap_or(first)
}

/// Who reads the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// A daemon: as root it goes by nothing that others may have written.
    Daemon,
    /// Somebody who wants to know what is wrong with it.
    Checker,
}

/// The part of the path, as written or behind symbolic links, by which another user than root, or than us,
/// could change the file.
pub(crate) fn untrusted(path: &Path) -> io::Result<Option<UntrustedPart>> {
    let written = std::path::absolute(path)?;
    let folder = written.parent().unwrap_or(Path::new("/"));
    let real = path.canonicalize()?;
    let part = match untrusted_part_of_data(&real)? {
        None if real != written => untrusted_directory(folder)?,
        part => part,
    };
    let is_ours = |part: &UntrustedPart| !geteuid().is_root() && part.uid == geteuid().as_raw();
    Ok(part.filter(|part| !is_ours(part)))
}

/// The bytes of the file, if this reader may go by it.
pub(crate) fn read(path: &Path, reader: Reader) -> io::Result<Vec<u8>> {
    let text = read_bytes(path)?;
    if reader == Reader::Daemon
        && geteuid().is_root()
        && let Some(part) = untrusted(path)?
    {
        let what = format!("{part}: refused, since root goes by this file");
        return Err(io::Error::other(what));
    }
    Ok(text)
}

/// The bytes of a regular file; of a longer one, one byte more than a file may have, so that this shows.
///
/// Opening never waits: not for the writer of a FIFO, not for a device.
fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::options()
        .read(true)
        .custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits())
        .open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(Errno::EISDIR.into());
    }
    if !kind.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let limit = u64::try_from(MAX_FILE).unwrap_or(u64::MAX);
    let mut text = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut text)?;
    Ok(text)
}

/// The reason in words, without Rust's number behind it.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use nix::sys::stat::Mode;

    use super::*;

    /// Otherwise a user without the right to look would read, and check, another file than root does.
    #[test]
    fn r_a_path_that_cannot_be_looked_at_is_not_passed_over() {
        let dir = std::env::temp_dir().join(format!("config-file-find-{}", std::process::id()));
        let at = |name: &str| dir.join(name);
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(at("second"), "").unwrap();
        std::os::unix::fs::symlink("loop", at("loop")).unwrap();
        for (first, found) in [
            ("loop", "loop"),
            ("absent", "second"),
            ("second/x", "second"),
        ] {
            let candidates = vec![at(first), at("second")];
            assert_eq!(first_existing(candidates), at(found), "{first}");
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }

    fn fault(path: &Path) -> String {
        reason(&read(path, Reader::Daemon).unwrap_err())
    }

    #[test]
    fn only_a_regular_file_is_read_and_nothing_is_waited_for() {
        let dir = std::env::temp_dir().join(format!("config-file-{}", std::process::id()));
        std::fs::create_dir(&dir).unwrap();
        let fifo = dir.join("fifo");
        nix::unistd::mkfifo(&fifo, Mode::S_IRUSR).unwrap();
        assert_eq!(fault(&dir), "Is a directory");
        assert_eq!(fault(&fifo), "not a regular file");
        assert_eq!(fault(Path::new("/dev/zero")), "not a regular file");
        assert_eq!(fault(&dir.join("none")), "No such file or directory");
        std::fs::remove_dir_all(&dir).unwrap();
    }

    /// Only root has something to lose by it.
    #[test]
    fn root_goes_by_no_file_that_others_may_change_and_the_part_at_fault_is_named() {
        if !geteuid().is_root() {
            return testkit::skipped("only root has something to lose by a file of others");
        }
        let dir = std::env::temp_dir().join(format!("config-trust-{}", std::process::id()));
        let (inner, other) = (dir.join("inner"), dir.join("other"));
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::create_dir(&other).unwrap();
        let file = inner.join("lvs.cf");
        std::fs::write(&file, "serial_no = 1\n").unwrap();
        let link = other.join("lvs.cf");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let set = |path: &Path, mode| {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
            std::fs::set_permissions(path, mode).unwrap();
        };
        let owned = |path: &Path, uid, gid| std::os::unix::fs::chown(path, uid, gid).unwrap();
        for path in [&dir, &inner, &other] {
            set(path, 0o755);
        }
        set(&file, 0o644);
        assert!(read(&file, Reader::Daemon).is_ok());
        assert!(read(&link, Reader::Daemon).is_ok());
        let refused = |path: &Path, part: &Path, who: &str| {
            let fault = fault(path);
            assert!(fault.starts_with(who), "{fault}");
            let name = part.display().to_string();
            assert!(
                fault.contains(&format!("{name}, mode")) || fault.contains(&format!("{name}:")),
                "{fault}"
            );
            assert!(read(path, Reader::Checker).is_ok());
        };
        for (part, mode, normal) in [
            (&file, 0o666, 0o644),
            (&inner, 0o777, 0o755),
            (&dir, 0o777, 0o755),
        ] {
            set(part, mode);
            refused(&file, part, "anybody may change ");
            refused(&link, part, "anybody may change ");
            set(part, normal);
        }
        set(&other, 0o757);
        refused(&link, &other, "anybody may change ");
        set(&other, 0o755);
        for part in [&file, &inner, &dir] {
            owned(part, Some(54_321), None);
            refused(&file, part, "user 54321 owns ");
            owned(part, Some(0), Some(54_321));
            assert!(
                read(&file, Reader::Daemon).is_ok(),
                "the group may only read"
            );
            let mode = if part == &file { 0o664 } else { 0o775 };
            set(part, mode);
            refused(&file, part, "group 54321 may change ");
            owned(part, None, Some(0));
            assert!(read(&file, Reader::Daemon).is_ok(), "root's own group");
            set(part, if part == &file { 0o644 } else { 0o755 });
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn the_first_place_is_named_if_none_has_a_file() {
        let path = Path::new("/nowhere/lvs.cf");
        assert_eq!(find(Some(path)), path);
        let both = ["/nowhere/lvs.cf", "/nowhere/else/lvs.cf"].map(PathBuf::from);
        assert_eq!(first_existing(both.into()), path);
    }

    #[test]
    fn the_usual_place_comes_before_that_of_the_first_releases() {
        let dir = std::env::temp_dir().join(format!("config-find-{}", std::process::id()));
        std::fs::create_dir(&dir).unwrap();
        let places = ["usual.cf", "old.cf"].map(|name| dir.join(name));
        std::fs::write(&places[1], "").unwrap();
        assert_eq!(first_existing(places.to_vec()), places[1]);
        std::fs::write(&places[0], "").unwrap();
        assert_eq!(first_existing(places.to_vec()), places[0]);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
