//! Check programs that mean harm: they end, slow down and look into nobody but themselves.

use std::time::Duration;

use control::{CheckResult, Report};

use crate::harness::{Nanny, Script, closed_port, hold, server};

const PATIENCE: Duration = Duration::from_secs(10);

/// A nanny whose check is the shell's script `text`.
fn runs(name: &str, text: &str) -> (Nanny, Script) {
    let script = Script::new(name, text);
    let nanny = Nanny::start(closed_port(), &["-t", "2", "-e", &script.command()]);
    (nanny, script)
}

#[track_caller]
fn is_good(name: &str, text: &str) {
    let (nanny, _script) = runs(name, text);
    assert_eq!(nanny.check().0, "good");
}

#[test]
fn a_program_ends_no_nanny_and_no_program_of_another_one() {
    let (other, _other) = runs("victim", "sleep 60");
    let network = Nanny::start(server(hold), &[]);
    let text = format!(
        "for signal in KILL STOP; do kill -$signal {} {} $PPID; done\n\
         for pid in $(cat /proc/{}/task/*/children); do kill -KILL $pid && exit 9; done\n\
         exit 7\n",
        other.pid(),
        network.pid(),
        other.pid()
    );
    let (hostile, _script) = runs("hostile", &text);
    for _ in 0..2 {
        let (verdict, _) = hostile.check();
        assert_eq!(verdict, "failed: check program ended with status 7");
    }
    assert_eq!(network.check().0, "good");
    // It runs until its time is over.
    let (verdict, _) = other.check();
    assert_eq!(verdict, "failed: check program did not end in time");
}

/// In a session of its own: no group of another program can be joined, and no terminal used.
#[test]
fn a_program_leads_its_session_and_reaches_what_it_starts() {
    is_good(
        "session",
        "set -- $(cat /proc/self/stat); test $5 = $6 && test $6 = $$\n",
    );
    is_good("itself", "kill -0 $$ && kill -0 0\n");
    is_good("limit", "timeout 0.2 sleep 60; test $? = 124\n");
}

#[test]
fn a_program_dumps_no_core_and_has_limits_of_memory_and_processes() {
    is_good(
        "limits",
        "test $(ulimit -c) = 0 && test $(ulimit -d) = 1048576 || exit 1\n\
         grep -q '^Max processes *[0-9]' /proc/self/limits || exit 2\n\
         until test $(cat /proc/$$/oom_score_adj) = 1000; do :; done\n",
    );
}

/// Nobody of the same user may look into it, and a crash leaves nothing behind.
#[test]
fn a_nanny_cannot_be_looked_into() {
    let nanny = Nanny::start(server(hold), &[]);
    nanny.check();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", nanny.pid())).unwrap();
    let core = limits.lines().find(|line| line.contains("core file"));
    assert!(
        core.is_some_and(|line| line.contains("0                    0 ")),
        "{limits}"
    );
    use std::os::unix::fs::MetadataExt;
    let owner = std::fs::metadata(format!("/proc/{}/maps", nanny.pid()))
        .unwrap()
        .uid();
    assert_eq!(owner, 0);
}

/// Whatever a server makes it do. One with programs has none: they would have it too.
#[test]
fn a_nanny_without_programs_has_a_filter_of_system_calls() {
    let filters = |args: &[&str]| {
        let nanny = Nanny::start(server(hold), args);
        nanny.check();
        let status = std::fs::read_to_string(format!("/proc/{}/status", nanny.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("Seccomp:"));
        line.unwrap_or_default()
            .trim_start_matches("Seccomp:")
            .trim()
            .to_owned()
    };
    assert_eq!(filters(&["-s", "x"]), "2");
    assert_eq!(filters(&["-U", "rup"]), "2");
    assert_eq!(filters(&["-e", "/bin/true"]), "0");
}

/// It goes on as long as nobody wins the race against it.
#[test]
fn a_program_that_runs_away_from_its_nanny_is_caught() {
    let marker = format!("30{:07}", std::process::id());
    let text = format!(
        "case $3 in {marker}) ;; *) setsid /bin/sh $0 a b {marker} & exit 0;; esac\n\
         exec setsid /bin/sh $0 a b {marker}\n"
    );
    let (nanny, _script) = runs("runs-away", &text);
    let report = nanny.report(PATIENCE);
    assert!(
        !matches!(
            report,
            Report::Check {
                result: CheckResult::Failed(_),
                ..
            }
        ),
        "{report:?}"
    );
    nanny.check();
    let alive = || {
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        entries
            .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
            .filter(|line| String::from_utf8_lossy(line).contains(&marker))
            .count()
    };
    crate::harness::until(PATIENCE, || alive() == 0);
}
