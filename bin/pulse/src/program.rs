//! Programs that lvs.cf names.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use daemon::{Child, Program};

/// Starts a hook in a process group of its own, unless others than root could have written it.
pub fn start(path: &Path, args: &[OsString], input: Option<&OsString>) -> io::Result<Child> {
    let file = daemon::installed(path).canonicalize()?;
    if !daemon::only_root_can_change(&file)? {
        return Err(io::Error::other("others than root can change it"));
    }
    let mut program = Program::new(file);
    program.args = args.to_vec();
    program.input = input.filter(|input| !input.is_empty()).map(Into::into);
    program.own_group = true;
    program.start()
}
