//! Check programs: whatever they do, the verdict comes in time and nothing stays behind.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use crate::harness::{INTERVAL, Nanny, SLACK, Script, closed_port};

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
fn a_program_is_told_of_its_server_and_where_programs_lie_but_of_no_parent() {
    let text = "test $RIP:$RPORT:$VIP:$VPORT:$PROTOCOL = $1:$2:192.0.2.9:1:udp || exit 1\n\
                test $PATH = /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin || exit 2\n\
                test -z \"$CARIBE_PARENT\" || exit 3\n";
    let script = Script::new("told", text);
    let command = script.command();
    let args = ["-V", "192.0.2.9", "-u", "-e", &command];
    assert_eq!(Nanny::start(closed_port(), &args).check().0, "good");
}

#[test]
fn a_command_of_many_words_is_run_whole_and_with_the_usual_signals() {
    let script = Script::new(
        "words",
        "test $# = 102 && eval test \"\\${102}\" = 100 && kill -PIPE $$",
    );
    let words: Vec<String> = (1..=100).map(|number| number.to_string()).collect();
    let command = format!("{} {}", script.command(), words.join("  "));
    let (result, _) = Nanny::start(closed_port(), &["-e", &command]).check();
    // SIGPIPE, which a nanny itself ignores.
    assert_eq!(result, "failed: check program ended by signal 13");
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
        "failed: check program not started: /nonexistent/check: No such file or directory"
    );
}

/// The kernel says only that there is no such file, though the program is there.
#[test]
fn an_interpreter_that_is_missing_is_named() {
    for (name, start, missing) in [
        (
            "crlf",
            r"#!/bin/sh\r\nexit 0\r\n",
            r#"interpreter "/bin/sh\r""#,
        ),
        ("perl", r"#! /no/perl -w\n", r#"interpreter "/no/perl""#),
    ] {
        let script = Script::executable(name, "");
        let path = script.path();
        // Not by us: a copy of this process that is about to be another program would hold it open.
        let write = format!("printf '{start}' >{path}");
        let written = std::process::Command::new("/bin/sh")
            .args(["-c", &write])
            .status();
        assert!(written.unwrap().success());
        let (result, _) = Nanny::start(closed_port(), &["-e", &path]).check();
        let expected = format!(
            "failed: check program not started: {path}: its {missing}: No such file or directory"
        );
        assert_eq!(result, expected);
    }
}

#[test]
fn a_program_that_others_can_change_is_not_run() {
    let script = Script::new("unsafe", "echo OK");
    let path = script.path();
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

/// What a script that a nanny by hand runs finds itself with; the nanny touches no table.
#[test]
fn by_hand_a_program_keeps_at_most_raw_sockets() {
    let raw_at_most = "case $(sed -n 's/^CapEff:.//p' /proc/self/status) in \
                       0000000000000000|0000000000002000) echo OK;; esac";
    let script = Script::new("caps", raw_at_most);
    let command = script.command();
    let mut nanny = std::process::Command::new(env!("CARGO_BIN_EXE_nanny"))
        .args(["-n", "--lvs", "--norun", "-h", "127.0.0.1", "-t", "2"])
        .args(["-e", &command, "-x", "OK"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(nanny.stdout.take().unwrap()).lines();
    let verdict = lines.map_while(Result::ok).find(|line| {
        line.contains("[ active ]") || line.contains("Trouble") || line.contains("exited")
    });
    nanny.kill().unwrap();
    nanny.wait().unwrap();
    let verdict = verdict.unwrap();
    assert!(verdict.contains("[ active ]"), "{verdict}");
}
