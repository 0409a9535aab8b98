//! A start before the machine has its address: slow DHCP, a bond that comes late. pulse waits for it, however
//! long that takes.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use config_file::{ConfigFile, Program};
use daemon::{Clock, PollFd, PollFlags, Signal, Signals, notify};
use link::{Event, Watch};

use crate::setup::{self, SetupError};

const SIGNALS: [Signal; 4] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGHUP,
];

/// What ended the waiting.
pub enum Arrival {
    /// The machine is one of the directors of this lvs.cf.
    Here(Box<ConfigFile>),
    /// A signal.
    Stopped,
}

/// Whether this machine has neither director's address, or not yet.
pub fn is_awaited(file: &ConfigFile) -> bool {
    matches!(missing(file), Some(SetupError::NotHere { .. }))
}

fn missing(file: &ConfigFile) -> Option<SetupError> {
    let own = setup::own_addresses();
    own.and_then(|own| setup::role(&file.loaded.config, &own))
        .err()
}

/// Waits until the machine has an address that makes it one of lvs.cf's directors, or a signal ends that.
/// A SIGHUP reads lvs.cf again.
///
/// # Errors
/// Signals or notifications are not to be had.
pub fn wait(mut file: ConfigFile, signals: &mut Signals) -> io::Result<Arrival> {
    let clock = Clock::start();
    let mut watch = Watch::open().map_err(io::Error::other)?;
    let mut watchdog = notify::Watchdog::from_env();
    say(&file);
    // A service manager that waits for the start has seen it: what is waited for may take long.
    notify::ready();
    while is_awaited(&file) {
        watchdog.feed(clock.now());
        let mut fds = [signals.as_fd(), watch.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        daemon::wait(&mut fds, &clock, watchdog.next())?;
        for signal in signals.pending() {
            if signal != Signal::SIGHUP {
                log::info!("Terminating due to signal {}", signal as i32);
                notify::stopping();
                return Ok(Arrival::Stopped);
            }
            file = read_again(&file.path).unwrap_or(file);
            say(&file);
        }
        // What was told does not matter: everything is looked at.
        let told: Vec<Event> = watch.drain().map_err(io::Error::other)?;
        log::debug!("{} changes of addresses and interfaces", told.len());
    }
    Ok(Arrival::Here(Box::new(file)))
}

/// The signals that are answered while pulse waits.
///
/// # Errors
/// Those of [`Signals::new`].
pub fn signals() -> io::Result<Signals> {
    Signals::new(&SIGNALS)
}

fn say(file: &ConfigFile) {
    if let Some(error @ SetupError::NotHere { .. }) = missing(file) {
        log::warn!("{error} yet: waiting for it");
        notify::status(&format!("{error} yet"));
    }
}

fn read_again(path: &Path) -> Option<ConfigFile> {
    match config_file::read(path) {
        Ok(file) => Some(file),
        Err(fault) => {
            for line in fault.lines(Program::Pulse) {
                log::error!("{line}");
            }
            None
        }
    }
}
