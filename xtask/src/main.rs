//! The project's own checks, run by `make test`: `cargo run -p xtask -- fences`.

mod fences;

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
        _ => {
            let _ = writeln!(err, "usage: cargo run -p xtask -- fences [WORKSPACE]");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(breaches) if breaches.is_empty() => {
            let _ = writeln!(err, "fences: all hold");
            ExitCode::SUCCESS
        }
        Ok(breaches) => {
            for breach in breaches {
                let _ = writeln!(err, "fences: {breach}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            let _ = writeln!(err, "fences: {error}");
            ExitCode::FAILURE
        }
    }
}
