//! Starts that fail: what is said of it, where, and how often. No kernel with IPVS needed.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use testkit::{BadStart, Place};

const PULSE: BadStart = BadStart {
    program: env!("CARGO_BIN_EXE_pulse"),
    words: &[],
    says: "pulse",
    good: concat!(
        "primary = 203.0.113.201\n",
        "backup = 203.0.113.202\n",
        "backup_active = 1\n",
        "virtual web {\n",
        " active = 1\n",
        " address = 192.0.2.50 eth0:1\n",
        " port = 80\n",
        "}\n",
    ),
};

#[test]
fn in_the_foreground_an_error_is_said_once_on_standard_error() {
    PULSE.says_once_on_standard_error_what_is_wrong();
}

#[test]
fn in_the_journal_an_error_stands_once_and_as_an_error() {
    PULSE.tells_the_journal_once_with_its_severity();
}

/// Under systemd, which would try a bad file every second for ever.
fn start_managed(file: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pulse"));
    command.args(["-n", "-c"]).arg(file);
    command.env("NOTIFY_SOCKET", "/nowhere/notify");
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(Stdio::piped()).spawn().unwrap()
}

fn end(pulse: Child) -> (Option<i32>, String) {
    let output = pulse.wait_with_output().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn a_bad_file_ends_with_a_status_that_is_not_tried_again() {
    let place = Place::new("bad");
    let file = place.file("primary = 203.0.113.201\nbogus = 1\n");
    let pulse = start_managed(&file);
    // Somebody was just writing it: what stands in it in the end counts.
    place.file("primary = 203.0.113.201\nservice = lvs\n");
    let (status, said) = end(pulse);
    assert_eq!(status, Some(6), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    let start = "pulse: no active lvs services defined in ";
    assert!(said.starts_with(start), "{said}");
}

/// A name server that comes late is no reason to stay away.
#[test]
fn a_name_that_does_not_resolve_is_tried_again() {
    let place = Place::new("name");
    // Without the only block there is nothing to serve.
    for (address, expected) in [
        ("203.0.113.201", "director.invalid does not resolve"),
        ("192.0.2.50", "no active lvs services defined"),
    ] {
        let text = PULSE.good.replace(address, "director.invalid");
        let (status, said) = end(start_managed(&place.file(&text)));
        assert_eq!(status, Some(1), "{said}");
        assert!(said.contains(expected), "{said}");
    }
}

/// systemd lets addresses be dropped behind a start that was refused: its log has the reasons then.
#[test]
fn what_a_refused_start_has_said_is_not_said_again() {
    let said = |status: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pulse"));
        command.args(["--drop-addresses", "-c", "/nowhere/lvs.cf"]);
        let output = command.env("EXIT_STATUS", status).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(
        said("6"),
        "pulse: no address is taken away: lvs.cf is refused\n"
    );
    for status in ["1", "KILL"] {
        assert_eq!(said(status).lines().collect::<Vec<_>>(), PULSE.faults());
    }
}

#[test]
fn with_every_stream_closed_the_status_is_the_same() {
    PULSE.ends_the_same_with_every_stream_closed();
}

#[test]
fn without_descriptors_it_ends_with_a_reason() {
    PULSE.names_the_lack_of_descriptors();
}
