//! The kernel's IPVS family over generic netlink (linux/ip_vs.h, `IPVS_GENL_*`).
//!
//! Requests go into a [`Requests`](crate::netlink::Requests), replies come out as the words of `lvs-model`.
//! The `ipvs` room carries them; nothing here knows a socket.
//!
//! The byte order follows no rule, so it stands in one place each way. The sync daemon's port is in the
//! host's order, a tunnel's port in the network's. An IPv4 netmask is four bytes as written, an IPv6 one a
//! prefix length in the host's order.
//!
//! - [`encode_op`], [`encode_query`]: changes and questions
//! - [`encode_family_query`], [`decode_family_id`]: what number the family has on this kernel
//! - [`decode_service`], [`decode_destination`], [`decode_daemon`], [`decode_timeouts`], [`decode_info`]:
//!   the kernel's replies
//! - [`names`]: the kernel's numbers
//! - [`option`]: destinations by the kernel's older way, which costs it less
//! - `packet`, with the feature `netlink-packet-generic`: the messages for the rust-netlink stack

mod decode;
mod encode;
pub mod names;
pub mod option;
#[cfg(feature = "netlink-packet-generic")]
pub mod packet;
#[cfg(test)]
mod tests;

pub use decode::{
    Detail, decode_daemon, decode_destination, decode_family_id, decode_info, decode_service,
    decode_timeouts,
};
pub use encode::{Query, encode_family_query, encode_op, encode_query};
