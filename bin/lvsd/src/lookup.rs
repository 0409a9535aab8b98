//! Names in lvs.cf: hosts and services by the system's resolver, expressions by the monitors' own
//! engine.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use lvs_config::Lookup;
use lvs_model::Protocol;
use lvs_sys::{c_name, host_address, service_port};

/// Time for all names of a file together.
const LIMIT: Duration = Duration::from_secs(5);

/// The system's names, for one reading.
pub struct SystemNames {
    until: Instant,
}

impl SystemNames {
    /// Names may be asked for from now on, for five seconds.
    pub fn new() -> Self {
        Self {
            until: Instant::now() + LIMIT,
        }
    }
}

impl Lookup for SystemNames {
    fn host(&mut self, name: &str) -> Option<IpAddr> {
        if Instant::now() >= self.until {
            return None;
        }
        host_address(&c_name(name.as_bytes())?).map(IpAddr::V4)
    }

    fn service(&mut self, name: &str, protocol: Protocol) -> Option<u16> {
        let protocol = match protocol {
            Protocol::Tcp => c"tcp",
            Protocol::Udp => c"udp",
            Protocol::Sctp => c"sctp",
            Protocol::Other(_) => return None,
        };
        service_port(&c_name(name.as_bytes())?, protocol)
    }

    fn check_expression(&mut self, expression: &[u8]) -> Result<(), String> {
        match healthcheck::Expression::new(expression) {
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }
}
