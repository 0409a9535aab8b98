//! Everything that must hold before a change goes in, and its sum. Called by `make test`.
//!
//! A check (format, lints, fences, documents, oldest Rust) counts as one test. The last and the
//! lab's tests are left out with `--quick`. A test that this machine cannot run says so in a file,
//! and is counted as skipped.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Names the file to which a test adds a line that is skipped here (`testkit::skipped`).
const SKIPPED: &str = "CARIBE_SKIPPED";

/// Results added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    passed: u64,
    failed: u64,
    skipped: u64,
}

/// One part of the suite.
struct Part {
    name: &'static str,
    command: &'static [&'static str],
    /// Set for the command alone.
    env: Option<(&'static str, &'static str)>,
    counted: Counted,
}

/// How a part's results are counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    /// The part is one test: its exit status.
    Whole,
    /// By the harness's lines `test result: ok. 3 passed; …`.
    Harness,
    /// By the lab's line `lab result: 3 passed, 0 failed, 0 skipped`.
    Lab,
}

const CLIPPY: &[&str] = &[
    "cargo",
    "clippy",
    "--workspace",
    "--all-targets",
    "--features",
    "caribe-tests/lab,kernel-wire/netlink-packet-generic",
    "--",
    "-D",
    "warnings",
];

const QUICK: [Part; 6] = [
    part(
        "format",
        &["cargo", "fmt", "--all", "--check"],
        Counted::Whole,
    ),
    part("lints", CLIPPY, Counted::Whole),
    part(
        "fences",
        &["cargo", "run", "-q", "-p", "xtask", "--", "fences"],
        Counted::Whole,
    ),
    part(
        "tests",
        &["cargo", "test", "--workspace", "--no-fail-fast"],
        Counted::Harness,
    ),
    part(
        "tests of the feature",
        // No program has it. In the workspace's tests it would have every program built twice.
        &[
            "cargo",
            "test",
            "-p",
            "kernel-wire",
            "--features",
            "netlink-packet-generic",
            "--",
            "ipvs::packet",
        ],
        Counted::Harness,
    ),
    Part {
        name: "documents",
        command: &[
            "cargo",
            "doc",
            "--workspace",
            "--features",
            "kernel-wire/netlink-packet-generic",
            "--no-deps",
            "--document-private-items",
        ],
        // Private items are documented too, so links to them lead somewhere.
        env: Some((
            "RUSTDOCFLAGS",
            "-D warnings -A rustdoc::private_intra_doc_links",
        )),
        counted: Counted::Whole,
    },
];

const WHOLE: [Part; 3] = [
    part(
        "oldest Rust",
        &["cargo", "run", "-q", "-p", "xtask", "--", "oldest-rust"],
        Counted::Whole,
    ),
    part(
        "programs",
        &["cargo", "build", "--workspace"],
        Counted::Whole,
    ),
    part(
        "lab tests",
        // Not `-p caribe-lab`: with the features of that package alone it would be built anew.
        &["cargo", "run", "-q", "--bin", "lab", "--", "test"],
        Counted::Lab,
    ),
];

const fn part(name: &'static str, command: &'static [&'static str], counted: Counted) -> Part {
    Part {
        name,
        command,
        env: None,
        counted,
    }
}

/// Runs the suite in `root`; whether nothing failed. The last line is the sum.
///
/// # Errors
/// If a command cannot be started.
pub fn run(root: &Path, quick: bool, out: &mut dyn Write) -> io::Result<bool> {
    let (mut sum, mut times) = (Sum::default(), Vec::new());
    let skipped = SkippedTests::begin()?;
    let others: &[Part] = if quick { &[] } else { &WHOLE };
    for part in QUICK.iter().chain(others) {
        writeln!(out, "== {}: {}", part.name, part.command.join(" "))?;
        let start = Instant::now();
        let found = part.run(root, &skipped.file, out)?;
        let seconds = start.elapsed().as_secs();
        let verdict = if found.failed == 0 { "ok" } else { "FAILED" };
        writeln!(out, "== {}: {verdict} after {seconds} s", part.name)?;
        sum.add(found);
        times.push(format!("{} {seconds} s", part.name));
    }
    writeln!(out, "\ntimes: {}", times.join(", "))?;
    for line in skipped.lines()? {
        writeln!(out, "skipped: {line}")?;
        sum.skip();
    }
    writeln!(
        out,
        "{} passed, {} failed, {} skipped",
        sum.passed, sum.failed, sum.skipped
    )?;
    Ok(sum.failed == 0)
}

/// The tests that said that they cannot run here.
struct SkippedTests {
    file: PathBuf,
}

impl SkippedTests {
    fn begin() -> io::Result<Self> {
        let name = format!("caribe-skipped.{}", std::process::id());
        let file = std::env::temp_dir().join(name);
        fs::write(&file, "")?;
        Ok(Self { file })
    }

    /// One line a test, with the reason.
    fn lines(&self) -> io::Result<Vec<String>> {
        let text = fs::read_to_string(&self.file)?;
        Ok(text.lines().map(str::to_owned).collect())
    }
}

impl Drop for SkippedTests {
    fn drop(&mut self) {
        // A file left in /tmp is no reason to fail a suite that has its sum.
        let _ = fs::remove_file(&self.file);
    }
}

impl Part {
    fn run(&self, root: &Path, skipped: &Path, out: &mut dyn Write) -> io::Result<Sum> {
        let (program, args) = self
            .command
            .split_first()
            .ok_or_else(|| io::Error::other("no command"))?;
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(root)
            .env(SKIPPED, skipped)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        if let Some((name, value)) = self.env {
            command.env(name, value);
        }
        let mut child = command.spawn()?;
        let mut sum = Sum::default();
        if let Some(output) = child.stdout.take() {
            for line in BufReader::new(output).split(b'\n') {
                let line = line?;
                out.write_all(&line)?;
                out.write_all(b"\n")?;
                sum.add(self.counted.read(&String::from_utf8_lossy(&line)));
            }
        }
        let good = child.wait()?.success();
        match self.counted {
            Counted::Whole if good => sum.passed += 1,
            // What failed without a result line did not even build.
            _ if !good && sum.failed == 0 => sum.failed += 1,
            _ => {}
        }
        Ok(sum)
    }
}

impl Counted {
    fn read(self, line: &str) -> Sum {
        let start = match self {
            Self::Whole => return Sum::default(),
            Self::Harness => "test result: ",
            Self::Lab => "lab result: ",
        };
        line.strip_prefix(start)
            .map_or_else(Sum::default, Sum::read)
    }
}

impl Sum {
    /// Numbers in front of `passed`, `failed`, and `skipped` or `ignored`.
    fn read(text: &str) -> Self {
        let mut sum = Self::default();
        let mut number = 0;
        for word in text.split([' ', ';', ',']) {
            match word {
                "passed" => sum.passed = number,
                "failed" => sum.failed = number,
                "skipped" | "ignored" => sum.skipped = number,
                _ => number = word.parse().unwrap_or(number),
            }
        }
        sum
    }

    /// One that passed for the harness did nothing.
    fn skip(&mut self) {
        self.passed = self.passed.saturating_sub(1);
        self.skipped += 1;
    }

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_harness_and_the_lab_are_both_understood() {
        let harness = "test result: FAILED. 3 passed; 2 failed; 1 ignored; 0 measured; 0 filtered";
        assert_eq!(
            Counted::Harness.read(harness),
            Sum {
                passed: 3,
                failed: 2,
                skipped: 1
            }
        );
        let lab = "lab result: 4 passed, 0 failed, 1 skipped";
        assert_eq!(
            Counted::Lab.read(lab),
            Sum {
                passed: 4,
                failed: 0,
                skipped: 1
            }
        );
        assert_eq!(Counted::Lab.read(harness), Sum::default());
    }

    #[test]
    fn a_skipped_test_is_in_the_sum_and_has_not_passed() {
        let skipped = SkippedTests::begin().unwrap();
        let script = "echo \"test: no root\" >>\"$CARIBE_SKIPPED\"; \
                      echo 'test result: ok. 2 passed; 0 failed; 0 ignored'";
        let command: &'static [&'static str] = Box::leak(Box::new(["sh", "-c", script]));
        let part = part("skips", command, Counted::Harness);
        let mut sum = part
            .run(Path::new("."), &skipped.file, &mut Vec::new())
            .unwrap();
        for line in skipped.lines().unwrap() {
            assert_eq!(line, "test: no root");
            sum.skip();
        }
        assert_eq!((sum.passed, sum.skipped), (1, 1));
    }

    #[test]
    fn a_command_that_fails_without_a_result_counts_as_one_failure() {
        let broken = part("broken", &["false"], Counted::Harness);
        let sum = broken
            .run(Path::new("."), Path::new("/dev/null"), &mut Vec::new())
            .unwrap();
        assert_eq!(
            sum,
            Sum {
                passed: 0,
                failed: 1,
                skipped: 0
            }
        );
    }
}
