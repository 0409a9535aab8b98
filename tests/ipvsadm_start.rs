//! Starts that fail, and the module that is loaded, beside the C program. A binary of its own: the
//! module is the whole machine's.

use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

use caribe_tests::c_ipvsadm;

const OURS: &str = "/sbin/ipvsadm";
/// Lines with which both fail alike; C's `-h` and `-v` fail too, ours do not.
const LINES: [&str; 6] = ["-Ln", "", "-A -t 10.0.0.1:80", "-q", "-R", "-L -c"];
/// `nobody`.
const NOBODY: u32 = 65534;

fn sh(script: &str) {
    let status = Command::new("sh").args(["-c", script]).status().unwrap();
    assert!(status.success(), "{script}");
}

fn unload() {
    sh(
        "for m in $(sed -n 's/^\\(ip_vs_[a-z_]*\\) .*/\\1/p' /proc/modules) ip_vs; do \
        rmmod $m 2>/dev/null; done; ! grep -q '^ip_vs ' /proc/modules",
    );
}

fn command(program: &str, line: &str) -> Command {
    let mut command = Command::new(program);
    command.arg0("ipvsadm").args(line.split_whitespace());
    command
}

/// Both programs, prepared alike, say and return the same; the original's outcome.
fn compare(line: &str, prepare: impl Fn(&str) -> Command) -> Output {
    let [theirs, ours] = [&c_ipvsadm(), OURS].map(|program| prepare(program).output().unwrap());
    assert_eq!(theirs, ours, "{line}");
    theirs
}

#[test]
fn starts_fail_as_the_originals_do_and_the_module_is_loaded() {
    caribe_tests::demand_lab();
    for program in [&c_ipvsadm(), OURS] {
        unload();
        let output = command(program, "-Ln").output().unwrap();
        assert!(output.status.success(), "{program}: {output:?}");
    }
    for line in LINES {
        let failed = compare(line, |program| {
            let mut command = command(program, line);
            command.uid(NOBODY).gid(NOBODY);
            command
        });
        assert_eq!(failed.status.code(), Some(2), "{line}: {failed:?}");
        assert!(
            failed
                .stderr
                .starts_with(b"Can't initialize ipvs: Permission denied")
        );
        let failed = compare(line, |program| {
            let mut command = Command::new("unshare");
            command
                .args(["-Urn", program])
                .args(line.split_whitespace());
            command
        });
        assert_eq!(failed.status.code(), Some(2), "{line}: {failed:?}");
    }
    without_the_module();
}

/// No module to be had: an empty tree where the kernel's own loader and modprobe look.
fn without_the_module() {
    unload();
    sh("mount -t tmpfs none /lib/modules");
    for line in LINES {
        let failed = compare(line, |program| command(program, line));
        assert_eq!(failed.status.code(), Some(2), "{line}: {failed:?}");
        let text = String::from_utf8_lossy(&failed.stderr);
        assert!(
            text.contains("Can't initialize ipvs: Protocol not available"),
            "{text}"
        );
    }
    let version = command(OURS, "-v").output().unwrap();
    assert!(version.status.success() && version.stdout.starts_with(b"ipvsadm v1."));
}
