//! Tells a segment who has an address now, through a packet socket.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, OwnedFd};

use kernel_wire::arp::{self, Form};
use kernel_wire::ndisc;
use lvs_model::Mac;
use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockType, SockaddrLike, sendto, socket,
};

use crate::error::LinkError;
use crate::plan::Assignment;

/// A packet socket that receives nothing; needs `CAP_NET_RAW`.
///
/// It knows every interface beforehand, so that no announcement waits for a list of them. A caller that
/// keeps it for long [reads them anew](Announcer::read_interfaces) when one has changed.
#[derive(Debug)]
pub struct Announcer {
    fd: OwnedFd,
    /// `None` if they could not be read.
    ports: Option<Ports>,
}

impl Announcer {
    /// Opens the socket in the caller's network namespace.
    ///
    /// # Errors
    /// [`LinkError::Socket`], `EPERM` without `CAP_NET_RAW`.
    pub fn open() -> Result<Self, LinkError> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        // No protocol: the socket only sends, and nothing is queued to it.
        let fd =
            socket(AddressFamily::Packet, SockType::Raw, flags, None).map_err(LinkError::Socket)?;
        let mut announcer = Self { fd, ports: None };
        announcer.read_interfaces();
        Ok(announcer)
    }

    /// Reads every interface anew: one has come, gone or changed. If that fails, it tries again when they
    /// are needed.
    pub fn read_interfaces(&mut self) {
        self.ports = interfaces().ok();
    }

    /// Every interface as it was read last.
    fn ports(&self) -> Result<Cow<'_, Ports>, LinkError> {
        match &self.ports {
            Some(ports) => Ok(Cow::Borrowed(ports)),
            None => interfaces().map(Cow::Owned),
        }
    }

    /// Announces every address on its interface: IPv4 in both forms of gratuitous ARP, IPv6 by an
    /// advertisement with the R flag set if `router`. One that fails does not stop the others.
    pub fn announce(&self, addresses: &[Assignment], router: bool) -> Vec<LinkError> {
        let ports = match self.ports() {
            Ok(ports) => ports,
            Err(error) => return vec![error],
        };
        let mut failures = Vec::new();
        for assignment in addresses {
            let result = find(&ports, &assignment.interface)
                .and_then(|port| self.announce_one(assignment.address, port, router));
            failures.extend(result.err());
        }
        failures
    }

    /// Asks who has each of `addresses`. [`Answers`](crate::Answers) and [`Sightings`](crate::Sightings)
    /// hear the answers.
    pub fn ask<'a>(&self, addresses: impl Iterator<Item = &'a Assignment>) -> Vec<LinkError> {
        let ports = match self.ports() {
            Ok(ports) => ports,
            Err(error) => return vec![error],
        };
        let ask = |assignment: &Assignment| {
            let port = find(&ports, &assignment.interface)?;
            match assignment.address {
                IpAddr::V4(ip) => self.send(&arp::encode_question(port.mac()?, ip), port),
                IpAddr::V6(ip) => self.send(&ndisc::encode_question(port.mac()?, ip), port),
            }
        };
        addresses.filter_map(|it| ask(it).err()).collect()
    }

    /// Sends one frame that says to `destination` that `address` is at `mac`, as the command
    /// `send_arp` does: for IPv4 an ARP reply, for IPv6 an advertisement, which goes to all nodes
    /// where ARP goes to all stations.
    ///
    /// # Errors
    /// [`LinkError::Send`], with `ENODEV` if there is no such interface.
    pub fn send_reply(
        &self,
        interface: &str,
        destination: Mac,
        mac: Mac,
        address: IpAddr,
    ) -> Result<(), LinkError> {
        let ports = self.ports()?;
        let port = find(&ports, interface).map_err(|_| LinkError::Send(Errno::ENODEV))?;
        match address {
            IpAddr::V4(ip) => self.send(&arp::encode(Form::Reply, destination, mac, ip), port),
            IpAddr::V6(ip) => {
                let to_all = destination == Mac::BROADCAST;
                let destination = if to_all {
                    ndisc::ALL_NODES_MAC
                } else {
                    destination
                };
                self.send(&ndisc::encode(destination, mac, ip, false), port)
            }
        }
    }

    fn announce_one(&self, address: IpAddr, port: &Port, router: bool) -> Result<(), LinkError> {
        let mac = port.mac()?;
        match address {
            IpAddr::V4(ip) => {
                for form in [Form::Reply, Form::Request] {
                    let frame = arp::encode(form, Mac::BROADCAST, mac, ip);
                    self.send(&frame, port)?;
                }
                Ok(())
            }
            IpAddr::V6(ip) => {
                let frame = ndisc::encode(ndisc::ALL_NODES_MAC, mac, ip, router);
                self.send(&frame, port)
            }
        }
    }

    fn send(&self, frame: &[u8], port: &Port) -> Result<(), LinkError> {
        sendto(self.fd.as_raw_fd(), frame, &port.address, MsgFlags::empty())
            .map(|_| ())
            .map_err(LinkError::Send)
    }
}

/// Every interface, by name.
type Ports = BTreeMap<String, Port>;

/// An interface as a packet socket addresses it.
#[derive(Clone, Debug)]
struct Port {
    name: String,
    address: LinkAddr,
}

impl Port {
    fn mac(&self) -> Result<Mac, LinkError> {
        let no_mac = || LinkError::NoHardwareAddress(self.name.clone());
        self.address.addr().map(Mac).ok_or_else(no_mac)
    }
}

/// getifaddrs(3) lists each interface with its index and hardware address, ready to send to.
fn interfaces() -> Result<Ports, LinkError> {
    let all = getifaddrs().map_err(LinkError::Socket)?;
    Ok(all
        .filter_map(|interface| {
            let storage = interface.address?;
            if storage.family() != Some(AddressFamily::Packet) {
                return None;
            }
            let port = Port {
                name: interface.interface_name,
                address: *storage.as_link_addr()?,
            };
            Some((port.name.clone(), port))
        })
        .collect())
}

fn find<'a>(ports: &'a Ports, name: &str) -> Result<&'a Port, LinkError> {
    ports
        .get(name)
        .ok_or_else(|| LinkError::NoInterface(name.to_owned()))
}
