//! How much a line of the log matters.

/// How much a line of the log matters, from the least on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Only with `-v`.
    Debug,
    /// For who reads on: something went as it should.
    Info,
    /// A part failed and is being seen to; the service moved, or may.
    Warning,
    /// Something does not work until somebody acts.
    Error,
}
