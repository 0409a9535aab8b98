//! Command lines of lvs.cf.

use std::ffi::OsString;

/// A command line. The program that runs it splits it at blanks; no shell is involved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// As written, without its quotes.
    pub text: OsString,
    /// Where it stands.
    pub line: u32,
}
