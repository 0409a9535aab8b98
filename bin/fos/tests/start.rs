//! Starts that fail: what is said of it, where, and how often. No kernel with IPVS needed.

use testkit::BadStart;

const FOS: BadStart = BadStart {
    program: env!("CARGO_BIN_EXE_fos"),
    words: &["-F"],
    says: "fos",
    good: concat!(
        "service = fos\n",
        "failover web {\n",
        " active = 1\n",
        " address = 192.0.2.50 eth0:1\n",
        " port = 80\n",
        " start_cmd = \"/bin/true\"\n",
        " stop_cmd = \"/bin/true\"\n",
        "}\n",
    ),
};

#[test]
fn in_the_foreground_an_error_is_said_once_on_standard_error() {
    FOS.says_once_on_standard_error_what_is_wrong();
}

#[test]
fn in_the_journal_an_error_stands_once_and_as_an_error() {
    FOS.tells_the_journal_once_with_its_severity();
}

/// pulse reads standard output, and nobody standard error.
#[test]
fn under_pulse_it_is_on_standard_output() {
    let named = FOS
        .faults()
        .map(|line| format!("fos: {}", line.trim_start_matches("fos: ")));
    assert_eq!(FOS.under_pulse(), named);
}

#[test]
fn with_every_stream_closed_the_status_is_the_same() {
    FOS.ends_the_same_with_every_stream_closed();
}

#[test]
fn without_descriptors_it_ends_with_a_reason() {
    FOS.names_the_lack_of_descriptors();
}
