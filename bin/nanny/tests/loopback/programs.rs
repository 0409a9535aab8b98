//! Check programs: whatever they do, the verdict comes in time and nothing stays behind.

use std::time::Duration;

use crate::harness::{INTERVAL, Nanny, SLACK, closed_port};

/// A script of the shell; what stands in it has no blanks of its own (`-e` is split at them).
struct Script(std::path::PathBuf);

impl Script {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("caribe-nanny-{}-{name}.sh", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn command(&self) -> String {
        format!("/bin/sh {} %h %p", self.0.display())
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[track_caller]
fn comes_to(name: &str, text: &str, expect: Option<&str>, verdict: &str) -> Duration {
    let script = Script::new(name, text);
    let command = script.command();
    let mut args = vec!["-e", &command];
    args.extend(expect.map(|text| ["-x", text]).into_iter().flatten());
    let (result, duration) = Nanny::start(closed_port(), &args).check();
    assert!(result.starts_with(verdict), "{result}");
    duration
}

#[test]
fn the_output_must_be_the_expected_one() {
    comes_to("ok", "echo OK", Some("OK"), "good");
    comes_to("printf", "printf OK", Some("OK"), "good");
    comes_to(
        "other",
        "echo FAIL",
        Some("OK"),
        "failed: check program printed \"FAIL\"",
    );
    comes_to(
        "words",
        "test $RIP:$RPORT = $1:$2 && echo $RIP $PROTOCOL",
        Some("127.0.0.1 tcp"),
        "good",
    );
}

#[test]
fn a_program_that_fails_is_a_failed_check() {
    comes_to(
        "exit3",
        "echo OK; exit 3",
        Some("OK"),
        "failed: check program ended with status 3",
    );
    comes_to(
        "killed",
        "kill -9 $$",
        Some("OK"),
        "failed: check program ended by signal 9",
    );
    comes_to("status", "exit 0", None, "good");
    comes_to(
        "status1",
        "exit 1",
        None,
        "failed: check program ended with status 1",
    );
    let missing = ["-e", "/nonexistent/check", "-x", "OK"];
    let (result, _) = Nanny::start(closed_port(), &missing).check();
    assert_eq!(
        result,
        "failed: check program not started: No such file or directory"
    );
}

#[test]
fn a_program_that_others_can_change_is_not_run() {
    let script = Script::new("unsafe", "echo OK");
    let path = script.0.display().to_string();
    let (result, _) = Nanny::start(closed_port(), &["-e", &path, "-x", "OK"]).check();
    assert_eq!(
        result,
        "failed: check program not run: others than root could change it"
    );
}

#[test]
fn a_program_that_hangs_is_ended_after_one_interval() {
    let duration = comes_to(
        "hang",
        "sleep 60",
        Some("OK"),
        "failed: check program did not end in time",
    );
    assert!(
        (INTERVAL..INTERVAL + SLACK).contains(&duration),
        "{duration:?}"
    );
}

#[test]
fn a_program_that_ignores_sigterm_is_killed_a_second_later() {
    let text = "trap '' TERM; while :; do sleep 1; done";
    let duration = comes_to(
        "deaf",
        text,
        Some("OK"),
        "failed: check program did not end in time",
    );
    let least = INTERVAL + Duration::from_secs(1);
    assert!((least..least + SLACK).contains(&duration), "{duration:?}");
}

#[test]
fn a_flood_of_output_is_read_and_dropped() {
    let text = "head -c 10000000 /dev/zero | tr '\\0' x";
    let script = Script::new("flood", text);
    let command = script.command();
    let args = ["-e", &command, "-x", "OK", "-t", "5"];
    let (result, duration) = Nanny::start(closed_port(), &args).check();
    assert!(
        result.starts_with("failed: check program printed \"xxx"),
        "{result}"
    );
    assert!(duration < Duration::from_secs(5), "{duration:?}");
}

#[test]
fn what_a_program_leaves_behind_does_not_hold_the_check_up() {
    let duration = comes_to("left", "sleep 60 & echo OK", Some("OK"), "good");
    assert!(duration < INTERVAL, "{duration:?}");
}
