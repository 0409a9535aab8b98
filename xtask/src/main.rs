//! The project's own checks, run by `make test`: `cargo run -p xtask -- help` names them.

mod circles;
mod fences;
mod links;
mod names;
mod oldest_rust;
mod suite;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Checks what must hold in Caribe's tree.
///
/// The exit status is 0 if all holds, 1 if not, 2 for a command line that is not understood.
#[derive(Debug, Parser)]
#[command(name = "xtask", bin_name = "xtask", version)]
struct CommandLine {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, PartialEq, Eq, Subcommand)]
enum Task {
    /// The fences between the rooms, and what the documents name.
    Fences {
        /// Another tree than this one.
        workspace: Option<PathBuf>,
    },
    /// The Rust that `rust-version` names builds everything.
    OldestRust,
    /// Everything: format, lints, fences, tests, documents, oldest Rust, lab tests.
    Test {
        /// Leave out the oldest Rust and the lab.
        #[arg(long)]
        quick: bool,
    },
}

fn main() -> ExitCode {
    // Says itself what it does not understand, and ends with 2.
    let task = CommandLine::parse().task;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    match task {
        Task::Fences { workspace } => verdict(fences::check(&workspace.unwrap_or(root)).map(Some)),
        Task::OldestRust => verdict(oldest_rust::check(&root)),
        Task::Test { quick } => suite_status(&root, quick),
    }
}

/// Says what a check found, a line each. One that was skipped has said so, and found nothing.
fn verdict(outcome: io::Result<Option<Vec<String>>>) -> ExitCode {
    let mut err = io::stderr().lock();
    match outcome {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(breaches)) if breaches.is_empty() => {
            let _ = writeln!(err, "all hold");
            ExitCode::SUCCESS
        }
        Ok(Some(breaches)) => {
            for breach in breaches {
                let _ = writeln!(err, "{breach}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            let _ = writeln!(err, "xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn suite_status(root: &Path, quick: bool) -> ExitCode {
    match suite::run(root, quick, &mut io::stdout()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(io::stderr(), "test: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Task, clap::Error> {
        let words = ["xtask"].into_iter().chain(line.split_whitespace());
        CommandLine::try_parse_from(words).map(|line| line.task)
    }

    #[test]
    fn clap_finds_nothing_wrong_with_the_command_line() {
        <CommandLine as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn each_task_goes_by_its_word() {
        let fences = |workspace: Option<&str>| Task::Fences {
            workspace: workspace.map(PathBuf::from),
        };
        for (line, task) in [
            ("fences", fences(None)),
            ("fences ../other", fences(Some("../other"))),
            ("oldest-rust", Task::OldestRust),
            ("test", Task::Test { quick: false }),
            ("test --quick", Task::Test { quick: true }),
        ] {
            assert_eq!(parse(line).unwrap(), task, "{line}");
        }
    }

    #[test]
    fn what_is_not_understood_ends_with_status_2() {
        for line in [
            "",
            "fance",
            "--quick test",
            "fences a b",
            "oldest-rust --quick",
            "test quick",
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
        assert_eq!(parse("--version").unwrap_err().exit_code(), 0);
    }
}
