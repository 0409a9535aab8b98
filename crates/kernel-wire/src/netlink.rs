//! Netlink framing: requests out, answers in, attributes both ways.
//!
//! Plain functions of bytes. `netlink` carries them through a socket; [`crate::ipvs`] and the
//! `link` room say what they mean. Message headers are read by `netlink-packet-core`, whose types
//! stay inside this module.
//!
//! - [`Requests`]: messages put together back to back in one buffer, ready for one send
//! - [`messages`], [`Message`], [`Answer`]: what a datagram from the kernel holds
//! - [`attributes`], [`Attribute`]: what a message holds

mod attribute;
mod message;
mod requests;
#[cfg(test)]
mod tests;

use std::fmt;

pub use attribute::{Attribute, Attributes, attributes};
pub use message::{Answer, Message, Messages, messages};
pub use requests::Requests;

/// `NLM_F_REQUEST`: every request has it.
pub const REQUEST: u16 = netlink_packet_core::NLM_F_REQUEST;
/// `NLM_F_ACK`: the kernel confirms success too.
pub const ACK: u16 = netlink_packet_core::NLM_F_ACK;
/// `NLM_F_DUMP`: the kernel lists all.
pub const DUMP: u16 = netlink_packet_core::NLM_F_DUMP;
/// `NLM_F_CREATE`: make what is not there (rtnetlink).
pub const CREATE: u16 = netlink_packet_core::NLM_F_CREATE;
/// `NLM_F_EXCL`: refuse what is there (rtnetlink).
pub const EXCLUSIVE: u16 = netlink_packet_core::NLM_F_EXCL;
/// `NLM_F_REPLACE`: take the place of what is there (rtnetlink).
pub const REPLACE: u16 = netlink_packet_core::NLM_F_REPLACE;

/// Bytes that are no netlink, or not what they should be.
///
/// Each case names what was being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// A message's length is below its header's or beyond the datagram.
    MessageLength,
    /// An attribute's length is below its header's or beyond its surroundings.
    AttributeLength,
    /// An attribute's value is shorter than its type.
    Short(&'static str),
    /// An attribute that every kernel sends is not there.
    Missing(&'static str),
    /// A value that the kernel never sends.
    Invalid(&'static str),
}

impl DecodeError {
    /// What is wrong, in a word or two.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::MessageLength => "length of a message",
            Self::AttributeLength => "length of an attribute",
            Self::Short(what) | Self::Missing(what) | Self::Invalid(what) => what,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MessageLength => f.write_str("a message's length is wrong"),
            Self::AttributeLength => f.write_str("an attribute's length is wrong"),
            Self::Short(what) => write!(f, "{what} is too short"),
            Self::Missing(what) => write!(f, "{what} is missing"),
            Self::Invalid(what) => write!(f, "{what} has a value it cannot have"),
        }
    }
}

impl std::error::Error for DecodeError {}
