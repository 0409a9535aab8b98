//! Destinations without counters, over the options of a socket.

use std::os::fd::{AsFd, OwnedFd};

use kernel_wire::ipvs::option;
use lvs_model::{DestinationEntry, ServiceKey};
use lvs_sys::{IpvsOption, ipvs_option};
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

/// A socket that is only asked for its options.
#[derive(Debug)]
pub struct OptionSocket(OwnedFd);

impl OptionSocket {
    /// For the table of the network namespace that this is called in.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn open() -> Result<Self, Errno> {
        let (family, kind) = (AddressFamily::Inet, SockType::Datagram);
        socket(family, kind, SockFlag::SOCK_CLOEXEC, None).map(Self)
    }

    /// The destinations of a service, in the kernel's order. `None` if this way cannot tell: then ask by
    /// netlink, whose error counts.
    pub fn destinations(&self, key: &ServiceKey) -> Option<Vec<DestinationEntry>> {
        let mut service = option::service_question(key)?;
        ipvs_option(self.0.as_fd(), IpvsOption::Service, &mut service).ok()?;
        let count = option::destination_count(&service).ok()?;
        // Room for one more shows whether one came meanwhile. An IPv6 one in a service of IPv4 is counted
        // but not shown.
        let mut answer = option::destinations_question(key, count.checked_add(1)?)?;
        ipvs_option(self.0.as_fd(), IpvsOption::Destinations, &mut answer).ok()?;
        let listed = option::destinations(&answer).ok()??;
        (listed.len() == count).then_some(listed)
    }
}
