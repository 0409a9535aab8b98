//! Options of netlink sockets that nix has no name for (linux/netlink.h).

use nix::{libc, setsockopt_impl, sockopt_impl};

sockopt_impl!(
    /// `NETLINK_CAP_ACK`: a refusal carries the request's header, not all of it.
    CapAck,
    SetOnly,
    libc::SOL_NETLINK,
    libc::NETLINK_CAP_ACK,
    bool
);
