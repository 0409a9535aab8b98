//! A datagram of the IPVS family's replies.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    kernel_wire::fuzz::ipvs_reply(bytes);
});
