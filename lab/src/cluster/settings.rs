//! What the cluster's lvs.cf says.

use crate::topology::{Family, Forwarding};

/// What lvs.cf says; times in whole seconds, as an original reads them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Between two heartbeats.
    pub keepalive: u64,
    /// Without a heartbeat until the partner counts as dead.
    pub deadtime: u64,
    /// Between two checks of a real server, and the limit of each part of one.
    pub timeout: u64,
    /// Time for which a failed real server must be good again.
    pub reentry: u64,
    /// Weight of `rs1`, `rs2` …
    pub weights: Vec<u16>,
    /// How the directors forward. With masquerading the real servers' router moves with the service.
    pub forwarding: Forwarding,
    /// Family of the virtual address and of the real servers; heartbeats are IPv4.
    pub family: Family,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            keepalive: 1,
            deadtime: 3,
            timeout: 2,
            reentry: 6,
            weights: vec![1, 2, 3],
            forwarding: Forwarding::DirectRouting,
            family: Family::V4,
        }
    }
}
