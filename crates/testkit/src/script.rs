//! Scripts and copies of programs that tests execute.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes a shell script with mode 0755 to `path`.
///
/// Another process does it: while this one had the file open for writing, a child that another test
/// starts would have it too, and to execute it would fail with `ETXTBSY`.
///
/// # Panics
/// It cannot be written, or there is no install(1).
pub fn write_script(path: &Path, text: &str) {
    let mut install = Command::new("install")
        .args(["-m", "755", "/dev/stdin"])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("install");
    let mut input = install.stdin.take().expect("its input");
    write!(input, "#!/bin/sh\n{text}\n").expect("it reads");
    drop(input);
    assert!(install.wait().expect("its end").success(), "{path:?}");
}

/// Copies a program, by another process for the same reason as [`write_script`].
///
/// # Panics
/// It cannot be copied, or there is no install(1).
pub fn copy_program(from: &Path, to: &Path) {
    let mut install = Command::new("install");
    let status = install.args(["-m", "755"]).args([from, to]).status();
    assert!(status.expect("install").success(), "{to:?}");
}
