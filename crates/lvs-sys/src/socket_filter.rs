//! A filter in the kernel that decides what a socket gets (`linux/filter.h`).

use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd};

use libc::{sock_filter, sock_fprog};

/// Compares what was loaded with a value (`BPF_JMP | BPF_JEQ | BPF_K`).
pub(crate) const IF_EQUAL: u16 = 0x15;
/// Ends: so many bytes of the packet are kept (`BPF_RET | BPF_K`).
pub(crate) const KEEP: u16 = 0x06;

/// Gives the socket this filter, in place of the one that it had.
///
/// # Errors
/// The kernel's: no memory for the filter, or one that it does not take.
pub(crate) fn attach(socket: BorrowedFd<'_>, program: &mut [sock_filter]) -> io::Result<()> {
    let invalid = |_| io::Error::from_raw_os_error(libc::EINVAL);
    let fprog = sock_fprog {
        len: u16::try_from(program.len()).map_err(invalid)?,
        filter: program.as_mut_ptr(),
    };
    let length = libc::socklen_t::try_from(size_of::<sock_fprog>()).map_err(invalid)?;
    #[expect(unsafe_code, reason = "nix does not know this option")]
    // SAFETY: `socket` is open for the call; `fprog`, of `length` bytes, is only read, and so is what
    // it points to: `program`, which lives longer than the call and has `len` instructions.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const fprog).cast(),
            length,
        )
    };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
