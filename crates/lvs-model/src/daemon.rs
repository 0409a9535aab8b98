//! The rest of the kernel's state: connection synchronisation, timeouts, version.

use std::fmt;
use std::net::IpAddr;

/// Which end of connection synchronisation a daemon is (the kernel's words).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SyncRole {
    /// Sends.
    Master,
    /// Receives.
    Backup,
}

impl SyncRole {
    /// The kernel's number (`IP_VS_STATE_*` in linux/ip_vs.h).
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Master => 1,
            Self::Backup => 2,
        }
    }
}

impl fmt::Display for SyncRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Master => "master",
            Self::Backup => "backup",
        })
    }
}

/// A sync daemon of the kernel. `None` leaves the choice to the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncDaemon {
    /// Sender or receiver.
    pub role: SyncRole,
    /// Interface of the multicast, at most 15 bytes.
    pub interface: String,
    /// Only messages with this id are taken; 0 to 255 fit the wire.
    pub sync_id: u32,
    /// Longest message in bytes.
    pub max_length: Option<u16>,
    /// Multicast group, 224.0.0.81 by default.
    pub group: Option<IpAddr>,
    /// UDP port, 8848 by default.
    pub port: Option<u16>,
    /// TTL or hop limit, 1 by default.
    pub ttl: Option<u8>,
}

/// Idle times in seconds after which connection entries go; 0 in a change keeps the present one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// Established TCP.
    pub tcp: u32,
    /// TCP after a FIN.
    pub tcp_fin: u32,
    /// UDP.
    pub udp: u32,
}

/// What the kernel says of its IPVS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelInfo {
    /// Version, one byte a part: 1.2.1 on every kernel of the last fifteen years.
    pub version: (u8, u8, u8),
    /// Rows of the connection hash table.
    pub connection_table_size: u32,
}

#[cfg(test)]
mod tests {
    use super::SyncRole;

    #[test]
    fn a_role_has_the_kernels_number() {
        assert_eq!(
            (SyncRole::Master.number(), SyncRole::Backup.number()),
            (1, 2)
        );
    }
}
