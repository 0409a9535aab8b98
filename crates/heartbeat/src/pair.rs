//! The two directors, and the ways between them.

use std::fmt;
use std::net::IpAddr;

/// Which of the two directors this machine is, for good (lvs.cf `primary`, `backup`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfiguredRole {
    /// Stays when both are active.
    Primary,
    /// Yields when both are active.
    Backup,
}

impl ConfiguredRole {
    /// Primary or not.
    #[must_use]
    pub const fn of_primary(is_primary: bool) -> Self {
        if is_primary {
            Self::Primary
        } else {
            Self::Backup
        }
    }

    /// The word of lvs.cf.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Backup => "backup",
        }
    }
}

/// The addresses of the public path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Ours.
    pub own: IpAddr,
    /// The partner's.
    pub partner: IpAddr,
}

/// The way a heartbeat came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairPath {
    /// Between `primary` and `backup`.
    Public,
    /// Between `primary_private` and `backup_private`.
    Private,
}

/// Both directors are of one role; its `Display` says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneRole {
    /// Which.
    pub role: ConfiguredRole,
    /// The other one's address.
    pub partner: IpAddr,
    /// This one counts as the primary.
    pub is_first: bool,
}

impl fmt::Display for OneRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (role, partner) = (self.role.name(), self.partner);
        let first = if self.is_first {
            "this one"
        } else {
            "that one"
        };
        write!(
            f,
            "both directors are {role}, {partner} as well: swap primary and backup in one lvs.cf; \
             until then the one with the lower address counts as primary, {first}"
        )
    }
}

/// Both directors are active and stay it; its `Display` says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TwoOwners {
    /// The other one's address.
    pub partner: IpAddr,
}

impl fmt::Display for TwoOwners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let partner = self.partner;
        write!(
            f,
            "two owners: {partner} stays active beside this director: it does not hear this one, or the two lvs.cf \
             do not name the same primary; stop pulse on one of the two"
        )
    }
}

/// A director that lvs.cf has switched off is heard; its `Display` says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uninvited {
    /// Its address.
    pub partner: IpAddr,
}

impl fmt::Display for Uninvited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let partner = self.partner;
        write!(
            f,
            "backup_active = 0 here, but a director at {partner} sends heartbeats: it counts as the partner until it \
             stops; stop pulse there, or set backup_active = 1 here and restart pulse"
        )
    }
}
