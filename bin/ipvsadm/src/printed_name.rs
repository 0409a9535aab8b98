//! Addresses, ports and services as listings print them, with names unless numbers were asked for.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use lvs_model::{AddressFamily, Protocol, ServiceKey};

use crate::inet::Numeric;
use crate::names::Names;
use crate::output::push_number;

/// Longest `address:port`.
pub(crate) const ENDPOINT_LENGTH: usize = 59;

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

    /// Appends `10.0.0.1:80`, `[fd02::2]:http`. The caller cuts it where the original's buffer ends,
    /// at [`ENDPOINT_LENGTH`].
    pub(crate) fn write_endpoint(
        self,
        text: &mut Vec<u8>,
        address: IpAddr,
        port: u16,
        protocol: Protocol,
    ) {
        match (self.names, address) {
            (None, IpAddr::V4(address)) => write_ipv4(text, address, Some(port)),
            _ => self.write_any(text, address, port, protocol),
        }
    }

    fn write_any(self, text: &mut Vec<u8>, address: IpAddr, port: u16, protocol: Protocol) {
        if address.is_ipv6() {
            text.push(b'[');
        }
        match (self.names.and_then(|it| it.host_name(address)), address) {
            (Some(name), _) => text.extend_from_slice(name.as_bytes()),
            (None, IpAddr::V4(address)) => write_ipv4(text, address, None),
            // Writing to memory cannot fail.
            (None, IpAddr::V6(_)) => _ = write!(text, "{}", Numeric(address)),
        }
        if address.is_ipv6() {
            text.push(b']');
        }
        text.push(b':');
        match self.names.and_then(|it| it.service_name(port, protocol)) {
            Some(name) => text.extend_from_slice(name.as_bytes()),
            None => push_number(text, port.into()),
        }
    }
}

/// Appends `10.0.0.1` or `10.0.0.1:80`, composed from its end.
fn write_ipv4(text: &mut Vec<u8>, address: Ipv4Addr, port: Option<u16>) {
    let mut room = [0; 21];
    let mut start = room.len();
    let mut places = room.iter_mut().rev();
    let mut put = |byte| {
        if let Some(place) = places.next() {
            *place = byte;
            start -= 1;
        }
    };
    let mut put_number = |mut number: u16, before: Option<u8>| {
        loop {
            // A remainder of ten fits every integer type.
            put(b'0' + u8::try_from(number % 10).unwrap_or_default());
            number /= 10;
            if number == 0 {
                break;
            }
        }
        before.into_iter().for_each(&mut put);
    };
    if let Some(port) = port {
        put_number(port, Some(b':'));
    }
    let [a, b, c, d] = address.octets();
    put_number(d.into(), Some(b'.'));
    put_number(c.into(), Some(b'.'));
    put_number(b.into(), Some(b'.'));
    put_number(a.into(), None);
    text.extend_from_slice(room.get(start..).unwrap_or_default());
}

/// Protocol whose service names fit the ports of a service's servers.
pub(crate) const fn protocol_of(key: &ServiceKey) -> Protocol {
    match key {
        ServiceKey::Address { protocol, .. } => *protocol,
        ServiceKey::FwMark { .. } => Protocol::Other(0),
    }
}

/// Appends the first column of a service: `TCP  10.0.0.1:80`, `FWM  9 IPv6`.
pub(crate) fn write_service(text: &mut Vec<u8>, key: &ServiceKey, style: Style<'_>) {
    match key {
        ServiceKey::Address {
            protocol,
            address,
            port,
        } => {
            let start = text.len();
            text.extend_from_slice(match protocol {
                Protocol::Tcp => b"TCP  ",
                Protocol::Udp => b"UDP  ",
                Protocol::Sctp => b"SCTP ",
                Protocol::Other(_) => b"?    ",
            });
            style.write_endpoint(text, *address, *port, *protocol);
            let longest = if address.is_ipv4() {
                33
            } else {
                5 + ENDPOINT_LENGTH
            };
            text.truncate(start + longest);
        }
        ServiceKey::FwMark { mark, family } => {
            text.extend_from_slice(b"FWM  ");
            push_number(text, mark.get().into());
            if *family == AddressFamily::Inet6 {
                text.extend_from_slice(b" IPv6");
            }
        }
    }
}
