//! The heartbeat datagram.
