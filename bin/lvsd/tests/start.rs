//! Starts that fail: what is said of it, where, and how often. No kernel with IPVS needed.

use std::process::{Command, Output, Stdio};

use testkit::Place;

const FAULTS: [&str; 2] = [
    "lvs: failed to open /nowhere/lvs.cf",
    "/nowhere/lvs.cf: No such file or directory",
];

/// Nothing is wrong with it.
const GOOD: &str = concat!(
    "virtual web {\n",
    " active = 1\n",
    " address = 192.0.2.50 eth0:1\n",
    " port = 80\n",
    " server a {\n",
    "  address = 192.0.2.11\n",
    "  active = 1\n",
    " }\n",
    "}\n",
);

fn start(option: &str, has_parent: bool) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lvsd"));
    command.args([option, "-c", "/nowhere/lvs.cf"]);
    if has_parent {
        command.env("CARIBE_PARENT", "pulse");
    }
    command.stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> Vec<&str> {
    std::str::from_utf8(bytes).unwrap().lines().collect()
}

/// A person sees both streams, and so does systemd.
#[test]
fn in_the_foreground_an_error_is_said_once_on_standard_error() {
    for option in ["-n", "--nodaemon"] {
        let output = start(option, false);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(text(&output.stderr), FAULTS);
        assert_eq!(text(&output.stdout), [""; 0]);
    }
}

/// pulse reads standard output, and logs why lvsd did not start: it knows what it has said before.
#[test]
fn under_pulse_it_is_on_standard_output() {
    let output = start("-n", true);
    let named = FAULTS.map(|line| format!("failed {line}"));
    assert_eq!(text(&output.stdout), named);
}

#[test]
fn with_every_stream_closed_the_status_is_the_same() {
    let status = Command::new("/bin/sh")
        .args(["-c", "exec \"$0\" \"$@\" <&- >&- 2>&-"])
        .arg(env!("CARGO_BIN_EXE_lvsd"))
        .args(["-n", "-c", "/nowhere/lvs.cf"])
        .status();
    assert_eq!(status.unwrap().code(), Some(1));
}

/// More than the loader of programs needs, fewer than the program does.
#[test]
fn without_descriptors_it_ends_with_a_reason() {
    let place = Place::new("descriptors");
    let file = place.file(GOOD);
    for count in 4..8 {
        let mut limited = Command::new("prlimit");
        limited.arg(format!("--nofile={count}:{count}"));
        let program = env!("CARGO_BIN_EXE_lvsd");
        // It must not come to a limit of time: what it then says is missing.
        limited.args(["timeout", "60", program, "-n", "-c"]);
        let output = limited.arg(&file).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(
            said.matches("Too many open files").count(),
            1,
            "{count}: {said}"
        );
        assert!(
            matches!(output.status.code(), Some(1 | 255)),
            "{count}: {said}"
        );
    }
}
