//! Capabilities of programs to be started.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// A set of capabilities (linux/capability.h), a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(u64);

impl Capabilities {
    /// None at all.
    pub const NONE: Self = Self(0);

    /// `CAP_NET_RAW`: raw and packet sockets, as `ping` needs one.
    pub const NET_RAW: Self = Self(1 << 13);

    /// `CAP_KILL`: signals to the processes of others.
    pub const KILL: Self = Self(1 << 5);

    /// `CAP_SETGID` and `CAP_SETUID`: to start programs as somebody else.
    pub const SET_USER: Self = Self(1 << 6 | 1 << 7);

    /// `CAP_NET_BIND_SERVICE`: ports below 1024.
    pub const NET_BIND_SERVICE: Self = Self(1 << 10);

    /// `CAP_NET_ADMIN`: addresses, routes, IPVS.
    pub const NET_ADMIN: Self = Self(1 << 12);

    /// `CAP_SYS_MODULE`: `modprobe`.
    pub const SYS_MODULE: Self = Self(1 << 16);

    /// Those of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn has(self, number: u32) -> bool {
        self.0 >> number & 1 == 1
    }

    /// Bits 0 to 31 and 32 to 63, as capset(2) takes them.
    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    const fn halves(self) -> [u32; 2] {
        [self.0 as u32, (self.0 >> 32) as u32]
    }
}

/// `_LINUX_CAPABILITY_VERSION_3`.
const VERSION: u32 = 0x2008_0522;

/// `struct __user_cap_header_struct`.
#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

/// `struct __user_cap_data_struct`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Data {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Makes `command` start its program with at most the capabilities in `keep`, of those that this
/// process has; also if root runs it, and not to be got back by any file.
///
/// The start fails with `EPERM` if root lacks `CAP_SETPCAP` and may gain privileges: without either
/// nothing could be taken from a program that root runs. Another user's program has none but its file's.
pub fn limit_capabilities(command: &mut Command, keep: Capabilities) {
    let limit = move || {
        limit_bounding(keep)?;
        limit_held(keep)
    };
    #[expect(
        unsafe_code,
        reason = "std has no safe way to act between fork and exec"
    )]
    // SAFETY: between fork and exec the closure only makes system calls, on its own stack: it
    // allocates nothing, takes no lock, and leaves memory and descriptors alone.
    unsafe {
        command.pre_exec(limit);
    }
}

/// Gives up all capabilities of this process but those in `keep`, for good: programs that it starts,
/// root's among them, get no others either.
///
/// # Errors
/// `EPERM` if root lacks `CAP_SETPCAP` and may gain privileges: nothing can be taken from what it starts.
pub fn keep_capabilities(keep: Capabilities) -> io::Result<()> {
    limit_bounding(keep)?;
    limit_held(keep)
}

/// What exec may give: nothing but `keep`.
fn limit_bounding(keep: Capabilities) -> io::Result<()> {
    for number in 0..64 {
        match prctl(libc::PR_CAPBSET_READ, number) {
            // The kernel has no more.
            Err(_) => return Ok(()),
            Ok(0) => {}
            Ok(_) if keep.has(number) => {}
            Ok(_) => match prctl(libc::PR_CAPBSET_DROP, number) {
                Ok(_) => {}
                // Without new privileges exec gives no more than what is held.
                Err(_) if !is_root() || has_no_new_privileges() => return Ok(()),
                Err(error) => return Err(error),
            },
        }
    }
    Ok(())
}

/// What the process holds and hands on: nothing but `keep`, which it may lack. Ambient ones go with
/// the inheritable ones.
fn limit_held(keep: Capabilities) -> io::Result<()> {
    let mut header = Header {
        version: VERSION,
        pid: 0,
    };
    let mut data = [Data::default(); 2];
    #[expect(unsafe_code, reason = "neither libc nor nix has capget")]
    // SAFETY: both pointers are valid for writing; version 3 fills two elements, which it has.
    let got = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, data.as_mut_ptr()) };
    if got != 0 {
        return Err(io::Error::last_os_error());
    }
    for (held, mask) in data.iter_mut().zip(keep.halves()) {
        held.effective &= mask;
        held.permitted &= mask;
        held.inheritable &= mask;
    }
    #[expect(unsafe_code, reason = "neither libc nor nix has capset")]
    // SAFETY: both pointers are valid; version 3 reads two elements, which it has.
    let set = unsafe { libc::syscall(libc::SYS_capset, &raw const header, data.as_ptr()) };
    if set == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn prctl(option: i32, number: u32) -> io::Result<i32> {
    #[expect(unsafe_code, reason = "nix has no PR_CAPBSET_*")]
    // SAFETY: the options of the callers take a number, or nothing, and no pointer; the rest must be 0.
    let result = unsafe { libc::prctl(option, libc::c_ulong::from(number), 0, 0, 0) };
    if result >= 0 {
        Ok(result)
    } else {
        Err(io::Error::last_os_error())
    }
}

fn has_no_new_privileges() -> bool {
    prctl(libc::PR_GET_NO_NEW_PRIVS, 0).is_ok_and(|set| set == 1)
}

fn is_root() -> bool {
    #[expect(unsafe_code, reason = "between fork and exec, so libc's own")]
    // SAFETY: takes nothing, cannot fail.
    let user = unsafe { libc::geteuid() };
    user == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line `name` of a limited child's status, as a number.
    fn status(keep: Capabilities, name: &str) -> u64 {
        let mut command = Command::new("/bin/cat");
        command.arg("/proc/self/status");
        limit_capabilities(&mut command, keep);
        let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let mut lines = text.lines().filter_map(|line| line.split_once(":\t"));
        let (_, value) = lines.find(|(word, _)| *word == name).unwrap();
        u64::from_str_radix(value, 16).unwrap()
    }

    #[test]
    fn a_limited_program_has_no_other_capability() {
        for keep in [Capabilities::NONE, Capabilities::NET_RAW] {
            for name in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
                assert_eq!(status(keep, name) & !keep.0, 0, "{name}");
            }
        }
        if !is_root() {
            return testkit::skipped("only root has a bounding set to limit");
        }
        assert_eq!(status(Capabilities::NONE, "CapBnd"), 0);
        let raw = Capabilities::NET_RAW.0;
        assert_eq!(status(Capabilities::NET_RAW, "CapBnd") & !raw, 0);
    }
}
