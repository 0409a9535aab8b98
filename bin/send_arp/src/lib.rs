//! Sends one gratuitous ARP frame.
