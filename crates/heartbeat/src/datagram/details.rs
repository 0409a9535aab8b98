//! The fields of a signed heartbeat of version 2: a number, a length, that many bytes.
//!
//! A reader skips unknown fields, and whatever a known field has beyond its length here. So a later field
//! needs no later version. `docs/internals/heartbeat.md` lists the numbers.

use super::signature_error::SignatureError;

const CONTENT: u8 = 1;
const UNSERVED: u8 = 2;
const ORDERS: u8 = 3;
const UNFIT: u8 = 4;

const STANDBY: u8 = 1;
const FROZEN: u8 = 2;

const HELPLESS: u8 = 1;

/// What a node says about itself beyond version 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Details {
    /// Hash of its lvs.cf.
    pub content: Option<u64>,
    /// How many virtual and NAT router addresses it could not serve.
    pub unserved: Option<u16>,
    /// It is ordered to stand by.
    pub standby: bool,
    /// It is ordered to leave everything as it is.
    pub frozen: bool,
    /// It could serve nothing, whatever the addresses: say, its service does not stay up.
    pub helpless: bool,
}

impl Details {
    /// Appends the fields.
    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        let flag = |set, bit| if set { bit } else { 0 };
        let orders = flag(self.standby, STANDBY) | flag(self.frozen, FROZEN);
        if let Some(content) = self.content {
            put(bytes, CONTENT, &content.to_le_bytes());
        }
        if let Some(unserved) = self.unserved {
            put(bytes, UNSERVED, &unserved.to_le_bytes());
        }
        put(bytes, ORDERS, &[orders]);
        put(bytes, UNFIT, &[flag(self.helpless, HELPLESS)]);
    }

    /// Reads the fields. Of two of one number the first counts; one that is shorter than it should be
    /// counts as missing.
    ///
    /// # Errors
    /// A field is longer than what is there.
    pub(super) fn decode(mut bytes: &[u8]) -> Result<Self, SignatureError> {
        let mut details = Self::default();
        let mut seen = [false; 256];
        while let [number, length, rest @ ..] = bytes {
            let (value, rest) = rest
                .split_at_checked(usize::from(*length))
                .ok_or(SignatureError::Format)?;
            bytes = rest;
            let is_seen = seen.get_mut(usize::from(*number));
            if is_seen.is_none_or(|seen| std::mem::replace(seen, true)) {
                continue;
            }
            details.take(*number, value);
        }
        if bytes.is_empty() {
            Ok(details)
        } else {
            Err(SignatureError::Format)
        }
    }

    fn take(&mut self, number: u8, value: &[u8]) {
        let first = value.first().copied().unwrap_or(0);
        match number {
            CONTENT => self.content = value.first_chunk().copied().map(u64::from_le_bytes),
            UNSERVED => self.unserved = value.first_chunk().copied().map(u16::from_le_bytes),
            ORDERS => {
                self.standby = first & STANDBY != 0;
                self.frozen = first & FROZEN != 0;
            }
            UNFIT => self.helpless = first & HELPLESS != 0,
            _ => {}
        }
    }
}

fn put(bytes: &mut Vec<u8>, number: u8, value: &[u8]) {
    let length = u8::try_from(value.len()).unwrap_or(0);
    bytes.extend([number, length]);
    bytes.extend(value);
}
