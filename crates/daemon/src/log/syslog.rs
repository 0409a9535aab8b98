//! The socket of syslogd: a datagram a line, in RFC 3164's form with local time, as glibc sends it.

use std::fmt::Write as _;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use log::Level;

/// Facility `daemon` of syslog(3), shifted as it goes onto the wire.
const DAEMON: u8 = 3 << 3;
const SOCKET: &str = "/dev/log";
/// Between two tries to connect to it, so long as nobody listens there.
const PAUSE: Duration = Duration::from_millis(100);
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The connection to it, and what it has not taken.
pub(super) struct Connection {
    path: PathBuf,
    socket: Option<UnixDatagram>,
    /// When there was nobody to connect to.
    missed: Option<Instant>,
    dropped: u64,
}

impl Default for Connection {
    fn default() -> Self {
        Self::to(SOCKET)
    }
}

impl Connection {
    fn to(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            socket: None,
            missed: None,
            dropped: 0,
        }
    }

    /// Sends one line, behind one that says how many got lost before it; counts what is not taken.
    pub(super) fn say(&mut self, ident: &str, level: Level, text: &str) {
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
        self.socket = connect(&self.path).ok();
        self.missed = self.socket.is_none().then(Instant::now);
        self.socket.is_some()
    }
}

fn connect(path: &Path) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect(path)?;
    Ok(socket)
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    fn socket(name: &str) -> (PathBuf, UnixDatagram) {
        let name = format!("syslog-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        (path, socket)
    }

    fn hear(socket: &UnixDatagram) -> Vec<String> {
        let mut bytes = [0; 256];
        let lines =
            std::iter::from_fn(|| socket.recv(&mut bytes).ok().map(|n| bytes[..n].to_vec()));
        lines.map(|line| String::from_utf8(line).unwrap()).collect()
    }

    #[test]
    fn a_syslog_that_does_not_read_holds_nobody_up_and_hears_how_many_lines_it_missed() {
        let (path, syslog) = socket("full");
        let mut connection = Connection::to(&path);
        let (done, is_done) = mpsc::channel();
        thread::spawn(move || {
            for number in 0..10_000 {
                connection.say("pulse", Level::Info, &format!("line {number}"));
            }
            done.send(connection)
        });
        let mut connection = is_done
            .recv_timeout(Duration::from_secs(60))
            .expect("a line waits for syslogd");
        let heard = hear(&syslog);
        let lost = 10_000 - heard.len();
        assert!(
            lost > 0
                && heard
                    .last()
                    .unwrap()
                    .ends_with(&format!("line {}", heard.len() - 1))
        );
        connection.say("pulse", Level::Error, "after");
        let heard = hear(&syslog);
        assert_eq!(heard.len(), 2, "{heard:?}");
        assert!(heard[0].starts_with("<28>") && heard[1].starts_with("<27>"));
        assert!(
            heard[0].ends_with(&format!("]: {lost} log lines were lost")),
            "{heard:?}"
        );
        assert!(heard[1].ends_with("]: after"));
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_syslog_that_is_started_again_is_found_again() {
        let (path, old) = socket("again");
        let mut connection = Connection::to(&path);
        connection.say("pulse", Level::Info, "one");
        assert_eq!(hear(&old).len(), 1);
        drop(old);
        std::fs::remove_file(&path).unwrap();
        let (_, new) = socket("again");
        connection.say("pulse", Level::Info, "two");
        let heard = hear(&new);
        assert!(heard[0].ends_with("]: two"), "{heard:?}");
        std::fs::remove_file(path).unwrap();
    }

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
}
