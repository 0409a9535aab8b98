//! Our ipvsadm beside the C program: the same command lines, the same statuses, texts and tables.
//!
//! Each program drives a director of its own, in a namespace of its own; after each line statuses,
//! both streams and the kernel's tables are compared. `CARIBE_DIFF_COUNT` sets how many random lines
//! are run (800), `CARIBE_SEED` which (1); `make diff N=… SEED=…` sets both and runs only those:
//! the fuzz target `ipvsadm_differential`, driven by a seeded generator. What differs on purpose is
//! in `differences`.

mod cases;
mod differences;
mod grammar;
mod rig;

use std::process::{Command, Stdio};

use crate::grammar::Dice;
use crate::rig::{Line, Rig};

fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().expect("a number"),
        Err(_) => default,
    }
}

#[test]
fn hand_written_command_lines_do_the_same_as_the_original() {
    let mut rig = Rig::new();
    cases::run(&mut rig);
    assert!(rig.compared > 800, "{} lines", rig.compared);
    rig.finish();
}

#[test]
fn ipvsadm_differential_random_lines_do_the_same_as_the_original() {
    for seed in testkit::seeds(1) {
        let mut rig = Rig::new();
        rig.reset();
        let mut dice = Dice::new(seed);
        for _ in 0..number("CARIBE_DIFF_COUNT", 800) {
            rig.compare(&grammar::line(&mut dice));
        }
        rig.finish();
    }
}

#[test]
fn the_explained_differences_are_as_explained() {
    differences::show(&mut Rig::new());
}

#[test]
fn help_differs_in_words_only_and_version_not_at_all() {
    let mut rig = Rig::new();
    rig.compare(&Line::new("--version"));
    let (theirs, ours) = (
        rig.original.run(&Line::new("-h -L -q")),
        rig.ours.run(&Line::new("-h -L -q")),
    );
    assert_eq!((theirs.status, theirs.err), (ours.status, ours.err));
    assert_eq!(theirs.out.lines().next(), ours.out.lines().next());
    let is_part_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    let words = theirs.out.split(|letter| !is_part_of_name(letter));
    for name in words.filter(|word| word.starts_with("--") && word.len() > 2) {
        assert!(ours.out.contains(name), "{name} is not in our help");
    }
    rig.finish();
}

#[test]
fn a_full_disk_is_noticed_where_the_original_is_silent() {
    let mut rig = Rig::new();
    rig.reset();
    rig.compare(&Line::new("-A -t 10.0.0.1:80 -s rr"));
    let full = || {
        std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap()
    };
    let run = |program: &str| {
        let mut command = Command::new(program);
        command
            .args(["-S", "-n"])
            .stdout(full())
            .stderr(Stdio::piped());
        command.output().unwrap()
    };
    rig.original.enter();
    let theirs = run(&caribe_tests::c_ipvsadm());
    assert_eq!((theirs.status.code(), theirs.stderr), (Some(0), Vec::new()));
    rig.ours.enter();
    let ours = run("/sbin/ipvsadm");
    assert_eq!(ours.status.code(), Some(1));
    assert_eq!(ours.stderr, b"standard output: No space left on device\n");
    rig.finish();
}
