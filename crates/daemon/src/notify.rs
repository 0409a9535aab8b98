//! Telling systemd (sd_notify(3)), without its library.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use lvs_model::Mono;

/// Says something to the service manager; silent where there is none.
///
/// `state` is one or more `KEY=value` lines. A failure is ignored, as sd_notify(3) advises: the
/// daemon works without anybody listening.
pub fn notify(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    let bytes = path.as_encoded_bytes();
    let address = match bytes.split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(&path),
    };
    if let (Ok(address), Ok(socket)) = (address, UnixDatagram::unbound()) {
        let _ = socket.send_to_addr(state.as_bytes(), &address);
    }
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
