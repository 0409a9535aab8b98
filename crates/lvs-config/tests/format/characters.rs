//! Characters that one does not see, or takes for others.

use crate::support::{read_text, verdict};

/// The first error or warning.
fn first(text: &str) -> String {
    match read_text(text.as_bytes()) {
        Ok(loaded) => loaded
            .findings
            .first()
            .map(ToString::to_string)
            .unwrap_or_default(),
        Err(refusal) => refusal.to_string(),
    }
}

#[test]
fn the_character_is_named_with_the_error_about_its_line() {
    for (text, expected) in [
        (
            "serial_no\u{a0}= 5\n",
            "1:1: unknown command: serial_no\\u{a0}=, blanks expected around the = \
             (a no-break space, U+00A0, stands in column 10)",
        ),
        (
            "\u{a0}serial_no = 5\n",
            "1:1: unknown command: \\u{a0}serial_no, a keyword expected that is known outside blocks \
             (a no-break space, U+00A0, stands in column 1)",
        ),
        (
            "serial_no = 5\u{200b}\n",
            "1:13: integer expected: serial_no = 5\\u{200b}, 0 to 4294967295 expected \
             (a zero-width space, U+200B, stands in column 14)",
        ),
        (
            "active_cmd = \u{201c}/bin/x y\u{201d}\n",
            "1:24: unexpected arguments: y\u{201d}, the end of the line expected: quote a value that has \
             blanks in it (a typographic quote, U+201C, stands in column 14)",
        ),
        (
            "virtual v {\nactive = 1\naddress = 192.0.2.1 eth0\nport = 80\u{a0}\n}\n",
            "4:8: integer expected: port = 80\\u{a0}, 1 to 65535 expected \
             (a no-break space, U+00A0, stands in column 10)",
        ),
        (
            "#:\u{feff}keepalive = 1\n",
            "1:3: unknown command: \\u{feff}keepalive, a keyword expected behind #: (for a comment, \
             write a blank after the #) (a byte order mark, U+FEFF, stands in column 3)",
        ),
    ] {
        assert_eq!(first(text), expected);
    }
}

#[test]
fn it_is_a_warning_where_it_can_be_part_of_a_word_and_nothing_where_it_is_quoted() {
    for (text, expected) in [
        ("active_cmd = /bin/x\u{a0}\n", "warn 1"),
        ("active_cmd = \u{201c}/bin/x\u{201d}\n", "warn 1"),
        ("virtual web\u{200d}1 {\n}\n", "warn 1"),
        ("active_cmd = \"/bin/x \u{a0}\"\n", "ok"),
        ("# \u{a0}\u{201c}x\u{201d}\n", "ok"),
        ("active_cmd = /bin/\u{e9}\u{6771}\n", "ok"),
    ] {
        assert_eq!(verdict(text.as_bytes()), expected, "{text}");
    }
    assert_eq!(
        first("active_cmd = /bin/x\u{a0}\n"),
        "1:20: warning: a no-break space, U+00A0, is part of the word"
    );
}
