//! Starts that fail: what is said of it, where, and how often. No kernel with IPVS needed.

use testkit::BadStart;

const LVSD: BadStart = BadStart {
    program: env!("CARGO_BIN_EXE_lvsd"),
    words: &[],
    says: "lvs",
    good: concat!(
        "virtual web {\n",
        " active = 1\n",
        " address = 192.0.2.50 eth0:1\n",
        " port = 80\n",
        " server a {\n",
        "  address = 192.0.2.11\n",
        "  active = 1\n",
        " }\n",
        "}\n",
    ),
};

#[test]
fn in_the_foreground_an_error_is_said_once_on_standard_error() {
    LVSD.says_once_on_standard_error_what_is_wrong();
}

#[test]
fn in_the_journal_an_error_stands_once_and_as_an_error() {
    LVSD.tells_the_journal_once_with_its_severity();
}

/// pulse reads standard output, and logs why lvsd did not start: it knows what it has said before.
#[test]
fn under_pulse_it_is_on_standard_output() {
    let named = LVSD.faults().map(|line| format!("failed {line}"));
    assert_eq!(LVSD.under_pulse(), named);
}

#[test]
fn with_every_stream_closed_the_status_is_the_same() {
    LVSD.ends_the_same_with_every_stream_closed();
}

#[test]
fn without_descriptors_it_ends_with_a_reason() {
    LVSD.names_the_lack_of_descriptors();
}
