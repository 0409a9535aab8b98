//! What is said besides the verdict: notes for the partner, and what was meant.

use super::virtual_block;
use crate::support::read_text;
use lvs_config::Consequence;

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
    let is_note = |f: &lvs_config::Finding| f.consequence == Consequence::Note;
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
