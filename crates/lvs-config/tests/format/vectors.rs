//! The format's test vectors: a text, and what is said of it.

use crate::support::{read_text, verdict};
use lvs_config::Config;

fn config(text: &str) -> Config {
    read_text(text.as_bytes()).expect("accepted").config
}

/// Number, text, verdict.
const VECTORS: &[(u32, &str, &str)] = &[
    (1, "", "Empty configuration 0"),
    (2, "# x\n\n", "ok"),
    (3, "serial_no = 5", "ok"),
    (4, "serial_no=5\n", "unknown command 1"),
    (5, "serial_no =5\n", "equal (=) expected after command 1"),
    (6, "serial_no =\n", "missing arguments 1"),
    (7, "serial_no\n", "equal (=) expected after command 1"),
    (8, "serial_no = 5 6\n", "unexpected arguments 1"),
    (9, "serial_no = 5 # c\n", "unexpected arguments 1"),
    (10, " \t# c\nserial_no = 5   \n", "ok"),
    (11, "serial_no = 0x10\n", "integer expected 1"),
    (12, "serial_no = 010\n", "integer expected 1"),
    (13, "serial_no = 08\n", "integer expected 1"),
    (14, "keepalive = 99999999999\n", "invalid argument 1"),
    (15, "keepalive = \"\"\n", "integer expected 1"),
    (16, "heartbeat = 2\n", "boolean expected 1"),
    (17, "heartbeat = yes\n", "integer expected 1"),
    (18, "Serial_no = 5\n", "unknown command 1"),
    (
        19,
        "primary = 0.0.0.0\n",
        "invalid host name or ip address 1",
    ),
    (20, "backup = 0.0.0.0\n", "ok"),
    (21, "primary = ::1\n", "ok"),
    (22, "nat_router = 10.0.0.9\n", "missing arguments 1"),
    (23, "nat_nmask = /24\n", "Bad subnet mask specified 1"),
    (24, "network = foo\n", "invalid argument 1"),
    (25, "active_cmd = /bin/x a\n", "unexpected arguments 1"),
    (26, "active_cmd = \"/bin/x a\"\n", "ok"),
    (27, "virtual a {\n}\n", "ok"),
    (
        28,
        "virtual a {\n} junk\nserial_no = 3\n",
        "unexpected arguments 2",
    ),
    (29, "virtual a {\n} # end\nserial_no = 3\n", "ok"),
    (30, "virtual a {\n active = 1\n", "unexpected end of file 2"),
    (
        31,
        "virtual a {\n server s {\n address = 192.0.2.4\n}\nserial_no = 3\n",
        "unknown command 5",
    ),
    (32, "virtual a {\n}\n}\n", "unknown command 3"),
    (33, "port = 80\n", "unknown command 1"),
    (34, "virtual a {\n keepalive = 3\n}\n", "unknown command 2"),
    (
        35,
        "virtual a {\n address = 192.0.2.1\n}\n",
        "missing arguments 2",
    ),
    (36, "virtual a {\n scheduler = sed\n}\n", "ok"),
    (
        37,
        "virtual a {\n protocol = TCP\n}\n",
        "invalid argument 2",
    ),
    (
        38,
        "virtual a {\n pmask = junk\n}\n",
        "Bad subnet mask specified 2",
    ),
    (
        39,
        "virtual a {\n sorry_server = localhost\n}\n",
        "invalid host name or ip address 2",
    ),
    (
        40,
        "virtual a {\n sorry_server = 127.0.0.1:80\n}\n",
        "invalid host name or ip address 2",
    ),
    (
        41,
        "virtual a {\n server s {\n port = http\n }\n}\n",
        "integer expected 3",
    ),
    (42, "virtual a {\n send = \"abc\" \n}\n", "ok"),
    (
        43,
        "virtual a {\n active = 1\n send = \"ab c\n}\n",
        "quotation mismatch 3",
    ),
    (44, "virtual a {\n send = \"a \\\"b\\\" c\"\n}\n", "ok"),
    (45, "virtual a {\n dirs = [ /a /b ]\n}\n", "ok"),
    (46, "virtual a {\n dirs = { /a }\n}\n", "list expected 2"),
    (47, "virtual a {\n dirs =\n}\n", "list expected 2"),
    (48, "serial_no = 5\r\nkeepalive = 9\r\n", "ok"),
    (49, "serial_no = 5\rkeepalive = 9\r", "ok"),
    (50, "serial_no = 5\nprimary = 192.0.2.1\r\n", "warn 2"),
    (
        51,
        "virtual a {\n active = 1\n address = 192.0.2.1 eth0\n server s {\n active = 1\n \
         address = 192.0.2.4\n }\n port = 443\n server t {\n }\n}\n",
        "invalid argument 8",
    ),
    (
        52,
        "primary = 192.0.2.1\nbackup = 192.0.2.2\nbackup_private = 198.51.100.2\n\
         backup_active = 1\n",
        "warn 3",
    ),
    (
        53,
        "# c\n\n# d\nvirtual a {\n\n# x\n foo = 1\n}\n",
        "unknown command 7",
    ),
];

#[test]
fn every_vector_gets_its_verdict() {
    for (number, text, expected) in VECTORS {
        assert_eq!(verdict(text.as_bytes()), *expected, "vector {number}");
    }
}

#[test]
fn accepted_vectors_mean_what_they_say() {
    assert_eq!(config("serial_no = 5").serial, 5);
    for text in [
        "serial_no = 5\r\nkeepalive = 9\r\n",
        "serial_no = 5\rkeepalive = 9\r",
    ] {
        let read = config(text);
        assert_eq!((read.serial, read.heartbeat.keepalive.as_secs()), (5, 9));
    }
    assert_eq!(config("backup = 0.0.0.0\n").heartbeat.backup, None);
    let private = "primary = 192.0.2.1\nbackup = 192.0.2.2\nbackup_private = 198.51.100.2\n";
    assert_eq!(config(private).heartbeat.private, None);
}

#[test]
fn escaped_quotes_stay_in_the_text_for_the_monitor() {
    let text =
        "virtual a {\n active = 1\n address = 192.0.2.1 eth0:1\n send = \"a \\\"b\\\" c\"\n}\n";
    let check = &config(text).virtuals[0].check;
    assert_eq!(check.send.as_deref(), Some(r#"a \"b\" c"#.as_ref()));
}

#[test]
fn a_refusal_names_line_column_and_what_is_expected() {
    let text = b"virtual a {\n server s {\n   weight = heavy\n }\n}\n";
    let refusal = read_text(text).expect_err("refused");
    let lines: Vec<_> = refusal
        .findings
        .iter()
        .map(|f| f.in_file("lvs.cf"))
        .collect();
    assert_eq!(
        lines,
        ["lvs.cf:3:13: integer expected: weight = heavy, 0 to 65535 expected"]
    );
}

#[test]
fn a_bad_value_causes_one_message_not_a_second_about_its_absence() {
    let text = b"virtual a {\n active = 1\n address = 10.1 eth0:1\n}\nfailover f {\n active = 1\n \
                 address = 192.0.2.1 eth0:1\n start_cmd = 'x y'\n stop_cmd = /bin/y\n}\n";
    let refusal = read_text(text).expect_err("refused");
    let lines: Vec<_> = refusal.findings.iter().map(|f| f.position.line).collect();
    assert_eq!(lines, [3, 8]);
}

#[test]
fn the_column_is_that_of_the_word_at_fault() {
    for (text, column) in [
        ("nat_router = 10.1 eth1:1\n", 14),
        ("nat_router = 10.0.0.1 sixteen-bytes-xx\n", 23),
        ("nat_router = 10.0.0.1\n", 22),
        ("  sync  = 2\n", 11),
        ("\tsync 0\n", 7),
        ("sync = 0 0\n", 10),
        ("heartbeat_port = +539\n", 18),
    ] {
        let refusal = read_text(text.as_bytes()).expect_err(text);
        let first = refusal.first().expect("a finding");
        assert_eq!(first.position.column, column, "{text}{first}");
        assert_eq!(refusal.findings.len(), 1, "{text}");
    }
}

#[test]
fn a_bad_protocol_is_one_message_and_none_about_the_ports_name() {
    let text = b"virtual v {\nprotocol = TCP\nport = tftp\n}\n";
    let refusal = read_text(text).expect_err("refused");
    assert_eq!(refusal.findings.len(), 1, "{refusal}");
}

#[test]
fn a_bad_time_is_one_message_whatever_the_other_one_is() {
    for text in [
        "keepalive = x\ndeadtime = 1\n",
        "keepalive = 9\ndeadtime = x\n",
    ] {
        let refusal = read_text(text.as_bytes()).expect_err(text);
        assert_eq!(refusal.findings.len(), 1, "{text}");
    }
}
