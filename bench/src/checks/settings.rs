//! The same real servers as lvs.cf and as keepalived.conf.
//!
//! Services of up to 100 real servers each, masquerading. A check is a TCP connection: on this port
//! neither daemon sends anything.

use std::fmt::Write;
use std::net::Ipv4Addr;

/// Port of services and real servers.
pub const PORT: u16 = 8080;
/// Real servers of a service.
const SERVICE: usize = 100;
/// Addresses in a row of them.
const ROW: usize = 250;

/// What both daemons are told.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Real servers, up to 15 000: more do not fit into the 1 MiB that an lvs.cf may have.
    pub servers: usize,
    /// Seconds between two checks.
    pub interval: u64,
}

/// The address of a real server, counted from 0.
fn real_server(number: usize) -> Ipv4Addr {
    let byte = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
    Ipv4Addr::new(10, 50, byte(number / ROW), byte(1 + number % ROW))
}

impl Settings {
    /// Virtual address and real servers of each service.
    fn services(self) -> impl Iterator<Item = (Ipv4Addr, Vec<Ipv4Addr>)> {
        (0..self.servers).step_by(SERVICE).map(move |first| {
            let number = u8::try_from(1 + first / SERVICE).unwrap_or(u8::MAX);
            let last = self.servers.min(first + SERVICE);
            let servers = (first..last).map(real_server).collect();
            (Ipv4Addr::new(10, 40, 0, number), servers)
        })
    }

    /// lvs.cf; `form` is `process` or `shared`.
    #[must_use]
    pub fn lvs_cf(self, form: &str) -> String {
        let interval = self.interval;
        let mut text = format!(
            "primary = 10.60.0.1\nservice = lvs\nbackup_active = 0\nheartbeat = 0\n\
             nannies = {form}\nnetwork = nat\nnat_router = 10.60.0.254 eth0:1\n\
             debug_level = NONE\n"
        );
        for (vip, servers) in self.services() {
            let [.., number] = vip.octets();
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "virtual v{number} {{\n active = 1\n address = {vip} eth0:{number}\n\
                 \x20port = {PORT}\n scheduler = wlc\n load_monitor = none\n protocol = tcp\n\
                 \x20timeout = {interval}\n reentry = {interval}\n"
            );
            for (number, server) in servers.iter().enumerate() {
                let _ = writeln!(
                    text,
                    " server r{number} {{\n  address = {server}\n  active = 1\n  weight = 1\n }}"
                );
            }
            text.push_str("}\n");
        }
        text
    }

    /// keepalived.conf.
    #[must_use]
    pub fn keepalived_conf(self) -> String {
        let interval = self.interval;
        let mut text = String::from("global_defs {\n router_id lab\n}\n");
        for (vip, servers) in self.services() {
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "virtual_server {vip} {PORT} {{\n delay_loop {interval}\n lvs_sched wlc\n\
                 \x20lvs_method NAT\n protocol TCP\n"
            );
            for server in servers {
                let _ = writeln!(
                    text,
                    " real_server {server} {PORT} {{\n  weight 1\n  TCP_CHECK {{\n   \
                     connect_timeout {interval}\n  }}\n }}"
                );
            }
            text.push_str("}\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_real_server_is_in_both_files_once() {
        let settings = Settings {
            servers: 251,
            interval: 6,
        };
        for text in [settings.lvs_cf("shared"), settings.keepalived_conf()] {
            assert_eq!(text.matches(" 10.40.0.").count(), 3, "{text}");
            assert_eq!(text.matches(" 10.50.").count(), 251);
            assert_eq!(text.matches(" 10.50.1.1").count(), 1);
        }
    }
}
