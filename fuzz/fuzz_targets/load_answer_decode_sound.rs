//! An answer of a portmapper or rstatd, a file of rwhod.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    healthcheck::fuzz::load_answer(bytes);
});
