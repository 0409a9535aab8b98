//! Changes made by another program: real processes, no kernel table.

use std::path::PathBuf;
use std::time::Duration;

use ipvs::{Errno, ExternalIpvs, Ipvs};
use lvs_model::IpvsOp;
use testkit::FakeIpvs;

fn external(program: &str, limit: Duration) -> ExternalIpvs<FakeIpvs> {
    ExternalIpvs::new(PathBuf::from(program), limit, FakeIpvs::new())
}

/// A script of its own for each test.
///
/// Written by a child: were it open for writing here, another test's fork could hold it open at
/// the moment it is to be executed (ETXTBSY).
fn script(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let write = r#"printf '#!/bin/sh\n%s\n' "$2" > "$1" && chmod 755 "$1""#;
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", write, "sh"]).arg(&path).arg(text);
    assert!(shell.status().unwrap().success());
    path
}

const LONG: Duration = Duration::from_secs(20);

#[test]
fn a_program_that_succeeds_refuses_nothing() {
    let mut table = external("/bin/true", LONG);
    assert!(table.apply(&[IpvsOp::Flush]).unwrap().is_empty());
}

#[test]
fn another_status_is_a_refusal_and_the_rest_is_still_tried() {
    let path = script("refuse-zero", r#"test "$1" != -Z"#);
    let mut table = ExternalIpvs::new(path, LONG, FakeIpvs::new());
    let refusals = table
        .apply(&[IpvsOp::Flush, IpvsOp::Zero(None), IpvsOp::Flush])
        .unwrap();
    let refused: Vec<_> = refusals.iter().map(|r| (r.index, r.errno)).collect();
    assert_eq!(refused, [(1, Errno::UnknownErrno)]);
}

#[test]
fn a_program_that_is_not_there_is_a_refusal_with_the_reason() {
    let mut table = external("/nonexistent/ipvsadm", LONG);
    let refusals = table.apply(&[IpvsOp::Flush]).unwrap();
    assert_eq!(refusals[0].errno, Errno::ENOENT);
}

#[test]
fn a_program_that_hangs_is_killed_at_its_limit() {
    let path = script("hang", "exec sleep 60");
    let mut table = ExternalIpvs::new(path, Duration::from_millis(50), FakeIpvs::new());
    let refusals = table.apply(&[IpvsOp::Flush]).unwrap();
    assert_eq!(refusals[0].errno, Errno::ETIMEDOUT);
}

/// lvsd waits for each: a thousand changes at their limit would be an hour and more.
#[test]
fn r_a_program_that_hangs_is_not_run_for_the_rest_of_a_list() {
    let path = script("hang-once", r#"echo "$1" >> "$0.runs"; exec sleep 60"#);
    let runs = path.with_extension("runs");
    let _ = std::fs::remove_file(&runs);
    let mut table = ExternalIpvs::new(path, Duration::from_millis(200), FakeIpvs::new());
    let list = [IpvsOp::Flush, IpvsOp::Zero(None), IpvsOp::Flush];
    let refusals = table.apply(&list).unwrap();
    let refused: Vec<_> = refusals.iter().map(|r| (r.index, r.errno)).collect();
    let expected = [0, 1, 2].map(|index| (index, Errno::ETIMEDOUT));
    assert_eq!(refused, expected);
    assert_eq!(std::fs::read_to_string(runs).unwrap(), "-C\n");
    assert_eq!(table.apply(&list[..1]).unwrap().len(), 1, "tried again");
}

#[test]
fn a_program_that_closes_its_output_is_still_waited_for() {
    let path = script("quiet", "exec >&-; sleep 0.05; exit 3");
    let mut table = ExternalIpvs::new(path, LONG, FakeIpvs::new());
    let refusals = table.apply(&[IpvsOp::Flush]).unwrap();
    assert_eq!(refusals[0].errno, Errno::UnknownErrno);
}

#[test]
fn a_program_that_prints_much_does_not_block() {
    let path = script("loud", "head -c 300000 /dev/zero");
    let mut table = ExternalIpvs::new(path, LONG, FakeIpvs::new());
    assert!(table.apply(&[IpvsOp::Flush]).unwrap().is_empty());
}
