//! Lengths that the signed and the unsigned heartbeat share.

/// Length of the part that an original reads.
pub const MAGIC_LENGTH: usize = 4;

/// Longest datagram; the reader cuts off what is longer.
pub const MAX_LENGTH: usize = 512;
