//! What a director's programs wrote to `/dev/log`.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

/// One message and when it came.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// When the lab read it.
    pub at: Instant,
    /// Without the priority and date in front: `pulse[123]: partner dead: activating lvs`.
    pub text: String,
}

/// The log of one host; its thread ends when the process does.
pub struct SystemLog {
    lines: Arc<Mutex<Vec<LogLine>>>,
    reader: JoinHandle<()>,
}

impl SystemLog {
    pub(super) fn start(socket: UnixDatagram) -> io::Result<Self> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&lines);
        let reader = thread::Builder::new()
            .name("syslog".into())
            .spawn(move || {
                let mut buffer = vec![0; 8192];
                while let Ok(length) = socket.recv(&mut buffer) {
                    let text = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default());
                    let line = LogLine {
                        at: Instant::now(),
                        text: message(&text).to_owned(),
                    };
                    locked(&written).push(line);
                }
            })?;
        Ok(Self { lines, reader })
    }

    /// Everything so far, oldest first.
    ///
    /// # Panics
    /// If nobody reads the log any more: a line that is not there would prove nothing.
    #[must_use]
    pub fn lines(&self) -> Vec<LogLine> {
        assert!(!self.reader.is_finished(), "nobody reads the log any more");
        locked(&self.lines).clone()
    }

    /// When a line with `text` in it first came, at `since` or later.
    ///
    /// # Panics
    /// As [`SystemLog::lines`].
    #[must_use]
    pub fn first(&self, text: &str, since: Instant) -> Option<Instant> {
        self.lines()
            .iter()
            .find(|line| line.at >= since && line.text.contains(text))
            .map(|line| line.at)
    }
}

fn locked(lines: &Mutex<Vec<LogLine>>) -> MutexGuard<'_, Vec<LogLine>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A datagram is `<PRIORITY>Mmm dd hh:mm:ss TAG: TEXT`; some writers leave the date out.
fn message(datagram: &str) -> &str {
    let text = datagram.trim_end_matches(['\0', '\n']);
    let text = text
        .strip_prefix('<')
        .and_then(|rest| rest.split_once('>'))
        .map_or(text, |(_, t)| t);
    let date = text.get(..16).filter(|date| {
        date.as_bytes().get(6) == Some(&b' ')
            && date.as_bytes().get(9) == Some(&b':')
            && date.as_bytes().get(12) == Some(&b':')
    });
    date.map_or(text, |date| text.strip_prefix(date).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priority_and_date_are_taken_off() {
        let line = "<28>Nov 20 18:36:01 pulse[7]: partner dead: activating lvs\n";
        assert_eq!(message(line), "pulse[7]: partner dead: activating lvs");
        assert_eq!(message("<28>pulse[7]: x"), "pulse[7]: x");
        assert_eq!(message("bare words"), "bare words");
    }
}
