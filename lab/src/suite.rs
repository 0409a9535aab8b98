//! The lab tests: builds them, runs each binary in a guest of its own, adds up the results.
//!
//! A test that would be skipped fails the run: in the lab everything that a test needs is there.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::boot::NO_STATUS;
use crate::cli::{Failure, Options};

/// Runs `lab test`; the exit status is 0 if every test of every binary passed.
pub(crate) fn run(
    options: &Options,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Failure> {
    let (filter, test_args) = split_words(&options.words);
    let binaries: Vec<TestBinary> = build(&options.programs)?
        .into_iter()
        .filter(|binary| filter.is_empty() || filter.iter().any(|word| binary.name.contains(word)))
        .collect();
    if binaries.is_empty() {
        return Err(Failure::Usage(format!(
            "test: no lab test called {}",
            filter.join(" ")
        )));
    }
    let mut sum = Tally::default();
    for binary in &binaries {
        writeln!(out, "lab: {}", binary.name)?;
        let mut argv = vec![binary.file.clone().into_os_string()];
        argv.extend(test_args.iter().cloned());
        let mut tee = Tee {
            out: &mut *out,
            kept: Vec::new(),
        };
        let status = options.boot.run(&options.job(argv)?, &mut tee, err)?;
        let tally = Tally::read(&String::from_utf8_lossy(&tee.kept));
        for what in complaints(status, tally, !test_args.is_empty()) {
            writeln!(out, "lab: {}: {what}", binary.name)?;
            sum.failed += u64::from(tally.failed == 0);
        }
        sum.add(tally);
    }
    writeln!(
        out,
        "lab result: {} passed, {} failed, {} skipped",
        sum.passed, sum.failed, sum.skipped
    )?;
    Ok(u8::from(sum.failed > 0 || sum.skipped > 0))
}

/// Words before `--` choose binaries, those after it go to each of them.
fn split_words(words: &[OsString]) -> (Vec<String>, Vec<OsString>) {
    let at = words
        .iter()
        .position(|word| word == "--")
        .unwrap_or(words.len());
    let (names, rest) = words.split_at(at);
    let names = names
        .iter()
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    (names, rest.iter().skip(1).cloned().collect())
}

/// What is wrong with a run beyond its failed tests.
fn complaints(status: u8, tally: Tally, chosen: bool) -> Vec<String> {
    let mut list = Vec::new();
    if status == NO_STATUS {
        list.push("did not end by itself".into());
    } else if status != 0 && tally.failed == 0 {
        list.push(format!("ended with status {status} though no test failed"));
    } else if status == 0 && tally.passed == 0 && !chosen {
        list.push("ran no test".into());
    }
    if tally.skipped > 0 {
        list.push(format!(
            "{} tests skipped, none may be in the lab",
            tally.skipped
        ));
    }
    list
}

/// Results as the test harness prints them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Tally {
    /// Adds up every line `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn read(text: &str) -> Self {
        let mut sum = Self::default();
        for line in text
            .lines()
            .filter(|line| line.starts_with("test result: "))
        {
            let mut number = 0;
            for word in line.split([' ', ';']) {
                match word {
                    "passed" => sum.passed += number,
                    "failed" => sum.failed += number,
                    "ignored" => sum.skipped += number,
                    _ => number = word.parse().unwrap_or(number),
                }
            }
        }
        sum
    }

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// Copies what it is given and keeps it, to be counted afterwards.
struct Tee<'a> {
    out: &'a mut dyn Write,
    kept: Vec<u8>,
}

impl Write for Tee<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.kept.extend_from_slice(bytes);
        self.out.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// One `[[test]]` of the package `caribe-tests` that needs the lab.
struct TestBinary {
    name: String,
    file: PathBuf,
}

/// Builds the programs, in the profile of their directory, and the tests with cargo.
fn build(programs: &Path) -> Result<Vec<TestBinary>, Failure> {
    let release = programs.ends_with("release").then_some("--release");
    let words: Vec<_> = ["build", "--workspace", "--bins"]
        .into_iter()
        .chain(release)
        .collect();
    cargo(&words)?;
    let messages = cargo(&[
        "test",
        "-p",
        "caribe-tests",
        "--features",
        "lab",
        "--tests",
        "--no-run",
        "--message-format=json",
    ])?;
    Ok(messages.lines().filter_map(test_binary).collect())
}

fn cargo(args: &[&str]) -> Result<String, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(args)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| io::Error::new(error.kind(), format!("cargo: {error}")))?;
    if !output.status.success() {
        return Err(
            io::Error::other(format!("cargo {}: {}", args.join(" "), output.status)).into(),
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Finds the program in one of cargo's messages, if it is about a test that was built.
///
/// Tests that need no kernel run under plain `cargo test`; here only those whose target demands the
/// feature count. Cargo does not say so in its messages: the file of the target does.
fn test_binary(message: &str) -> Option<TestBinary> {
    let file = PathBuf::from(string_after(message, "\"executable\":\"")?);
    let kind = message.contains("\"kind\":[\"test\"]");
    let source = string_after(message, "\"src_path\":\"")?;
    let name = string_after(message, "\"name\":\"")?;
    (kind && needs_lab(Path::new(&source), &name)).then_some(TestBinary { name, file })
}

/// Whether the manifest beside the test's source demands the feature for it.
fn needs_lab(source: &Path, name: &str) -> bool {
    let manifest = source
        .ancestors()
        .map(|dir| dir.join("Cargo.toml"))
        .find(|file| file.is_file())
        .and_then(|file| std::fs::read_to_string(file).ok())
        .unwrap_or_default();
    manifest.split("[[test]]").skip(1).any(|target| {
        let target = target.split("\n[").next().unwrap_or_default();
        target.contains(&format!("name = \"{name}\"")) && target.contains("\"lab\"")
    })
}

/// The JSON string that follows `key`; paths with escapes in them are not expected.
fn string_after(message: &str, key: &str) -> Option<String> {
    let (_, rest) = message.split_once(key)?;
    Some(rest.split_once('"')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_several_harness_runs_are_added() {
        let text = "test a ... ok\n\
            test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out\n\
            test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(
            Tally::read(text),
            Tally {
                passed: 4,
                failed: 2,
                skipped: 1
            }
        );
    }

    #[test]
    fn a_skipped_test_is_complained_about() {
        let tally = Tally {
            passed: 1,
            failed: 0,
            skipped: 1,
        };
        assert_eq!(
            complaints(0, tally, false),
            ["1 tests skipped, none may be in the lab"]
        );
    }

    #[test]
    fn a_binary_without_tests_is_complained_about() {
        assert_eq!(complaints(0, Tally::default(), false), ["ran no test"]);
        assert_eq!(complaints(0, Tally::default(), true), Vec::<String>::new());
    }

    #[test]
    fn a_guest_that_hangs_is_complained_about() {
        assert_eq!(
            complaints(NO_STATUS, Tally::default(), false),
            ["did not end by itself"]
        );
    }
}
