//! Files that root may run, or go by.

use std::fmt;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::acl::{self, Named};

/// Whether neither the file nor a directory on its way could be changed by others than root. `path`
/// is the file itself: resolve symbolic links first.
///
/// # Errors
/// Those of stat(2).
pub fn only_root_can_change(path: &Path) -> io::Result<bool> {
    Ok(untrusted_part(path)?.is_none())
}

/// A file or directory that others than root may change. Prints itself as a part of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UntrustedPart {
    /// Which.
    pub path: PathBuf,
    /// Its mode, without the kind of file.
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Whom its ACL lets change it; then it is root's by its mode.
    pub named: Option<Named>,
}

impl fmt::Display for UntrustedPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            mode,
            uid,
            gid,
            named,
        } = self;
        let path = path.display();
        match named {
            Some(Named::User(uid)) => return write!(f, "user {uid} may change {path} by its ACL"),
            Some(Named::Group(gid)) => {
                return write!(f, "group {gid} may change {path} by its ACL");
            }
            Some(Named::Unknown) => return write!(f, "{path} has an ACL that is not understood"),
            None => {}
        }
        if *uid != 0 {
            write!(f, "user {uid} owns {path}")
        } else if mode & 0o002 != 0 {
            write!(f, "anybody may change {path}, mode {mode:04o}")
        } else {
            write!(f, "group {gid} may change {path}, mode {mode:04o}")
        }
    }
}

/// The part of `path`, a program, that others than root could change: the file, its directory, or one on
/// the way to it. `path` is the file itself: resolve symbolic links first.
///
/// # Errors
/// Those of stat(2).
pub fn untrusted_part(path: &Path) -> io::Result<Option<UntrustedPart>> {
    for part in [Some(path), path.parent()].into_iter().flatten() {
        let found = untrusted(part, &part.metadata()?, Stickiness::Ignored)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    untrusted_directory(path.parent().unwrap_or(path))
}

/// The same for a file that is read: it may lie in a directory like `/tmp`, as long as it is root's.
///
/// # Errors
/// Those of stat(2).
pub fn untrusted_part_of_data(path: &Path) -> io::Result<Option<UntrustedPart>> {
    let found = untrusted(path, &path.metadata()?, Stickiness::Ignored)?;
    if found.is_some() {
        return Ok(found);
    }
    untrusted_directory(path.parent().unwrap_or(path))
}

/// The part of the way to what lies in `directory` that others than root could change.
///
/// A directory of root's where everybody may write is none if only owners may remove what is in it, as
/// in `/tmp`.
///
/// # Errors
/// Those of stat(2).
pub fn untrusted_directory(directory: &Path) -> io::Result<Option<UntrustedPart>> {
    let parts = directory.ancestors();
    for part in parts.filter(|part| !part.as_os_str().is_empty()) {
        let found = untrusted(part, &part.metadata()?, Stickiness::Counts)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Whether it is enough that only owners may remove what is in a directory.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stickiness {
    Counts,
    Ignored,
}

fn untrusted(
    path: &Path,
    metadata: &Metadata,
    stickiness: Stickiness,
) -> io::Result<Option<UntrustedPart>> {
    let (mode, uid, gid) = (metadata.mode(), metadata.uid(), metadata.gid());
    let is_sticky = stickiness == Stickiness::Counts && mode & 0o1000 != 0;
    let counted = if is_sticky { mode & !0o022 } else { mode };
    // The mode shows an ACL's mask as the group's rights: without them nobody is let write by one.
    let named = match uid == 0 && counted & 0o020 != 0 {
        true => acl::writer(path)?,
        false => None,
    };
    let is_trusted = is_roots_alone(counted, uid, gid) && named.is_none();
    Ok((!is_trusted).then(|| UntrustedPart {
        path: path.to_owned(),
        mode: mode & 0o7777,
        uid,
        gid,
        named,
    }))
}

/// Whether a file or directory of this mode, owner and group can be written by root alone. Its owner
/// may always give himself the right to.
const fn is_roots_alone(mode: u32, uid: u32, gid: u32) -> bool {
    let group_writes = mode & 0o020 != 0 && gid != 0;
    let others_write = mode & 0o002 != 0;
    uid == 0 && !group_writes && !others_write
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_owner_is_root_and_no_other_group_may_write() {
        for (mode, uid, gid, trusted) in [
            (0o100_755, 0, 0, true),
            (0o100_755, 0, 1000, true),
            (0o100_775, 0, 0, true),
            (0o100_775, 0, 1000, false),
            (0o100_700, 1000, 0, false),
            (0o100_500, 1000, 0, false),
            (0o100_757, 0, 0, false),
            (0o041_777, 0, 0, false),
        ] {
            let given = format!("{mode:o} {uid} {gid}");
            assert_eq!(is_roots_alone(mode, uid, gid), trusted, "{given}");
        }
    }

    /// By its mode it is root's and root's group's.
    #[test]
    fn r_what_an_acl_lets_others_write_is_not_trusted() {
        let path = std::env::temp_dir().join(format!("trusted-acl-{}", std::process::id()));
        fs::write(&path, "").unwrap();
        if path.metadata().unwrap().uid() != 0 {
            testkit::skipped("only root has a file that is root's");
            return fs::remove_file(&path).unwrap();
        }
        for (named, mask, said) in [
            ((0x02, 6, 1000), 7, Some("user 1000 may change")),
            ((0x08, 6, 100), 7, Some("group 100 may change")),
            ((0x02, 6, 1000), 5, None),
            ((0x02, 6, 0), 7, None),
        ] {
            let value = acl::tests::acl(&[named], mask);
            if let Err(error) = lvs_sys::set_attribute(&path, acl::NAME, &value) {
                testkit::skipped(&format!(
                    "no ACL in the directory for temporary files: {error}"
                ));
                break;
            }
            let found = untrusted_part_of_data(&path)
                .unwrap()
                .map(|it| it.to_string());
            let expected = said.map(|said| format!("{said} {} by its ACL", path.display()));
            assert_eq!(found, expected, "{named:?} {mask}");
        }
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_file_or_directory_that_others_may_write_is_not_trusted() {
        let directory = std::env::temp_dir().join(format!("trusted-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let file = directory.join("hook");
        fs::write(&file, "").unwrap();
        let is_root = directory.metadata().unwrap().uid() == 0;
        for (of_directory, of_file, trusted) in [
            (0o755, 0o755, is_root),
            (0o1777, 0o755, false),
            (0o755, 0o757, false),
            (0o777, 0o755, false),
        ] {
            fs::set_permissions(&directory, Permissions::from_mode(of_directory)).unwrap();
            fs::set_permissions(&file, Permissions::from_mode(of_file)).unwrap();
            assert_eq!(only_root_can_change(&file).unwrap(), trusted);
            let part = untrusted_part(&file).unwrap();
            let at_fault = match (trusted, of_file) {
                (true, _) => None,
                (false, 0o755) if is_root => Some(&directory),
                (false, _) => Some(&file),
            };
            assert_eq!(part.map(|part| part.path).as_ref(), at_fault);
            let of_data = untrusted_part_of_data(&file).unwrap();
            let is_sticky = of_directory == 0o1777 && is_root;
            assert_eq!(of_data.is_none(), trusted || is_sticky);
        }
        fs::remove_dir_all(&directory).unwrap();
    }
}
