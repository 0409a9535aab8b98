//! A netlink datagram.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    kernel_wire::fuzz::netlink_stream(bytes);
});
