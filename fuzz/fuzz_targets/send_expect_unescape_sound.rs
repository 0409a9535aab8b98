//! A send or expect string.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _refused_or_not = healthcheck::unescape(bytes);
    let _compiled_or_not = healthcheck::Expression::new(bytes);
});
