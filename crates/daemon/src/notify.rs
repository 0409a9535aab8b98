//! Telling systemd (sd_notify(3)), without its library.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lvs_model::Mono;

static UNSAID: Mutex<Unsaid> = Mutex::new(Unsaid(Vec::new()));
/// Whether there is something in it; asked at every turn of a loop.
static IS_BEHIND: AtomicBool = AtomicBool::new(false);

/// Whether a service manager has started this program and listens.
#[must_use]
pub fn has_manager() -> bool {
    std::env::var_os("NOTIFY_SOCKET").is_some()
}

/// Says something to the service manager; silent where there is none.
///
/// `state` is one `KEY=value`. A manager that does not read is not waited for: the daemon works without
/// anybody listening, as sd_notify(3) advises. It hears the last value of each key when it reads again.
pub fn notify(state: &str) {
    if has_manager() {
        let mut unsaid = UNSAID.lock().unwrap_or_else(PoisonError::into_inner);
        unsaid.add(state);
        unsaid.say_all(say);
        IS_BEHIND.store(!unsaid.0.is_empty(), Ordering::Relaxed);
    }
}

/// Whether the service manager has not read all that was said.
pub(crate) fn is_behind() -> bool {
    IS_BEHIND.load(Ordering::Relaxed)
}

/// Says what it has not read, if it has room for it.
pub(crate) fn catch_up() {
    let mut unsaid = UNSAID.lock().unwrap_or_else(PoisonError::into_inner);
    unsaid.say_all(say);
    IS_BEHIND.store(!unsaid.0.is_empty(), Ordering::Relaxed);
}

/// What it has not read, in order, each key once.
struct Unsaid(Vec<String>);

impl Unsaid {
    fn add(&mut self, state: &str) {
        let key = |state: &str| state.split('=').next().map(str::to_owned);
        self.0.retain(|other| key(other) != key(state));
        self.0.push(state.to_owned());
    }

    /// Until `say` says that there is no room.
    fn say_all(&mut self, mut say: impl FnMut(&str) -> bool) {
        let said = self.0.iter().take_while(|state| say(state)).count();
        self.0.drain(..said);
    }
}

/// Whether it has not to be said again: it was taken, or nobody will ever read it.
fn say(state: &str) -> bool {
    let path = std::env::var_os("NOTIFY_SOCKET");
    let sent = path.map_or(Ok(()), |path| send(&path, state));
    !matches!(sent, Err(error) if error.kind() == ErrorKind::WouldBlock)
}

fn send(path: &OsStr, state: &str) -> io::Result<()> {
    let address = match path.as_encoded_bytes().split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(path),
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.send_to_addr(state.as_bytes(), &address?)?;
    Ok(())
}

/// The service works.
pub fn ready() {
    notify("READY=1");
}

/// The service has begun to stop.
pub fn stopping() {
    notify("STOPPING=1");
}

/// One line for `systemctl status`.
pub fn status(line: &str) {
    notify(&format!("STATUS={line}"));
}

/// The service manager's watchdog: it ends a daemon from which it hears nothing for too long.
#[derive(Clone, Copy, Debug)]
pub struct Watchdog {
    /// Half of what the manager allows.
    interval: Option<Duration>,
    next: Mono,
}

impl Watchdog {
    /// As the manager wants it, by `WATCHDOG_USEC` and `WATCHDOG_PID` of sd_watchdog_enabled(3); one
    /// that does nothing where it wants none, or wants it of another process.
    #[must_use]
    pub fn from_env() -> Self {
        let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
        let ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let interval = number("WATCHDOG_USEC").filter(|time| ours && *time > 0);
        Self {
            interval: interval.map(|time| Duration::from_micros(time / 2)),
            next: Mono::ZERO,
        }
    }

    /// When to [`feed`](Self::feed) it at the latest.
    #[must_use]
    pub fn next(&self) -> Option<Mono> {
        self.interval.map(|_| self.next)
    }

    /// Says that the loop turns, if it is time to.
    pub fn feed(&mut self, now: Mono) {
        if let Some(interval) = self.interval.filter(|_| self.next <= now) {
            notify("WATCHDOG=1");
            self.next = now + interval;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn a_manager_that_does_not_read_hears_the_last_of_each_later_and_in_order() {
        let mut unsaid = Unsaid(Vec::new());
        for state in ["READY=1", "STATUS=a", "WATCHDOG=1", "STATUS=b"] {
            unsaid.add(state);
            unsaid.say_all(|_| false);
        }
        let mut heard = Vec::new();
        let mut hear = |room: usize| {
            unsaid.say_all(|state| {
                let has_room = heard.len() < room;
                heard.extend(has_room.then(|| state.to_owned()));
                has_room
            });
        };
        hear(1);
        hear(9);
        hear(9);
        assert_eq!(heard, ["READY=1", "WATCHDOG=1", "STATUS=b"]);
    }

    #[test]
    fn a_manager_that_does_not_read_holds_nobody_up() {
        let name = format!("notify-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let manager = UnixDatagram::bind(&path).unwrap();
        let (done, is_done) = mpsc::channel();
        let to = path.clone();
        thread::spawn(move || {
            let sent = (0..10_000).try_for_each(|_| send(to.as_os_str(), "WATCHDOG=1"));
            done.send(sent)
        });
        let sent = is_done.recv_timeout(Duration::from_secs(60));
        let error = sent.expect("it waits for the manager").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        drop(manager);
        std::fs::remove_file(path).unwrap();
    }
}
