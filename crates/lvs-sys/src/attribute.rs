//! Extended attributes of files.

use std::ffi::{CStr, CString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Longest value that an attribute has (`XATTR_SIZE_MAX`).
const LONGEST: usize = 64 * 1024;

/// The value of an attribute of the file, symbolic links followed; `None` if it has none, or its disk
/// knows none.
///
/// # Errors
/// Those of getxattr(2).
pub fn attribute(path: &Path, name: &CStr) -> io::Result<Option<Vec<u8>>> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut value = vec![0; LONGEST];
    #[expect(unsafe_code, reason = "neither std nor nix reads attributes")]
    // SAFETY: both names end with NUL and live through the call, which writes at most the length that
    // it is given.
    let length = unsafe {
        libc::getxattr(
            path.as_ptr(),
            name.as_ptr(),
            value.as_mut_ptr().cast(),
            value.len(),
        )
    };
    match usize::try_from(length) {
        Ok(length) => {
            value.truncate(length);
            Ok(Some(value))
        }
        Err(_) => {
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::ENODATA | libc::EOPNOTSUPP) => Ok(None),
                _ => Err(error),
            }
        }
    }
}

/// Gives the file an attribute.
///
/// # Errors
/// Those of setxattr(2).
pub fn set_attribute(path: &Path, name: &CStr, value: &[u8]) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    #[expect(unsafe_code, reason = "neither std nor nix writes attributes")]
    // SAFETY: both names end with NUL, the value has its length, and all live through the call, which
    // only reads them.
    let result = unsafe {
        libc::setxattr(
            path.as_ptr(),
            name.as_ptr(),
            value.as_ptr().cast(),
            value.len(),
            0,
        )
    };
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
