//! The name by which `ps` and `top` show this process.

use std::ffi::CString;

/// Shows `name`, 15 bytes of it at most, in the place of the program file's. Argument 0 is the
/// parent's business: [`Program::name`](crate::Program::name).
pub fn show_name(name: &str) {
    // A name with a NUL in it, or a kernel without names, is no reason to stop.
    if let Ok(name) = CString::new(name) {
        let _ = nix::sys::prctl::set_name(&name);
    }
}
