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
        let group_writes = metadata.mode() & 0o020 != 0 && metadata.gid() != 0;
        let others_write = metadata.mode() & 0o002 != 0;
        if metadata.uid() != 0 || group_writes || others_write {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

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
