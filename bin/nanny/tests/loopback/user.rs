//! Whom a nanny becomes, as its first act.

use std::process::Command;
use std::time::Duration;

use control::Standing;
use daemon::USER_VARIABLE;
use nix::unistd::geteuid;

use crate::harness::{Nanny, hold, server};

#[test]
fn a_nanny_that_root_starts_becomes_the_user_that_is_named() {
    if !geteuid().is_root() {
        return testkit::skipped("only root becomes another user");
    }
    let variables = [(USER_VARIABLE, "64001:64002")];
    let nanny = Nanny::with_environment(&variables, server(hold), &[], Standing::default());
    nanny.report(Duration::from_secs(30));
    let status = std::fs::read_to_string(format!("/proc/{}/status", nanny.pid())).unwrap();
    let field = |name: &str| -> Vec<&str> {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.expect(name).split_whitespace().collect()
    };
    assert_eq!(field("Uid:"), ["64001"; 4]);
    assert_eq!(field("Gid:"), ["64002"; 4]);
    assert_eq!(field("Groups:"), [""; 0]);
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
        assert_eq!(field(set), ["0000000000000000"], "{set}");
    }
}

/// What nanny does with this value: its status and what it says.
fn asked_to_become(name: &str) -> (Option<i32>, String) {
    let mut nanny = Command::new(env!("CARGO_BIN_EXE_nanny"));
    let run = nanny.arg("--version").env(USER_VARIABLE, name).output();
    let run = run.expect("nanny runs");
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    (run.status.code(), said)
}

#[test]
fn a_nanny_that_cannot_become_its_user_does_nothing() {
    for name in ["", "root", "0", "64001:"] {
        let said = format!("nanny: cannot become user {name:?}: not UID:GID\n");
        assert_eq!(asked_to_become(name), (Some(1), said));
    }
    // (gid_t) -1 is no group.
    let (status, said) = asked_to_become("64001:4294967295");
    assert_eq!(status, Some(1), "{said}");
    assert!(said.starts_with("nanny: cannot become user"), "{said}");
}
