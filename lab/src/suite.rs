//! The lab tests: builds them, runs each binary in a guest of its own, adds up the results.
use crate::cli::{Failure, Options};
use std::io::Write;
pub(crate) fn run(_o: &Options, _out: &mut dyn Write, _e: &mut dyn Write) -> Result<u8, Failure> {
    Ok(1)
}
