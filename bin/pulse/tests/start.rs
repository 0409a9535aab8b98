//! Starts that fail: what is said of it, where, and how often. No kernel with IPVS needed.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use testkit::Place;

const FAULTS: [&str; 2] = [
    "pulse: failed to open /nowhere/lvs.cf",
    "/nowhere/lvs.cf: No such file or directory",
];

/// Nothing is wrong with it.
const GOOD: &str = concat!(
    "primary = 203.0.113.201\n",
    "backup = 203.0.113.202\n",
    "backup_active = 1\n",
    "virtual web {\n",
    " active = 1\n",
    " address = 192.0.2.50 eth0:1\n",
    " port = 80\n",
    "}\n",
);

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
        let text = GOOD.replace(address, "director.invalid");
        let (status, said) = end(start_managed(&place.file(&text)));
        assert_eq!(status, Some(1), "{said}");
        assert!(said.contains(expected), "{said}");
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

/// More than the loader of programs needs, fewer than the program does.
#[test]
fn without_descriptors_it_ends_with_a_reason() {
    let place = Place::new("descriptors");
    let file = place.file(GOOD);
    for count in 4..8 {
        let mut limited = Command::new("prlimit");
        limited.arg(format!("--nofile={count}:{count}"));
        let program = env!("CARGO_BIN_EXE_pulse");
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
