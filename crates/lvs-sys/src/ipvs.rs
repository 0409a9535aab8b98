//! The IPVS options of a socket: the kernel's older way to show its table.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// `IP_VS_BASE_CTL` (linux/ip_vs.h), from which its options are numbered.
const BASE: libc::c_int = 64 + 1024 + 64;

/// An option that only shows something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpvsOption {
    /// `IP_VS_SO_GET_SERVICE`: a `struct ip_vs_service_entry`.
    Service,
    /// `IP_VS_SO_GET_DESTS`: a `struct ip_vs_get_dests` with the entries that it says it has room
    /// for.
    Destinations,
}

impl IpvsOption {
    const fn number(self) -> libc::c_int {
        match self {
            Self::Service => BASE + 3,
            Self::Destinations => BASE + 4,
        }
    }
}

/// Asks an IPv4 socket of any kind, as getsockopt(2): `value` holds the question and gets the answer.
///
/// # Errors
/// The kernel's: `EINVAL` if the length of `value` is not what the question makes it, `ESRCH` if there
/// is no such service, `EPERM` without CAP_NET_ADMIN, `ENOPROTOOPT` without IPVS.
pub fn ipvs_option(socket: BorrowedFd<'_>, option: IpvsOption, value: &mut [u8]) -> io::Result<()> {
    let length = libc::socklen_t::try_from(value.len());
    let mut length = length.map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    #[expect(
        unsafe_code,
        reason = "nix offers getsockopt for values of fixed length only"
    )]
    // SAFETY: `socket` is open for the call. `value` and `length` are ours alone for the call, and
    // `length` is the one's size. Neither option's value holds a pointer, and before it writes the
    // kernel holds `length` against the size of all that it is going to write.
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_IP,
            option.number(),
            value.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use super::*;

    #[test]
    fn a_value_without_room_for_the_question_is_refused() {
        let has_ipvs = Path::new("/proc/net/ip_vs").exists();
        let is_root = Path::new("/proc/self").metadata().unwrap().uid() == 0;
        let expected = match (has_ipvs, is_root) {
            (false, _) => libc::ENOPROTOOPT,
            (true, false) => libc::EPERM,
            (true, true) => libc::EINVAL,
        };
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        for option in [IpvsOption::Service, IpvsOption::Destinations] {
            let refused = ipvs_option(socket.as_fd(), option, &mut [0; 3]).unwrap_err();
            assert_eq!(refused.raw_os_error(), Some(expected), "{option:?}");
        }
        if expected != libc::EINVAL {
            testkit::skipped("only root asks IPVS for a table, where there is one");
        }
    }
}
