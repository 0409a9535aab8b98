//! Somebody empties /run/lvs under a pair that runs: a second pulse or lvsd is refused all the same, what was there is
//! made again, and said.

use std::process::Command;

use caribe_tests::wait_until;

use crate::pair::{A, B, Pair};
use crate::{LOADING, settle};

/// What a program prints, and its exit status.
fn said(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().expect("it runs");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    (output.status.code(), text)
}

fn run(pair: &Pair, program: &str, words: &[&str]) -> (Option<i32>, String) {
    let mut command = pair.command_of(A, program);
    command.args(words);
    said(command)
}

/// Nobody may take the place of those that run, nor take their addresses away.
fn no_second_one_starts(pair: &Pair) {
    let file = pair.file("lvs.cf").display().to_string();
    for (program, words) in [
        ("/usr/sbin/pulse", ["-n", "-c", &file]),
        ("/usr/sbin/lvsd", ["-n", "-c", &file]),
        ("/usr/sbin/pulse", ["--drop-addresses", "-c", &file]),
    ] {
        let (status, text) = run(pair, program, &words);
        let name = program.rsplit('/').next().expect("a name");
        let pid = pair.pid_of(A, name).expect("it runs");
        let line = format!("another {name} runs (pid {pid})");
        assert!(text.contains(&line), "{program} {words:?}: {text}");
        assert_ne!(status, Some(0), "{program} {words:?}");
    }
    assert!(pair.owns(A), "{}", pair.log(A));
}

#[test]
fn r_with_run_emptied_a_second_one_is_refused_and_pulse_and_lvsd_are_asked_again() {
    let pair = settle(Pair::new());
    let lvsd = || run(&pair, "/usr/sbin/lvsd", &["--status"]).1;
    let serves = || lvsd().contains("\"kind\":\"lvsd\"");
    wait_until(LOADING, serves).expect("an lvsd");
    let directory = pair.file("run.0");
    let names = || {
        let mut names = Vec::new();
        for place in [directory.clone(), directory.join("lock")] {
            let files = std::fs::read_dir(place).into_iter().flatten();
            names.extend(files.map(|it| it.expect("a file").file_name()));
        }
        names.sort();
        names
    };
    let before = names();
    for _ in 0..2 {
        for entry in std::fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("a file").path();
            let _ = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir_all(&path));
        }
        no_second_one_starts(&pair);
        let is_back = wait_until(LOADING, || names() == before);
        is_back.unwrap_or_else(|| panic!("{:?} of {before:?}: {}", names(), pair.log(A)));
        assert!(!pair.report(A).is_empty() && serves(), "{}", pair.log(A));
        no_second_one_starts(&pair);
        let (status, text) = run(&pair, "/usr/sbin/pulse", &["--order", "reload"]);
        assert_eq!(status, Some(0), "{text}");
    }
    let log = pair.log(A);
    for (name, program) in [("pulse.sock", "pulse"), ("lvsd.sock", "lvs")] {
        let own = pair.socket(A, name);
        let own = own
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let line = format!("{program}: /run/lvs/{own}: was removed by somebody else, made again");
        let count = log.lines().filter(|it| it.ends_with(&line)).count();
        assert_eq!(count, 2, "{line}: {log}");
    }
    assert!(pair.owns(A) && !pair.owns(B));
}
