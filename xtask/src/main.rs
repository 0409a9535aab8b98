//! The project's own checks, run by `make test`: `cargo run -p xtask -- test [--quick]`, `-- fences`,
//! `-- oldest-rust`.

mod fences;
mod names;
mod oldest_rust;
mod suite;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut err = std::io::stderr().lock();
    let outcome = match args
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["fences"] => fences::check(&root),
        ["fences", other_root] => fences::check(Path::new(other_root)),
        ["oldest-rust"] => oldest_rust::check(&root),
        ["test"] => return suite_status(&root, false),
        ["test", "--quick"] => return suite_status(&root, true),
        _ => {
            let _ = writeln!(
                err,
                "usage: cargo run -p xtask -- fences [WORKSPACE] | oldest-rust | test [--quick]"
            );
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(breaches) if breaches.is_empty() => {
            let _ = writeln!(err, "all hold");
            ExitCode::SUCCESS
        }
        Ok(breaches) => {
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
    match suite::run(root, quick, &mut std::io::stdout()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "test: {error}");
            ExitCode::FAILURE
        }
    }
}
