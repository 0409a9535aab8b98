//! Filters of system calls (seccomp). What they let through is decided by their makers.

use std::io;

/// Stands in a filter for the number of the process that installs it.
pub const OWN_PROCESS: u32 = 0xffff_fff0;

/// Stands for the same number below zero: the process group that it leads.
pub const OWN_GROUP: u32 = 0xffff_fff1;

/// Most instructions of a filter (`BPF_MAXINSNS` in linux/bpf_common.h is 4096; ours are short).
const LONGEST: usize = 1024;

/// An instruction of classic BPF (linux/filter.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// What it does.
    pub code: u16,
    /// Instructions to pass over if its condition holds.
    pub then_skip: u8,
    /// Instructions to pass over otherwise.
    pub else_skip: u8,
    /// Its operand.
    pub value: u32,
}

/// A filter, which can be installed.
#[derive(Clone, Debug)]
pub struct CallFilter(Vec<libc::sock_filter>);

impl CallFilter {
    /// The filter with these instructions.
    ///
    /// # Errors
    /// `EINVAL` if there are none, or too many.
    pub fn new(instructions: impl IntoIterator<Item = Instruction>) -> io::Result<Self> {
        let to_c = |instruction: Instruction| libc::sock_filter {
            code: instruction.code,
            jt: instruction.then_skip,
            jf: instruction.else_skip,
            k: instruction.value,
        };
        let filter: Vec<_> = instructions.into_iter().map(to_c).collect();
        if filter.is_empty() || filter.len() > LONGEST {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        Ok(Self(filter))
    }

    /// Holds from now on for this thread and all that it starts. The kernel's log names what it refuses
    /// if it `is_logged`. Allocates nothing: it is called between fork and exec, too.
    ///
    /// # Errors
    /// The process may gain privileges (`no_new_privs` is not set) and has no right to filter, or the
    /// kernel knows no filters.
    pub fn install(&self, is_logged: bool) -> io::Result<()> {
        let mut own = [libc::sock_filter {
            code: 0,
            jt: 0,
            jf: 0,
            k: 0,
        }; LONGEST];
        let pid = std::process::id();
        for (place, instruction) in own.iter_mut().zip(&self.0) {
            *place = *instruction;
            place.k = match instruction.k {
                OWN_PROCESS => pid,
                OWN_GROUP => pid.wrapping_neg(),
                other => other,
            };
        }
        let flags = if is_logged {
            libc::SECCOMP_FILTER_FLAG_LOG
        } else {
            0
        };
        let program = libc::sock_fprog {
            len: u16::try_from(self.0.len()).unwrap_or(0),
            filter: own.as_mut_ptr(),
        };
        #[expect(unsafe_code, reason = "neither libc nor nix has seccomp")]
        // SAFETY: `program` points to `len` instructions, not more than `own` has, and both live until
        // this returns; the kernel copies and checks them.
        let result = unsafe {
            libc::syscall(
                libc::SYS_seccomp,
                libc::SECCOMP_SET_MODE_FILTER,
                flags,
                &raw const program,
            )
        };
        if result == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }
}

/// Whether this kernel filters system calls.
#[must_use]
pub fn calls_can_be_filtered() -> bool {
    let action = libc::SECCOMP_RET_ERRNO;
    #[expect(unsafe_code, reason = "neither libc nor nix has seccomp")]
    // SAFETY: the pointer is to a number that the kernel reads.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_GET_ACTION_AVAIL,
            0,
            &raw const action,
        )
    };
    result == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_of_no_length_and_one_that_is_too_long_are_refused() {
        let one = Instruction {
            code: 0x06,
            then_skip: 0,
            else_skip: 0,
            value: libc::SECCOMP_RET_ALLOW,
        };
        assert!(CallFilter::new([]).is_err());
        assert!(CallFilter::new([one; LONGEST]).is_ok());
        assert!(CallFilter::new([one; LONGEST + 1]).is_err());
    }
}
