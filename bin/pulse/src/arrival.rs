//! A start before the machine has its address: slow DHCP, a bond that comes late. pulse waits for it, however
//! long that takes, and goes on waiting if it is gone again before it could be bound.

use std::error::Error;
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use config_file::{ConfigFile, Program};
use control::Request;
use daemon::{Clock, PollFd, PollFlags, Signal, Signals, notify};
use link::Watch;
use lvs_model::Mono;

use crate::addresses;
use crate::control_socket::{Control, Taken, for_machine};
use crate::held_file::HeldFile;
use crate::report;
use crate::setup::{self, SetupError};

const SIGNALS: [Signal; 4] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGHUP,
];

/// An address that is there and cannot be bound is tried again after so long, whatever is heard of it.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// What ended the waiting.
pub enum Arrival<T> {
    /// The machine is one of the directors of this lvs.cf; what is wrong with a later one; and what was made of
    /// it.
    Here(Box<ConfigFile>, Vec<String>, T),
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

/// Waits until the machine has an address that makes it one of lvs.cf's directors and `prepare` has made of that
/// what it is needed for, or a signal ends that. A SIGHUP reads lvs.cf again. Who asks is told that pulse waits.
/// `failure`: why lvs.cf itself is not in force, if it is not.
///
/// # Errors
/// Signals or notifications are not to be had; what `prepare` fails of and an address does not mend.
pub fn wait<T>(
    mut file: ConfigFile,
    mut failure: Vec<String>,
    signals: &mut Signals,
    prepare: impl Fn(&ConfigFile) -> Result<T, SetupError>,
) -> Result<Arrival<T>, Box<dyn Error>> {
    let clock = Clock::start();
    let mut control = Control::open();
    let mut watch = Watch::open()?;
    let mut watchdog = notify::Watchdog::from_env();
    let mut said = Said::default();
    let_go(&file)?;
    // A service manager that waits for the start has seen it: what is waited for may take long.
    notify::ready();
    loop {
        let mut try_again = None;
        match missing(&file).map_or_else(|| prepare(&file), Err) {
            Ok(made) => return Ok(Arrival::Here(Box::new(file), failure, made)),
            Err(error @ SetupError::NotHere { .. }) => said.say(&error),
            Err(error) if error.is_about_to_pass() => {
                try_again = Some(clock.now() + TRY_AGAIN);
                said.say(&error);
            }
            Err(error) => return Err(error.into()),
        }
        watchdog.feed(clock.now());
        let now = clock.now();
        let fds = [signals.as_fd(), watch.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        let mut fds: Vec<PollFd<'_>> = fds.into_iter().chain(control.poll_fds(now)).collect();
        let deadline = watchdog
            .next()
            .into_iter()
            .chain(control.next_deadline(now))
            .chain(try_again);
        daemon::wait(&mut fds, &clock, deadline.min())?;
        drop(fds);
        for signal in signals.pending() {
            if signal != Signal::SIGHUP {
                log::info!("Terminating due to signal {}", signal as i32);
                notify::stopping();
                return Ok(Arrival::Stopped);
            }
            (file, failure) = read_again(file);
            said.is_said = false;
        }
        for (client, request) in control.hear(clock.now()) {
            match request {
                Request::Status => {
                    let age = clock.now() - Mono::ZERO;
                    let text = report::waiting(&file, age, &failure, said.reason.clone()).encode();
                    control.tell(clock.now(), client, text);
                }
                Request::Order { order } if for_machine(order).is_some() => {
                    control.refuse(clock.now(), client, vec![said.reason.clone()]);
                }
                Request::Order { .. } => {
                    control.await_reload(clock.now(), client);
                    (file, failure) = read_again(file);
                    said.is_said = false;
                    control.reloaded(clock.now(), &outcome(&file, &failure));
                }
            }
        }
        // What was told does not matter: everything is looked at.
        match watch.drain() {
            Ok(told) => log::debug!("{} changes of addresses and interfaces", told.len()),
            Err(error) => {
                log::error!("addresses and interfaces: {error}: watched anew");
                watch = Watch::open()?;
            }
        }
    }
}

/// Why it still waits.
#[derive(Default)]
struct Said {
    reason: String,
    /// It has been said since lvs.cf was read last.
    is_said: bool,
}

impl Said {
    fn say(&mut self, missing: &SetupError) {
        let reason = format!("{missing} yet: waiting for it");
        if !self.is_said || self.reason != reason {
            log::warn!("{reason}");
            notify::status(&reason);
        }
        (self.reason, self.is_said) = (reason, true);
    }
}

/// The signals that are answered while pulse waits.
///
/// # Errors
/// Those of [`Signals::new`].
pub fn signals() -> io::Result<Signals> {
    Signals::new(&SIGNALS)
}

/// What a killed predecessor left goes: the partner may have it, and nobody looks after its services here.
fn let_go(file: &ConfigFile) -> io::Result<()> {
    let config = &file.loaded.config;
    let mut held_file = HeldFile::find();
    let mut left = held_file.read();
    if setup::has_partner(&config.heartbeat) {
        left.extend(setup::addresses(config));
    }
    addresses::drop_left(&left)?;
    held_file.write(&[]);
    Ok(())
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
        // Which interfaces there are may not be known; it is said when pulse has arrived.
        let troubles = addresses::troubles(&file.loaded.config).unwrap_or_default();
        Ok(Taken::of(file, troubles))
    } else {
        Err(failure.to_vec())
    }
}
