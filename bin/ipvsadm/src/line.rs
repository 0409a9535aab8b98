//! Everything that one command line says.

use std::ffi::OsStr;
use std::net::IpAddr;

use lvs_model::{
    DestinationKey, ForwardingMethod, Netmask, ServiceKey, SyncRole, Thresholds, Timeouts,
    TunnelType, Weight,
};

use crate::command::Command;
use crate::given::Given;

/// Everything that a line said, each value in range.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) command: Command,
    pub(crate) given: Given,
    pub(crate) service: Option<ServiceKey>,
    pub(crate) scheduler: &'a OsStr,
    pub(crate) scheduler_flags: &'a OsStr,
    pub(crate) persistence: Option<u32>,
    pub(crate) netmask: Option<Netmask>,
    pub(crate) engine: &'a OsStr,
    pub(crate) server: Option<DestinationKey>,
    pub(crate) forwarding: ForwardingMethod,
    pub(crate) weight: Weight,
    pub(crate) thresholds: Thresholds,
    pub(crate) tunnel_type: TunnelType,
    pub(crate) tunnel_port: u16,
    pub(crate) timeouts: Timeouts,
    pub(crate) sync: Sync<'a>,
    /// Seconds between two looks of `--watch`.
    pub(crate) watch: u32,
    /// What `-M` said; see `take`.
    pub(crate) netmask_text: &'a OsStr,
}

/// What a line said about a sync daemon.
#[derive(Debug)]
pub(crate) struct Sync<'a> {
    pub(crate) role: SyncRole,
    pub(crate) interface: &'a OsStr,
    pub(crate) id: u32,
    pub(crate) max_length: Option<u16>,
    pub(crate) group: Option<IpAddr>,
    pub(crate) port: Option<u16>,
    pub(crate) ttl: Option<u8>,
}

impl<'a> Line<'a> {
    /// What a line says by its command alone.
    pub(crate) fn new(command: Command, role: SyncRole) -> Self {
        let nothing = OsStr::new("");
        Self {
            command,
            given: Given::default(),
            service: None,
            scheduler: nothing,
            scheduler_flags: nothing,
            persistence: None,
            netmask: None,
            engine: nothing,
            server: None,
            forwarding: ForwardingMethod::DirectRouting,
            weight: Weight::ONE,
            thresholds: Thresholds::default(),
            tunnel_type: TunnelType::Ipip,
            tunnel_port: 0,
            timeouts: Timeouts::default(),
            sync: Sync {
                role,
                interface: nothing,
                id: 0,
                max_length: None,
                group: None,
                port: None,
                ttl: None,
            },
            watch: 0,
            netmask_text: nothing,
        }
    }
}
