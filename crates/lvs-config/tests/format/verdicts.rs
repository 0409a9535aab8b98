//! What an original misread, crashed on or started half dead, and what is said of it here.

mod advice;
mod failover_block;
mod global;
mod text;
mod virtual_block;

use crate::support::{read_text, verdict};
use lvs_config::Config;

/// An active virtual block with these lines behind its address.
fn virtual_block(lines: &str) -> String {
    format!("virtual v {{\nactive = 1\naddress = 192.0.2.1 eth0:1\n{lines}}}\n")
}

/// An active server.
fn server(name: &str, address: &str, lines: &str) -> String {
    format!("server {name} {{\naddress = {address}\nactive = 1\n{lines}}}\n")
}

fn config(text: &str) -> Config {
    read_text(text.as_bytes()).expect("accepted").config
}

fn check(rows: &[(&str, &str, &str)]) {
    for (row, text, expected) in rows {
        assert_eq!(verdict(text.as_bytes()), *expected, "{row}: {text:?}");
    }
}
