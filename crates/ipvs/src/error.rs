//! What can go wrong between us and the kernel.

use std::fmt;

use kernel_wire::netlink::DecodeError;
use netlink::NetlinkError;
use nix::errno::Errno;

/// A change that the kernel refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its place in the list given to [`apply`](crate::Ipvs::apply).
    pub index: usize,
    /// The kernel's reason.
    pub errno: Errno,
}

/// Why a call to the kernel's table failed.
#[derive(Debug)]
pub enum IpvsError {
    /// The kernel said no.
    Kernel(Errno),
    /// The kernel has no IPVS: the netlink family is unknown.
    NoIpvs,
    /// The socket failed.
    Socket(Errno),
    /// The kernel's answer could not be understood.
    BadReply(&'static str),
}

impl fmt::Display for IpvsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kernel(errno) => write!(f, "the kernel refused: {}", errno.desc()),
            Self::NoIpvs => f.write_str("the kernel has no IPVS (module ip_vs)"),
            Self::Socket(errno) => write!(f, "netlink socket: {}", errno.desc()),
            Self::BadReply(what) => write!(f, "the kernel's answer was not understood: {what}"),
        }
    }
}

impl std::error::Error for IpvsError {}

impl From<NetlinkError> for IpvsError {
    fn from(error: NetlinkError) -> Self {
        match error {
            NetlinkError::Refused(errno) => Self::Kernel(errno),
            NetlinkError::Socket(errno) => Self::Socket(errno),
            NetlinkError::Truncated => Self::BadReply("longer than the buffer"),
            NetlinkError::Malformed(error) => error.into(),
        }
    }
}

impl From<DecodeError> for IpvsError {
    fn from(error: DecodeError) -> Self {
        Self::BadReply(error.what())
    }
}
