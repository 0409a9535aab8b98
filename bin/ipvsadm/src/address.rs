//! Addresses of services and servers, netmasks and marks: text to value.

use std::net::{IpAddr, Ipv4Addr};

use lvs_model::{AddressFamily, FwMark, Netmask, Protocol};

use crate::inet::{parse_ipv4, parse_ipv6, split_dotted};
use crate::names::Names;
use crate::number;

/// An address, and a port if one was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) address: IpAddr,
    pub(crate) port: Option<u16>,
}

/// Reads `address[:port]`. An IPv6 address with a port stands in brackets, without one bare.
///
/// `protocol` is for service names. Where it is not known yet they are errors, as in the original.
pub(crate) fn parse_endpoint(
    text: &[u8],
    protocol: Option<Protocol>,
    names: &dyn Names,
) -> Option<Endpoint> {
    if let Some(usual) = parse_usual(text) {
        return Some(usual);
    }
    if text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (host, port_text) = match text {
        [b'[', rest @ ..] => split_brackets(rest)?,
        _ => (text, None),
    };
    if let Some(address) = parse_ipv6(host) {
        return endpoint(address.into(), port_text, protocol, names);
    }
    let (host, port_text) = match port_text {
        Some(_) => (host, port_text),
        None => split_last_colon(host),
    };
    let address = parse_ipv4(host).or_else(|| look_up(host, names))?;
    endpoint(address.into(), port_text, protocol, names)
}

/// `10.0.0.1` or `10.0.0.1:80`: nearly every address of a restore, which asks for no name.
fn parse_usual(text: &[u8]) -> Option<Endpoint> {
    let (address, rest) = split_dotted(text)?;
    let port = match rest {
        [] => None,
        [b':', digits @ ..] => Some(parse_digits(digits)?),
        _ => return None,
    };
    let address = address.into();
    Some(Endpoint { address, port })
}

/// One to five digits up to 65535.
fn parse_digits(text: &[u8]) -> Option<u16> {
    if text.is_empty() || text.len() > 5 {
        return None;
    }
    let mut number = 0;
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u32::from(digit);
    }
    u16::try_from(number).ok()
}

/// `host]:port`.
fn split_brackets(text: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let (host, rest) = text.split_at(text.iter().position(|&byte| byte == b']')?);
    Some((host, Some(rest.strip_prefix(b"]:")?)))
}

fn split_last_colon(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match text.iter().rposition(|&byte| byte == b':') {
        Some(at) => {
            let (host, port) = text.split_at(at);
            (host, port.strip_prefix(b":"))
        }
        None => (text, None),
    }
}

fn endpoint(
    address: IpAddr,
    port_text: Option<&[u8]>,
    protocol: Option<Protocol>,
    names: &dyn Names,
) -> Option<Endpoint> {
    let port = match port_text {
        Some(text) => Some(parse_port(text, protocol, names)?),
        None => None,
    };
    Some(Endpoint { address, port })
}

fn parse_port(text: &[u8], protocol: Option<Protocol>, names: &dyn Names) -> Option<u16> {
    if text.is_empty() {
        return None;
    }
    match number::parse(text, 0..=65535) {
        Some(port) => u16::try_from(port).ok(),
        None => names.service_port(text, protocol?),
    }
}

fn look_up(host: &[u8], names: &dyn Names) -> Option<Ipv4Addr> {
    if host.is_empty() {
        return None;
    }
    names.host_address(host)
}

/// Reads a firewall mark, 1 to 4294967295.
pub(crate) fn parse_mark(text: &[u8]) -> Option<FwMark> {
    FwMark::new(number::parse_u32(text, 1..=u32::MAX)?)
}

/// Why a netmask is none: the sentence for it.
pub(crate) type BadMask = &'static str;

/// Reads a netmask: for IPv4 any dotted quad or host name, for IPv6 a prefix length with anything
/// behind it.
pub(crate) fn parse_netmask(
    text: &[u8],
    family: AddressFamily,
    names: &dyn Names,
) -> Result<Netmask, BadMask> {
    match family {
        AddressFamily::Inet => parse_ipv4(text)
            .or_else(|| look_up(text, names))
            .map(Netmask::Inet)
            .ok_or("illegal virtual server persistent mask specified"),
        AddressFamily::Inet6 => u8::try_from(number::leading(text))
            .ok()
            .filter(|prefix| (1..=128).contains(prefix))
            .map(Netmask::Inet6)
            .ok_or("illegal ipv6 netmask specified"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_names::TestNames;

    fn parsed(text: &str) -> Option<String> {
        let endpoint = parse_endpoint(text.as_bytes(), Some(Protocol::Tcp), &TestNames)?;
        let Endpoint { address, port } = endpoint;
        Some(match port {
            Some(port) => format!("{address} {port}"),
            None => address.to_string(),
        })
    }

    #[test]
    fn address_forms_are_taken_apart_as_the_original_does() {
        for (text, wanted) in [
            ("10.0.0.1:80", Some("10.0.0.1 80")),
            ("10.0.0.1:080", Some("10.0.0.1 80")),
            ("10.0.0.1:+80", Some("10.0.0.1 80")),
            ("10.0.0.1: 80", Some("10.0.0.1 80")),
            ("10.0.0.1:http", Some("10.0.0.1 80")),
            ("10.0.0.1", Some("10.0.0.1")),
            ("10.0.0.1:", None),
            ("10.0.0.1:65536", None),
            ("10.0.0.1:-1", None),
            ("10.0.0.1:80 ", None),
            ("10.0.0.1:0x50", None),
            ("10.0.0.1:HTTP", None),
            ("10.0.0.1:80:90", None),
            ("10.1:80", Some("10.0.0.1 80")),
            ("0x0a000001:80", Some("10.0.0.1 80")),
            ("010.0.0.1:80", Some("8.0.0.1 80")),
            ("10:80", Some("0.0.0.10 80")),
            ("10.0.0.1 x:80", Some("10.0.0.1 80")),
            ("10", None),
            ("80", None),
            (":80", None),
            ("", None),
            ("localhost:80", Some("127.0.0.1 80")),
            ("localhost", Some("127.0.0.1")),
            ("nohost:80", None),
            ("0.0.0.0:80", Some("0.0.0.0 80")),
            ("[2001:db8::1]:80", Some("2001:db8::1 80")),
            ("[2001:DB8:0:0::1]:http", Some("2001:db8::1 80")),
            ("[::1]", None),
            ("[::1]80", None),
            ("[::1", None),
            ("[]:80", None),
            ("[::1]:", None),
            ("[::1%lo]:80", None),
            ("::1", Some("::1")),
            ("2001:db8::1:80", Some("2001:db8::1:80")),
            ("::80", Some("::80")),
            ("[::ffff:10.0.0.1]:80", Some("::ffff:10.0.0.1 80")),
            ("[10.0.0.1]:80", Some("10.0.0.1 80")),
            ("[localhost]:80", Some("127.0.0.1 80")),
        ] {
            assert_eq!(parsed(text).as_deref(), wanted, "{text:?}");
        }
    }

    #[test]
    fn a_service_name_needs_a_protocol() {
        assert_eq!(parse_endpoint(b"10.0.0.1:http", None, &TestNames), None);
        assert!(parse_endpoint(b"10.0.0.1:80", None, &TestNames).is_some());
    }

    #[test]
    fn netmasks_are_not_checked_to_be_masks() {
        let inet = |text: &str| parse_netmask(text.as_bytes(), AddressFamily::Inet, &TestNames);
        assert_eq!(inet("24"), Ok(Netmask::Inet([0, 0, 0, 24].into())));
        assert_eq!(inet("localhost"), Ok(Netmask::Inet([127, 0, 0, 1].into())));
        assert_eq!(
            inet("255.255.256.0"),
            Err("illegal virtual server persistent mask specified")
        );
        let inet6 = |text: &str| parse_netmask(text.as_bytes(), AddressFamily::Inet6, &TestNames);
        assert_eq!(inet6("64abc"), Ok(Netmask::Inet6(64)));
        for text in ["0", "129", "384"] {
            assert_eq!(inet6(text), Err("illegal ipv6 netmask specified"), "{text}");
        }
    }

    #[test]
    fn marks_are_decimal_and_never_zero() {
        assert_eq!(parse_mark(b" +010").map(FwMark::get), Some(10));
        assert_eq!(parse_mark(b"4294967295").map(FwMark::get), Some(u32::MAX));
        for text in ["0", "4294967296", "0x10", "1 ", ""] {
            assert_eq!(parse_mark(text.as_bytes()), None, "{text:?}");
        }
    }
}
