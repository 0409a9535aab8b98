//! Addresses, ports and services as listings print them, with names unless numbers were asked for.

use std::io::Write as _;
use std::net::IpAddr;

use lvs_model::{AddressFamily, Protocol, ServiceKey};

use crate::inet::Numeric;
use crate::names::Names;
use crate::output::decimal;

/// Longest `address:port`.
const ENDPOINT_LENGTH: usize = 59;

/// How addresses and ports are to be printed.
#[derive(Clone, Copy)]
pub(crate) struct Style<'n> {
    /// The name services, unless numbers were asked for.
    pub(crate) names: Option<&'n dyn Names>,
}

impl<'n> Style<'n> {
    pub(crate) fn new(numeric: bool, names: &'n dyn Names) -> Self {
        Self {
            names: (!numeric).then_some(names),
        }
    }

    /// `10.0.0.1:80`, `[fd02::2]:http`; cut where the original's buffer ends.
    pub(crate) fn endpoint(self, address: IpAddr, port: u16, protocol: Protocol) -> Vec<u8> {
        let mut text = Vec::with_capacity(64);
        self.write_endpoint(&mut text, address, port, protocol);
        text.truncate(ENDPOINT_LENGTH);
        text
    }

    pub(crate) fn write_endpoint(
        self,
        text: &mut Vec<u8>,
        address: IpAddr,
        port: u16,
        protocol: Protocol,
    ) {
        if address.is_ipv6() {
            text.push(b'[');
        }
        match self.names.and_then(|names| names.host_name(address)) {
            Some(name) => text.extend_from_slice(name.as_bytes()),
            None => write_address(text, address),
        }
        if address.is_ipv6() {
            text.push(b']');
        }
        text.push(b':');
        let name = self
            .names
            .and_then(|names| names.service_name(port, protocol));
        match name {
            Some(name) => text.extend_from_slice(name.as_bytes()),
            None => text.extend_from_slice(decimal(port.into(), &mut [0; 20])),
        }
    }
}

/// Writing to memory cannot fail.
fn write_address(text: &mut Vec<u8>, address: IpAddr) {
    let IpAddr::V4(address) = address else {
        let _ = write!(text, "{}", Numeric(address));
        return;
    };
    let mut separator: &[u8] = b"";
    for octet in address.octets() {
        text.extend_from_slice(separator);
        text.extend_from_slice(decimal(octet.into(), &mut [0; 20]));
        separator = b".";
    }
}

/// Protocol whose service names fit the ports of a service's servers.
pub(crate) const fn protocol_of(key: &ServiceKey) -> Protocol {
    match key {
        ServiceKey::Address { protocol, .. } => *protocol,
        ServiceKey::FwMark { .. } => Protocol::Other(0),
    }
}

/// The first column of a service: `TCP  10.0.0.1:80`, `FWM  9 IPv6`.
pub(crate) fn service(key: &ServiceKey, style: Style<'_>) -> Vec<u8> {
    match key {
        ServiceKey::Address {
            protocol,
            address,
            port,
        } => {
            let mut text = match protocol {
                Protocol::Tcp => b"TCP  ",
                Protocol::Udp => b"UDP  ",
                Protocol::Sctp => b"SCTP ",
                Protocol::Other(_) => b"?    ",
            }
            .to_vec();
            text.extend(style.endpoint(*address, *port, *protocol));
            if address.is_ipv4() {
                text.truncate(33);
            }
            text
        }
        ServiceKey::FwMark { mark, family } => {
            let mut text = b"FWM  ".to_vec();
            text.extend_from_slice(decimal(mark.get().into(), &mut [0; 20]));
            if *family == AddressFamily::Inet6 {
                text.extend_from_slice(b" IPv6");
            }
            text
        }
    }
}
