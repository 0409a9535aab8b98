//! The same pair as lvs.cf and as keepalived.conf: one service, two real servers, direct routing,
//! heartbeats on the public network only.

use std::net::IpAddr;

/// Port of the service. Neither daemon sends anything there to check.
pub const PORT: u16 = 8080;
/// The file with the key of signed heartbeats.
pub const KEY_FILE: &str = "/etc/sysconfig/ha/heartbeat.key";
/// A line of that file: any key will do.
pub const KEY: &str = "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

/// lvs.cf of both directors: signed heartbeats each `keepalive` milliseconds, three of them the
/// dead time.
#[must_use]
pub fn lvs_cf(keepalive: u64, vip: IpAddr, servers: &[(String, IpAddr)]) -> String {
    let (beat, dead) = (seconds(keepalive), seconds(3 * keepalive));
    let mut text = format!(
        "primary = 10.9.0.11\nbackup = 10.9.0.12\nbackup_active = 1\nservice = lvs\n\
         heartbeat = 1\nheartbeat_port = 539\nkeepalive = {beat}\ndeadtime = {dead}\n\
         heartbeat_key = {KEY_FILE}\nheartbeat_auth = require\n\
         network = direct\ndebug_level = NONE\n\
         virtual web {{\n active = 1\n address = {vip} eth0:1\n vip_nmask = 255.255.255.255\n\
         \x20port = {PORT}\n scheduler = rr\n load_monitor = none\n protocol = tcp\n\
         \x20timeout = 6\n reentry = 6\n"
    );
    for (name, address) in servers {
        text.push_str(&format!(
            " server {name} {{\n  address = {address}\n  active = 1\n  weight = 1\n }}\n"
        ));
    }
    text + "}\n"
}

/// keepalived.conf of one director: an advertisement each `advert` milliseconds.
#[must_use]
pub fn keepalived_conf(
    advert: u64,
    primary: bool,
    vip: IpAddr,
    servers: &[(String, IpAddr)],
) -> String {
    let (state, priority) = if primary {
        ("MASTER", 150)
    } else {
        ("BACKUP", 100)
    };
    let advert = seconds(advert);
    let mut text = format!(
        "global_defs {{\n router_id {state}\n vrrp_version 3\n}}\n\
         vrrp_instance v {{\n state {state}\n interface eth0\n virtual_router_id 51\n\
         \x20priority {priority}\n advert_int {advert}\n\
         \x20virtual_ipaddress {{\n  {vip}/32 dev eth0\n }}\n}}\n\
         virtual_server {vip} {PORT} {{\n delay_loop 6\n lvs_sched rr\n lvs_method DR\n\
         \x20protocol TCP\n"
    );
    for (_, address) in servers {
        text.push_str(&format!(
            " real_server {address} {PORT} {{\n  TCP_CHECK {{\n   connect_timeout 3\n  }}\n }}\n"
        ));
    }
    text + "}\n"
}

/// Milliseconds as the files write seconds: `1`, `0.1`, `0.01`.
#[must_use]
pub fn seconds(milliseconds: u64) -> String {
    let text = format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
    text.trim_end_matches('0').trim_end_matches('.').into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_written_without_needless_places() {
        let written = [1000, 100, 10, 30, 3000].map(seconds);
        assert_eq!(written, ["1", "0.1", "0.01", "0.03", "3"]);
    }
}
