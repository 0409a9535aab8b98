//! Hears when addresses and interfaces change, whoever changes them.

use std::os::fd::{AsFd, BorrowedFd};

use kernel_wire::netlink::messages;
use kernel_wire::rtnetlink::{self, Address, GROUPS, Link, Said};
use netlink::{NetlinkError, NetlinkSocket, Protocol};
use nix::errno::Errno;

use crate::error::LinkError;

/// Most datagrams read in one call: a storm of changes does not hold up the caller.
const MOST_PER_CALL: usize = 256;

/// Something changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An address came, or changed.
    Address(Address),
    /// An address went.
    AddressGone(Address),
    /// An IPv6 address is somebody else's too.
    Duplicate(Address),
    /// An interface appeared or changed: name, hardware address, state.
    Link(Link),
    /// An interface went.
    LinkGone(Link),
    /// The kernel could not tell everything: look again.
    Lost,
}

/// A socket that receives the kernel's notifications.
#[derive(Debug)]
pub struct Watch {
    socket: NetlinkSocket,
}

impl Watch {
    /// Listens in the caller's network namespace.
    ///
    /// # Errors
    /// [`LinkError::Netlink`].
    pub fn open() -> Result<Self, LinkError> {
        let mut socket = NetlinkSocket::open_with_groups(Protocol::Route, GROUPS)?;
        socket.set_nonblocking()?;
        Ok(Self { socket })
    }

    /// The notifications since the last call, [`MOST_PER_CALL`] datagrams at most; the descriptor stays
    /// readable while there are more.
    ///
    /// # Errors
    /// [`LinkError::Netlink`]; not for lost notifications, which are [`Event::Lost`].
    pub fn drain(&mut self) -> Result<Vec<Event>, LinkError> {
        let mut events = Vec::new();
        for _ in 0..MOST_PER_CALL {
            let datagram = match self.socket.receive() {
                Ok(datagram) => datagram,
                Err(NetlinkError::Socket(Errno::EAGAIN)) => return Ok(events),
                Err(NetlinkError::Socket(Errno::ENOBUFS) | NetlinkError::Truncated) => {
                    events.push(Event::Lost);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            for message in messages(datagram) {
                events.extend(event(rtnetlink::decode(&message?)?));
            }
        }
        Ok(events)
    }
}

fn event(said: Said) -> Option<Event> {
    match said {
        Said::Address(address) if address.flags & rtnetlink::DAD_FAILED != 0 => {
            Some(Event::Duplicate(address))
        }
        Said::AddressGone(address) => Some(Event::AddressGone(address)),
        Said::Link(link) => Some(Event::Link(link)),
        Said::LinkGone(link) => Some(Event::LinkGone(link)),
        Said::Address(address) => Some(Event::Address(address)),
        Said::Other => None,
    }
}

impl AsFd for Watch {
    /// Readable when there is something to drain.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
