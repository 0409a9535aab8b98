//! Every number at both ends of its range, and one step beyond.

use crate::documents::{range, rows};
use crate::support::read_text;

/// Where a statement stands; `{}` is the place.
const GLOBAL: &str = "{}\n";
const VIRTUAL: &str = "virtual v {\nactive = 1\naddress = 192.0.2.1 eth0\n{}\n}\n";
const SERVER: &str = "virtual v {\nactive = 1\naddress = 192.0.2.1 eth0\nserver s {\nactive = 1\n\
                      address = 192.0.2.41\n{}\n}\n}\n";
/// A server whose lower threshold may be anything.
const BOUNDED: &str = "virtual v {\nactive = 1\naddress = 192.0.2.1 eth0\nserver s {\nactive = 1\n\
                       address = 192.0.2.41\nupper_threshold = 4294967295\n{}\n}\n}\n";
/// A virtual block that may have all ports.
const PERSISTENT: &str =
    "virtual v {\nactive = 1\naddress = 192.0.2.1 eth0\npersistent = 9\n{}\n}\n";
const FAILOVER: &str = "failover f {\nactive = 1\naddress = 192.0.2.1 eth0\nstart_cmd = /bin/x\n\
                        stop_cmd = /bin/y\n{}\n}\n";
const MARKED: &str = "virtual v {\nactive = 1\naddress = 192.0.2.1 eth0\nfwmark = 1\n\
                      persistent = 9\n{}\n}\n";
/// A heartbeat that is more frequent than any dead time is long.
const FREQUENT: &str = "keepalive = 0.01\n{}\n";

const SYNC: &str = "syncdaemon = 1\n{}\n";

/// Around what, keyword, values within, values beyond, and how a message names the range.
type Row = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
);

const ROWS: &[Row] = &[
    (
        GLOBAL,
        "heartbeat_port",
        &["1", "65535"],
        &["0", "65536", "-1"],
        "1 to 65535",
    ),
    (
        VIRTUAL,
        "port",
        &["1", "65535"],
        &["0", "65536", "-1"],
        "1 to 65535",
    ),
    (
        PERSISTENT,
        "port",
        &["0", "1", "65535"],
        &["65536"],
        "1 to 65535",
    ),
    (
        MARKED,
        "port",
        &["1", "65535"],
        &["0", "65536"],
        "1 to 65535",
    ),
    (
        FAILOVER,
        "port",
        &["1", "65535"],
        &["0", "65536"],
        "1 to 65535",
    ),
    (
        SERVER,
        "port",
        &["1", "65535"],
        &["0", "65536", "-1"],
        "1 to 65535",
    ),
    (
        GLOBAL,
        "keepalive",
        &["0.01", "2", "3600"],
        &["0", "0.009", "3600.1", "-1"],
        "0.01 to 3600 seconds",
    ),
    (
        FREQUENT,
        "deadtime",
        &["0.03", "86400"],
        &["0", "0.029", "86400.1"],
        "0.03 to 86400 seconds",
    ),
    (
        VIRTUAL,
        "timeout",
        &["0.1", "3600"],
        &["0", "0.09", "3600.1"],
        "0.1 to 3600 seconds",
    ),
    (
        FAILOVER,
        "timeout",
        &["0.1", "3600"],
        &["0", "3601"],
        "0.1 to 3600 seconds",
    ),
    (
        VIRTUAL,
        "reentry",
        &["0", "0.001", "86400"],
        &["86400.1", "-1"],
        "0 to 86400 seconds",
    ),
    (
        VIRTUAL,
        "persistent",
        &["0", "2678400"],
        &["2678401", "-1"],
        "0 to 2678400",
    ),
    (
        VIRTUAL,
        "fwmark",
        &["0", "4294967295"],
        &["4294967296", "-1"],
        "0 to 4294967295",
    ),
    (
        SERVER,
        "weight",
        &["0", "65535"],
        &["65536", "-1"],
        "0 to 65535",
    ),
    (
        GLOBAL,
        "syncd_id",
        &["0", "255"],
        &["256", "-1"],
        "0 to 255",
    ),
    (
        GLOBAL,
        "tcp_timeout",
        &["0", "2147483"],
        &["2147484", "-1"],
        "0 to 2147483",
    ),
    (
        GLOBAL,
        "tcpfin_timeout",
        &["0", "2147483"],
        &["2147484", "-1"],
        "0 to 2147483",
    ),
    (
        GLOBAL,
        "udp_timeout",
        &["0", "2147483"],
        &["2147484", "-1"],
        "0 to 2147483",
    ),
    (
        GLOBAL,
        "serial_no",
        &["0", "4294967295"],
        &["4294967296", "-1"],
        "0 to 4294967295",
    ),
    (
        SYNC,
        "syncd_iface",
        &["a", "fifteen-bytes-x"],
        &["sixteen-bytes-xx", "\"\""],
        "1 to 15 bytes",
    ),
    (
        GLOBAL,
        "audit_interval",
        &["0.1", "3600"],
        &["0.09", "3600.1"],
        "0.1 to 3600 seconds",
    ),
    (
        GLOBAL,
        "sync_wait",
        &["0", "60"],
        &["60.1", "-1"],
        "0 to 60 seconds",
    ),
    (
        FAILOVER,
        "start_timeout",
        &["0", "3600"],
        &["3600.1", "-1"],
        "0 to 3600 seconds",
    ),
    (VIRTUAL, "fall", &["1", "100"], &["0", "101"], "1 to 100"),
    (VIRTUAL, "rise", &["1", "100"], &["0", "101"], "1 to 100"),
    (
        SERVER,
        "upper_threshold",
        &["0", "4294967295"],
        &["4294967296", "-1"],
        "0 to 4294967295",
    ),
    (
        BOUNDED,
        "lower_threshold",
        &["0", "4294967295"],
        &["4294967296", "-1"],
        "0 to 4294967295",
    ),
    (
        GLOBAL,
        "monitor_links",
        &["0", "4294967295"],
        &["4294967296", "-1"],
        "0 to 4294967295",
    ),
];

fn statement((around, keyword, ..): &Row, value: &str) -> (String, u32) {
    let line = 1 + around
        .split("{}")
        .next()
        .map_or(0, |head| head.matches('\n').count());
    let text = around.replace("{}", &format!("{keyword} = {value}"));
    (text, u32::try_from(line).expect("few lines"))
}

#[test]
fn every_keyword_with_a_range_is_in_the_rows() {
    let with_range = rows().filter(|(keyword, _)| range(keyword.kind).is_some());
    for (keyword, _) in with_range {
        let name = keyword.name;
        assert!(ROWS.iter().any(|row| row.1 == name), "no row for {name}");
    }
}

#[test]
fn both_ends_of_every_range_are_taken() {
    for row in ROWS {
        for value in row.2 {
            let (text, _) = statement(row, value);
            if let Err(refusal) = read_text(text.as_bytes()) {
                panic!("{} = {value}: {refusal}\n{text}", row.1);
            }
        }
    }
}

#[test]
fn what_is_beyond_a_range_is_refused_at_its_line_with_the_range() {
    for row in ROWS {
        for value in row.3 {
            let (text, line) = statement(row, value);
            let refusal = read_text(text.as_bytes()).expect_err(&text);
            let said = refusal.to_string();
            assert_eq!(refusal.line(), line, "{text}{said}");
            assert!(said.contains(row.4), "{text}{said}");
        }
    }
}

#[test]
fn an_interface_has_at_most_15_bytes_wherever_it_stands() {
    for (text, is_good) in [
        (
            "virtual v {\nactive = 1\naddress = 192.0.2.1 fifteen-bytes-x\n}\n",
            true,
        ),
        (
            "virtual v {\nactive = 1\naddress = 192.0.2.1 sixteen-bytes-xx\n}\n",
            false,
        ),
        ("nat_router = 10.0.0.1 fifteen-bytes-x\n", true),
        ("nat_router = 10.0.0.1 sixteen-bytes-xx\n", false),
    ] {
        assert_eq!(read_text(text.as_bytes()).is_ok(), is_good, "{text}");
    }
}

/// What counts is the length of what is compared, not of what is written.
#[test]
fn a_literal_answer_has_at_most_254_bytes_once_its_escapes_are_undone() {
    let expect = |count, more: &str| {
        let value = "\\r".repeat(count);
        let text = VIRTUAL.replace("{}", &format!("expect = \"{value}\"\n{more}"));
        read_text(text.as_bytes()).is_ok()
    };
    assert!(expect(254, ""));
    assert!(!expect(255, ""));
    assert!(!expect(255, "send_program = /bin/x"));
    assert!(expect(255, "use_regex = 1"));
}

#[test]
fn a_dead_time_is_longer_than_a_heartbeat_and_a_warning_says_if_twice_is_not() {
    let pair = |keepalive, deadtime| {
        let text = format!(
            "primary = 192.0.2.1\nbackup = 192.0.2.2\nbackup_active = 1\n\
             keepalive = {keepalive}\ndeadtime = {deadtime}\n"
        );
        match read_text(text.as_bytes()) {
            Ok(loaded) => Some(loaded.findings.len()),
            Err(_) => None,
        }
    };
    assert_eq!(pair("2", "2"), None);
    assert_eq!(pair("2", "2.001").map(|findings| findings - 1), Some(1));
    assert_eq!(pair("2", "4"), Some(1));
    assert_eq!(pair("2", "5"), Some(0));
}
