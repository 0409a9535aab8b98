//! Two directors in two network namespaces of one machine, with one /run and one /var: each has its own socket, orders
//! and term.

use std::process::Command;

use caribe_tests::wait_until;

use crate::pair::{A, B, Pair};
use crate::signed::keyed;
use crate::{LOADING, settle};

/// What a program prints in a director's namespace, and its exit status.
fn said(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().expect("it runs");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    (output.status.code(), text)
}

fn ask(pair: &Pair, side: usize, program: &str, words: &[&str]) -> (Option<i32>, String) {
    let mut command = pair.command_of(side, &format!("/usr/sbin/{program}"));
    command.args(words);
    said(command)
}

fn pulse(pair: &Pair, side: usize) -> String {
    let (status, text) = ask(pair, side, "pulse", &["--status", "--json"]);
    assert_eq!(status, Some(0), "{text}");
    text.lines().next().expect("a line").to_owned()
}

#[test]
fn two_directors_on_one_run_answer_for_themselves_and_keep_their_own_orders() {
    let mut pair = keyed("sign");
    pair.share_files();
    let mut pair = settle(pair);
    for (side, phase) in [(A, "active"), (B, "standby")] {
        let line = pulse(&pair, side);
        assert!(line.contains(&format!("\"phase\":\"{phase}\"")), "{line}");
    }
    let serves = || {
        ask(&pair, A, "lvsd", &["--status"])
            .1
            .contains("\"kind\":\"lvsd\"")
    };
    wait_until(LOADING, serves).expect("an lvsd");
    let (_, text) = ask(&pair, B, "lvsd", &["--status"]);
    assert!(
        text.contains("lvsd does not run here: this director is standby"),
        "{text}"
    );

    let (status, text) = ask(&pair, B, "pulse", &["--order", "standby on"]);
    assert_eq!(status, Some(0), "{text}");
    let is_ordered = |pair: &Pair, side| {
        let (_, screen) = ask(pair, side, "pulse", &["--status"]);
        screen
            .lines()
            .any(|line| line.starts_with("orders   standby"))
    };
    for _ in 0..2 {
        assert!(is_ordered(&pair, B) && !is_ordered(&pair, A));
        // So it is behind a restart of both: A serves, as B may not.
        for side in [B, A] {
            pair.kill_pulse(side);
            pair.start(side);
        }
        let are_back = wait_until(LOADING, || {
            [A, B].iter().all(|side| !pair.report(*side).is_empty())
        });
        are_back.expect("both answer");
        pair.wait_for_owners(&[A], LOADING);
    }
    let own = |what: &str, side| format!("pulse.{what}.{}", pair.name(side));
    let wanted = [
        own("orders", A),
        own("orders", B),
        own("term", A),
        own("term", B),
    ];
    let kept = || {
        let kept = std::fs::read_dir(pair.file("state.0")).expect("a directory");
        let kept = kept.map(|it| it.expect("a file").file_name());
        let mut kept: Vec<String> = kept.map(|it| it.to_string_lossy().into_owned()).collect();
        kept.sort();
        kept
    };
    // Children write them.
    wait_until(LOADING, || kept() == wanted).unwrap_or_else(|| panic!("{:?}", kept()));
}

/// The socket of a director of an older program has no suffix, whatever the namespace.
#[test]
fn a_running_director_of_an_older_program_is_found_from_its_own_namespace_alone() {
    let mut pair = Pair::new();
    pair.share_files();
    let pair = settle(pair);
    let (own, plain) = (
        pair.socket(B, "pulse.sock"),
        pair.socket(B, "pulse.sock").with_file_name("pulse.sock"),
    );
    std::fs::rename(own, &plain).expect("a socket");
    for (side, phase) in [(A, "active"), (B, "standby")] {
        let line = pulse(&pair, side);
        assert!(line.contains(&format!("\"phase\":\"{phase}\"")), "{line}");
    }
    let (status, text) = ask(&pair, B, "pulse", &["--order", "freeze on"]);
    assert_eq!(status, Some(0), "{text}");
    // The machine's own namespace has none.
    let script =
        "mkdir -p /run/lvs && mount --bind \"$0\" /run/lvs && exec /usr/sbin/pulse --status";
    let mut outside = Command::new("unshare");
    outside
        .args(["-m", "sh", "-c", script])
        .arg(plain.parent().expect("a directory"));
    assert_eq!(
        said(outside),
        (Some(3), "pulse: pulse does not run here\n".to_owned())
    );
}
