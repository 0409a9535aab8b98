//! Check programs that try to outlive their check: nothing of them does.
//!
//! 1000 runs; `CARIBE_PROGRAM_RUNS` asks for another number.

use std::fs;
use std::time::Duration;

use daemon::Signal;

use crate::harness::{Nanny, SLACK, Script, closed_port, until};

/// From the deadline of a check to the end of all that its program started.
const LAST_KILL: Duration = Duration::from_secs(2);

/// Command lines of processes that hold `marker`.
fn alive(marker: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let texts = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    texts.filter(|text| text.contains(marker)).collect()
}

/// Children of `pid`, ended and not reaped ones among them.
fn children(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap()
}

/// Seconds to sleep that no other process sleeps.
fn marker(number: u32) -> String {
    format!("{}.{number}", 100_000 + std::process::id())
}

#[test]
fn a_thousand_programs_that_hide_their_children_leave_none() {
    const NANNIES: u32 = 4;
    let runs = std::env::var("CARIBE_PROGRAM_RUNS");
    let runs: u32 = runs.map_or(1000, |runs| runs.parse().expect("a number"));
    let marker = marker(1);
    // In the group; in a session of its own; the same without a parent, deaf and without output.
    let text = format!(
        "sleep {marker} & setsid sleep {marker} & \
         (setsid sh -c 'trap \"\" TERM HUP INT; exec >&- 2>&-; sleep {marker}' &) ; echo OK"
    );
    let script = Script::new("hides", &text);
    let command = script.command();
    let args = ["-e", command.as_str(), "-x", "OK", "-t", "2"];
    let nannies: Vec<Nanny> = (0..NANNIES)
        .map(|_| Nanny::start(closed_port(), &args))
        .collect();
    for _ in 0..runs.div_ceil(NANNIES) {
        for nanny in &nannies {
            assert_eq!(nanny.check().0, "good");
            nanny.order(control::Order::Check);
        }
    }
    for nanny in &nannies {
        nanny.signal(Signal::SIGUSR1);
    }
    until(LAST_KILL + SLACK, || {
        alive(&marker).is_empty() && nannies.iter().all(|nanny| children(nanny.pid()).is_empty())
    });
}

#[test]
fn a_hidden_deaf_program_is_gone_behind_the_deadline() {
    let marker = marker(2);
    let text = format!(
        "trap '' TERM; setsid sh -c 'trap \"\" TERM; setsid sleep {marker} & sleep {marker}' & \
         exec >&-; while :; do sleep {marker}; done"
    );
    let script = Script::new("deaf-hidden", &text);
    let command = script.command();
    let nanny = Nanny::start(closed_port(), &["-e", &command, "-x", "OK", "-a", "60"]);
    assert_eq!(nanny.check().0, "failed: check program did not end in time");
    nanny.signal(Signal::SIGUSR1);
    until(LAST_KILL + SLACK, || alive(&marker).is_empty());
}

#[test]
fn a_nanny_that_ends_takes_hidden_programs_along() {
    let marker = marker(3);
    let script = Script::new(
        "last",
        &format!("(setsid sleep {marker} &) ; sleep {marker}"),
    );
    let command = script.command();
    let mut nanny = Nanny::start(closed_port(), &["-e", &command, "-t", "30"]);
    until(SLACK, || alive(&marker).len() >= 2);
    nanny.leave();
    assert_eq!(nanny.exit_status(SLACK), 0);
    until(SLACK, || alive(&marker).is_empty());
}
