//! Checks one real server of one virtual service, or one failover service of the partner.
//!
//! Started by lvsd it has no rights and reports its verdicts; started by hand it changes the
//! kernel's table itself. The decisions are in the crate `healthcheck`. Here:
//! - `options`: the command line, `setup`: what it means, `error`: why there is no start
//! - `watch`: one server and what runs for it, `machine`: what decides; `shell`: one watch or many (lvs.cf
//!   `nannies = shared`), `waiting`: what many wait for, `parent_socket`: the parent, lvsd or fos
//! - `network`, `runner`: checks over a socket and by a program, `load`: the question for the load,
//!   `reaping`: what programs leave behind
//! - `own_destination`: where verdicts go by hand; `confinement`: without files,
//!   `cage`: what programs are shut into, `calls`: what a nanny without programs may do

mod cage;
mod calls;
mod confinement;
mod error;
mod load;
mod machine;
mod network;
mod options;
mod own_destination;
mod parent_socket;
mod reaping;
mod runner;
mod setup;
mod shell;
mod waiting;
mod watch;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use control::Crew;
use daemon::log::Target;
use daemon::{Capabilities, Parent, Signal, Signals};
use nix::sys::resource::{Resource, setrlimit};

use error::StartError;
use options::{NAME, Options, Request};
use parent_socket::{Behind, Link};

/// Runs nanny with the arguments behind its name.
pub fn run(args: &[OsString], out: &mut dyn Write, err: &mut dyn Write) -> ExitCode {
    // Before anything is read as root.
    if let Err(error) = daemon::become_named_user() {
        return ExitCode::from(not_that_user(&error, err));
    }
    let result = match options::parse(args, &daemon::aliases(NAME)) {
        // A closed pipe: nobody is left to read it.
        Ok(Request::Print(text)) => Ok(u8::from(out.write_all(text.as_bytes()).is_err())),
        Ok(Request::Run(options)) => watch(&options),
        Err(error) => Err(error),
    };
    let status = result.unwrap_or_else(|error| {
        // Nobody may be left to read this either.
        let severity = daemon::log::severity_on_stderr(log::Level::Error);
        let _ = writeln!(err, "{severity}{NAME}: {error}");
        1
    });
    ExitCode::from(status)
}

/// Says it in the log, too: lvsd and fos hear no more than the status, and may have no standard error.
fn not_that_user(error: &io::Error, err: &mut dyn Write) -> u8 {
    daemon::log::start(NAME, Target::Syslog, false);
    log::error!("{error}");
    let _ = writeln!(err, "{NAME}: {error}");
    1
}

/// Everything behind the command line, until there is an exit status.
fn watch(options: &Options) -> Result<u8, StartError> {
    let parent = Parent::from_env()?;
    let reports = parent
        .as_ref()
        .is_some_and(|parent| parent.name() == "lvsd");
    if options.shared {
        let parent = parent.filter(|_| reports).ok_or(StartError::NotUnderLvsd)?;
        let signals = begin(options, true)?;
        let cage = options.programs.then(cage::make);
        if cage.is_none() {
            confine();
        }
        let link = Link::new(parent, Crew::Many);
        return Ok(shell::run_many(signals, link, seed(), cage)?);
    }
    let mut setup = setup::resolve(options, reports, seed())?;
    let interval = setup.settings.interval;
    let table = setup
        .entry
        .clone()
        .map(|entry| own_destination::open(entry, setup.external.clone(), interval))
        .transpose()
        .map_err(StartError::Table)?;
    let signals = begin(options, parent.is_some())?;
    options.describe();
    if parent.is_some() {
        if setup.needs_files() {
            setup.programs.cage = Some(cage::make());
        } else {
            confine();
        }
    }
    let behind = Behind::new(parent);
    // What reading the options took.
    daemon::give_back_memory();
    Ok(ended(shell::run_one(setup, signals, behind, table)))
}

/// The status at the end of the loop. Nobody reads standard error by then, so the log gets the reason.
fn ended(status: io::Result<u8>) -> u8 {
    status.unwrap_or_else(|error| {
        log::error!("{error}");
        1
    })
}

/// Becomes a daemon if asked to; from then on lines go to the log.
fn begin(options: &Options, has_parent: bool) -> io::Result<Signals> {
    guard_memory()?;
    if has_parent {
        lower_rights()?;
    }
    detach(options, has_parent)?;
    // Behind the fork: it is not inherited.
    daemon::adopt_orphans()?;
    let target = if options.foreground {
        Target::Both
    } else {
        Target::Syslog
    };
    daemon::log::start(NAME, target, options.verbose);
    Signals::new(&[
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGHUP,
        Signal::SIGUSR1,
        Signal::SIGUSR2,
        Signal::SIGCHLD,
    ])
}

/// Keeps answers of servers, and what checks send, in this process: no core dump, and no other process of
/// this user may look into it.
fn guard_memory() -> io::Result<()> {
    nix::sys::prctl::set_dumpable(false)?;
    Ok(setrlimit(Resource::RLIMIT_CORE, 0, 0)?)
}

/// As a nanny of lvsd or fos, whose nannies all have one user.
fn lower_rights() -> io::Result<()> {
    // A check program must not get a right that we do not have.
    nix::sys::prctl::set_no_new_privs()?;
    if nix::unistd::geteuid().is_root() {
        daemon::keep_capabilities(Capabilities::NET_RAW)?;
    }
    // The terminal of a person who started lvsd by hand is not for us, nor for our programs.
    let _ = nix::unistd::setsid();
    let home = std::env::var_os("HOME").unwrap_or_default();
    if std::env::set_current_dir(home).is_err() {
        std::env::set_current_dir("/")?;
    }
    Ok(())
}

/// A nanny under lvsd or fos that needs no file gives up files, and all system calls but those that it
/// needs.
fn confine() {
    match confinement::forbid_files() {
        Ok(true) => log::debug!("Landlock: no file can be opened any more"),
        Ok(false) => log::debug!("no Landlock: files stay as the user's rights are"),
        Err(error) => log::warn!("files are not forbidden: {error}"),
    }
    match calls::of_network_checks().map(|filter| filter.install(true)) {
        Some(Ok(())) => log::debug!("seccomp: only the system calls of network checks are left"),
        Some(Err(error)) => log::warn!("system calls are not refused: {error}"),
        None => log::info!("no seccomp: system calls stay as they are"),
    }
}

/// Leaves the terminal unless told to stay. Standard input stays if it is the lifeline.
fn detach(options: &Options, has_parent: bool) -> io::Result<()> {
    if options.foreground {
        return Ok(());
    }
    if !options.no_fork && !has_parent {
        return daemon::background()?.ready();
    }
    let null = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    if !has_parent {
        nix::unistd::dup2_stdin(&null)?;
    }
    nix::unistd::dup2_stdout(&null)?;
    nix::unistd::dup2_stderr(&null)?;
    // A process group leader has its session already.
    let _ = nix::unistd::setsid();
    Ok(())
}

/// Differs between any two nannies of a director.
fn seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = now.map_or(0, |now| u64::from(now.subsec_nanos()));
    u64::from(std::process::id()) << 32 | nanos
}
