//! Kernel switches that a removal policy depends on. Without them lvs.cf promises what the kernel does not
//! do. lvsd reads them at start and reload and logs that, or sets them if lvs.cf allows it.
//!
//! They hold for the whole network namespace, so they affect other services too.

use std::fmt;

use lvs_model::{Protocol, ServiceKey};

use crate::{Site, SiteService};

/// A switch that must be 1, in `/proc/sys/net/ipv4/vs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sysctl {
    /// A quiesced real server loses its persistent clients too.
    ExpireQuiescentTemplate,
    /// A connection or flow whose real server was removed is forgotten with its next packet. Without it the
    /// kernel drops those packets silently, and those of a new connection from the port of an old one, for
    /// as long as it remembers the old one.
    ExpireNodestConn,
}

/// A mark has no protocol: that of its blocks counts.
fn is_udp(service: &SiteService) -> bool {
    match service.service.key {
        ServiceKey::Address { protocol, .. } => protocol == Protocol::Udp,
        ServiceKey::FwMark { .. } => {
            let mut monitors = service.destinations.iter().flat_map(|d| &d.monitors);
            monitors.any(|monitor| monitor.options.protocol == Protocol::Udp)
        }
    }
}

impl Sysctl {
    /// Its name in the directory.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ExpireQuiescentTemplate => "expire_quiescent_template",
            Self::ExpireNodestConn => "expire_nodest_conn",
        }
    }

    fn is_needed(self, service: &SiteService) -> bool {
        match self {
            Self::ExpireQuiescentTemplate => {
                let quiesces = service.destinations.iter().any(|d| d.quiesce);
                quiesces && service.service.persistence.is_some()
            }
            Self::ExpireNodestConn => !service.destinations.is_empty(),
        }
    }
}

/// A switch, and the block that needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SysctlNeed {
    /// The switch.
    pub sysctl: Sysctl,
    /// Name of the first block that needs it, or of the one that needs it most.
    pub block: String,
    /// That block is for UDP.
    pub udp: bool,
}

impl fmt::Display for SysctlNeed {
    /// What happens while it is 0.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let block = &self.block;
        match self.sysctl {
            Sysctl::ExpireQuiescentTemplate => write!(
                f,
                "persistent clients of {block} stay with a quiesced real server"
            ),
            Sysctl::ExpireNodestConn if self.udp => write!(
                f,
                "UDP flows of {block} are lost after their real server was removed, until they pause"
            ),
            Sysctl::ExpireNodestConn => write!(
                f,
                "connections of {block} hang after their real server was removed, and so do new ones from the same port"
            ),
        }
    }
}

/// The switches that this lvs.cf needs, each once.
#[must_use]
pub fn sysctls(site: &Site) -> Vec<SysctlNeed> {
    let need = |sysctl: Sysctl| {
        let mut services: Vec<_> = site.services.iter().collect();
        // Flows that never pause are hit worst.
        services.sort_by_key(|service| !is_udp(service));
        let service = services.into_iter().find(|it| sysctl.is_needed(it))?;
        let (block, _) = service.blocks.first()?;
        Some(SysctlNeed {
            sysctl,
            block: block.clone(),
            udp: is_udp(service),
        })
    };
    let all = [Sysctl::ExpireQuiescentTemplate, Sysctl::ExpireNodestConn];
    all.into_iter().filter_map(need).collect()
}

/// The first block whose UDP flows stay with a failed real server, because it is quiesced. No switch
/// changes that.
#[must_use]
pub fn quiesced_flows(site: &Site) -> Option<&str> {
    let stays = |service: &&SiteService| {
        let quiesces = service.destinations.iter().any(|d| d.quiesce);
        // One-packet scheduling knows no flows.
        quiesces && is_udp(service) && !service.service.one_packet
    };
    let service = site.services.iter().find(stays)?;
    service.blocks.first().map(|(block, _)| block.as_str())
}
