//! Why an address could not be changed or announced.

use std::fmt;

use netlink::NetlinkError;
use nix::errno::Errno;

/// Why something about a link failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// There is no such interface.
    NoInterface(String),
    /// The interface has no hardware address to announce.
    NoHardwareAddress(String),
    /// A packet socket could not be opened.
    Socket(Errno),
    /// A frame could not be sent.
    Send(Errno),
    /// The kernel's addresses changed during every attempt to read them: the list may lack some.
    Interrupted,
    /// rtnetlink failed.
    Netlink(NetlinkError),
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoInterface(name) => write!(f, "no interface {name}"),
            Self::NoHardwareAddress(name) => write!(f, "{name} has no hardware address"),
            Self::Socket(errno) => write!(f, "socket: {}", errno.desc()),
            Self::Send(errno) => write!(f, "sendto: {}", errno.desc()),
            Self::Interrupted => f.write_str("the addresses change too fast to be read"),
            Self::Netlink(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LinkError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Netlink(error) => error.source(),
            _ => None,
        }
    }
}

impl From<NetlinkError> for LinkError {
    fn from(error: NetlinkError) -> Self {
        Self::Netlink(error)
    }
}

impl From<kernel_wire::netlink::DecodeError> for LinkError {
    fn from(error: kernel_wire::netlink::DecodeError) -> Self {
        Self::Netlink(error.into())
    }
}
