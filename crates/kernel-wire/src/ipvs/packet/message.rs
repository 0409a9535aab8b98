//! A variant a command, and which change or question each is.

use lvs_model::{
    Destination, DestinationEntry, DestinationKey, IpvsOp, KernelInfo, ServiceEntry, ServiceKey,
    SyncDaemon, SyncRole, Timeouts, VirtualService,
};
use netlink_packet_generic::GenlFamily;

use crate::ipvs::encode::Query;
use crate::ipvs::names::{GENL_NAME, GENL_VERSION, cmd};
use crate::netlink::{DUMP, REQUEST};

/// A message of the family, in either direction: a variant a command, two where a request and the
/// kernel's reply under one command hold different things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IpvsMessage {
    /// `NEW_SERVICE` to the kernel: add it.
    NewService(VirtualService),
    /// `NEW_SERVICE` from the kernel, which has counters: this service is there.
    Service(ServiceEntry),
    /// `SET_SERVICE`: replaces every setting.
    SetService(VirtualService),
    /// `DEL_SERVICE`
    DelService(ServiceKey),
    /// `GET_SERVICE`: one, or all in a dump.
    GetService(Option<ServiceKey>),
    /// `NEW_DEST` to the kernel, which names the service: add it.
    NewDest(ServiceKey, Destination),
    /// `NEW_DEST` from the kernel: this destination is there.
    Dest(DestinationEntry),
    /// `SET_DEST`: replaces every setting.
    SetDest(ServiceKey, Destination),
    /// `DEL_DEST`
    DelDest(ServiceKey, DestinationKey),
    /// `GET_DEST`: the destinations of a service, in a dump.
    GetDest(ServiceKey),
    /// `NEW_DAEMON`: start it, or this one runs.
    NewDaemon(SyncDaemon),
    /// `DEL_DAEMON`
    DelDaemon(SyncRole),
    /// `GET_DAEMON`: all, in a dump.
    GetDaemon,
    /// `SET_CONFIG`: set the idle times, or these are set.
    SetConfig(Timeouts),
    /// `GET_CONFIG`
    GetConfig,
    /// `SET_INFO` from the kernel.
    SetInfo(KernelInfo),
    /// `GET_INFO`
    GetInfo,
    /// `ZERO`: the counters of one service, or of all.
    Zero(Option<ServiceKey>),
    /// `FLUSH`
    Flush,
}

impl IpvsMessage {
    /// `nlmsg_flags` of this message as a request; ask for a confirmation besides with `NLM_F_ACK`.
    #[must_use]
    pub const fn flags(&self) -> u16 {
        match self {
            Self::GetService(None) | Self::GetDest(_) | Self::GetDaemon => REQUEST | DUMP,
            _ => REQUEST,
        }
    }

    /// The change that it orders; `None` for a question, and for a reply.
    ///
    /// A daemon and idle times are a change, whichever way they go.
    #[must_use]
    pub fn change(&self) -> Option<IpvsOp> {
        Some(match self {
            Self::NewService(service) => IpvsOp::AddService(service.clone()),
            Self::SetService(service) => IpvsOp::EditService(service.clone()),
            Self::DelService(key) => IpvsOp::DeleteService(*key),
            Self::NewDest(key, destination) => IpvsOp::AddDestination(*key, *destination),
            Self::SetDest(key, destination) => IpvsOp::EditDestination(*key, *destination),
            Self::DelDest(key, destination) => IpvsOp::DeleteDestination(*key, *destination),
            Self::NewDaemon(daemon) => IpvsOp::StartDaemon(daemon.clone()),
            Self::DelDaemon(role) => IpvsOp::StopDaemon(*role),
            Self::SetConfig(timeouts) => IpvsOp::SetTimeouts(*timeouts),
            Self::Zero(key) => IpvsOp::Zero(*key),
            Self::Flush => IpvsOp::Flush,
            Self::Service(_)
            | Self::GetService(_)
            | Self::Dest(_)
            | Self::GetDest(_)
            | Self::GetDaemon
            | Self::GetConfig
            | Self::SetInfo(_)
            | Self::GetInfo => return None,
        })
    }

    /// The question that it asks, if it is one.
    #[must_use]
    pub const fn question(&self) -> Option<Query<'_>> {
        Some(match self {
            Self::GetService(Some(key)) => Query::Service(key),
            Self::GetService(None) => Query::Services,
            Self::GetDest(key) => Query::Destinations(key),
            Self::GetDaemon => Query::Daemons,
            Self::GetConfig => Query::Timeouts,
            Self::GetInfo => Query::Info,
            _ => return None,
        })
    }
}

impl From<IpvsOp> for IpvsMessage {
    fn from(op: IpvsOp) -> Self {
        match op {
            IpvsOp::AddService(service) => Self::NewService(service),
            IpvsOp::EditService(service) => Self::SetService(service),
            IpvsOp::DeleteService(key) => Self::DelService(key),
            IpvsOp::AddDestination(key, destination) => Self::NewDest(key, destination),
            IpvsOp::EditDestination(key, destination) => Self::SetDest(key, destination),
            IpvsOp::DeleteDestination(key, destination) => Self::DelDest(key, destination),
            IpvsOp::SetTimeouts(timeouts) => Self::SetConfig(timeouts),
            IpvsOp::StartDaemon(daemon) => Self::NewDaemon(daemon),
            IpvsOp::StopDaemon(role) => Self::DelDaemon(role),
            IpvsOp::Zero(key) => Self::Zero(key),
            IpvsOp::Flush => Self::Flush,
        }
    }
}

impl From<Query<'_>> for IpvsMessage {
    fn from(query: Query<'_>) -> Self {
        match query {
            Query::Info => Self::GetInfo,
            Query::Timeouts => Self::GetConfig,
            Query::Service(key) => Self::GetService(Some(*key)),
            Query::Services => Self::GetService(None),
            Query::Destinations(key) => Self::GetDest(*key),
            Query::Daemons => Self::GetDaemon,
        }
    }
}

impl GenlFamily for IpvsMessage {
    fn family_name() -> &'static str {
        GENL_NAME
    }

    fn command(&self) -> u8 {
        match self {
            Self::NewService(_) | Self::Service(_) => cmd::NEW_SERVICE,
            Self::SetService(_) => cmd::SET_SERVICE,
            Self::DelService(_) => cmd::DEL_SERVICE,
            Self::GetService(_) => cmd::GET_SERVICE,
            Self::NewDest(..) | Self::Dest(_) => cmd::NEW_DEST,
            Self::SetDest(..) => cmd::SET_DEST,
            Self::DelDest(..) => cmd::DEL_DEST,
            Self::GetDest(_) => cmd::GET_DEST,
            Self::NewDaemon(_) => cmd::NEW_DAEMON,
            Self::DelDaemon(_) => cmd::DEL_DAEMON,
            Self::GetDaemon => cmd::GET_DAEMON,
            Self::SetConfig(_) => cmd::SET_CONFIG,
            Self::GetConfig => cmd::GET_CONFIG,
            Self::SetInfo(_) => cmd::SET_INFO,
            Self::GetInfo => cmd::GET_INFO,
            Self::Zero(_) => cmd::ZERO,
            Self::Flush => cmd::FLUSH,
        }
    }

    fn version(&self) -> u8 {
        GENL_VERSION
    }
}
