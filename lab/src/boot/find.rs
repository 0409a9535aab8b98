//! Where programs are: this one, the machine's, the guest's.

use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;

/// Where programs are looked for in the guest.
pub(crate) const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// This program, which is also the guest's init.
///
/// Asked for once, at the start: `lab test` lets cargo build, and cargo may put a new file in its
/// place; the kernel then calls the old one deleted.
///
/// # Errors
/// If the kernel does not say.
pub(crate) fn own_program() -> io::Result<PathBuf> {
    static OWN: OnceLock<PathBuf> = OnceLock::new();
    if let Some(path) = OWN.get() {
        return Ok(path.clone());
    }
    let path = std::env::current_exe()?;
    Ok(OWN.get_or_init(|| path).clone())
}

/// Finds a program in `PATH` and in the directories of root's programs.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from))
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}
