//! Why lvsd does not start, in the lines that the log and pulse get.

use std::fmt::Display;

use daemon::{LockError, PARENT_VARIABLE};

use crate::options::NAME;

/// Another one has the table. pulse also logs which, since that one is not its own.
pub fn held(error: LockError) -> Vec<String> {
    let has_parent = std::env::var_os(PARENT_VARIABLE).is_some();
    let holder = error.holder().filter(|_| has_parent);
    let mut lines = failure(error);
    lines
        .extend(holder.map(|holder| format!("{NAME}: {holder}, which this pulse has not started")));
    lines
}

/// A line with the program's name before it.
pub fn failure(error: impl Display) -> Vec<String> {
    vec![format!("{NAME}: {error}")]
}
