//! Lets user-mode Linux run on processors with AMX. Loaded into `linux.uml` by `LD_PRELOAD`.
//!
//! User-mode Linux keeps the extended registers of its processes in 2,696 bytes, enough up to
//! PKRU. Where the processor has AMX the host's area has some 11 KiB. Reading a part of it is
//! allowed, writing a part is refused (EFAULT), and the guest's first process dies. This `ptrace`
//! reads the whole area, lays the guest's part over it, marks the rest as unused and writes it back.
//! Every other request is passed on unchanged.

use std::ffi::{c_int, c_long, c_uint, c_void};
use std::sync::Mutex;

/// Elf note type of the extended registers, `NT_X86_XSTATE` of linux/elf.h.
const XSTATE_NOTE: usize = 0x202;
/// Room for the largest area a processor has today, AMX included.
const ROOM: usize = 32 * 1024;
/// Where the area says which components it holds: `xsave_hdr.xstate_bv`.
const COMPONENTS: usize = 512;
/// x87, SSE, AVX, MPX, AVX-512 and PKRU: what lies within the part that the guest knows.
const GUEST_COMPONENTS: u64 = 0x3ff;

/// Not on the stack: user-mode Linux calls from kernel stacks of 16 KiB.
static AREA: Mutex<[u8; ROOM]> = Mutex::new([0; ROOM]);

/// The C library's `ptrace`, with the one difference that the module describes.
///
/// # Safety
/// As for the C library's: `data` must be what `request` expects.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptrace(
    request: c_uint,
    pid: c_int,
    address: *mut c_void,
    data: *mut c_void,
) -> c_long {
    match request {
        libc::PTRACE_PEEKTEXT | libc::PTRACE_PEEKDATA | libc::PTRACE_PEEKUSER => {
            let mut word: c_long = 0;
            // SAFETY: the kernel stores one word at the address of `word`.
            let done = unsafe { raw(request, pid, address, (&raw mut word).cast()) };
            if done < 0 { done } else { word }
        }
        libc::PTRACE_SETREGSET if address as usize == XSTATE_NOTE => {
            // SAFETY: for this request the caller passes a pointer to an iovec of its own.
            let part = unsafe { &*data.cast::<libc::iovec>() };
            // SAFETY: the iovec describes memory of the caller that stays until we return.
            let part = unsafe { std::slice::from_raw_parts(part.iov_base.cast(), part.iov_len) };
            set_extended(pid, part)
        }
        // SAFETY: the caller's arguments, unchanged.
        _ => unsafe { raw(request, pid, address, data) },
    }
}

/// Writes the whole area, `part` in front.
fn set_extended(pid: c_int, part: &[u8]) -> c_long {
    let Ok(mut area) = AREA.lock() else { return -1 };
    let mut whole = libc::iovec {
        iov_base: area.as_mut_ptr().cast(),
        iov_len: ROOM,
    };
    let note = XSTATE_NOTE as *mut c_void;
    // SAFETY: `whole` describes AREA, which the lock keeps for us.
    let read = unsafe { raw(libc::PTRACE_GETREGSET, pid, note, (&raw mut whole).cast()) };
    if read < 0 {
        return read;
    }
    let length = part.len().min(whole.iov_len);
    if let (Some(front), Some(part)) = (area.get_mut(..length), part.get(..length)) {
        front.copy_from_slice(part);
    }
    if let Some(field) = area.get_mut(COMPONENTS..COMPONENTS + 8) {
        let held = field
            .iter()
            .rev()
            .fold(0, |sum, &byte| sum << 8 | u64::from(byte));
        field.copy_from_slice(&(held & GUEST_COMPONENTS).to_le_bytes());
    }
    whole.iov_base = area.as_mut_ptr().cast();
    // SAFETY: `whole` describes the first bytes of AREA, which the lock keeps for us.
    unsafe { raw(libc::PTRACE_SETREGSET, pid, note, (&raw mut whole).cast()) }
}

/// # Safety
/// As for the system call: `data` must be what `request` expects.
unsafe fn raw(request: c_uint, pid: c_int, address: *mut c_void, data: *mut c_void) -> c_long {
    // SAFETY: passed on by the caller of this function.
    unsafe {
        libc::syscall(
            libc::SYS_ptrace,
            c_long::from(request),
            c_long::from(pid),
            address,
            data,
        )
    }
}
