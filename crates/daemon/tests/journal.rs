//! Log lines for systemd's journal, which takes the severity of a line from its beginning. The test starts
//! itself: a process has one log, and one standard output.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use daemon::PARENT_VARIABLE;
use daemon::log::{Target, severity_on_stderr};
use log::Level;
use nix::sys::stat::fstat;

/// Says to the test that was started that it is the one that logs.
const LOGS: &str = "CARIBE_TEST_LOGS";
const WITH_SEVERITY: [&str; 4] = [
    "<3>test: one",
    "<4>test: two",
    "<6>test: three",
    "<7>test: four",
];
const WITHOUT: [&str; 4] = ["test: one", "test: two", "test: three", "test: four"];

/// Where a descriptor of the one that logs leads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    Journal,
    Pipe,
}

/// What one said on standard output, and with what a line begins on standard error.
fn said(output: To, error: To, named: &str, has_parent: bool) -> (Vec<String>, String) {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let stream = fstat(&theirs).unwrap();
    let stream = named.replace("ITSELF", &format!("{}:{}", stream.st_dev, stream.st_ino));
    let theirs: OwnedFd = theirs.into();
    let lead = |to| match to {
        To::Journal => Stdio::from(theirs.try_clone().unwrap()),
        To::Pipe => Stdio::piped(),
    };
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(LOGS, "1").env("JOURNAL_STREAM", stream);
    command.stdout(lead(output)).stderr(lead(error));
    if has_parent {
        command.env(PARENT_VARIABLE, "pulse");
    }
    let done = command.output().unwrap();
    // The last ones that could write there.
    drop((command, theirs));
    assert!(done.status.success(), "{done:?}");
    let mut journal = String::new();
    ours.read_to_string(&mut journal).unwrap();
    let text = match output {
        To::Journal => journal,
        To::Pipe => String::from_utf8(done.stdout).unwrap(),
    };
    let is_begin = |line: &&str| line.starts_with("begin ");
    let lines = text.lines().filter(|line| line.contains("test: "));
    let begin = text.lines().find(is_begin).unwrap_or_default();
    (lines.map(str::to_owned).collect(), begin.to_owned())
}

#[test]
fn a_line_for_the_journal_begins_with_its_severity() {
    if std::env::var_os(LOGS).is_some() {
        daemon::log::start("test", Target::Both, true);
        log::error!("one");
        log::warn!("two");
        log::info!("three");
        log::debug!("four");
        daemon::log::tell_reader(&format!("begin {}", severity_on_stderr(Level::Error)));
        return;
    }
    use To::{Journal, Pipe};
    for (output, error, named, has_parent, wanted, begin) in [
        // The unit's process, and what has its output from it.
        (
            Journal,
            Journal,
            "ITSELF",
            false,
            WITH_SEVERITY,
            "begin <3>",
        ),
        (Journal, Journal, "ITSELF", true, WITH_SEVERITY, "begin <3>"),
        // The output is in the journal, errors are elsewhere.
        (Journal, Pipe, "ITSELF", false, WITH_SEVERITY, "begin "),
        // lvsd and fos under pulse, which hands on what they say.
        (Pipe, Journal, "ITSELF", true, WITH_SEVERITY, "begin <3>"),
        // The output is somebody else's.
        (Pipe, Journal, "ITSELF", false, WITHOUT, "begin <3>"),
        // A socket that is not the journal's; a manager's word that is none.
        (Journal, Journal, "1:ITSELF", false, WITHOUT, "begin "),
        (Journal, Journal, "ITSELF0", true, WITHOUT, "begin "),
        (Journal, Journal, "", false, WITHOUT, "begin "),
    ] {
        let (lines, begins) = said(output, error, named, has_parent);
        assert_eq!(lines, wanted, "{named} {has_parent}");
        assert_eq!(begins, begin, "{named} {has_parent}");
    }
}
