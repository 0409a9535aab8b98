//! A fuzz target: a plain function of bytes that panics only if a decoder is unsound.
//!
//! cargo-fuzz calls it where a nightly toolchain is at hand; a seeded generator calls it in every
//! `cargo test`.

use crate::rstat;
use crate::rwho::Status;

/// `load_answer_decode_sound`: `data` as an answer of a portmapper, an rstatd, a file of rwhod.
pub fn load_answer(data: &[u8]) {
    let xid = data
        .first_chunk()
        .map_or(0, |bytes| u32::from_be_bytes(*bytes));
    let _ = rstat::decode_port(data, xid);
    if let Ok(load) = rstat::decode_load(data, xid) {
        assert!(load.is_finite() && load >= 0.0);
    }
    let _ = Status::decode_file(data);
}
