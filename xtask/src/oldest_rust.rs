//! The oldest Rust that builds everything is the one that `rust-version` names.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// `rust-version` of the workspace.
const VERSION: &str = env!("CARGO_PKG_RUST_VERSION");

/// Names the file to which a check adds a line that is skipped here.
const SKIPPED: &str = "CARIBE_SKIPPED";

/// Compiles every target with the oldest Rust; what failed, a line each, or `None` if it was skipped.
///
/// The toolchain comes from rustup. Without rustup, or without a way to the toolchain, the check is
/// skipped and says so.
///
/// # Errors
/// If cargo cannot be started, or the note that it was skipped cannot be written.
pub fn check(root: &Path) -> io::Result<Option<Vec<String>>> {
    if !has_toolchain() {
        skip("no rustup here, or it cannot get the toolchain")?;
        return Ok(None);
    }
    let check = Command::new("rustup")
        .args(["run", VERSION, "cargo", "check", "--workspace"])
        .args(["--all-targets", "--features"])
        .arg("caribe-tests/lab,kernel-wire/netlink-packet-generic")
        // Apart from the other builds: two toolchains would build all of it anew each time.
        .args(["--target-dir", "target/oldest-rust"])
        .current_dir(root)
        // Set by the cargo that runs this; the other toolchain has its own.
        .env_remove("CARGO")
        .env_remove("RUSTC")
        .env_remove("RUSTUP_TOOLCHAIN")
        .stdin(Stdio::null())
        .status()?;
    Ok(Some(if check.success() {
        Vec::new()
    } else {
        vec![format!(
            "Rust {VERSION} does not build this: write for it, or raise rust-version in Cargo.toml"
        )]
    }))
}

/// Whether rustup has the toolchain, or has just got it.
fn has_toolchain() -> bool {
    let rustup = |words: &[&str]| {
        let mut command = Command::new("rustup");
        command.args(words).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    rustup(&["run", VERSION, "rustc", "--version"])
        || rustup(&["toolchain", "install", VERSION, "--profile", "minimal"])
}

fn skip(reason: &str) -> io::Result<()> {
    let line = format!("oldest Rust, {VERSION}: {reason}");
    if let Some(file) = std::env::var_os(SKIPPED) {
        let mut file = fs::OpenOptions::new().append(true).open(file)?;
        writeln!(file, "{line}")?;
    }
    writeln!(io::stderr(), "skipped: {line}")
}
