//! What programs that are executed do not get.

use std::io;

/// Marks every open descriptor above the standard ones close-on-exec: also those that whoever started this
/// process had left open.
///
/// # Errors
/// A kernel before 5.11.
pub fn close_descriptors_on_exec() -> io::Result<()> {
    #[expect(unsafe_code, reason = "nix has no close_range")]
    // SAFETY: takes numbers; with this flag no descriptor is closed.
    let result = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            libc::c_uint::from(3_u8),
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
