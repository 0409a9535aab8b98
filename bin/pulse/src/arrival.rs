//! A start before the machine has its address: slow DHCP, a bond that comes late. pulse waits for it, however
//! long that takes.

use std::io;
use std::os::fd::AsFd;

use config_file::{ConfigFile, Program};
use control::Request;
use daemon::{Clock, PollFd, PollFlags, Signal, Signals, notify};
use link::{Event, Watch};
use lvs_model::Mono;

use crate::addresses;
use crate::control_socket::{Control, Taken, for_machine};
use crate::report;
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
/// A SIGHUP reads lvs.cf again. Who asks is told that pulse waits.
///
/// # Errors
/// Signals or notifications are not to be had.
pub fn wait(mut file: ConfigFile, signals: &mut Signals) -> io::Result<Arrival> {
    let clock = Clock::start();
    let mut control = Control::open();
    let mut watch = Watch::open().map_err(io::Error::other)?;
    let mut watchdog = notify::Watchdog::from_env();
    let mut failure = Vec::new();
    let_go(&file)?;
    say(&file);
    // A service manager that waits for the start has seen it: what is waited for may take long.
    notify::ready();
    while is_awaited(&file) {
        watchdog.feed(clock.now());
        let now = clock.now();
        let fds = [signals.as_fd(), watch.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        let mut fds: Vec<PollFd<'_>> = fds.into_iter().chain(control.poll_fds(now)).collect();
        let deadline = watchdog
            .next()
            .into_iter()
            .chain(control.next_deadline(now));
        daemon::wait(&mut fds, &clock, deadline.min())?;
        drop(fds);
        for signal in signals.pending() {
            if signal != Signal::SIGHUP {
                log::info!("Terminating due to signal {}", signal as i32);
                notify::stopping();
                return Ok(Arrival::Stopped);
            }
            (file, failure) = read_again(file);
            say(&file);
        }
        for (client, request) in control.hear(clock.now()) {
            match request {
                Request::Status => {
                    let age = clock.now() - Mono::ZERO;
                    let text = report::waiting(&file, age, &failure, reason(&file)).encode();
                    control.tell(clock.now(), client, text);
                }
                Request::Order { order } if for_machine(order).is_some() => {
                    control.refuse(clock.now(), client, vec![reason(&file)]);
                }
                Request::Order { .. } => {
                    control.await_reload(clock.now(), client);
                    (file, failure) = read_again(file);
                    say(&file);
                    control.reloaded(clock.now(), &outcome(&file, &failure));
                }
            }
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

/// What a killed predecessor left goes: the partner may have it.
fn let_go(file: &ConfigFile) -> io::Result<()> {
    let config = &file.loaded.config;
    if setup::has_partner(&config.heartbeat) {
        addresses::drop_left(&setup::addresses(config))?;
    }
    Ok(())
}

fn say(file: &ConfigFile) {
    if is_awaited(file) {
        let reason = reason(file);
        log::warn!("{reason}");
        notify::status(&reason);
    }
}

fn reason(file: &ConfigFile) -> String {
    let missing = missing(file).map(|error| error.to_string());
    format!("{} yet: waiting for it", missing.unwrap_or_default())
}

/// The file as it is now, or the one before and what is wrong with it now.
fn read_again(before: ConfigFile) -> (ConfigFile, Vec<String>) {
    match config_file::read(&before.path) {
        Ok(file) => (file, Vec::new()),
        Err(fault) => {
            let lines = fault.lines(Program::Pulse);
            for line in &lines {
                log::error!("{line}");
            }
            (before, lines)
        }
    }
}

fn outcome(file: &ConfigFile, failure: &[String]) -> Result<Taken, Vec<String>> {
    if failure.is_empty() {
        Ok(Taken::of(file))
    } else {
        Err(failure.to_vec())
    }
}
