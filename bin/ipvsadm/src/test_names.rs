//! Names for tests: one host, a few services, no system.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use lvs_model::Protocol;

use crate::names::Names;
use crate::{Environment, Pace};

/// What surrounds a run in tests: these names, and no time.
pub(crate) const ENVIRONMENT: Environment<'static> = Environment {
    names: &TestNames,
    pace: &NoTime,
    posixly_correct: false,
};

/// Never lets a wait end.
#[derive(Debug)]
pub(crate) struct NoTime;

impl Pace for NoTime {
    fn wait(&self, _: Duration) -> Option<Duration> {
        None
    }

    fn is_screen(&self) -> bool {
        false
    }
}

/// Knows `localhost` and a handful of ports.
#[derive(Debug)]
pub(crate) struct TestNames;

const SERVICES: [(&str, u16); 5] = [
    ("http", 80),
    ("https", 443),
    ("domain", 53),
    ("sip", 5060),
    ("http-alt", 8080),
];

impl Names for TestNames {
    fn host_address(&self, name: &[u8]) -> Option<Ipv4Addr> {
        (name == b"localhost").then_some(Ipv4Addr::LOCALHOST)
    }

    fn service_port(&self, name: &[u8], _: Protocol) -> Option<u16> {
        let row = SERVICES.iter().find(|row| row.0.as_bytes() == name);
        row.map(|row| row.1)
    }

    fn host_name(&self, address: IpAddr) -> Option<String> {
        match address {
            IpAddr::V4(Ipv4Addr::LOCALHOST) => Some("localhost".into()),
            IpAddr::V6(it) if it.is_loopback() => Some("localhost6".into()),
            _ if address == IpAddr::from([10, 9, 9, 9]) => {
                Some("a-very-long-real-server-name.example.com".into())
            }
            _ => None,
        }
    }

    fn service_name(&self, port: u16, protocol: Protocol) -> Option<String> {
        if matches!(protocol, Protocol::Other(_)) {
            return None;
        }
        let row = SERVICES.iter().find(|row| row.1 == port);
        row.map(|row| row.0.to_owned())
    }
}
