//! The standard input of ipvsadm -R, then of -R --atomic.
#![no_main]

use std::ffi::OsStr;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for words in [&["-R"][..], &["-R", "--atomic"]] {
        let status = caribe_fuzz::ipvsadm(words.iter().map(OsStr::new), bytes);
        assert!([0, 1, 2, 255].contains(&status), "{status}");
    }
});
