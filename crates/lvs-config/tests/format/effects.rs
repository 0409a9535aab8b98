//! Every value of every keyword does something: a keyword that has its row and its documents and that
//! nothing reads would be accepted and ignored in silence.

use lvs_config::{Config, Keyword, Kind};

use crate::documents::{range, rows, with};

/// Checked when read and not kept: no program has a use for them.
const NOT_KEPT: [&str; 5] = ["heartbeat", "debug_level", "sync", "master", "dirs"];

/// Lines without which a keyword is not in force.
fn beside(name: &str) -> &'static str {
    match name {
        "primary_private" => "backup_private = 198.51.100.9\n",
        "backup_private" => "primary_private = 198.51.100.9\n",
        "nat_nmask" => "nat_router = 198.51.100.9 eth1\n",
        "pmask" => "persistent = 9\n",
        "lower_threshold" => "upper_threshold = 4294967295\n",
        _ => "",
    }
}

/// Values that differ in meaning: every one that there is, both ends of a range, or two.
fn values(row: &Keyword) -> Vec<String> {
    let values: &[&str] = match row.kind {
        Kind::Integer { .. } | Kind::Seconds { .. } => {
            return range(row.kind).expect("bounds").into();
        }
        Kind::Bool => &["0", "1"],
        Kind::Choice(words) => words,
        Kind::Host | Kind::HostOrNone | Kind::Address => &["198.51.100.7", "198.51.100.8"],
        Kind::AddressDevice => &[
            "198.51.100.7 eth0",
            "198.51.100.8 eth0",
            "198.51.100.8 eth1",
        ],
        Kind::Mask => &["255.255.255.0", "255.255.0.0"],
        Kind::Port => &["81", "82"],
        Kind::Word if row.name == "scheduler_flags" => &["flag-1", "flag-2"],
        Kind::Word | Kind::Program | Kind::Text => &["/bin/a", "/bin/b"],
        Kind::Command | Kind::QuotedCommand | Kind::CheckProgram => {
            &["\"/bin/a b\"", "\"/bin/a c\""]
        }
        Kind::Device => &["eth2", "eth3"],
        Kind::User => &["root", "lvscheck"],
        Kind::Scheduler => &["rr", "lc"],
        Kind::List => &["[ /a ]", "[ /b ]"],
    };
    values.iter().map(|value| (*value).to_owned()).collect()
}

#[test]
fn each_value_of_a_keyword_makes_another_configuration() {
    for (row, place) in rows() {
        let mut made: Vec<Config> = Vec::new();
        for value in values(row) {
            let line = format!("{}{} = {value}", beside(row.name), row.name);
            let config = with(place, &line);
            let is_other = !made.contains(&config);
            let is_kept = !row.idle.contains(&place) && !NOT_KEPT.contains(&row.name);
            let is_first = made.is_empty();
            assert_eq!(is_other, is_first || is_kept, "{line} ({place:?})");
            made.push(config);
        }
        assert!(made.len() > 1, "{} has one value", row.name);
    }
}
