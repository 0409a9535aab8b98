//! Where log lines go: syslog in the background, standard output in the foreground.
//!
//! The daemons say everything through the `log` crate's macros; the texts are the original's. A
//! line never blocks and never fails: what syslog does not take is counted and said later.

mod syslog;

use std::borrow::Cow;
use std::io;
use std::sync::Mutex;

use log::{LevelFilter, Log, Metadata, Record};

use syslog::Connection;

/// Where a daemon's log lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// syslog, facility daemon, `ident[pid]: text`.
    Syslog,
    /// Standard output, `ident: text`, nothing else on the line.
    Stdout,
    /// Both, as nanny in the foreground.
    Both,
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
    if target == Target::Stdout {
        let _ = env_logger::Builder::new()
            .filter_level(level)
            .target(env_logger::Target::Stdout)
            .format(move |out, record| {
                use std::io::Write as _;
                writeln!(out, "{ident}: {}", record.args())
            })
            .try_init();
        return;
    }
    let also_stdout = target == Target::Both;
    let syslog = Syslog {
        ident,
        also_stdout,
        socket: Mutex::new(Connection::default()),
    };
    if log::set_boxed_logger(Box::new(syslog)).is_ok() {
        log::set_max_level(level);
        // Reads the time zone, for good: whoever logs may have no right to its file later.
        let _ = lvs_sys::local_time(0);
    }
}

struct Syslog {
    ident: &'static str,
    also_stdout: bool,
    socket: Mutex<Connection>,
}

impl Log for Syslog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let text = record.args().to_string();
        let text = one_line(&text);
        if self.also_stdout {
            use std::io::Write as _;
            let line = format!("{}: {text}\n", self.ident);
            let _ = io::stdout().lock().write_all(line.as_bytes());
        }
        let Ok(mut connection) = self.socket.lock() else {
            return;
        };
        connection.say(self.ident, record.level(), &text);
    }

    fn flush(&self) {}
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
    fn a_text_cannot_forge_a_second_line() {
        assert_eq!(one_line("a\nb\x1b[31m\n"), "a\\nb\\u{1b}[31m");
        assert_eq!(one_line("a\tb % %s ä"), "a\tb % %s ä");
    }
}
