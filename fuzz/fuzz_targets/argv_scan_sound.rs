//! The arguments of ipvsadm, ended by NUL bytes.
#![no_main]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let words = bytes.split(|byte| *byte == 0).map(OsStr::from_bytes);
    let status = caribe_fuzz::ipvsadm(words, &[]);
    assert!([0, 1, 2, 255].contains(&status), "{status}");
});
