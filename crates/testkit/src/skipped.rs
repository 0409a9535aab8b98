//! A test that this machine cannot run is counted, not passed over in silence.

use std::fs::File;
use std::io::Write;

/// Names the file to which each skipped test adds a line; `make test` reads it.
const VARIABLE: &str = "CARIBE_SKIPPED";

/// Says that the calling test, or a part of it, does not run here and why. The test returns then.
///
/// # Panics
/// In the lab: everything that a test needs is there.
pub fn skipped(why: &str) {
    assert!(
        std::env::var_os("CARIBE_LAB").is_none(),
        "none is skipped in the lab: {why}"
    );
    let test = std::thread::current();
    let line = format!("{}: {why}\n", test.name().unwrap_or("a test"));
    // To the descriptor itself: the harness keeps what a passing test prints.
    let _ = write!(std::io::stderr(), "skipped: {line}");
    let file = std::env::var_os(VARIABLE);
    let opened = file.map(|file| File::options().append(true).create(true).open(file));
    if let Some(mut file) = opened.transpose().expect("a file for skipped tests") {
        file.write_all(line.as_bytes()).expect("room for a line");
    }
}
