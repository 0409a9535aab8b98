//! What the process began with, before Rust's runtime put something in the place of what was missing.

use std::sync::atomic::{AtomicBool, Ordering};

static HAD_OUTPUT: AtomicBool = AtomicBool::new(true);

/// Run by the C library before `main`, and so before the runtime, which opens `/dev/null` for each
/// standard stream that is closed.
extern "C" fn look() {
    #[expect(
        unsafe_code,
        reason = "nix takes a descriptor that is known to be open"
    )]
    // SAFETY: F_GETFD reads the flags of a number, open or not.
    let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
    HAD_OUTPUT.store(flags != -1, Ordering::Relaxed);
}

#[expect(unsafe_code, reason = "the place of a function that runs before main")]
// SAFETY: the section holds pointers to functions with C's calling convention; this one allocates
// nothing and needs nothing that is set up later.
#[unsafe(link_section = ".init_array")]
#[used]
static LOOK: extern "C" fn() = look;

/// Whether standard output was open when the process began.
#[must_use]
pub fn had_standard_output() -> bool {
    HAD_OUTPUT.load(Ordering::Relaxed)
}
