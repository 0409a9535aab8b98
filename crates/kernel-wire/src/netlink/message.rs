//! Messages of a datagram from the kernel.

#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::arithmetic_side_effects
)]

use netlink_packet_core::{NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP, NLMSG_OVERRUN, NetlinkBuffer};

use super::DecodeError;

/// One message, header read, body as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// `nlmsg_type`: below 16 the framing's own, else the family's.
    pub kind: u16,
    /// `nlmsg_flags`.
    pub flags: u16,
    /// `nlmsg_seq`: the request's; 0 in notifications.
    pub sequence: u32,
    /// `nlmsg_pid`: the port of the socket that asked.
    pub port: u32,
    /// What stands behind the header.
    pub body: &'a [u8],
}

/// What a message tells the one who waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// The request is done: `NLMSG_ERROR` with 0, or the end of a dump.
    Done,
    /// The request failed with this errno (positive), or its dump broke off.
    Failed(i32),
    /// The kernel dropped answers: `NLMSG_OVERRUN`.
    Overrun,
    /// Nothing: `NLMSG_NOOP`.
    Nothing,
    /// A part of the answer.
    Data(Message<'a>),
}

impl<'a> Message<'a> {
    /// Whether the kernel says that the table changed during the dump (`NLM_F_DUMP_INTR`).
    #[must_use]
    pub const fn is_inconsistent(&self) -> bool {
        self.flags & netlink_packet_core::NLM_F_DUMP_INTR != 0
    }

    /// What the message means for its request.
    ///
    /// # Errors
    /// [`DecodeError::Short`] if it reports an error without a number.
    pub fn answer(self) -> Result<Answer<'a>, DecodeError> {
        match self.kind {
            NLMSG_ERROR => Ok(status(self.errno().ok_or(DecodeError::Short("errno"))?)),
            // Some kernels end a dump without a number.
            NLMSG_DONE => Ok(status(self.errno().unwrap_or(0))),
            NLMSG_OVERRUN => Ok(Answer::Overrun),
            NLMSG_NOOP => Ok(Answer::Nothing),
            _ => Ok(Answer::Data(self)),
        }
    }

    fn errno(&self) -> Option<i32> {
        self.body.first_chunk().copied().map(i32::from_ne_bytes)
    }

    /// The attributes behind a fixed header of `skip` bytes.
    ///
    /// # Errors
    /// [`DecodeError::MessageLength`] if the message ends before them.
    pub fn attributes_behind(&self, skip: usize) -> Result<super::Attributes<'a>, DecodeError> {
        match self.body.get(skip..) {
            Some(rest) => Ok(super::attributes(rest)),
            None => Err(DecodeError::MessageLength),
        }
    }
}

/// The kernel sends errnos negative. A positive one is no errno of its, but no success either.
const fn status(errno: i32) -> Answer<'static> {
    if errno == 0 {
        Answer::Done
    } else {
        Answer::Failed(errno.saturating_abs())
    }
}

/// The messages of a datagram, see [`messages`].
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    rest: &'a [u8],
}

/// Walks over the messages of a datagram; stops at the first that is broken.
#[must_use]
pub const fn messages(datagram: &[u8]) -> Messages<'_> {
    Messages { rest: datagram }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let Ok(buffer) = NetlinkBuffer::new_checked(self.rest) else {
            self.rest = &[];
            return Some(Err(DecodeError::MessageLength));
        };
        let message = Message {
            kind: buffer.message_type(),
            flags: buffer.flags(),
            sequence: buffer.sequence_number(),
            port: buffer.port_number(),
            body: buffer.payload(),
        };
        let padded = (buffer.length() as usize).next_multiple_of(4);
        // The last message's padding may be missing.
        self.rest = self.rest.get(padded..).unwrap_or_default();
        Some(Ok(message))
    }
}
