//! ipvsadm without standard output: Rust's runtime would put `/dev/null` in its place.

use std::process::{Command, Stdio};

#[test]
fn what_cannot_be_printed_is_a_failure() {
    for (redirection, status, said) in [
        (">&-", 1, "standard output: Bad file descriptor\n"),
        (
            ">/dev/full",
            1,
            "standard output: No space left on device\n",
        ),
        (">/dev/null", 0, ""),
        ("1<>/dev/null", 0, ""),
    ] {
        let script = format!("exec \"$0\" --version {redirection}");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_ipvsadm")]);
        let output = shell.stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{redirection}");
        assert_eq!(
            String::from_utf8_lossy(&output.stderr),
            said,
            "{redirection}"
        );
    }
}
