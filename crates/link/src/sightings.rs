//! Hears which stations say to have an IPv4 address.

use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, LinkAddr, SockFlag, SockType, recvfrom, socket};
use wire::arp::{self, Sender};

use crate::error::LinkError;

/// So many are read in one call; a flood does not hold up the caller.
const MOST_PER_CALL: usize = 64;
/// An ARP packet, and more padding than it has.
const LONGEST: usize = 64;

/// A socket that ARP packets come to, of every interface, as far as their sender has an address of interest. The
/// kernel keeps all others away from it.
#[derive(Debug)]
pub struct Sightings {
    fd: OwnedFd,
    of: Vec<Ipv4Addr>,
}

impl Sightings {
    /// Listens in the caller's network namespace, to nothing yet; needs `CAP_NET_RAW`.
    ///
    /// # Errors
    /// [`LinkError::Socket`].
    pub fn open() -> Result<Self, LinkError> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let fd = socket(AddressFamily::Packet, SockType::Datagram, flags, None);
        let fd = fd.map_err(LinkError::Socket)?;
        let of = Vec::new();
        Ok(Self { fd, of })
    }

    /// Listens to who says to have one of `addresses`.
    ///
    /// # Errors
    /// [`LinkError::Socket`]: it listens to what it did before.
    pub fn listen_to(&mut self, addresses: Vec<Ipv4Addr>) -> Result<(), LinkError> {
        if addresses == self.of {
            return Ok(());
        }
        lvs_sys::only_arp_of(self.fd.as_fd(), &addresses).map_err(|error| {
            let errno = error.raw_os_error().unwrap_or_default();
            LinkError::Socket(Errno::from_raw(errno))
        })?;
        self.of = addresses;
        Ok(())
    }

    /// Who was heard since the last call, with the number of the interface; [`MOST_PER_CALL`] packets at most.
    pub fn drain(&self) -> Vec<(Sender, u32)> {
        let mut heard = Vec::new();
        let mut bytes = [0; LONGEST];
        for _ in 0..MOST_PER_CALL {
            match recvfrom::<LinkAddr>(self.fd.as_raw_fd(), &mut bytes) {
                Ok((length, source)) => {
                    let sender = bytes.get(..length).and_then(arp::decode);
                    let index = source.and_then(|it| u32::try_from(it.ifindex()).ok());
                    heard.extend(sender.zip(index));
                }
                Err(Errno::EINTR | Errno::ENETDOWN) => {}
                Err(_) => break,
            }
        }
        heard
    }
}

impl AsFd for Sightings {
    /// Readable when there is something to drain.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
