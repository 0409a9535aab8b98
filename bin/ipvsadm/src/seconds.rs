//! A time on the command line.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::error::UsageError;
use crate::number;

/// Longest time a value may be: 31 days.
const MAX_SECONDS: u32 = 31 * 24 * 3600;

/// A time in seconds, `least` to 31 days.
pub(crate) fn seconds(text: &OsStr, least: u32) -> Result<u32, UsageError> {
    number::parse_u32(text.as_bytes(), least..=MAX_SECONDS).ok_or_else(|| UsageError::QuotedValue {
        what: "invalid timeout value",
        text: text.to_owned(),
        end: " specified",
    })
}
