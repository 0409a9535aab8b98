//! The same pair as lvs.cf and as keepalived.conf: one service, two real servers, direct routing,
//! heartbeats on the public network only.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

/// Port of the service. Neither daemon sends anything there to check.
pub const PORT: u16 = 8080;
/// The file with the key of signed heartbeats.
pub const KEY_FILE: &str = "/etc/sysconfig/ha/heartbeat.key";
/// A line of that file: any key will do.
pub const KEY: &str = "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

/// How often a director says that it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// One heartbeat each this many milliseconds; the dead time is three of these.
    Every(u64),
    /// As an lvs.cf that says nothing of it: 2 s, dead after 5, unsigned.
    Default,
}

impl Beat {
    /// Time between two heartbeats.
    #[must_use]
    pub const fn pause(self) -> Duration {
        match self {
            Self::Every(milliseconds) => Duration::from_millis(milliseconds),
            Self::Default => Duration::from_secs(2),
        }
    }

    /// The lines of lvs.cf about it; heartbeats are signed so that a clean stop is handed over.
    fn lines(self) -> String {
        let Self::Every(keepalive) = self else {
            return String::new();
        };
        let (beat, dead) = (seconds(keepalive), seconds(3 * keepalive));
        format!(
            "keepalive = {beat}\ndeadtime = {dead}\n\
             heartbeat_key = {KEY_FILE}\nheartbeat_auth = require\n"
        )
    }
}

impl fmt::Display for Beat {
    /// As on the command line: `0.1`, `default`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(milliseconds) => f.write_str(&seconds(*milliseconds)),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Neither `default` nor seconds to the millisecond, more than none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoBeat;

impl fmt::Display for NoBeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("neither seconds to the millisecond nor `default`")
    }
}

impl std::error::Error for NoBeat {}

impl FromStr for Beat {
    type Err = NoBeat;

    fn from_str(word: &str) -> Result<Self, NoBeat> {
        if word == "default" {
            return Ok(Self::Default);
        }
        let (whole, part) = word.split_once('.').unwrap_or((word, ""));
        let whole: u64 = whole.parse().map_err(|_| NoBeat)?;
        let places: u64 = format!("{part:0<3}").parse().map_err(|_| NoBeat)?;
        let whole = whole.checked_mul(1000).ok_or(NoBeat)?;
        match whole + places {
            1.. if part.len() <= 3 => Ok(Self::Every(whole + places)),
            _ => Err(NoBeat),
        }
    }
}

/// lvs.cf of both directors; `warm`: lvsd runs on the standby too.
#[must_use]
pub fn lvs_cf(beat: Beat, warm: bool, vip: IpAddr, servers: &[(String, IpAddr)]) -> String {
    let mut text = format!(
        "primary = 10.9.0.11\nbackup = 10.9.0.12\nbackup_active = 1\nservice = lvs\n\
         heartbeat = 1\nheartbeat_port = 539\n{}warm_standby = {}\n\
         network = direct\ndebug_level = NONE\n\
         virtual web {{\n active = 1\n address = {vip} eth0:1\n vip_nmask = 255.255.255.255\n\
         \x20port = {PORT}\n scheduler = rr\n load_monitor = none\n protocol = tcp\n\
         \x20timeout = 6\n reentry = 6\n",
        beat.lines(),
        u8::from(warm),
    );
    for (name, address) in servers {
        text.push_str(&format!(
            " server {name} {{\n  address = {address}\n  active = 1\n  weight = 1\n }}\n"
        ));
    }
    text + "}\n"
}

/// keepalived.conf of one director: an advertisement each `beat`.
#[must_use]
pub fn keepalived_conf(
    beat: Beat,
    primary: bool,
    vip: IpAddr,
    servers: &[(String, IpAddr)],
) -> String {
    let (state, priority) = if primary {
        ("MASTER", 150)
    } else {
        ("BACKUP", 100)
    };
    let mut text = format!(
        "global_defs {{\n router_id {state}\n vrrp_version 3\n}}\n\
         vrrp_instance v {{\n state {state}\n interface eth0\n virtual_router_id 51\n\
         \x20priority {priority}\n advert_int {beat}\n\
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
fn seconds(milliseconds: u64) -> String {
    let text = format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
    text.trim_end_matches('0').trim_end_matches('.').into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_is_seconds_to_the_millisecond_or_the_default() {
        for (word, beat) in [
            ("1", Beat::Every(1000)),
            ("0.01", Beat::Every(10)),
            ("default", Beat::Default),
        ] {
            assert_eq!(word.parse(), Ok(beat));
            assert_eq!(beat.to_string(), word);
        }
        for wrong in ["", "0", "0.0001", "x", "1.x"] {
            assert_eq!(wrong.parse::<Beat>(), Err(NoBeat), "{wrong}");
        }
    }

    #[test]
    fn seconds_are_written_without_needless_places() {
        let written = [1000, 100, 10, 30, 3000].map(seconds);
        assert_eq!(written, ["1", "0.1", "0.01", "0.03", "3"]);
    }
}
