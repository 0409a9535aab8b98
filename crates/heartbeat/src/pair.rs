//! The two directors, and the ways between them.

/// Which of the two directors this machine is, for good (lvs.cf `primary`, `backup`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfiguredRole {
    /// Stays when both are active.
    Primary,
    /// Yields when both are active.
    Backup,
}

/// The way a heartbeat came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairPath {
    /// Between `primary` and `backup`.
    Public,
    /// Between `primary_private` and `backup_private`.
    Private,
}
