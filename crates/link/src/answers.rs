//! Hears which addresses other stations claim.

use std::net::Ipv6Addr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use kernel_wire::ndisc::{self, Advertisement, NEIGHBOUR_ADVERTISEMENT};
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, socket};

use crate::error::LinkError;

/// Most messages read in one call: a flood does not hold up the caller.
const MOST_PER_CALL: usize = 64;
/// An advertisement and more options than it has.
const LONGEST: usize = 256;

/// A socket that neighbour advertisements come to, of every interface.
#[derive(Debug)]
pub struct Answers {
    fd: OwnedFd,
}

impl Answers {
    /// Listens in the caller's network namespace; needs `CAP_NET_RAW`.
    ///
    /// # Errors
    /// [`LinkError::Socket`], `EAFNOSUPPORT` without IPv6.
    pub fn open() -> Result<Self, LinkError> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let protocol = SockProtocol::IcmpV6;
        let fd = socket(AddressFamily::Inet6, SockType::Raw, flags, protocol);
        let fd = fd.map_err(LinkError::Socket)?;
        lvs_sys::only_icmp6(fd.as_fd(), NEIGHBOUR_ADVERTISEMENT).map_err(|error| {
            let errno = error.raw_os_error().unwrap_or_default();
            LinkError::Socket(Errno::from_raw(errno))
        })?;
        Ok(Self { fd })
    }

    /// The addresses `is_ours` that others have claimed since the last call; [`MOST_PER_CALL`] messages at
    /// most.
    pub fn drain(&self, is_ours: impl Fn(Ipv6Addr) -> bool) -> Vec<Advertisement> {
        let mut heard = Vec::new();
        let mut bytes = [0; LONGEST];
        for _ in 0..MOST_PER_CALL {
            match recv(self.fd.as_raw_fd(), &mut bytes, MsgFlags::empty()) {
                Ok(length) => {
                    let said = bytes.get(..length).and_then(ndisc::decode);
                    heard.extend(said.filter(|said| is_ours(said.address)));
                }
                Err(Errno::EINTR) => {}
                Err(_) => break,
            }
        }
        heard
    }
}

impl AsFd for Answers {
    /// Readable when there is something to drain.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
