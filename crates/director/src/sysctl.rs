//! Kernel switches that a removal policy depends on: without them lvs.cf promises what the kernel does
//! not do. lvsd checks them at start and reload and says so, or sets them if lvs.cf allows it.
//!
//! They hold for the whole network namespace, so other services feel them too.

use std::fmt;

use lvs_model::{Protocol, ServiceKey};

use crate::{Site, SiteService};

/// A switch that must be 1, in `/proc/sys/net/ipv4/vs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sysctl {
    /// A quiesced real server loses its persistent clients too.
    ExpireQuiescentTemplate,
    /// Packets of a flow whose real server was removed go to another one at once.
    ExpireNodestConn,
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
            Self::ExpireNodestConn => matches!(
                service.service.key,
                ServiceKey::Address {
                    protocol: Protocol::Udp,
                    ..
                }
            ),
        }
    }
}

/// A switch, and the block that needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SysctlNeed {
    /// The switch.
    pub sysctl: Sysctl,
    /// Name of the first block that needs it.
    pub block: String,
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
            Sysctl::ExpireNodestConn => write!(
                f,
                "UDP flows of {block} are lost after their real server was removed, until they pause"
            ),
        }
    }
}

/// The switches that this lvs.cf needs, each once.
#[must_use]
pub fn sysctls(site: &Site) -> Vec<SysctlNeed> {
    let need = |sysctl: Sysctl| {
        let mut services = site.services.iter();
        let service = services.find(|service| sysctl.is_needed(service))?;
        let (block, _) = service.blocks.first()?;
        Some(SysctlNeed {
            sysctl,
            block: block.clone(),
        })
    };
    let all = [Sysctl::ExpireQuiescentTemplate, Sysctl::ExpireNodestConn];
    all.into_iter().filter_map(need).collect()
}
