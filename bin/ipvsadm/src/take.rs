//! What the options make of their values. Values are checked as they come, as in the original: the first
//! error on the line is the one reported.

use std::ffi::OsStr;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStrExt;

use lvs_model::{AddressFamily, DestinationKey, Netmask, Protocol, ServiceKey, TunnelType, Weight};

use crate::address::{parse_endpoint, parse_mark, parse_netmask};
use crate::error::UsageError;
use crate::line::Line;
use crate::names::Names;
use crate::number;
use crate::seconds::seconds;

/// What `-p` alone means, in seconds.
const DEFAULT_PERSISTENCE: u32 = 360;

/// What `--watch` alone means, in seconds.
const DEFAULT_WATCH: u32 = 2;
/// Longest time between two looks: a day.
const MAX_WATCH: u32 = 24 * 3600;

/// What a weight and a threshold may be.
pub(crate) const ANY: RangeInclusive<u32> = 0..=Weight::MAX.get();

/// A number within a range, or the option's sentence.
pub(crate) fn ranged<T: TryFrom<u32>>(
    text: &OsStr,
    range: RangeInclusive<u32>,
    sentence: &'static str,
) -> Result<T, UsageError> {
    number::parse_u32(text.as_bytes(), range)
        .and_then(|number| T::try_from(number).ok())
        .ok_or(UsageError::Value(sentence))
}

pub(crate) fn multicast_group(text: &OsStr) -> Result<IpAddr, UsageError> {
    let bytes = text.as_bytes();
    let is_ipv6 = bytes.contains(&b':');
    let address: Option<IpAddr> = text.to_str().and_then(|text| text.parse().ok());
    address
        .filter(|address| address.is_multicast())
        .ok_or_else(|| UsageError::QuotedValue {
            what: if is_ipv6 {
                "invalid IPv6 mcast-group"
            } else {
                "invalid IPv4 mcast-group"
            },
            text: text.to_owned(),
            end: "",
        })
}

impl<'a> Line<'a> {
    pub(crate) fn take_address(
        &mut self,
        protocol: Protocol,
        text: &OsStr,
        names: &dyn Names,
    ) -> Result<(), UsageError> {
        let endpoint = parse_endpoint(text.as_bytes(), Some(protocol), names).ok_or(
            UsageError::Value("illegal virtual server address[:port] specified"),
        )?;
        self.service = Some(ServiceKey::Address {
            protocol,
            address: endpoint.address,
            port: endpoint.port.unwrap_or(0),
        });
        self.read_netmask_again()
    }

    pub(crate) fn take_mark(&mut self, text: &OsStr) -> Result<(), UsageError> {
        let mark = parse_mark(text.as_bytes()).ok_or_else(|| UsageError::QuotedValue {
            what: "invalid fwmark value",
            text: text.to_owned(),
            end: " specified",
        })?;
        self.service = Some(ServiceKey::FwMark {
            mark,
            family: AddressFamily::Inet,
        });
        Ok(())
    }

    pub(crate) fn take_ipv6(&mut self) -> Result<(), UsageError> {
        let Some(ServiceKey::FwMark { family, .. }) = &mut self.service else {
            return Err(UsageError::Ipv6BeforeMark);
        };
        *family = AddressFamily::Inet6;
        self.read_netmask_again()
    }

    /// A mask that stood before the service was read as IPv4; the original loses it for IPv6.
    fn read_netmask_again(&mut self) -> Result<(), UsageError> {
        let family = self.service.map(|key| key.family());
        if family != Some(AddressFamily::Inet6) || !matches!(self.netmask, Some(Netmask::Inet(_))) {
            return Ok(());
        }
        let prefix = number::leading(self.netmask_text.as_bytes());
        let prefix = u8::try_from(prefix)
            .ok()
            .filter(|it| (1..=128).contains(it));
        let prefix = prefix.ok_or(UsageError::Value("illegal ipv6 netmask specified"))?;
        self.netmask = Some(Netmask::Inet6(prefix));
        Ok(())
    }

    pub(crate) fn take_weight(&mut self, text: &OsStr) -> Result<(), UsageError> {
        let weight = ranged(text, ANY, "illegal weight specified")?;
        self.weight = Weight::new(weight).unwrap_or(Weight::MAX);
        Ok(())
    }

    pub(crate) fn take_persistence(&mut self, text: Option<&OsStr>) -> Result<(), UsageError> {
        let seconds = text.map(|text| seconds(text, 1)).transpose()?;
        self.persistence = Some(seconds.unwrap_or(DEFAULT_PERSISTENCE));
        Ok(())
    }

    pub(crate) fn take_watch(&mut self, text: Option<&OsStr>) -> Result<(), UsageError> {
        let wrong = "illegal watch interval specified";
        let seconds = text.map(|it| ranged(it, 1..=MAX_WATCH, wrong));
        self.watch = seconds.transpose()?.unwrap_or(DEFAULT_WATCH);
        Ok(())
    }

    pub(crate) fn take_netmask(
        &mut self,
        text: &'a OsStr,
        names: &dyn Names,
    ) -> Result<(), UsageError> {
        let family = self.service.map_or(AddressFamily::Inet, |key| key.family());
        let netmask = parse_netmask(text.as_bytes(), family, names).map_err(UsageError::Value)?;
        self.netmask = Some(netmask);
        self.netmask_text = text;
        Ok(())
    }

    /// A server without a port has the service's, if that is known by now.
    pub(crate) fn take_server(
        &mut self,
        text: &OsStr,
        names: &dyn Names,
    ) -> Result<(), UsageError> {
        let (protocol, service_port) = match self.service {
            Some(ServiceKey::Address { protocol, port, .. }) => (Some(protocol), port),
            Some(ServiceKey::FwMark { .. }) => (Some(Protocol::Tcp), 0),
            None => (None, 0),
        };
        let endpoint = parse_endpoint(text.as_bytes(), protocol, names).ok_or(
            UsageError::Value("illegal real server address[:port] specified"),
        )?;
        self.server = Some(DestinationKey {
            address: endpoint.address,
            port: endpoint.port.unwrap_or(service_port),
        });
        Ok(())
    }

    pub(crate) fn take_tunnel_type(&mut self, text: &OsStr) -> Result<(), UsageError> {
        self.tunnel_type = match text.as_bytes() {
            b"ipip" => TunnelType::Ipip,
            b"gue" => TunnelType::Gue,
            b"gre" => TunnelType::Gre,
            _ => return Err(UsageError::Value("illegal tunnel type specified")),
        };
        Ok(())
    }
}
