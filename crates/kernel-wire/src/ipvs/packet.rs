//! The family's messages for programs on the rust-netlink stack.
//!
//! [`IpvsMessage`] is a payload of [`GenlMessage`](netlink_packet_generic::GenlMessage): what sends
//! those (`netlink-proto`, `genetlink`, a `netlink-sys` socket) sends it. The bytes are those of
//! [`encode_op`](super::encode_op) and [`encode_query`](super::encode_query), and the family's decoders read them.
//!
//! The suite's own programs leave this feature out: their way writes a thousand changes into one
//! buffer and reads a dump where it lies, while here each message is its own piece of memory.
//!
//! ```
//! use kernel_wire::ipvs::packet::IpvsMessage;
//! use lvs_model::{IpvsOp, Protocol, ServiceKey, VirtualService};
//! use netlink_packet_core::{NLM_F_ACK, NetlinkMessage, NetlinkPayload};
//! use netlink_packet_generic::GenlMessage;
//!
//! let web = ServiceKey::Address {
//!     protocol: Protocol::Tcp,
//!     address: "192.0.2.1".parse()?,
//!     port: 80,
//! };
//! let added = IpvsMessage::from(IpvsOp::AddService(VirtualService::new(web)));
//!
//! // The kernel gives the family its number; its controller tells it under `family_name()`.
//! let mut message = GenlMessage::from_payload(added.clone());
//! message.set_resolved_family_id(28);
//! let mut packet = NetlinkMessage::from(message);
//! packet.header.flags = added.flags() | NLM_F_ACK;
//! packet.finalize();
//! let mut bytes = vec![0; packet.buffer_len()];
//! packet.serialize(&mut bytes);
//!
//! let read = NetlinkMessage::<GenlMessage<IpvsMessage>>::deserialize(&bytes)?;
//! let NetlinkPayload::InnerMessage(read) = read.payload else {
//!     panic!("{read:?}");
//! };
//! assert_eq!(read.payload, added);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod emit;
mod message;
mod parse;
#[cfg(test)]
mod tests;

pub use message::IpvsMessage;
