//! Heartbeat between two directors, takeover of the virtual addresses.
