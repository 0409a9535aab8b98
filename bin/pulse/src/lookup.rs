//! What lvs.cf needs to know from outside: host and service names, by the C library.

use std::net::IpAddr;

use lvs_config::Lookup;
use lvs_model::Protocol;

/// Asks the system. pulse uses no expression, so it checks none: lvsd does, from the same file.
pub struct System;

impl Lookup for System {
    fn host(&mut self, name: &str) -> Option<IpAddr> {
        let name = lvs_sys::c_name(name.as_bytes())?;
        lvs_sys::host_address(&name).map(IpAddr::V4)
    }

    fn service(&mut self, name: &str, protocol: Protocol) -> Option<u16> {
        let protocol = match protocol {
            Protocol::Udp => c"udp",
            _ => c"tcp",
        };
        lvs_sys::service_port(&lvs_sys::c_name(name.as_bytes())?, protocol)
    }

    fn check_expression(&mut self, _expression: &[u8]) -> Result<(), String> {
        Ok(())
    }
}
