//! What each option does to a line. Values are checked as they come, as the original does: whichever
//! error stands first on the line is the one reported.

use std::ffi::OsStr;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStrExt;

use lvs_model::{
    AddressFamily, DestinationKey, ForwardingMethod, Netmask, Protocol, ServiceKey, TunnelType,
    Weight,
};
use popt::Value;

use crate::address::{parse_endpoint, parse_mark, parse_netmask};
use crate::error::UsageError;
use crate::given::Name;
use crate::line::Line;
use crate::names::Names;
use crate::number;
use crate::options::Key;
use crate::seconds::seconds;

/// What `-p` alone means, in seconds.
const DEFAULT_PERSISTENCE: u32 = 360;

/// What `--watch` alone means, in seconds.
const DEFAULT_WATCH: u32 = 2;
/// Longest time between two looks: a day.
const MAX_WATCH: u32 = 24 * 3600;

/// A number within a range, or the option's sentence.
fn ranged<T: TryFrom<u32>>(
    text: &OsStr,
    range: RangeInclusive<u32>,
    sentence: &'static str,
) -> Result<T, UsageError> {
    number::parse_u32(text.as_bytes(), range)
        .and_then(|number| T::try_from(number).ok())
        .ok_or(UsageError::Value(sentence))
}

fn multicast_group(text: &OsStr) -> Result<IpAddr, UsageError> {
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
    fn give(&mut self, name: Name) -> Result<(), UsageError> {
        if self.given.insert(name) {
            Ok(())
        } else {
            Err(UsageError::Multiple(name))
        }
    }

    /// One option behind the command. `word` is the one taken last from the line.
    pub(crate) fn take(
        &mut self,
        key: Key,
        value: Value<'a>,
        word: &OsStr,
        names: &dyn Names,
    ) -> Result<(), UsageError> {
        let text = value.text().unwrap_or_default();
        match key {
            Key::Command(_) | Key::Help | Key::Version => {
                Err(UsageError::SecondCommand(word.to_owned()))
            }
            Key::Sort => Ok(()),
            Key::Tcp => self.take_address(Protocol::Tcp, text, names),
            Key::Udp => self.take_address(Protocol::Udp, text, names),
            Key::Sctp => self.take_address(Protocol::Sctp, text, names),
            Key::FwMark => self.take_mark(text),
            Key::Ipv6 => self.take_ipv6(),
            Key::Gatewaying => self.take_forwarding(ForwardingMethod::DirectRouting),
            Key::Ipip => self.take_forwarding(ForwardingMethod::Tunnelling),
            Key::Masquerading => self.take_forwarding(ForwardingMethod::Masquerading),
            Key::Named(Name::Persistent) => {
                self.give(Name::Persistent)?;
                let seconds = value.text().map(|text| seconds(text, 1)).transpose()?;
                self.persistence = Some(seconds.unwrap_or(DEFAULT_PERSISTENCE));
                Ok(())
            }
            Key::Named(Name::Watch) => {
                self.give(Name::Watch)?;
                let wrong = "illegal watch interval specified";
                let seconds = value.text().map(|it| ranged(it, 1..=MAX_WATCH, wrong));
                self.watch = seconds.transpose()?.unwrap_or(DEFAULT_WATCH);
                Ok(())
            }
            Key::Named(name) => {
                self.give(name)?;
                self.take_named(name, text, names)
            }
        }
    }

    fn take_address(
        &mut self,
        protocol: Protocol,
        text: &OsStr,
        names: &dyn Names,
    ) -> Result<(), UsageError> {
        self.give(Name::Service)?;
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

    fn take_mark(&mut self, text: &OsStr) -> Result<(), UsageError> {
        self.give(Name::Service)?;
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

    fn take_ipv6(&mut self) -> Result<(), UsageError> {
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

    fn take_forwarding(&mut self, method: ForwardingMethod) -> Result<(), UsageError> {
        self.give(Name::Forwarding)?;
        self.forwarding = method;
        Ok(())
    }

    fn take_named(
        &mut self,
        name: Name,
        value: &'a OsStr,
        names: &dyn Names,
    ) -> Result<(), UsageError> {
        const ANY: RangeInclusive<u32> = 0..=Weight::MAX.get();
        match name {
            Name::Scheduler => self.scheduler = value,
            Name::SchedulerFlags => self.scheduler_flags = value,
            Name::Engine => self.engine = value,
            Name::Netmask => self.take_netmask(value, names)?,
            Name::Server => self.take_server(value, names)?,
            Name::Weight => {
                let weight = ranged(value, ANY, "illegal weight specified")?;
                self.weight = Weight::new(weight).unwrap_or(Weight::MAX);
            }
            Name::UpperThreshold => {
                self.thresholds.upper = ranged(value, ANY, "illegal u_threshold specified")?;
            }
            Name::LowerThreshold => {
                self.thresholds.lower = ranged(value, ANY, "illegal l_threshold specified")?;
            }
            Name::TunType => self.take_tunnel_type(value)?,
            Name::TunPort => {
                self.tunnel_port = ranged(value, 1..=65535, "illegal tunnel port specified")?;
            }
            _ => self.take_sync(name, value)?,
        }
        Ok(())
    }

    fn take_netmask(&mut self, text: &'a OsStr, names: &dyn Names) -> Result<(), UsageError> {
        let family = self.service.map_or(AddressFamily::Inet, |key| key.family());
        let netmask = parse_netmask(text.as_bytes(), family, names).map_err(UsageError::Value)?;
        self.netmask = Some(netmask);
        self.netmask_text = text;
        Ok(())
    }

    /// A port that is not written is the service's, as far as that is known by now.
    fn take_server(&mut self, text: &OsStr, names: &dyn Names) -> Result<(), UsageError> {
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

    fn take_tunnel_type(&mut self, text: &OsStr) -> Result<(), UsageError> {
        self.tunnel_type = match text.as_bytes() {
            b"ipip" => TunnelType::Ipip,
            b"gue" => TunnelType::Gue,
            b"gre" => TunnelType::Gre,
            _ => return Err(UsageError::Value("illegal tunnel type specified")),
        };
        Ok(())
    }

    /// Options of sync daemons; every other one says all by being there.
    fn take_sync(&mut self, name: Name, text: &'a OsStr) -> Result<(), UsageError> {
        let sync = &mut self.sync;
        match name {
            Name::McastInterface => sync.interface = text,
            Name::SyncId => sync.id = ranged(text, 0..=255, "illegal syncid specified")?,
            Name::SyncMaxlen => {
                let length = ranged(text, 1..=65507, "illegal sync-maxlen specified")?;
                sync.max_length = Some(length);
            }
            Name::McastGroup => sync.group = Some(multicast_group(text)?),
            Name::McastPort => {
                let port = ranged(text, 1..=65535, "illegal mcast-port specified")?;
                sync.port = Some(port);
            }
            Name::McastTtl => {
                sync.ttl = Some(ranged(text, 1..=255, "illegal mcast-ttl specified")?);
            }
            _ => {}
        }
        Ok(())
    }
}
