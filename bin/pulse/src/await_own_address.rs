//! A start before the machine has its address: slow DHCP, a bond that comes late. pulse waits for it, however
//! long that takes, and goes on waiting if it is gone again before it could be bound.

use std::error::Error;
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use config_file::{ConfigFile, Program};
use control::Request;
use daemon::{Awaited, Clock, Event, EventHandler, EventLoop, Signal, Signals, notify};
use link::{LinkError, Watch};
use lvs_model::Mono;

use crate::addresses;
use crate::control_socket::{Control, Taken, for_machine};
use crate::held_file::HeldFile;
use crate::report;
use crate::setup::{self, SetupError};

const SIGNALS: [Signal; 6] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGHUP,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
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

/// Whether this signal ends a pulse.
pub const fn is_stop(signal: Signal) -> bool {
    !matches!(signal, Signal::SIGHUP | Signal::SIGUSR1 | Signal::SIGUSR2)
}

/// Whether this machine has neither director's address, or not yet; or both.
pub fn is_awaited(file: &ConfigFile) -> bool {
    let missing = missing(file);
    matches!(
        missing,
        Some(SetupError::NotHere { .. } | SetupError::Both { .. })
    )
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
    file: ConfigFile,
    failure: Vec<String>,
    clock: Clock,
    turning: &mut EventLoop,
    prepare: impl Fn(&ConfigFile) -> Result<T, SetupError>,
) -> Result<Arrival<T>, Box<dyn Error>> {
    let mut waiting = Waiting {
        clock,
        control: Control::open(),
        changes: Watch::open()?,
        watchdog: notify::Watchdog::from_env(),
        said: Said::default(),
        file,
        failure,
        prepare,
        try_again: None,
        is_stopped: false,
        fault: None,
    };
    let_go(&waiting.file)?;
    // A service manager that waits for the start has seen it: what is waited for may take long.
    notify::ready();
    turning.run(&mut waiting)?
}

/// A pulse that is no director yet.
struct Waiting<P> {
    clock: Clock,
    control: Control,
    /// Addresses and interfaces that come and go.
    changes: Watch,
    watchdog: notify::Watchdog,
    said: Said,
    file: ConfigFile,
    failure: Vec<String>,
    prepare: P,
    try_again: Option<Mono>,
    is_stopped: bool,
    /// Why nothing is heard of addresses any more.
    fault: Option<LinkError>,
}

/// What it waits for.
#[derive(Clone, Copy)]
enum Source {
    Changes,
    Control,
}

impl<T, P: Fn(&ConfigFile) -> Result<T, SetupError>> EventHandler for Waiting<P> {
    type Source = Source;
    type End = Result<Arrival<T>, Box<dyn Error>>;

    /// Everything is looked at, whatever has changed.
    fn work(&mut self) -> Option<Self::End> {
        if self.is_stopped {
            return Some(Ok(Arrival::Stopped));
        }
        if let Some(fault) = self.fault.take() {
            return Some(Err(fault.into()));
        }
        self.try_again = None;
        match missing(&self.file).map_or_else(|| (self.prepare)(&self.file), Err) {
            Ok(made) => {
                let failure = std::mem::take(&mut self.failure);
                let file = Box::new(self.file.clone());
                return Some(Ok(Arrival::Here(file, failure, made)));
            }
            Err(error @ (SetupError::NotHere { .. } | SetupError::Both { .. })) => {
                self.said.say(&error);
            }
            Err(error) if error.is_about_to_pass() => {
                self.try_again = Some(self.clock.now() + TRY_AGAIN);
                self.said.say(&error);
            }
            Err(error) => return Some(Err(error.into())),
        }
        self.watchdog.feed(self.clock.now());
        None
    }

    fn await_on<'h>(&'h self, awaited: &mut Awaited<'h, Source>) {
        let now = self.clock.now();
        awaited.reading(Source::Changes, self.changes.as_fd());
        for fd in self.control.poll_fds(now) {
            awaited.polling(Source::Control, fd);
        }
        awaited.until(self.watchdog.next());
        awaited.until(self.control.next_deadline(now));
        awaited.until(self.try_again);
    }

    fn take(&mut self, event: Event<Source>) {
        match event {
            Event::Ready(Source::Changes) => self.note_changes(),
            // Looked at when the turn is over, as it has a deadline too.
            Event::Ready(Source::Control) | Event::Ended(..) => {}
            Event::Signal(Signal::SIGHUP) => self.read_again(),
            Event::Signal(Signal::SIGUSR1) => self.refuse_to_copy(),
            Event::Signal(signal) if !is_stop(signal) => {}
            Event::Signal(signal) => {
                log::info!("Terminating due to signal {}", signal as i32);
                notify::stopping();
                self.is_stopped = true;
            }
            Event::Time => self.answer(),
        }
    }
}

impl<P> Waiting<P> {
    fn note_changes(&mut self) {
        match self.changes.drain() {
            Ok(told) => log::debug!("{} changes of addresses and interfaces", told.len()),
            Err(error) => {
                log::error!("addresses and interfaces: {error}: watched anew");
                match Watch::open() {
                    Ok(changes) => self.changes = changes,
                    Err(error) => self.fault = Some(error),
                }
            }
        }
    }

    /// The file as it is now, or the one before and what is wrong with it now.
    fn read_again(&mut self) {
        match config_file::read(&self.file.path) {
            Ok(file) => (self.file, self.failure) = (file, Vec::new()),
            Err(fault) => {
                self.failure = fault.lines(Program::Pulse);
                for line in &self.failure {
                    log::error!("{line}");
                }
            }
        }
        self.said.is_said = false;
    }

    fn refuse_to_copy(&self) {
        if self.file.loaded.config.copy_config {
            log::warn!("lvs.cf is not copied while this director waits for its address");
        }
    }

    fn answer(&mut self) {
        let now = self.clock.now();
        for (client, request) in self.control.hear(now) {
            let reason = self.said.reason.clone();
            match request {
                Request::Status => {
                    let age = now - Mono::ZERO;
                    let text = report::waiting(&self.file, age, &self.failure, reason).encode();
                    self.control.tell(now, client, text);
                }
                Request::Order { order } if for_machine(order).is_some() => {
                    self.control.refuse(now, client, vec![reason]);
                }
                Request::Order { .. } => {
                    self.control.await_reload(now, client);
                    self.read_again();
                    let outcome = outcome(&self.file, &self.failure);
                    self.control.reloaded(self.clock.now(), &outcome);
                }
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
        let is_both = matches!(missing, SetupError::Both { .. });
        let (what, level) = match is_both {
            true => (": waiting for that", log::Level::Error),
            false => (" yet: waiting for it", log::Level::Warn),
        };
        let reason = format!("{missing}{what}");
        if !self.is_said || self.reason != reason {
            log::log!(level, "{reason}");
            notify::status(&reason);
        }
        (self.reason, self.is_said) = (reason, true);
    }
}

/// The loop in which pulse waits, with the signals that are answered meanwhile.
///
/// # Errors
/// Those of [`Signals::new`].
pub fn turning(clock: Clock) -> io::Result<EventLoop> {
    Ok(EventLoop::new(clock, Signals::new(&SIGNALS)?))
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

fn outcome(file: &ConfigFile, failure: &[String]) -> Result<Taken, Vec<String>> {
    if failure.is_empty() {
        // Which interfaces there are may not be known; it is said when pulse has arrived.
        let troubles = addresses::troubles(&file.loaded.config).unwrap_or_default();
        let lines = troubles.iter().map(ToString::to_string);
        Ok(Taken::of(file, lines.collect()))
    } else {
        Err(failure.to_vec())
    }
}
