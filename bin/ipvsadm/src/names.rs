//! Names of hosts and services, both ways. Addresses are read and printed with their help.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::CStr;
use std::net::{IpAddr, Ipv4Addr};

use lvs_model::Protocol;

/// The system's name services, or a test's.
pub trait Names {
    /// The first IPv4 address of a host.
    fn host_address(&self, name: &[u8]) -> Option<Ipv4Addr>;
    /// The port of a service; names are case sensitive.
    fn service_port(&self, name: &[u8], protocol: Protocol) -> Option<u16>;
    /// The name of an address.
    fn host_name(&self, address: IpAddr) -> Option<String>;
    /// The name of a port.
    fn service_name(&self, port: u16, protocol: Protocol) -> Option<String>;
}

/// The C library's names. Each answer is asked for once in a run.
#[derive(Debug, Default)]
pub struct SystemNames {
    hosts: RefCell<BTreeMap<IpAddr, Option<String>>>,
    services: RefCell<BTreeMap<(u16, u16), Option<String>>>,
}

/// Only these three have services.
const fn protocol_name(protocol: Protocol) -> Option<&'static CStr> {
    match protocol {
        Protocol::Tcp => Some(c"tcp"),
        Protocol::Udp => Some(c"udp"),
        Protocol::Sctp => Some(c"sctp"),
        Protocol::Other(_) => None,
    }
}

impl Names for SystemNames {
    fn host_address(&self, name: &[u8]) -> Option<Ipv4Addr> {
        lvs_sys::host_address(&lvs_sys::c_name(name)?)
    }

    fn service_port(&self, name: &[u8], protocol: Protocol) -> Option<u16> {
        lvs_sys::service_port(&lvs_sys::c_name(name)?, protocol_name(protocol)?)
    }

    fn host_name(&self, address: IpAddr) -> Option<String> {
        let ask = || lvs_sys::host_name(address).map(|name| name.to_string_lossy().into_owned());
        let mut hosts = self.hosts.borrow_mut();
        hosts.entry(address).or_insert_with(ask).clone()
    }

    fn service_name(&self, port: u16, protocol: Protocol) -> Option<String> {
        let name = protocol_name(protocol)?;
        let ask = || lvs_sys::service_name(port, name).map(|it| it.to_string_lossy().into_owned());
        let mut services = self.services.borrow_mut();
        services
            .entry((port, protocol.number()))
            .or_insert_with(ask)
            .clone()
    }
}
