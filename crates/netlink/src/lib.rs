//! One netlink socket: batches out, answers in, by sequence number.
