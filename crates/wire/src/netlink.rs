//! Netlink framing.
