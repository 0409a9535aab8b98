//! A message between lvsd and a nanny, or a line of pulse's control socket: what is understood comes
//! back as it was.
#![no_main]

use control::{Order, PulseReport, Report, Request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(report) = Report::decode(bytes) {
        assert_eq!(Report::decode(report.to_string().as_bytes()), Ok(report));
    }
    if let Ok(order) = Order::decode(bytes) {
        assert_eq!(Order::decode(order.to_string().as_bytes()), Ok(order));
    }
    if let Ok(request) = Request::decode(bytes) {
        assert_eq!(Request::decode(request.to_string().as_bytes()), Ok(request));
    }
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    if let Some(report) = PulseReport::decode(text) {
        assert!(PulseReport::decode(&report.encode()).is_some());
        let is_plain = |c: char| c == '\n' || !c.is_control();
        assert!(report.screen().chars().all(is_plain));
    }
});
