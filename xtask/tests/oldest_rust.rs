//! A check that was not done holds nothing.

use std::process::Command;

#[test]
fn without_a_toolchain_it_says_that_it_was_skipped_and_no_more() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    // No rustup there, and no note for an outer run.
    let command = command.arg("oldest-rust").env("PATH", "/nonexistent");
    let output = command.env_remove("CARIBE_SKIPPED").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.starts_with("skipped: oldest Rust"), "{said}");
    assert!(!said.contains("all hold"), "{said}");
}
