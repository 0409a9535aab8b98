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

    /// Appends `10.0.0.1:80`, `[fd02::2]:http`. The caller cuts it at [`ENDPOINT_LENGTH`], where the
    /// original's buffer ends.
    pub(crate) fn write_endpoint(
        self,
        text: &mut Vec<u8>,
        address: IpAddr,
        port: u16,
        protocol: Protocol,
    ) {
        match (self.names, address) {
            (None, IpAddr::V4(address)) => {
                write_ipv4(text, address);
                text.push(b':');
                push_number(text, port.into());
            }
            _ => self.write_any(text, address, port, protocol),
        }
    }

    fn write_any(self, text: &mut Vec<u8>, address: IpAddr, port: u16, protocol: Protocol) {
        if address.is_ipv6() {
            text.push(b'[');
        }
        match (self.names.and_then(|it| it.host_name(address)), address) {
            (Some(name), _) => text.extend_from_slice(name.as_bytes()),
            (None, IpAddr::V4(address)) => write_ipv4(text, address),
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

/// The digits of every octet with a dot behind them, and how many bytes that is.
static OCTETS: [([u8; 4], usize); 256] = {
    let mut octets = [([0; 4], 0); 256];
    let mut number = 0;
    let mut octet = 0_u8;
    while number < octets.len() {
        let [ones, tens, hundreds] = [octet % 10, octet / 10 % 10, octet / 100];
        let [ones, tens, hundreds] = [b'0' + ones, b'0' + tens, b'0' + hundreds];
        octets[number] = match octet {
            0..10 => ([ones, b'.', 0, 0], 2),
            10..100 => ([tens, ones, b'.', 0], 3),
            100.. => ([hundreds, tens, ones, b'.'], 4),
        };
        number += 1;
        octet = octet.wrapping_add(1);
    }
    octets
};

/// Appends `10.0.0.1`: the hottest loop of a listing.
fn write_ipv4(text: &mut Vec<u8>, address: Ipv4Addr) {
    let mut room = [0; 16];
    let mut end = 0;
    for octet in address.octets() {
        let (digits, length) = OCTETS[usize::from(octet)];
        if let Some(place) = room.get_mut(end..end + 4) {
            place.copy_from_slice(&digits);
        }
        end += length;
    }
    // Without the last dot.
    text.extend_from_slice(room.get(..end - 1).unwrap_or_default());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octet_is_printed_as_the_library_prints_it() {
        for octet in 0..=u8::MAX {
            let address = Ipv4Addr::new(octet, 255 - octet, octet / 2, octet);
            let mut text = Vec::new();
            write_ipv4(&mut text, address);
            assert_eq!(text, address.to_string().into_bytes());
        }
    }
}
