//! Where log lines go: syslog in the background, standard output in the foreground. Where systemd's journal
//! reads that, each line begins with its severity, and goes nowhere else.
//!
//! The daemons say everything through the `log` crate's macros; the texts are the original's. A
//! line never blocks and never fails, whoever reads or does not read it: what is not taken is counted
//! and said later. A panic is a line too, with its place in our source.

mod journal;
mod lock;
pub(crate) mod output;
mod panic;
mod syslog;

use std::borrow::Cow;
use std::sync::Mutex;

use log::{Level, LevelFilter, Log, Metadata, Record};
use lvs_model::Severity;

use syslog::Connection;

/// Where a daemon's log lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// syslog, facility daemon, `ident[pid]: text`.
    Syslog,
    /// Standard output, `ident: text`, nothing else on the line.
    Stdout,
    /// Both, as nanny in the foreground. The journal, which is both, gets a line once.
    Both,
}

impl Target {
    const fn has_syslog(self, is_journal: bool) -> bool {
        match self {
            Self::Syslog => true,
            Self::Stdout => false,
            Self::Both => !is_journal,
        }
    }
}

/// The level of the `log` crate's macros for a line of a machine.
#[must_use]
pub const fn level(severity: Severity) -> Level {
    match severity {
        Severity::Debug => Level::Debug,
        Severity::Info => Level::Info,
        Severity::Warning => Level::Warn,
        Severity::Error => Level::Error,
    }
}

/// Starts logging as `ident`; debugging lines only if `verbose`. Call once, before any line.
///
/// A second call changes nothing: the `log` crate takes one logger for the life of the process.
pub fn start(ident: &'static str, target: Target, verbose: bool) {
    let level = if verbose {
        LevelFilter::Debug
    } else {
        LevelFilter::Info
    };
    let is_journal = journal::reads_output();
    let logger = Logger {
        ident,
        is_journal,
        has_output: target != Target::Syslog,
        syslog: target.has_syslog(is_journal).then(Mutex::default),
    };
    let (has_output, has_syslog) = (logger.has_output, logger.syslog.is_some());
    if log::set_boxed_logger(Box::new(logger)).is_err() {
        return;
    }
    log::set_max_level(level);
    panic::log_them();
    if has_output {
        output::open(ident, severity(Level::Warn, is_journal));
    }
    if has_syslog {
        // Reads the time zone, for good: whoever logs may have no right to its file later.
        let _ = lvs_sys::local_time(0);
    }
}

/// Hands lines of a child on to standard output as they are. Each ends with a newline; without room
/// they are lost and counted, as our own.
pub fn pass_on(lines: &[u8]) {
    lines
        .split_inclusive(|byte| *byte == b'\n')
        .for_each(output::say);
}

/// Says a word to the program that reads our standard output, on a line of its own among the log's.
/// It is not lost: if there is no room now it is said later.
pub fn tell_reader(word: &str) {
    output::keep(format!("{word}\n").as_bytes());
}

/// Whether standard error leads to the journal: then what is said there is logged.
#[must_use]
pub fn is_stderr_journal() -> bool {
    journal::reads_errors()
}

/// What a line of this severity begins with on standard error: nothing, but for the journal.
#[must_use]
pub fn severity_on_stderr(level: Level) -> &'static str {
    severity(level, is_stderr_journal())
}

/// The severities of syslog(3) as sd-daemon(3) writes them.
const fn severity(level: Level, is_journal: bool) -> &'static str {
    match level {
        _ if !is_journal => "",
        Level::Error => "<3>",
        Level::Warn => "<4>",
        Level::Info => "<6>",
        Level::Debug | Level::Trace => "<7>",
    }
}

struct Logger {
    ident: &'static str,
    /// Whether who reads standard output takes a line's severity from its beginning.
    is_journal: bool,
    has_output: bool,
    syslog: Option<Mutex<Connection>>,
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let text = record.args().to_string();
        let text = one_line(&text);
        if self.has_output {
            let severity = severity(record.level(), self.is_journal);
            output::say(output_line(severity, self.ident, &text).as_bytes());
        }
        if let Some(mut connection) = self.syslog.as_ref().and_then(lock::lock) {
            connection.say(self.ident, record.level(), &text);
        }
    }

    fn flush(&self) {}
}

/// A line for standard output. Texts that begin with the program's name, as they stand on standard
/// error, do not get it twice.
fn output_line(severity: &str, ident: &str, text: &str) -> String {
    let named = text
        .strip_prefix(ident)
        .and_then(|text| text.strip_prefix(": "));
    format!("{severity}{ident}: {}\n", named.unwrap_or(text))
}

/// The text without what could forge a second line or drive a terminal.
fn one_line(text: &str) -> Cow<'_, str> {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_plain || !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(escape(text))
}

fn escape(text: &str) -> String {
    text.trim_end_matches('\n')
        .chars()
        .flat_map(|c| {
            let escaped = c.is_control() && c != '\t';
            let plain = (!escaped).then_some(c);
            plain
                .into_iter()
                .chain(c.escape_default().take_while(move |_| escaped))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_named_once_in_a_line() {
        assert_eq!(output_line("", "lvs", "no table"), "lvs: no table\n");
        assert_eq!(output_line("", "lvs", "lvs: no table"), "lvs: no table\n");
        assert_eq!(
            output_line("<3>", "lvs", "lvsd: no table"),
            "<3>lvs: lvsd: no table\n"
        );
    }

    #[test]
    fn the_journal_gets_a_line_once() {
        assert!(Target::Both.has_syslog(false));
        assert!(!Target::Both.has_syslog(true));
    }

    #[test]
    fn a_text_cannot_forge_a_second_line() {
        assert_eq!(one_line("a\nb\x1b[31m\n"), "a\\nb\\u{1b}[31m");
        assert_eq!(one_line("a\tb % %s ä"), "a\tb % %s ä");
    }
}
