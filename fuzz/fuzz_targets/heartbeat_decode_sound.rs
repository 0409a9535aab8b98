//! A heartbeat: what is understood is encoded as it came.
#![no_main]

use libfuzzer_sys::fuzz_target;
use heartbeat::datagram::{ByteOrder, Service, decode, encode};

fuzz_target!(|bytes: &[u8]| {
    let order = ByteOrder::Little;
    for service in [Service::Lvs, Service::Fos] {
        if let Ok(datagram) = decode(bytes, service, order) {
            assert_eq!(encode(service, datagram.value, order), bytes[..4]);
        }
    }
});
