//! Fuzz targets: plain functions of bytes that panic only if a decoder is unsound.
//!
//! cargo-fuzz calls them where a nightly toolchain is at hand; a seeded generator calls them in
//! every `cargo test`.

use lvs_model::AddressFamily;

use crate::ipvs::{self, Detail};
use crate::netlink::{Answer, messages};

/// `netlink_stream_decode_sound`: `data` as a datagram; walking it ends and stays inside.
pub fn netlink_stream(data: &[u8]) {
    let mut walked = 0_usize;
    for message in messages(data) {
        let Ok(message) = message else { break };
        walked = walked.saturating_add(16);
        walked = walked.saturating_add(message.body.len());
        assert!(walked <= data.len(), "messages overlap");
        if let Ok(Answer::Data(message)) = message.answer() {
            attributes(message.body, 3);
        }
    }
}

fn attributes(bytes: &[u8], depth: usize) {
    let mut walked = 0_usize;
    for attribute in crate::netlink::attributes(bytes) {
        let Ok(attribute) = attribute else { break };
        walked = walked.saturating_add(4);
        walked = walked.saturating_add(attribute.value.len());
        assert!(walked <= bytes.len(), "attributes overlap");
        if depth > 0 {
            attributes(attribute.value, depth.saturating_sub(1));
        }
    }
}

/// `ipvs_reply_decode_sound`: `data` as a datagram of any of the family's replies.
pub fn ipvs_reply(data: &[u8]) {
    for message in messages(data) {
        let Ok(message) = message else { break };
        let _ = ipvs::decode_family_id(&message);
        let _ = ipvs::decode_info(&message);
        let _ = ipvs::decode_timeouts(&message);
        let _ = ipvs::decode_daemon(&message);
        let _ = ipvs::decode_service(&message, Detail::All);
        for family in [AddressFamily::Inet, AddressFamily::Inet6] {
            let _ = ipvs::decode_destination(&message, family, Detail::All);
        }
    }
}
