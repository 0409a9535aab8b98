//! Why the kernel could not be asked, or what it answered.

use std::fmt;

use kernel_wire::netlink::DecodeError;
use nix::errno::Errno;

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetlinkError {
    /// The kernel refused the request.
    Refused(Errno),
    /// The socket failed. `ENOBUFS` on receiving: answers were lost. `EAGAIN`: nothing there yet
    /// (a non-blocking socket).
    Socket(Errno),
    /// A datagram was longer than the buffer; its end is lost.
    Truncated,
    /// The kernel's bytes could not be read.
    Malformed(DecodeError),
}

impl fmt::Display for NetlinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(errno) => write!(f, "the kernel refused: {}", errno.desc()),
            Self::Socket(errno) => write!(f, "netlink socket: {}", errno.desc()),
            Self::Truncated => f.write_str("a netlink answer was longer than the buffer"),
            Self::Malformed(_) => f.write_str("a netlink answer could not be read"),
        }
    }
}

impl std::error::Error for NetlinkError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Malformed(error) => Some(error),
            Self::Refused(_) | Self::Socket(_) | Self::Truncated => None,
        }
    }
}

impl From<DecodeError> for NetlinkError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}
