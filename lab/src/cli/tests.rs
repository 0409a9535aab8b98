//! What the command line of `lab` takes and what it refuses.

use std::time::Duration;

use std::path::Path;

use super::*;
use crate::boot::Kernel;
use crate::options::own_directory;

fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}

fn parse(line: &str) -> Result<Command, clap::Error> {
    CommandLine::try_parse_from(words(line)).map(|line| line.command)
}

/// What `lab run` is told to run, and how.
fn run_of(line: &str) -> (Options, Vec<OsString>) {
    match parse(line) {
        Ok(Command::Run { options, argv }) => (options, argv),
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn clap_finds_nothing_wrong_with_the_command_line() {
    <CommandLine as clap::CommandFactory>::command().debug_assert();
}

#[test]
fn options_end_at_the_program() {
    let line = "run --timeout 7 --kernel qemu /bin/ls --timeout 8 -- --help";
    let (options, argv) = run_of(line);
    assert_eq!(options.boot.limit, Some(Duration::from_secs(7)));
    assert_eq!(options.boot.kernel, Kernel::Qemu);
    assert_eq!(argv, words("/bin/ls --timeout 8 -- --help"));
}

#[test]
fn two_dashes_end_the_options() {
    assert_eq!(run_of("run --icount -- -x --").1, words("-x --"));
}

#[test]
fn the_last_of_two_values_counts_and_every_share() {
    let (options, _) = run_of("run --memory 2G --share /a --memory 3G --share /b x");
    assert_eq!(options.boot.memory, "3G");
    assert_eq!(options.shares, [Path::new("/a"), Path::new("/b")]);
}

#[test]
fn directories_are_the_same_inside() {
    let (options, _) = run_of("run --share results --programs target/debug x");
    let here = std::env::current_dir().unwrap();
    assert_eq!(options.shares, [here.join("results")]);
    assert_eq!(options.programs().unwrap(), here.join("target/debug"));
}

#[test]
fn the_programs_lie_beside_this_one_unless_told() {
    let (options, _) = run_of("run x");
    assert_eq!(options.programs().unwrap(), own_directory().unwrap());
    assert_eq!(options.boot.kernel, Kernel::Auto);
    assert_eq!(options.boot.memory, "1G");
    assert_eq!(options.boot.limit, None);
}

#[test]
fn words_before_the_dashes_choose_tests_and_those_after_them_are_passed_on() {
    let line = "test --systemd pulse lvsd -- --nocapture hooks";
    let Ok(Command::Test {
        options,
        filters,
        test_args,
    }) = parse(line)
    else {
        panic!("{line}");
    };
    assert!(options.boot.systemd);
    assert_eq!(filters, ["pulse", "lvsd"]);
    assert_eq!(test_args, words("--nocapture hooks"));
}

#[test]
fn the_words_of_user_mode_linux_behind_ours_do_no_harm() {
    for behind in [
        "",
        "con=null root=/dev/root",
        "-- guest",
        "--help -h --odd=1",
    ] {
        let line = format!("guest uml /tmp/run {behind}");
        let Ok(Command::Guest { entry, run, .. }) = parse(&line) else {
            panic!("{line}");
        };
        assert_eq!(entry, guest::Entry::Uml);
        assert_eq!(run, Path::new("/tmp/run"));
    }
}

#[test]
fn what_is_not_understood_ends_with_status_2() {
    for (line, named) in [
        ("", "Usage: lab"),
        ("fly", "'fly'"),
        ("run", "<PROGRAM>"),
        ("run --icount", "<PROGRAM>"),
        ("run -x", "'-x'"),
        ("run --timeline f x", "'--timeline'"),
        ("run --kernel windows x", "'windows'"),
        ("run --timeout soon x", "'soon'"),
        ("run --timeout -1 x", "'-1'"),
        ("run --share", "'--share <DIR>'"),
        ("demo now", "'now'"),
        ("guest toaster /tmp/run", "'toaster'"),
        ("guest uml", "<RUN>"),
        ("completions cmd", "'cmd'"),
    ] {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        assert_eq!(
            run(&words(line), &mut out, &mut err),
            USAGE_STATUS,
            "{line}"
        );
        let err = String::from_utf8(err).unwrap();
        assert!(err.contains(named) && out.is_empty(), "{line}: {err}");
    }
}

#[test]
fn help_and_version_are_output_and_do_not_show_the_half_inside() {
    for line in [
        "help",
        "--help",
        "-h",
        "help run",
        "demo --help",
        "--version",
    ] {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        assert_eq!(run(&words(line), &mut out, &mut err), 0, "{line}");
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("lab") && err.is_empty(), "{line}: {out}");
        assert!(!out.contains("own half inside"), "{line}: {out}");
    }
}

#[test]
fn every_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish"] {
        let mut out = Vec::new();
        let args = words(&format!("completions {shell}"));
        assert_eq!(run(&args, &mut out, &mut Vec::new()), 0);
        let script = String::from_utf8(out).unwrap();
        assert!(script.contains("timeline"), "{shell}: {script}");
    }
}
