//! A listing of services and servers that was asked for: which, in what order, with what columns.

use ipvs::{Ipvs, IpvsError};
use lvs_model::{DestinationEntry, ServiceEntry, ServiceKey};

use crate::given::{Given, Name};
use crate::sort::{sort_servers, sort_services};

/// What the columns are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Plain,
    Stats,
    Rate,
    Thresholds,
    PersistentConn,
    TunInfo,
}

impl Format {
    /// The leftmost here of those given wins.
    pub(crate) fn of(given: Given) -> Self {
        let rows = [
            (Name::Stats, Self::Stats),
            (Name::Rate, Self::Rate),
            (Name::Thresholds, Self::Thresholds),
            (Name::PersistentConn, Self::PersistentConn),
            (Name::TunInfo, Self::TunInfo),
        ];
        let row = rows.iter().find(|(name, _)| given.has(*name));
        row.map_or(Self::Plain, |(_, format)| *format)
    }
}

/// A listing that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listing {
    /// Only this one.
    pub(crate) service: Option<ServiceKey>,
    pub(crate) format: Format,
    pub(crate) numeric: bool,
    pub(crate) exact: bool,
    pub(crate) sorted: bool,
    /// As JSON, whatever the columns.
    pub(crate) json: bool,
}

impl Listing {
    /// What the program lists without any argument.
    pub(crate) const ALL: Self = Self {
        service: None,
        format: Format::Plain,
        numeric: false,
        exact: false,
        sorted: true,
        json: false,
    };

    /// The services to list, in their order.
    pub(crate) fn services(self, kernel: &mut impl Ipvs) -> Result<Vec<ServiceEntry>, IpvsError> {
        Ok(match &self.service {
            Some(key) => vec![kernel.service(key)?],
            None if self.sorted => sort_services(kernel.services()?),
            None => kernel.services()?,
        })
    }

    /// The servers of one of them, in their order.
    pub(crate) fn servers(
        self,
        kernel: &mut impl Ipvs,
        key: &ServiceKey,
    ) -> Result<Vec<DestinationEntry>, IpvsError> {
        let servers = kernel.destinations(key)?;
        Ok(if self.sorted {
            sort_servers(servers)
        } else {
            servers
        })
    }
}
