//! Starts that fail: what is said of it, where, and how often. No kernel with IPVS needed.

use std::process::{Command, Output, Stdio};

const FAULTS: [&str; 2] = [
    "pulse: failed to open /nowhere/lvs.cf",
    "/nowhere/lvs.cf: No such file or directory",
];

fn start(option: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pulse"));
    command.args([option, "-c", "/nowhere/lvs.cf"]);
    command.stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> Vec<&str> {
    std::str::from_utf8(bytes).unwrap().lines().collect()
}

/// A person sees both streams, and so does systemd.
#[test]
fn in_the_foreground_an_error_is_said_once_on_standard_error() {
    for option in ["-n", "--nodaemon"] {
        let output = start(option);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(text(&output.stderr), FAULTS);
        assert_eq!(text(&output.stdout), [""; 0]);
    }
}

#[test]
fn with_every_stream_closed_the_status_is_the_same() {
    let status = Command::new("/bin/sh")
        .args(["-c", "exec \"$0\" \"$@\" <&- >&- 2>&-"])
        .arg(env!("CARGO_BIN_EXE_pulse"))
        .args(["-n", "-c", "/nowhere/lvs.cf"])
        .status();
    assert_eq!(status.unwrap().code(), Some(1));
}
