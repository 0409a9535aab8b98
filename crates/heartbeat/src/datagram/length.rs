//! Lengths that the signed and the unsigned heartbeat share.

/// Length of the part that an original reads.
pub const MAGIC_LENGTH: usize = 4;

/// Longest datagram that is looked at; what is longer is cut off by the reader.
pub const MAX_LENGTH: usize = 512;
