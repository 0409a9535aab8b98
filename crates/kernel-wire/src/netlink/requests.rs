//! Requests, back to back in one buffer. Called by `ipvs::encode` and the `link` room.

use super::{ACK, REQUEST};

/// Messages for one send: each is started, filled with attributes, and closed by the next.
///
/// The buffer is kept when it is cleared, so a program that sends in rounds allocates once.
///
/// ```
/// use kernel_wire::netlink::{ACK, Requests};
///
/// let mut requests = Requests::new();
/// requests.message(16, ACK, 7, |message| {
///     message.raw(&[3, 1, 0, 0]);
///     message.text(2, "IPVS");
/// });
/// assert_eq!(requests.as_bytes().len(), 16 + 4 + 12);
/// ```
#[derive(Debug, Default)]
pub struct Requests {
    bytes: Vec<u8>,
    /// Where the last message starts.
    last: usize,
    count: usize,
}

impl Requests {
    /// An empty buffer.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            last: 0,
            count: 0,
        }
    }

    /// Forgets the messages, keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.last = 0;
        self.count = 0;
    }

    /// The messages as they go to the kernel.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many messages there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds a message of type `kind`; `body` writes what stands behind the header.
    ///
    /// `flags` join [`REQUEST`], which every message gets. `sequence` comes back in its answers.
    pub fn message(&mut self, kind: u16, flags: u16, sequence: u32, body: impl FnOnce(&mut Self)) {
        self.last = self.bytes.len();
        self.count += 1;
        self.raw(&[0; 4]);
        self.raw(&kind.to_ne_bytes());
        self.raw(&(REQUEST | flags).to_ne_bytes());
        self.raw(&sequence.to_ne_bytes());
        self.raw(&[0; 4]);
        body(self);
        let length = u32::try_from(self.bytes.len() - self.last).unwrap_or(u32::MAX);
        self.patch(self.last, &length.to_ne_bytes());
    }

    /// Asks for a confirmation of the last message: with it, all before it are settled too.
    pub fn acknowledge_last(&mut self) {
        let flags = self.last + 6;
        if let Some(low_and_high) = self.bytes.get_mut(flags..flags + 2) {
            for (byte, bits) in low_and_high.iter_mut().zip(ACK.to_ne_bytes()) {
                *byte |= bits;
            }
        }
    }

    /// Adds a message that changes nothing and is confirmed: with it, all before it are settled.
    ///
    /// Safer than [`acknowledge_last`](Self::acknowledge_last): the kernel answers nothing at all
    /// to a request that it gave up as interrupted (`EINTR`), as it does when it stops a sync
    /// thread that never ran.
    pub fn confirmation(&mut self, sequence: u32) {
        self.message(netlink_packet_core::NLMSG_NOOP, ACK, sequence, |_| {});
    }

    /// Adds bytes as they are: the fixed header of a family, whose length is a multiple of 4.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Adds an attribute with these bytes, at most 65531.
    pub fn attribute(&mut self, kind: u16, value: &[u8]) {
        self.attribute_header(kind, value.len());
        self.raw(value);
        self.pad();
    }

    /// Adds an attribute of one byte.
    pub fn u8(&mut self, kind: u16, value: u8) {
        self.small(kind, [value, 0, 0, 0], 1);
    }

    /// Adds an attribute of two bytes, in the host's order.
    pub fn u16(&mut self, kind: u16, value: u16) {
        let [a, b] = value.to_ne_bytes();
        self.small(kind, [a, b, 0, 0], 2);
    }

    /// Adds an attribute of two bytes, in network order.
    pub fn u16_be(&mut self, kind: u16, value: u16) {
        let [a, b] = value.to_be_bytes();
        self.small(kind, [a, b, 0, 0], 2);
    }

    /// Adds an attribute of four bytes, in the host's order.
    pub fn u32(&mut self, kind: u16, value: u32) {
        self.small(kind, value.to_ne_bytes(), 4);
    }

    /// Adds an attribute of sixteen bytes in one append: IPVS addresses have this room.
    pub fn sixteen(&mut self, kind: u16, value: [u8; 16]) {
        let mut bytes = [0; 20];
        let (header, room) = bytes.split_at_mut(4);
        let [k0, k1] = kind.to_ne_bytes();
        let [l0, l1] = 20_u16.to_ne_bytes();
        header.copy_from_slice(&[l0, l1, k0, k1]);
        room.copy_from_slice(&value);
        self.bytes.extend_from_slice(&bytes);
    }

    /// Adds a text with its NUL.
    pub fn text(&mut self, kind: u16, value: &str) {
        self.attribute_header(kind, value.len() + 1);
        self.raw(value.as_bytes());
        self.raw(&[0]);
        self.pad();
    }

    /// Adds an attribute that holds attributes; `body` writes them.
    pub fn nest(&mut self, kind: u16, body: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.attribute_header(kind | netlink_packet_core::NLA_F_NESTED, 0);
        body(self);
        let length = u16::try_from(self.bytes.len() - start).unwrap_or(u16::MAX);
        self.patch(start, &length.to_ne_bytes());
    }

    /// One append for header and value: most attributes are this short.
    fn small(&mut self, kind: u16, value: [u8; 4], length: u16) {
        let [l0, l1] = (4 + length).to_ne_bytes();
        let [k0, k1] = kind.to_ne_bytes();
        let [a, b, c, d] = value;
        self.bytes.extend_from_slice(&[l0, l1, k0, k1, a, b, c, d]);
    }

    fn attribute_header(&mut self, kind: u16, value_length: usize) {
        let length = u16::try_from(4 + value_length).unwrap_or(u16::MAX);
        self.raw(&length.to_ne_bytes());
        self.raw(&kind.to_ne_bytes());
    }

    fn pad(&mut self) {
        let padded = self.bytes.len().next_multiple_of(4);
        self.bytes.resize(padded, 0);
    }

    fn patch(&mut self, at: usize, value: &[u8]) {
        if let Some(place) = self.bytes.get_mut(at..at + value.len()) {
            place.copy_from_slice(value);
        }
    }
}
