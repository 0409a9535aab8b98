//! A message between lvsd and a nanny: what is understood comes back as it was.
#![no_main]

use control::{Order, Report};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(report) = Report::decode(bytes) {
        assert_eq!(Report::decode(report.to_string().as_bytes()), Ok(report));
    }
    if let Ok(order) = Order::decode(bytes) {
        assert_eq!(Order::decode(order.to_string().as_bytes()), Ok(order));
    }
});
