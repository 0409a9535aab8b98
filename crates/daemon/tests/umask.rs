//! What the programs leave in the file system where the first process has no umask. A test of its own:
//! the umask is the whole process's.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use daemon::{ControlSocket, Lock, PidFile, create_file, make_directory};
use nix::sys::stat::{Mode, umask};

#[test]
fn nobody_else_may_write_what_is_made_without_a_umask() {
    umask(Mode::empty());
    let top = std::env::temp_dir().join(format!("caribe-umask-{}", std::process::id()));
    make_directory(&top.join("a/b")).unwrap();
    create_file(&top.join("a/file")).unwrap();
    let _lock = Lock::take_in(&top.join("locks/lock"), "lvsd").unwrap();
    let _status = ControlSocket::open_for_readers(&top.join("run/lvsd.sock")).unwrap();
    let _pid = PidFile::write(&top.join("lvsd.pid")).unwrap();
    let mut count = 0;
    check(&top, &mut count);
    assert_eq!(count, 10);
    std::fs::remove_dir_all(top).unwrap();
}

fn check(path: &Path, count: &mut usize) {
    let mode = path.metadata().unwrap().permissions().mode();
    let is_socket = path.extension().is_some_and(|end| end == "sock");
    // Whom the group of the status socket is for.
    let mask = if is_socket { 0o002 } else { 0o022 };
    assert_eq!(mode & mask, 0, "{} {mode:o}", path.display());
    *count += 1;
    if path.is_dir() {
        for entry in path.read_dir().unwrap() {
            check(&entry.unwrap().path(), count);
        }
    }
}
