//! How much a line of the log matters.

/// How much a line of the log matters, from the least on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Only with `-v`.
    Debug,
    /// Something went as it should.
    Info,
    /// A part failed and is being repaired; or the service moved, or may move.
    Warning,
    /// Something does not work until somebody acts.
    Error,
}
