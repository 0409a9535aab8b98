//! Files and directories that everybody may read and nobody but us may write, whatever umask was
//! inherited: the first process of some systems has none.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::OFlag;

/// Makes a directory and those on the way to it, as far as they are not there.
///
/// # Errors
/// Those of mkdir(2).
pub fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o755).create(path)
}

/// What a file is, whatever its name.
pub(crate) type Identity = (u64, u64);

/// What lies at `path`, itself and not what it points to.
///
/// # Errors
/// Nothing does.
pub(crate) fn identity(path: &Path) -> io::Result<Identity> {
    let found = std::fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// Makes an empty file, or empties the one that is there.
///
/// # Errors
/// Those of open(2), for a symbolic link in its place too.
pub fn create_file(path: &Path) -> io::Result<File> {
    // A FIFO is not waited for.
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true).truncate(true).mode(0o644);
    options.custom_flags(flags.bits()).open(path)
}
