//! What an original misread, crashed on or started half dead, and what is said of it here.

use crate::support::{Names, read_text, verdict};
use lvs_config::{Config, Lookup, MAX_FILE, MAX_LINE, Severity, read};

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

#[test]
fn bytes_lines_and_braces() {
    let long_line = format!("# {}\n", "x".repeat(MAX_LINE));
    let big_file = "#\n".repeat(MAX_FILE / 2 + 1);
    check(&[
        ("CRLF", "serial_no = 1\r\nkeepalive = 1\r\n", "ok"),
        (
            "CR alone",
            "serial_no = 1\r\nkeepalive = 1\nsync = 0\r",
            "warn 2",
        ),
        ("NUL", "serial_no = 1\nkeep\0alive = 1\n", "unknown error 2"),
        ("NUL", "serial_no = 1\n\0\n", "unknown error 2"),
        ("NUL", "# a \0\n", "unknown error 1"),
        ("byte order mark", "\u{feff}serial_no = 1\n", "warn 1"),
        ("open block", "virtual a {\n\n", "unexpected end of file 2"),
        ("open block", "virtual a {", "unexpected end of file 1"),
        ("behind a brace", "virtual a {\n} # x\n", "ok"),
        ("behind a brace", "virtual a {\n} #x\n", "ok"),
        (
            "behind a brace",
            "virtual a {\n} }\n",
            "unexpected arguments 2",
        ),
        ("length of a line", &long_line, "unknown error 1"),
        ("size of the file", &big_file, "unknown error 0"),
    ]);
    let loaded = read_text("\u{feff}serial_no = 1\n".as_bytes()).expect("accepted");
    assert_eq!(loaded.config.serial, 1);
}

#[test]
fn an_open_block_is_named_with_the_line_that_opened_it() {
    let refusal = read_text(b"# x\nvirtual web {\nserver s {\n}\n").expect_err("refused");
    let first = refusal.first().expect("finding").to_string();
    let expected =
        "4:2: unexpected end of file: the block virtual web of line 2 is still open, } expected";
    assert_eq!(first, expected);
}

#[test]
fn quotes_and_escapes() {
    let hundred = format!("dirs = [ {}]\n", "/x ".repeat(150));
    let cases = [
        ("brace", "expect = {\n", "ok"),
        ("blanks behind a quote", "send = \"abc\"  \n", "ok"),
        (
            "blanks behind a quote",
            "vip_nmask = \"255.255.255.0\"\t\n",
            "ok",
        ),
        ("one quote", "send = \"\n", "quotation mismatch 4"),
        ("quotes in quotes", "send = \"a \\\"b\\\" c\"\n", "ok"),
        ("quotes in quotes", "send = \"a\\\\\"\n", "ok"),
        ("single quotes", "send = 'a b'\n", "invalid argument 4"),
        ("single quotes", "expect = 'a'\n", "invalid argument 4"),
        (
            "single quotes",
            "send_program = '/bin/x y'\n",
            "invalid argument 4",
        ),
        ("unknown escape", "send = \"\\d\"\n", "invalid argument 4"),
        ("unknown escape", "expect = \"a\\\"\n", "invalid argument 4"),
        ("a backslash alone", "send = \\\n", "invalid argument 4"),
        ("backslash at the end", "send = \\\n", "invalid argument 4"),
        ("length of a line", hundred.as_str(), "ok"),
        ("no list", "dirs =\n", "list expected 4"),
        ("no list", "dirs = [ /a\n", "list expected 4"),
        (
            "behind a list",
            "dirs = [ /a ] b\n",
            "unexpected arguments 4",
        ),
        (
            "quote open behind others",
            "port = 80\nsend = \"a b\n",
            "quotation mismatch 5",
        ),
    ];
    for (row, line, expected) in cases {
        check(&[(row, &virtual_block(line), expected)]);
    }
    check(&[("quotes in quotes", "active_cmd = \"/bin/x \\\"\n", "warn 1")]);
    assert_eq!(
        config("active_cmd = '/bin/x y'\n")
            .active_cmd
            .expect("command")
            .text,
        "/bin/x y"
    );
}

#[test]
fn numbers_and_addresses() {
    check(&[
        (
            "another notation",
            "keepalive = 010\n",
            "integer expected 1",
        ),
        (
            "another notation",
            "syncd_id = 0x10\n",
            "integer expected 1",
        ),
        ("another notation", "syncd_id = +5\n", "integer expected 1"),
        (
            "another notation",
            "heartbeat_port = +5\n",
            "integer expected 1",
        ),
        ("out of range", "syncd_id = 256\n", "invalid argument 1"),
        ("out of range", "syncd_id = -1\n", "invalid argument 1"),
        ("out of range", "syncd_id = -x\n", "integer expected 1"),
        (
            "out of range",
            "tcp_timeout = 2147484\n",
            "invalid argument 1",
        ),
        ("out of range", "heartbeat_port = 0\n", "invalid argument 1"),
        (
            "out of range",
            "heartbeat_port = 65536\n",
            "invalid argument 1",
        ),
        ("out of range", "keepalive = 0.009\n", "invalid argument 1"),
        ("out of range", "keepalive = 3600.1\n", "invalid argument 1"),
        ("empty number", "serial_no = \"\"\n", "integer expected 1"),
        (
            "timeout 0",
            &virtual_block("timeout = 0\n"),
            "invalid argument 4",
        ),
        ("reentry 0", &virtual_block("reentry = 0\n"), "warn 4"),
        ("short address", "primary = 10.1\n", "invalid argument 1"),
        (
            "short address",
            "primary = 010.0.0.1\n",
            "invalid argument 1",
        ),
        (
            "short address",
            "primary = \"10.0.0.1 x\"\n",
            "invalid argument 1",
        ),
        (
            "short address",
            "primary = 0x0a000001\n",
            "invalid argument 1",
        ),
        (
            "short address",
            "primary = 192.0.2.1.\n",
            "invalid argument 1",
        ),
        (
            "netmask with holes",
            "nat_nmask = 255.0.255.0\n",
            "Bad subnet mask specified 1",
        ),
        (
            "netmask with holes",
            &virtual_block("persistent = 9\npmask = x\n"),
            "Bad subnet mask specified 5",
        ),
        (
            "pmask alone",
            &virtual_block("pmask = 255.255.255.0\n"),
            "warn 4",
        ),
    ]);
    let reentry = config(&virtual_block("reentry = 0\n")).virtuals[0]
        .check
        .reentry;
    assert_eq!(reentry.as_secs(), 180);
}

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
fn missing_and_second_addresses() {
    let a = server("a", "192.0.2.41", "");
    let twice = virtual_block(&format!("{a}{a}"));
    let nobody = "server b {\nactive = 1\n}\n";
    let zero = server("z", "0.0.0.0", "");
    let block = virtual_block("");
    check(&[
        (
            "no address",
            "virtual v {\nactive = 1\n}\n",
            "missing arguments 3",
        ),
        (
            "no address",
            "virtual v {\nactive = 1\naddress = 0.0.0.0 eth0:1\n}\n",
            "invalid host name or ip address 3",
        ),
        ("no address", &virtual_block(nobody), "leave out 4"),
        ("no address", &virtual_block(&zero), "leave out 4"),
        (
            "no address",
            "virtual v {\nserver s {\nactive = 1\n}\n}\n",
            "ok",
        ),
        (
            "no address",
            "failover f {\nactive = 1\nstart_cmd = /bin/x\nstop_cmd = /bin/y\n}\n",
            "missing arguments 5",
        ),
        (
            "one service twice",
            &format!("{block}{block}"),
            "leave out 5",
        ),
        ("one server twice", &twice, "leave out 8"),
    ]);
    assert_eq!(config(&twice).virtuals[0].servers.len(), 1);
    assert_eq!(config(&format!("{block}{block}")).virtuals.len(), 1);
    let loaded = read_text(twice.as_bytes()).expect("accepted");
    assert!(loaded.has_faults());
    // Of a block that is left out nothing else is said.
    let sorry = |last| virtual_block(&format!("sorry_server = 192.0.2.9{last}\n"));
    let loaded = read_text((sorry(1) + &sorry(2)).as_bytes()).expect("accepted");
    let severities: Vec<_> = loaded.findings.iter().map(|it| it.severity).collect();
    assert_eq!(severities, [Severity::LeaveOut]);
}

#[test]
fn ports() {
    let late = |port: &str, own: &str| {
        let server = server("a", "192.0.2.41", own);
        virtual_block(&format!("{server}{port}\n"))
    };
    let under = |lines: &str, network: &str| {
        let server = server("a", "192.0.2.41", "port = 8080\n");
        format!(
            "network = {network}\n{}",
            virtual_block(&format!("{lines}{server}"))
        )
    };
    check(&[
        (
            "port behind the server",
            &late("port = 443", ""),
            "invalid argument 8",
        ),
        (
            "port behind the server",
            &late("port = 443", "port = 443\n"),
            "ok",
        ),
        ("port behind the server", &late("port = 80", ""), "ok"),
        ("port behind the server", &late("port = http", ""), "ok"),
        ("port behind the server", &late("#:port = 443", ""), "ok"),
        ("port with direct routing", &under("", "direct"), "warn 8"),
        ("port with direct routing", &under("", "tunnel"), "warn 8"),
        ("port with direct routing", &under("", "nat"), "ok"),
        (
            "port with direct routing",
            &under("fwmark = 1\n", "direct"),
            "ok",
        ),
        (
            "port by name",
            &virtual_block("port = tftp\nexpect = x\nprotocol = udp\n"),
            "ok",
        ),
        (
            "port by name",
            &virtual_block("port = tftp\n"),
            "invalid argument 4",
        ),
        ("port 0", &virtual_block("port = 0\n"), "invalid argument 4"),
        ("port 0", &virtual_block("port = 0\npersistent = 1\n"), "ok"),
        (
            "port 0",
            &virtual_block("port = 0\npersistent = 1\nfwmark = 1\n"),
            "invalid argument 4",
        ),
    ]);
    let behind = config(&late("#:port = 443", "")).virtuals[0].servers[0].port;
    assert_eq!(behind, 443);
}

#[test]
fn firewall_marks() {
    let two = |second: &str| {
        let http = virtual_block("fwmark = 1\n");
        format!(
            "{http}{}",
            virtual_block(&format!("fwmark = 1\nport = 443\n{second}"))
        )
    };
    let persistent = |first: &str, second: &str| {
        let block = |lines| virtual_block(&format!("fwmark = 1\npersistent = 60\n{lines}"));
        block(first) + &block(second)
    };
    let sorry = |first: u8, second: u8| {
        let block = |last| virtual_block(&format!("fwmark = 1\nsorry_server = 192.0.2.9{last}\n"));
        block(first) + &block(second)
    };
    check(&[
        ("blocks of one mark", &two(""), "ok"),
        ("blocks of one mark", &two("scheduler = rr\n"), "warn 6"),
        ("blocks of one mark", &two("persistent = 60\n"), "warn 6"),
        ("blocks of one mark", &two("one_packet = 1\n"), "warn 6"),
        (
            "blocks of one mark",
            &two("scheduler_flags = flag-1\n"),
            "warn 6",
        ),
        ("blocks of one mark", &persistent("", ""), "ok"),
        (
            "blocks of one mark",
            &persistent("", "pmask = 255.255.255.0\n"),
            "warn 7",
        ),
        ("sorry", &sorry(1, 1), "ok"),
        ("sorry", &sorry(1, 2), "warn 7"),
        ("sorry", &two("sorry_server = 192.0.2.91\n"), "ok"),
        // The first block has none.
        (
            "sorry",
            &(virtual_block("fwmark = 1\n") + &sorry(1, 2)),
            "warn 12",
        ),
        (
            "a sorry server that another block of the mark has as a real server",
            &(virtual_block(&format!("fwmark = 1\n{}", server("a", "192.0.2.91", "")))
                + &virtual_block("fwmark = 1\nsorry_server = 192.0.2.91\n")),
            "warn 10",
        ),
        (
            "as real server of another mark it is nobody's business",
            &(virtual_block(&format!("fwmark = 2\n{}", server("a", "192.0.2.91", "")))
                + &virtual_block("fwmark = 1\nsorry_server = 192.0.2.91\n")),
            "ok",
        ),
    ]);
    assert_eq!(config(&two("")).virtuals.len(), 2);
}

#[test]
fn checks() {
    let cases = [
        ("silent udp", "protocol = udp\n", "warn 4"),
        ("silent udp", "protocol = udp\nexpect = x\n", "ok"),
        (
            "program without expect",
            "send_program = /bin/x\n",
            "warn 4",
        ),
        (
            "regular expression",
            "send_program = /bin/x\nexpect = x\nuse_regex = 1\n",
            "warn 6",
        ),
        (
            "regular expression",
            "use_regex = 1\nexpect = \"(\"\n",
            "invalid argument 5",
        ),
        (
            "regular expression",
            "use_regex = 1\nexpect = *\n",
            "invalid argument 5",
        ),
        ("regular expression", "use_regex = 1\nexpect = .*\n", "ok"),
        ("of no effect there", "start_cmd = /bin/x\n", "warn 4"),
        (
            "sorry server is a real one",
            "sorry_server = 192.0.2.41\n",
            "invalid argument 4",
        ),
        (
            "a sorry server of another family",
            "sorry_server = 2001:db8::9\n",
            "invalid argument 4",
        ),
        (
            "weight 0",
            "server w {\nactive = 1\naddress = 192.0.2.4\nweight = 0\n}\n",
            "warn 7",
        ),
    ];
    for (row, lines, expected) in cases {
        let block = virtual_block(&format!("{lines}{}", server("a", "192.0.2.41", "")));
        check(&[(row, &block, expected)]);
    }
    let long = format!("expect = \"{}\"\n", "x".repeat(255));
    check(&[("expect", &virtual_block(&long), "invalid argument 4")]);
    let regex = format!("use_regex = 1\n{long}");
    check(&[("expect", &virtual_block(&regex), "ok")]);
}

#[test]
fn failover_blocks() {
    let block = |lines: &str| {
        format!(
            "failover f {{\nactive = 1\naddress = 192.0.2.1 eth0:1\nstop_cmd = /bin/y\n{lines}}}\n"
        )
    };
    check(&[
        ("fos command", &block(""), "missing arguments 5"),
        (
            "fos command",
            &block("start_cmd = \"\"\n"),
            "missing arguments 5",
        ),
        (
            "fos command",
            &block("start_cmd = /bin/x\n").replace("stop_cmd = /bin/y\n", ""),
            "missing arguments 5",
        ),
        ("fos command", &block("start_cmd = /bin/x\n"), "ok"),
        ("fos command", "failover f {\n}\n", "ok"),
        (
            "of no effect there",
            &block("start_cmd = /bin/x\nuse_regex = 1\n"),
            "warn 6",
        ),
        (
            "of no effect there",
            &block("start_cmd = /bin/x\nserver s {\n}\n"),
            "warn 6",
        ),
    ]);
}

#[test]
fn any_scheduler_is_taken_and_noted_for_the_partner() {
    let loaded = read_text(virtual_block("scheduler = mh\n").as_bytes()).expect("accepted");
    let severities: Vec<_> = loaded.findings.iter().map(|f| f.severity).collect();
    assert_eq!(severities, [Severity::Note]);
    let too_long = virtual_block("scheduler = sixteen-bytes-xx\n");
    check(&[("length of expect", &too_long, "invalid argument 4")]);
}

#[test]
fn a_comment_that_begins_like_an_extension_is_refused_with_advice() {
    let refusal = read_text(b"#:old settings below\n").expect_err("refused");
    let first = refusal.first().expect("finding").to_string();
    let expected = "1:3: unknown command: old, a keyword expected behind #: \
                    (for a comment, write a blank after the #)";
    assert_eq!(first, expected);
}

/// Line and column of each note about a file that is accepted without a warning.
fn notes(text: &str) -> Vec<(u32, u32)> {
    let loaded = read_text(text.as_bytes()).expect(text);
    let is_note = |f: &lvs_config::Finding| f.severity == Severity::Note;
    assert!(loaded.findings.iter().all(is_note), "{:?}", loaded.findings);
    let places = loaded.findings.iter();
    places
        .map(|f| (f.position.line, f.position.column))
        .collect()
}

#[test]
fn what_an_original_reads_otherwise_is_noted_for_the_partner() {
    let quoted = |line: &str| notes(&virtual_block(line));
    // Without a blank in it a quoted text ends its line.
    assert_eq!(quoted("send = \"abc\" \n"), [(4, 8)]);
    assert_eq!(quoted("\"port\" = 80\n"), [(4, 1)]);
    assert_eq!(notes("virtual \"web\" {\n}\n"), [(1, 9)]);
    assert_eq!(notes("nat_router = \"10.0.0.1\" \"eth1:1\"\n"), [(1, 14)]);
    // A quote behind its first blank closes, whatever stands before it.
    assert_eq!(quoted("send = \"a \\\"b\\\" c\"\n"), [(4, 8)]);
    for same in [
        "send = \"abc\"\n",
        "send = \"a bc\"  \n",
        "send = \"a\\\"b c\"\n",
        "send = \"\"\n",
        "#:send = \"abc\" \n",
    ] {
        assert_eq!(quoted(same), [], "{same}");
    }
    assert_eq!(notes("serial_no = 5\r\nkeepalive = 1\r\n"), [(1, 14)]);
    assert_eq!(notes("serial_no = 5\r\n"), []);
    assert_eq!(notes("serial_no = 5\rkeepalive = 1\r"), []);
    let udp = |port: &str| quoted(&format!("protocol = udp\n{port}\nexpect = x\n"));
    assert_eq!(udp("port = tftp"), [(5, 8)]);
    assert_eq!(udp("#:port = tftp"), []);
    assert_eq!(quoted("port = https\n"), []);
}

/// What a refusal says of its first error, without place and reason.
fn said(text: &str) -> String {
    let refusal = read_text(text.as_bytes()).expect_err(text);
    refusal.first().expect("finding").what.clone()
}

#[test]
fn the_advice_about_an_unknown_word_is_as_good_behind_the_mark_and_for_extensions() {
    let in_block = |line: &str| format!("virtual v {{\n{line}\n}}\n");
    let cases = [
        (
            "#:keepalive=0.2\n".to_owned(),
            "blanks expected around the =",
        ),
        (
            "#:===== web =====\n".to_owned(),
            "write a blank after the #",
        ),
        ("#:Keepalive = 1\n".to_owned(), "written in lower case"),
        ("Audit_Interval = 1\n".to_owned(), "written in lower case"),
        (
            "#:weight = 1\n".to_owned(),
            "stands in a server block, not outside blocks",
        ),
        (
            in_block("#:audit_interval = 1"),
            "stands outside blocks, not in a virtual block",
        ),
        (
            in_block("forward = nat"),
            "stands in a server block, not in a virtual block",
        ),
        (
            "#:virtual v {\n".to_owned(),
            "no block stands behind #:, write it with active = 0 and #:active = 1",
        ),
        ("#:\n".to_owned(), "a keyword expected directly behind #:"),
        (
            "#: keepalive = 1\n".to_owned(),
            "a keyword expected directly behind #:",
        ),
    ];
    for (text, expected) in cases {
        let said = said(&text);
        assert!(said.contains(expected), "{text}: {said}");
    }
    assert!(said("#:\n").starts_with("a keyword"));
}

#[test]
fn a_bad_number_of_seconds_is_told_what_is_wrong_with_it() {
    for (value, expected) in [
        (
            "0.0000000001",
            "at most nine decimals, 0.01 to 3600 seconds expected",
        ),
        ("0.5s", "keepalive = 0.5s, 0.01 to 3600 seconds expected"),
        ("00.5", "write decimal without leading zeros"),
        ("0x5", "write decimal without leading zeros"),
    ] {
        let said = said(&format!("keepalive = {value}\n"));
        assert!(said.contains(expected), "{said}");
        assert_eq!(said.contains("zeros"), expected.contains("zeros"), "{said}");
    }
}

#[test]
fn a_bad_choice_is_told_all_that_there_are() {
    let said = said("virtual v {\nprotocol = icmp\n}\n");
    assert_eq!(said, "protocol = icmp, one of tcp, udp, sctp expected");
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

#[test]
fn a_server_of_the_other_family_needs_a_tunnel() {
    let text = |network: &str| {
        let server = server("a", "2001:db8::41", "");
        format!("network = {network}\n{}", virtual_block(&server))
    };
    check(&[
        ("family", &text("direct"), "invalid argument 6"),
        ("family", &text("tunnel"), "ok"),
    ]);
}
