//! The journal beside pulse: what an alert on warnings catches, and how often.

use std::time::{SystemTime, UNIX_EPOCH};

use caribe_tests::{SOON, wait_until};

use crate::machine::{LVS_CF, Machine, run, said, write};

/// What the journal has from a moment on. Not behind a cursor: with a filter journalctl 252 leaves out the first
/// line there.
struct Journal {
    since: String,
}

impl Journal {
    fn from_now() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.expect("a clock");
        Self {
            since: format!("--since=@{}.{:06}", now.as_secs(), now.subsec_micros()),
        }
    }

    /// The lines of this unit, or of all, of this severity and worse.
    fn lines(&self, severity: &str, unit: &[&str]) -> Vec<String> {
        let words = ["journalctl", "--no-pager", "-o", "cat", "-p", severity];
        let words = [&words, &[self.since.as_str()][..], unit].concat();
        let text = run(&words).stdout;
        let text = String::from_utf8_lossy(&text).into_owned();
        text.lines().map(str::to_owned).collect()
    }

    /// It has this severity, and stands there once, whichever program is asked for.
    fn has_once(&self, severity: &str, text: &str) {
        let count = |lines: Vec<String>| lines.iter().filter(|line| line.contains(text)).count();
        let has_it = || count(self.lines(severity, &["-u", "pulse"])) > 0;
        let is_there = wait_until(SOON, has_it);
        let all = || self.lines("debug", &[]).join("\n");
        assert!(is_there.is_some(), "no {severity} '{text}':\n{}", all());
        // What was sent there another way, too.
        said("journalctl --sync");
        assert_eq!(count(self.lines("debug", &[])), 1, "'{text}':\n{}", all());
    }
}

#[test]
fn the_journal_has_each_line_once_and_with_its_severity() {
    let mut machine = Machine::new();
    said("ip addr add 10.1.0.1/24 dev eth0");
    let bad = LVS_CF.replace("keepalive = 0.5", "keepalive = soon");
    let refused = "error parsing /etc/sysconfig/ha/lvs.cf";
    let whole = Journal::from_now();
    write(&bad);
    machine.does_not_start();
    whole.has_once("err", refused);

    let journal = Journal::from_now();
    write(&format!("active_cmd = /bin/false\n{LVS_CF}"));
    said("systemctl start pulse");
    machine.serves("A", "with a hook that fails");
    machine.start_b();
    // The process that runs the hooks.
    journal.has_once("warning", "/bin/false exit");

    let journal = Journal::from_now();
    write(&bad);
    assert!(!run(&["systemctl", "reload", "pulse"]).status.success());
    journal.has_once("err", refused);
    journal.has_once("err", "the reload failed");

    let journal = Journal::from_now();
    machine.end_server();
    // nanny, then lvsd.
    journal.has_once("warning", "shutting down 10.1.0.41:80");
    journal.has_once("warning", "No real servers");

    let all = whole.lines("debug", &["-u", "pulse"]);
    assert!(!all.iter().any(|line| line.starts_with('<')), "{all:#?}");
}
