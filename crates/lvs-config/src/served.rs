//! Whether an accepted file asks a director to serve something. One rule for pulse, which starts a daemon
//! for it, and for the daemon.

use std::fmt;

use crate::model::{Config, ServiceKind};

/// Why nothing is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotServed {
    /// There is no active block of the service.
    NoBlock(ServiceKind),
    /// A disk that the two directors share would have to be reserved before the services start.
    SharedDisk,
}

impl Config {
    /// What is to be served.
    ///
    /// # Errors
    /// [`NotServed`].
    pub const fn served(&self) -> Result<ServiceKind, NotServed> {
        let is_empty = match self.service {
            ServiceKind::Lvs => self.virtuals.is_empty(),
            ServiceKind::Fos => self.failovers.is_empty(),
        };
        if is_empty {
            return Err(NotServed::NoBlock(self.service));
        }
        let disk = &self.shared_disk;
        let is_shared = disk.primary.is_some() && disk.backup.is_some();
        match self.service {
            ServiceKind::Fos if is_shared => Err(NotServed::SharedDisk),
            service => Ok(service),
        }
    }
}

impl fmt::Display for NotServed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoBlock(ServiceKind::Lvs) => "no active lvs services defined",
            Self::NoBlock(ServiceKind::Fos) => "no active fos services defined",
            Self::SharedDisk => {
                "primary_shared and backup_shared: nothing here reserves a shared disk, and \
                 services that write to it must not start without; let start_cmd reserve it and \
                 remove both lines"
            }
        })
    }
}

impl std::error::Error for NotServed {}
