//! The demonstration holds what it promises, and leaves on record what an administrator would look at.

use std::io::Write;

use caribe_lab::demo;
use caribe_tests::demand_lab;

/// Of the text of a run the part of each step, and the summary.
fn chapters(text: &str) -> Vec<&str> {
    let mut starts: Vec<usize> = (1..=7)
        .filter_map(|number| text.find(&format!("\n{number}. ")))
        .collect();
    starts.extend(text.find("\nSummary\n"));
    starts.push(text.len());
    starts.windows(2).map(|two| &text[two[0]..two[1]]).collect()
}

#[test]
fn every_step_looks_holds_and_records_both_directors() {
    demand_lab();
    let mut out = Vec::new();
    let good = demo::play(&mut out, false).unwrap();
    // Past the harness: the record of a good run is worth having as well.
    std::io::stdout().write_all(&out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(good, "{text}");
    let chapters = chapters(&text);
    assert_eq!(chapters.len(), 8, "{text}");
    let (summary, steps) = chapters.split_last().unwrap();
    for step in steps {
        assert!(
            step.contains("looked ") && step.contains("allowed: "),
            "{step}"
        );
        for director in ["director-a", "director-b"] {
            let status = format!("{director}, pulse --status: ");
            assert!(step.contains(&status), "{step}");
        }
    }
    let lines = summary.lines().filter(|line| line.ends_with("  ok"));
    assert_eq!(lines.count(), steps.len(), "{summary}");
    // What the takeover left on record says which director took over, and from which nothing came.
    let takeover = steps[5];
    assert!(
        takeover.contains("nobody answers"),
        "the dead one: {takeover}"
    );
    assert!(
        takeover.contains("partner dead: activating lvs"),
        "{takeover}"
    );
    for path in ["public", "private"] {
        let silent = format!(" on the {path} path");
        let is_told = |line: &&str| line.contains("logs: ") && line.contains(&silent);
        let told = takeover.lines().find(is_told).expect(takeover);
        assert!(told.contains("no heartbeat for "), "{told}");
    }
    let active = |line: &&str| line.contains("pulse --status: ") && line.contains(", active");
    let owner = takeover.lines().find(active).expect(takeover);
    assert!(owner.contains("standby -> "), "{owner}");
    let before = steps[4].lines().find(active).expect(steps[4]);
    assert_ne!(
        before.split(", pulse").next(),
        owner.split(", pulse").next()
    );
}
