//! Hears which stations claim an IPv4 address.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use kernel_wire::arp::{self, Sender};
use lvs_sys::ArpFilter;
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, LinkAddr, SockFlag, SockType, recvfrom, socket};

use crate::error::LinkError;

/// Most packets read in one call: a flood does not hold up the caller.
const MOST_PER_CALL: usize = 64;
/// An ARP packet, and more padding than it has.
const LONGEST: usize = 64;

/// A socket for the ARP packets of every interface whose sender has an address of interest. The kernel
/// keeps all others away, or most of them where it has no room for the addresses.
#[derive(Debug)]
pub struct Sightings {
    fd: OwnedFd,
    of: BTreeSet<Ipv4Addr>,
    filter: ArpFilter,
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
        Ok(Self {
            fd,
            of: BTreeSet::new(),
            filter: ArpFilter::Exact,
        })
    }

    /// Listens for stations that claim one of `addresses`.
    ///
    /// # Errors
    /// [`LinkError::Socket`]. Then it is not known which packets come; of those that come only
    /// senders of the earlier addresses are returned.
    pub fn listen_to(&mut self, addresses: BTreeSet<Ipv4Addr>) -> Result<(), LinkError> {
        if addresses == self.of {
            return Ok(());
        }
        let all: Vec<Ipv4Addr> = addresses.iter().copied().collect();
        let filter = lvs_sys::only_arp_of(self.fd.as_fd(), &all);
        self.filter = filter.map_err(|error| {
            let errno = error.raw_os_error().unwrap_or_default();
            LinkError::Socket(Errno::from_raw(errno))
        })?;
        self.of = addresses;
        Ok(())
    }

    /// Whether the kernel filters by address. If not, other stations' announcements and answers are heard,
    /// but not their requests; and those of all addresses wake the caller.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.filter == ArpFilter::Exact
    }

    /// The senders heard since the last call, with the number of the interface; [`MOST_PER_CALL`] packets
    /// at most.
    pub fn drain(&self) -> Vec<(Sender, u32)> {
        let mut heard = Vec::new();
        let mut bytes = [0; LONGEST];
        for _ in 0..MOST_PER_CALL {
            match recvfrom::<LinkAddr>(self.fd.as_raw_fd(), &mut bytes) {
                Ok((length, source)) => {
                    let sender = bytes.get(..length).and_then(arp::decode);
                    let sender = sender.filter(|it| self.of.contains(&it.address));
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

#[cfg(test)]
mod tests {
    use nix::sched::{CloneFlags, unshare};

    use super::*;

    const ROOM: &str = "/proc/sys/net/core/optmem_max";

    /// The threads of a test share one network; from here on this one has its own. Newer kernels give each
    /// network its own room, and only root makes one.
    fn with_room(bytes: u32) -> bool {
        unshare(CloneFlags::CLONE_NEWNET).is_ok() && std::fs::write(ROOM, bytes.to_string()).is_ok()
    }

    fn addresses(count: u32) -> BTreeSet<Ipv4Addr> {
        (0..count)
            .map(|it| Ipv4Addr::from_bits(0x0a01_0000 + 7 * it))
            .collect()
    }

    #[test]
    fn without_room_for_a_filter_of_all_addresses_it_listens_all_the_same() {
        let tried = std::thread::spawn(|| {
            if !with_room(1500) {
                return;
            }
            let mut sightings = Sightings::open().unwrap();
            // Each time there is all the room: what a filter before took is given back.
            for (count, is_exact) in [(10, true), (130, false), (11, true), (2001, false)] {
                sightings.listen_to(addresses(count)).unwrap();
                assert_eq!(sightings.is_exact(), is_exact, "{count}");
            }
        });
        tried.join().unwrap();
    }
}
