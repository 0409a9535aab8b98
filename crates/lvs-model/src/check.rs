//! How a server is checked.

use std::ffi::OsString;
use std::time::Duration;

/// How a server is checked: one value from lvs.cf to the probe.
///
/// lvs-config makes it from a block. The director carries it and writes it to the nanny's command line. The
/// nanny reads it there, and `healthcheck` makes the check of it. Without `send`, `expect` and
/// `send_program` the nanny picks a check by protocol and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckSpec {
    /// Port that is checked; `None` is that of the service.
    pub port: Option<u16>,
    /// Text to send after connecting, escapes untouched. lvs.cf: `send`.
    pub send: Option<OsString>,
    /// Beginning of the answer, escapes untouched. lvs.cf: `expect`.
    pub expect: Option<OsString>,
    /// Whether `expect` is an extended regular expression. lvs.cf: `use_regex`.
    pub use_regex: bool,
    /// External check, one text with `%h` and `%p` in it. lvs.cf: `send_program`.
    pub send_program: Option<OsString>,
    /// Whether backslashes in `send` and `expect` are plain text; lvs.cf has no keyword for it.
    pub keeps_backslashes: bool,
    /// Pause between checks and limit of each step, 0.1 to 3600 s, 10 s by default.
    /// lvs.cf: `timeout`.
    pub timeout: Duration,
    /// Time for which a failed server must be good again, up to 86 400 s, 180 s by default, never 0.
    /// lvs.cf: `reentry`.
    pub reentry: Duration,
    /// Failed checks in a row that take a server down, 1 to 100. *Extension*, `fall`; 1 by default.
    pub fall: u32,
    /// Good checks in a row that bring a server up again, 1 to 100; `None` is the number that `reentry` and
    /// `timeout` give. *Extension*, `rise`.
    pub rise: Option<u32>,
}

impl Default for CheckSpec {
    fn default() -> Self {
        Self {
            port: None,
            send: None,
            expect: None,
            use_regex: false,
            send_program: None,
            keeps_backslashes: false,
            timeout: Duration::from_secs(10),
            reentry: Duration::from_secs(180),
            fall: 1,
            rise: None,
        }
    }
}
