//! What is switched off decides nothing: a note at most is said of it.

use crate::support::{read_text, verdict};
use lvs_config::Consequence;

const PAIR: &str = "primary = 192.0.2.1\nbackup = 192.0.2.2\n";
const LONE: &str = "primary = 192.0.2.1\nbackup = 0.0.0.0\nbackup_active = 0\n";

/// Every finding is a note, and there is one about this line, unless it is 0.
fn is_noted(text: &str, line: u32) {
    let loaded = read_text(text.as_bytes()).unwrap_or_else(|refusal| panic!("{text}{refusal}"));
    let findings = &loaded.findings;
    assert!(
        findings
            .iter()
            .all(|it| it.consequence == Consequence::Note),
        "{text}{findings:?}"
    );
    let is_there = findings.iter().any(|it| it.position.line == line);
    assert_eq!(is_there, line > 0, "{text}{findings:?}");
    assert!(!loaded.has_faults(), "{text}");
}

/// Off, it is noted at its line; switched on by `on` it has the verdict.
fn off_and_on(text: &str, on: (&str, &str), noted: u32, expected: &str) {
    is_noted(text, noted);
    let text = text.replace(on.0, on.1);
    assert_eq!(verdict(text.as_bytes()), expected, "{text}");
}

#[test]
fn a_lone_director_has_no_dead_time() {
    is_noted(&format!("{LONE}keepalive = 30\ndeadtime = 18\n"), 5);
    is_noted(&format!("{LONE}keepalive = 5\ndeadtime = 10\n"), 5);
    // A backup's address alone is no partner.
    is_noted(&format!("{PAIR}keepalive = 30\ndeadtime = 18\n"), 4);
    is_noted("backup_active = 1\nkeepalive = 30\ndeadtime = 18\n", 3);
    let solo = format!("{PAIR}backup_active = 0\nkeepalive = 30\ndeadtime = 18\n");
    let on = ("backup_active = 0", "backup_active = 1");
    off_and_on(&solo, on, 5, "invalid argument 5");
}

#[test]
fn a_lone_director_has_no_paths() {
    let on = ("backup_active = 0", "backup_active = 1");
    for (line, expected) in [
        ("backup_private = 192.0.2.9", "warn 4"),
        ("primary_private = 192.0.2.9", "warn 4"),
        ("heartbeat_port = nobody-knows", "invalid argument 4"),
        ("backup = gone.example", "invalid argument 4"),
        ("backup = 127.0.0.1", "invalid host name or ip address 4"),
        ("backup = 192.0.2.1", "invalid host name or ip address 4"),
    ] {
        let pair = PAIR.replace("backup = 192.0.2.2\n", "#\n");
        let pair = if line.starts_with("backup =") {
            &pair
        } else {
            PAIR
        };
        off_and_on(
            &format!("{pair}backup_active = 0\n{line}\n"),
            on,
            4,
            expected,
        );
    }
    // It need not be reached by anybody.
    is_noted("primary = 127.0.0.1\n", 1);
    is_noted(
        "primary = 127.0.0.1\nbackup = 0.0.0.0\nbackup_active = 0\n",
        1,
    );
}

#[test]
fn a_block_that_is_off_decides_nothing() {
    let on = ("active = 0", "active = 1");
    let late = "server s {\nactive = 1\naddress = 192.0.2.4\n}\nport = 443\n";
    for (lines, noted, expected) in [
        ("port = nobody-knows\n", 4, "invalid argument 4"),
        ("use_regex = 1\nexpect = \"(\"\n", 5, "invalid argument 5"),
        ("use_regex = 1\nexpect = *\n", 5, "invalid argument 5"),
        (late, 8, "invalid argument 8"),
        ("scheduler_flags = mh-port\n", 4, "invalid argument 4"),
        ("reentry = 0\n", 4, "warn 4"),
        ("send_program = /bin/x\n", 4, "warn 4"),
        ("start_cmd = /bin/x\n", 4, "warn 4"),
    ] {
        let text = format!("virtual v {{\nactive = 0\naddress = 192.0.2.1 eth0\n{lines}}}\n");
        off_and_on(&text, on, noted, expected);
    }
    // Values that an original takes, and never looks at either.
    for (lines, expected) in [
        ("timeout = 0\n", "invalid argument 4"),
        ("persistent = 2678401\n", "invalid argument 4"),
        ("send = \"\\d\"\n", "invalid argument 4"),
        ("expect = 'x'\n", "invalid argument 4"),
        ("send_program = '/bin/x'\n", "invalid argument 4"),
        ("send_program = \"\"\n", "invalid argument 4"),
        ("vip_nmask = 64\n", "Bad subnet mask specified 4"),
    ] {
        let text = format!("virtual v {{\nactive = 0\naddress = 192.0.2.1 eth0\n{lines}}}\n");
        // A mask of another family is not looked at there.
        off_and_on(
            &text,
            on,
            if lines == "vip_nmask = 64\n" { 0 } else { 4 },
            expected,
        );
    }
    let long = "virtual v {\nactive = 0\naddress = 192.0.2.1 an-interface-too-long\n}\n";
    off_and_on(long, on, 3, "invalid argument 3");
    // Nor is what an original refuses anywhere.
    for (line, expected) in [
        ("weight = heavy", "unknown command 3"),
        ("persistent = long", "integer expected 3"),
        ("protocol = icmp", "invalid argument 3"),
        ("vip_nmask = x", "Bad subnet mask specified 3"),
        ("quiesce_server = 2", "boolean expected 3"),
        ("active = 2", "boolean expected 3"),
    ] {
        let text = format!("virtual v {{\nactive = 0\n{line}\n}}\n");
        assert_eq!(verdict(text.as_bytes()), expected);
    }
    let long = format!("expect = \"{}\"\n", "x".repeat(255));
    let text = format!("virtual v {{\nactive = 0\naddress = 192.0.2.1 eth0\n{long}}}\n");
    off_and_on(&text, on, 4, "invalid argument 4");
    let gone = "virtual v {\nactive = 0\naddress = gone.example eth0\n}\n";
    off_and_on(gone, on, 0, "leave out 3");
    let failover = "failover f {\nactive = 0\naddress = 192.0.2.1 eth0\nport = nobody-knows\n\
                    start_cmd = /x\nstop_cmd = /x\nsorry_server = 192.0.2.3\n}\n";
    off_and_on(failover, on, 4, "invalid argument 4");
}

#[test]
fn a_server_that_is_off_decides_nothing() {
    let text = |lines: &str| {
        format!(
            "virtual v {{\nactive = 1\naddress = 192.0.2.1 eth0\nserver s {{\n#\nactive = 0\n{lines}}}\n\
             port = 443\nserver t {{\nactive = 1\naddress = 192.0.2.5\n}}\n}}\n"
        )
    };
    let on = ("#\nactive = 0", "#\nactive = 1");
    off_and_on(
        &text("address = gone.example\n"),
        on,
        0,
        "invalid argument 9",
    );
    is_noted(
        &text("address = 224.0.0.5\nport = 80\nweight = 0\nlower_threshold = 8\n"),
        0,
    );
    off_and_on(
        &text("address = 192.0.2.9\nport = 443\nweight = 70000\n"),
        on,
        9,
        "invalid argument 9",
    );
}

#[test]
fn the_other_services_blocks_decide_nothing() {
    let failover = "service = lvs\nfailover f {\nactive = 1\naddress = 192.0.2.1 eth0\n}\n";
    is_noted(failover, 5);
    let on = ("service = lvs", "service = fos");
    off_and_on(failover, on, 5, "missing arguments 5");
    // Nobody has said which it is to be.
    assert_eq!(
        verdict(failover.replace("service = lvs", "#").as_bytes()),
        "missing arguments 5"
    );
    let block = "virtual v {\nactive = 1\naddress = 192.0.2.1 eth0\nport = 0\n}\n";
    let on = ("service = fos", "service = lvs");
    off_and_on(
        &format!("service = fos\n{block}"),
        on,
        5,
        "invalid argument 5",
    );
    let twice = block.replace("port = 0\n", "").repeat(2);
    off_and_on(&format!("service = fos\n{twice}"), on, 6, "leave out 6");
    let gone = block.replace("192.0.2.1", "gone.example");
    off_and_on(&format!("service = fos\n{gone}"), on, 4, "leave out 4");
}

#[test]
fn a_sync_daemon_that_is_off_has_no_interface() {
    let on = ("syncdaemon = 0", "syncdaemon = 1");
    for name in ["an-interface-with-a-long-name", "\"\"", "a/b"] {
        let text = format!("syncdaemon = 0\nsyncd_iface = {name}\n");
        off_and_on(&text, on, 2, "invalid argument 2");
        is_noted(&format!("syncd_iface = {name}\n"), 1);
    }
}

#[test]
fn an_address_that_hooks_move_has_no_mask() {
    let block =
        "vip = interface\nvirtual v {\nactive = 1\naddress = 192.0.2.1 eth0\nvip_nmask = 64\n}\n";
    assert_eq!(verdict(block.as_bytes()), "Bad subnet mask specified 5");
    let text = block.replace("interface", "external");
    let loaded = read_text(text.as_bytes()).expect("accepted");
    assert!(
        loaded
            .findings
            .iter()
            .all(|it| it.consequence == Consequence::Note)
    );
}

#[test]
fn a_router_that_no_real_server_uses_decides_nothing() {
    for network in ["direct", "tunnel"] {
        let text = format!("network = {network}\nnat_router = 10.0.0.1 eth1:1\nnat_nmask = 64\n");
        let on = (format!("network = {network}"), "network = nat");
        off_and_on(&text, (&on.0, on.1), 3, "Bad subnet mask specified 3");
        let gone = text
            .replace("10.0.0.1", "gone.example")
            .replace("64", "255.0.0.0");
        off_and_on(&gone, (&on.0, on.1), 2, "leave out 2");
    }
}
