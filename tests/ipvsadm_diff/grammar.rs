//! Random command lines: mostly sensible, so that they reach the kernel, and wrong in every way at
//! times. What `docs/guide/differences.md` lists is left out.

use lvs_model::Random;

use crate::rig::Line;

/// Random choices; the seed is all there is to repeat a run.
pub struct Dice(Random);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(Random::new(seed))
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0.index(limit)
    }

    fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    fn pick<'t>(&mut self, table: &[&'t str]) -> &'t str {
        self.0.pick(table)
    }
}

/// Options as `letter long value...`; `-` for no letter, no values for a flag.
const SERVICES: [&str; 13] = [
    "t tcp-service 10.0.0.1:80",
    "t tcp-service 10.0.0.1:443",
    "t tcp-service 10.0.0.2:http",
    "t tcp-service 192.168.1.1",
    "t tcp-service [fd00::1]:80",
    "t tcp-service fd00::2",
    "u udp-service 10.0.0.1:53",
    "u udp-service [fd00::1]:domain",
    "u udp-service 172.16.0.9:5060",
    "- sctp-service 10.0.0.3:9",
    "f fwmark-service 1",
    "f fwmark-service 2",
    "f fwmark-service 77",
];

const ODD_SERVICES: [&str; 16] = [
    "t tcp-service 10.0.0.1",
    "t tcp-service 80",
    "t tcp-service :80",
    "t tcp-service ''",
    "t tcp-service 10.0.0.1:",
    "t tcp-service 10.0.0.1:65536",
    "t tcp-service [fd00::1]",
    "t tcp-service [fd00::1]80",
    "t tcp-service 10.1:80",
    "t tcp-service 010.0.0.1:80",
    "t tcp-service 10.0.0.1:nosuch",
    "t tcp-service fd00::1:80",
    "f fwmark-service 0",
    "f fwmark-service 010",
    "f fwmark-service 0x10",
    "f fwmark-service -1",
];

const SERVERS: [&str; 15] = [
    "r real-server 10.1.0.1",
    "r real-server 10.1.0.1:80",
    "r real-server 10.1.0.2:8080",
    "r real-server 10.1.0.3:http",
    "r real-server 192.168.7.7:1",
    "r real-server [fd00:1::1]:80",
    "r real-server fd00:1::2",
    "r real-server 127.0.0.1:80",
    "r real-server 10.9.0.1",
    "r real-server 10.9.0.255",
    "r real-server 224.0.0.1:80",
    "r real-server 0.0.0.0",
    "r real-server fe80::1",
    "r real-server 10.1.0.1:0",
    "r real-server 10.1.0",
];

const SERVICE_OPTIONS: [&str; 24] = [
    "s scheduler rr",
    "s scheduler wlc",
    "s scheduler sh",
    "s scheduler mh",
    "s scheduler none",
    "s scheduler ''",
    "s scheduler nosuch",
    "p persistent",
    "p persistent 60",
    "p persistent 0",
    "p persistent x",
    "p persistent 2678400",
    "- pe sip",
    "- pe nosuch",
    "o ops",
    "b sched-flags sh-port",
    "b sched-flags sh-fallback,sh-port",
    "b sched-flags flag-1,flag-2",
    "b sched-flags ,mh-port,",
    "b sched-flags foo",
    "b sched-flags ''",
    "6 ipv6",
    "p persistent 1",
    "o ops",
];

const SERVER_OPTIONS: [&str; 27] = [
    "g gatewaying",
    "i ipip",
    "m masquerading",
    "m masquerading",
    "i ipip",
    "w weight 0",
    "w weight 5",
    "w weight 2147483647",
    "w weight 2147483648",
    "w weight -1",
    "w weight ''",
    "x u-threshold 10",
    "x u-threshold 20",
    "x u-threshold x",
    "y l-threshold 5",
    "y l-threshold 15",
    "- tun-type gue",
    "- tun-type gre",
    "- tun-type ipip",
    "- tun-type foo",
    "- tun-port 6080",
    "- tun-port 0",
    "- tun-nocsum",
    "- tun-csum",
    "- tun-remcsum",
    "6 ipv6",
    "w weight 1",
];

const LIST_OPTIONS: [&str; 14] = [
    "n numeric",
    "n numeric",
    "n numeric",
    "- stats",
    "- rate",
    "- thresholds",
    "- persistent-conn",
    "- tun-info",
    "- nosort",
    "- sort",
    "X exact",
    "- timeout",
    "- daemon",
    "- syncid 5",
];

const DAEMON_OPTIONS: [&str; 12] = [
    "- mcast-interface eth0",
    "- mcast-interface nodev",
    "- syncid 7",
    "- syncid 256",
    "- sync-maxlen 1400",
    "- sync-maxlen 0",
    "- mcast-group 224.0.0.99",
    "- mcast-group ff02::5",
    "- mcast-group 10.0.0.1",
    "- mcast-port 9999",
    "- mcast-ttl 5",
    "- mcast-ttl 0",
];

const ODDITIES: [&str; 12] = [
    "q unknown",
    "word",
    "''",
    "-",
    "--",
    "A add-service",
    "- set",
    "L list",
    "- start-daemon master",
    "n=1",
    "Z zero",
    "- numeric=1",
];

/// Prints an option in one of the forms that popt takes.
fn spelled(dice: &mut Dice, row: &str, words: &mut Vec<String>) {
    let fields: Vec<&str> = row.split(' ').collect();
    let [letter, long, ..] = fields[..] else {
        words.push(row.to_owned());
        return;
    };
    let value = fields.get(2).map(|value| value.replace("''", ""));
    let is_short = letter != "-" && dice.percent(70);
    let name = if is_short {
        format!("-{letter}")
    } else {
        format!("--{long}")
    };
    let joint = if is_short && dice.percent(50) {
        ""
    } else {
        "="
    };
    match value {
        None => words.push(name),
        Some(value) if dice.percent(25) && !(joint.is_empty() && value.is_empty()) => {
            words.push(format!("{name}{joint}{value}"));
        }
        Some(value) => words.extend([name, value]),
    }
}

fn some<'t>(dice: &mut Dice, table: &[&'t str], most: usize) -> Vec<&'t str> {
    (0..dice.below(most + 1))
        .map(|_| dice.pick(table))
        .collect()
}

fn service(dice: &mut Dice) -> Vec<&'static str> {
    let row = if dice.percent(8) {
        dice.pick(&ODD_SERVICES)
    } else {
        dice.pick(&SERVICES)
    };
    let is_ipv6 = row.starts_with('f') && dice.percent(30);
    let mut rows = vec![row];
    rows.extend(is_ipv6.then_some("6 ipv6"));
    rows
}

/// The words of one command line.
fn words(dice: &mut Dice) -> Vec<String> {
    let mut rows: Vec<&str> = Vec::new();
    let command = match dice.below(100) {
        0..=21 => {
            rows.extend(service(dice));
            rows.extend(some(dice, &SERVICE_OPTIONS, 4));
            if dice.percent(20) {
                rows.push(dice.pick(&[
                    "M netmask 255.255.255.0",
                    "M netmask 64",
                    "M netmask 24",
                    "M netmask 129",
                    "M netmask 255.255.256.0",
                ]));
            }
            dice.pick(&[
                "A add-service",
                "A add-service",
                "A add-service",
                "E edit-service",
            ])
        }
        22..=54 => {
            rows.extend(service(dice));
            rows.push(dice.pick(&SERVERS));
            rows.extend(some(dice, &SERVER_OPTIONS, 4));
            dice.pick(&["a add-server", "a add-server", "e edit-server"])
        }
        55..=60 => {
            rows.extend(service(dice));
            rows.push(dice.pick(&SERVERS));
            "d delete-server"
        }
        61..=64 => {
            rows.extend(service(dice));
            "D delete-service"
        }
        65..=84 => {
            if dice.percent(25) {
                rows.extend(service(dice));
            }
            rows.extend(some(dice, &LIST_OPTIONS, 3));
            dice.pick(&["L list", "l list"])
        }
        85..=88 => {
            rows.extend(some(dice, &["n numeric", "- sort", "n numeric"], 1));
            "S save"
        }
        89..=91 => {
            if dice.percent(70) {
                rows.extend(service(dice));
            }
            "Z zero"
        }
        92 => "C clear",
        93 => {
            rows.extend(some(dice, &DAEMON_OPTIONS, 3));
            dice.pick(&["- start-daemon master", "- start-daemon backup"])
        }
        94 => dice.pick(&[
            "- stop-daemon master",
            "- stop-daemon backup",
            "- stop-daemon x",
        ]),
        95..=96 => {
            rows.extend(some(
                dice,
                &["0", "30", "60", "x", "2678401", "-5", "100"],
                4,
            ));
            "- set"
        }
        97 => dice.pick(&ODDITIES),
        _ => {
            rows.extend(service(dice));
            dice.pick(&SERVICE_OPTIONS)
        }
    };
    if dice.percent(12) {
        let from = dice.below(rows.len() + 1);
        rows[from..].reverse();
        // A mask before an IPv6 service is one of the explained differences.
        rows.retain(|row| !row.starts_with("M "));
    }
    if dice.percent(5) {
        let table: &[&str] = if dice.percent(50) {
            &LIST_OPTIONS
        } else {
            &ODDITIES
        };
        let other = dice.pick(table);
        rows.insert(dice.below(rows.len() + 1), other);
    }
    let mut words = Vec::new();
    spelled(dice, command, &mut words);
    for row in rows {
        spelled(dice, row, &mut words);
    }
    words
}

/// One random command line; some are `-R` with several lines to read.
pub fn line(dice: &mut Dice) -> Line {
    if !dice.percent(6) {
        return Line {
            words: words(dice),
            input: String::new(),
        };
    }
    let mut input = String::new();
    for _ in 0..=dice.below(8) {
        let words: Vec<_> = words(dice);
        // Listings of both tables would differ in the kernel's order; the original waits for ever for
        // the end of a daemon that had not begun.
        let first = words[0].to_lowercase();
        if !["-l", "--list", "--stop-daemon"]
            .iter()
            .any(|it| first.starts_with(it))
        {
            input.push_str(&words.join(dice.pick(&[" ", "\t", "  "])));
            input.push('\n');
        }
    }
    Line::restore(input)
}
