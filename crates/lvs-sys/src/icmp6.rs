//! Which ICMPv6 messages a raw socket gets.

use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd};

/// `ICMP6_FILTER` (linux/icmpv6.h).
const FILTER: libc::c_int = 1;

/// Lets a raw ICMPv6 socket have messages of type `kind` only.
///
/// # Errors
/// The kernel's: `ENOPROTOOPT` on a socket of another kind.
pub fn only_icmp6(socket: BorrowedFd<'_>, kind: u8) -> io::Result<()> {
    // Bit n blocks type n.
    let mut blocked = [u32::MAX; 8];
    if let Some(word) = blocked.get_mut(usize::from(kind / 32)) {
        *word &= !(1 << (kind % 32));
    }
    let length = libc::socklen_t::try_from(size_of::<[u32; 8]>());
    let length = length.map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    #[expect(unsafe_code, reason = "nix does not know this option")]
    // SAFETY: `socket` is open for the call, and `blocked`, a `struct icmp6_filter` of `length` bytes,
    // is only read.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_ICMPV6,
            FILTER,
            (&raw const blocked).cast(),
            length,
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

    use super::*;

    #[test]
    fn a_socket_of_another_kind_is_refused() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let refused = only_icmp6(socket.as_fd(), 136).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::ENOPROTOOPT));
    }
}
