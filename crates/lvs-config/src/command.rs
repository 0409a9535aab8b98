//! Command lines of lvs.cf.

use std::ffi::OsString;

/// A command line, split at blanks by who runs it, never by a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// As written, without its quotes.
    pub text: OsString,
    /// Where it stands.
    pub line: u32,
}
