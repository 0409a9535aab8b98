//! Outside the blocks: the pair, names, and whom check programs run as.

use super::{check, config, server, virtual_block};
use crate::support::{Names, read_text};
use lvs_config::{Lookup, read};

#[test]
fn the_pair() {
    let pair = "primary = 192.0.2.1\nbackup = 192.0.2.2\nbackup_active = 1\n";
    let with = |lines: &str| format!("{pair}{lines}");
    check(&[
        (
            "one private end",
            &with("primary_private = 198.51.100.1\n"),
            "warn 4",
        ),
        (
            "one private end",
            &with("backup_private = 198.51.100.2\n"),
            "warn 4",
        ),
        ("given twice", "serial_no = 1\nserial_no = 2\n", "warn 2"),
        (
            "deadtime",
            &with("keepalive = 6\ndeadtime = 6\n"),
            "invalid argument 5",
        ),
        ("deadtime", &with("keepalive = 6\n"), "invalid argument 4"),
        (
            "deadtime",
            &with("keepalive = 6\ndeadtime = 12\n"),
            "warn 5",
        ),
        ("deadtime", &with("keepalive = 6\ndeadtime = 18\n"), "ok"),
        (
            "unknown host",
            "primary = nowhere.example.com\n",
            "invalid argument 1",
        ),
    ]);
    assert_eq!(config("serial_no = 1\nserial_no = 2\n").serial, 2);
    let same = with("primary_private = 192.0.2.1\nbackup_private = 192.0.2.2\n");
    assert_eq!(config(&same).heartbeat.private, None);
    let refusal = read_text(b"primary = nowhere.example.com\n").expect_err("refused");
    let first = refusal.first().expect("finding").to_string();
    assert!(
        first.contains("nowhere.example.com does not resolve"),
        "{first}"
    );
}

#[test]
fn whom_check_programs_run_as_must_exist_and_root_is_warned_of() {
    let user = |name: &str| config(&format!("check_user = {name}\n")).check_user;
    let checker = user("checker").expect("known");
    assert_eq!((checker.name.as_str(), checker.uid), ("checker", 500));
    assert_eq!(checker.home.to_str(), Some("/home/checker"));
    assert_eq!(user("root").map(|account| account.uid), Some(0));
    check(&[
        ("its own", "check_user = checker\n", "ok"),
        ("root", "sync = 0\ncheck_user = root\n", "warn 2"),
        (
            "unknown",
            "sync = 0\ncheck_user = nobodyhere\n",
            "invalid argument 2",
        ),
        ("none", "check_user = \"\"\n", "invalid argument 1"),
    ]);
    let refusal = read_text(b"#:check_user = gone\n").unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "1:16: invalid argument: check_user = gone, no such user here"
    );
}

#[test]
fn a_name_is_asked_once_and_an_address_never() {
    let mut names = Names::default();
    let servers: String = (1..4)
        .map(|port| server("a", "web1.example.com", &format!("port = {port}\n")))
        .collect();
    let text = format!("primary = 192.0.2.2\n{}", virtual_block(&servers));
    let loaded = read(text.as_bytes(), &mut names).expect("accepted");
    assert_eq!(loaded.config.virtuals[0].servers.len(), 3);
    assert_eq!(names.asked, ["web1.example.com"]);
    for number in [
        "192.0.2.1.",
        "192.0.2",
        "192.0.2.256",
        "0x7f.1",
        "fe80::1%eth0",
    ] {
        let text = format!("primary = {number}\n");
        let _ = read(text.as_bytes(), &mut names).expect_err(number);
    }
    assert_eq!(names.asked, ["web1.example.com"]);
    assert_eq!(names.host("localhost"), "127.0.0.1".parse().ok());
}
