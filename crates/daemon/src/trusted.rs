//! Files that root may run.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Whether neither the file nor its directory could be changed by others than root. `path` is the
/// file itself: resolve symbolic links first.
///
/// # Errors
/// Those of stat(2).
pub fn only_root_can_change(path: &Path) -> io::Result<bool> {
    for part in [Some(path), path.parent()].into_iter().flatten() {
        let metadata = part.metadata()?;
        if !is_roots_alone(metadata.mode(), metadata.uid(), metadata.gid()) {
            return Ok(false);
        }
    }
    Ok(true)
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

    #[test]
    fn a_file_or_directory_that_others_may_write_is_not_trusted() {
        let directory = std::env::temp_dir().join(format!("trusted-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let file = directory.join("hook");
        fs::write(&file, "").unwrap();
        let is_root = directory.metadata().unwrap().uid() == 0;
        for (of_directory, of_file, trusted) in [
            (0o755, 0o755, is_root),
            (0o755, 0o757, false),
            (0o777, 0o755, false),
        ] {
            fs::set_permissions(&directory, Permissions::from_mode(of_directory)).unwrap();
            fs::set_permissions(&file, Permissions::from_mode(of_file)).unwrap();
            assert_eq!(only_root_can_change(&file).unwrap(), trusted);
        }
        fs::remove_dir_all(&directory).unwrap();
    }
}
