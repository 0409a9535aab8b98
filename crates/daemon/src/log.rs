//! Where log lines go: syslog in the background, standard output in the foreground.
//!
//! The daemons say everything through the `log` crate's macros; the texts are the original's. A
//! line never blocks and never fails: what syslog does not take is counted and said later.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use log::{Level, LevelFilter, Log, Metadata, Record};

/// Facility `daemon` of syslog(3), shifted as it goes onto the wire.
const DAEMON: u8 = 3 << 3;
const SOCKET: &str = "/dev/log";
/// Between two tries to connect to it, so long as nobody listens there.
const PAUSE: Duration = Duration::from_millis(100);
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

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

#[derive(Default)]
struct Connection {
    socket: Option<UnixDatagram>,
    /// When there was nobody to connect to.
    missed: Option<Instant>,
    dropped: u64,
}

impl Connection {
    /// Sends one line, behind one that says how many got lost before it; counts what is not taken.
    fn say(&mut self, ident: &str, level: Level, text: &str) {
        if self.socket.is_none() && !self.connect() {
            // Not even put into a frame: a thousand lines of a start may be for nobody.
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        if self.dropped > 0 {
            let lost = format!("{} log lines were lost", self.dropped);
            if self.send(frame(ident, Level::Warn, &lost).as_bytes()) {
                self.dropped = 0;
            }
        }
        let is_heard = self.dropped == 0 && self.send(frame(ident, level, text).as_bytes());
        if !is_heard {
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// Sends a line; connects first if need be, again once if syslogd was restarted.
    fn send(&mut self, line: &[u8]) -> bool {
        for _ in 0..2 {
            if self.socket.is_none() && !self.connect() {
                return false;
            }
            let Some(socket) = &self.socket else {
                return false;
            };
            match socket.send(line) {
                Ok(_) => return true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(_) => self.socket = None,
            }
        }
        false
    }

    /// A thousand lines for nobody are not a thousand tries.
    fn connect(&mut self) -> bool {
        if (self.missed).is_some_and(|missed| missed.elapsed() < PAUSE) {
            return false;
        }
        self.socket = connect().ok();
        self.missed = self.socket.is_none().then(Instant::now);
        self.socket.is_some()
    }
}

fn connect() -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect(SOCKET)?;
    Ok(socket)
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

/// Severity of syslog(3).
const fn severity(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

/// A line as syslogd reads it from its socket (RFC 3164 with local time, as glibc sends it).
fn frame(ident: &str, level: Level, text: &str) -> String {
    let mut line = format!("<{}>", DAEMON | severity(level));
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs());
    if let Some(at) = i64::try_from(seconds).ok().and_then(lvs_sys::local_time) {
        let month = MONTHS.get(at.month).unwrap_or(&"Jan");
        let (day, hour, minute, second) = (at.day, at.hour, at.minute, at.second);
        // Writing to a String cannot fail.
        let _ = write!(line, "{month} {day:2} {hour:02}:{minute:02}:{second:02} ");
    }
    let _ = write!(line, "{ident}[{}]: {text}", std::process::id());
    line
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
    fn a_line_carries_facility_daemon_and_the_severity() {
        let line = frame("pulse", Level::Info, "partner dead: activating lvs");
        assert!(line.starts_with("<30>"), "{line}");
        let tail = format!(
            " pulse[{}]: partner dead: activating lvs",
            std::process::id()
        );
        assert!(line.ends_with(&tail), "{line}");
        assert!(frame("lvsd", Level::Error, "x").starts_with("<27>"));
    }

    #[test]
    fn while_nobody_listens_lines_are_counted_and_not_each_a_try() {
        let mut connection = Connection {
            missed: Some(Instant::now() + Duration::from_secs(3600)),
            ..Connection::default()
        };
        for _ in 0..3 {
            connection.say("pulse", Level::Info, "x");
        }
        assert_eq!(connection.dropped, 3);
        assert!(connection.socket.is_none());
    }

    #[test]
    fn a_text_cannot_forge_a_second_line() {
        assert_eq!(one_line("a\nb\x1b[31m\n"), "a\\nb\\u{1b}[31m");
        assert_eq!(one_line("a\tb % %s ä"), "a\tb % %s ä");
    }
}
