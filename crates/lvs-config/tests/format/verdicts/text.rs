//! Bytes, lines, braces, quotes, numbers, addresses: in whatever block they stand.

use super::{check, config, virtual_block};
use crate::support::read_text;
use lvs_config::{MAX_FILE, MAX_LINE};

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
