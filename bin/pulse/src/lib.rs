//! Heartbeat between two directors, takeover of the virtual addresses.
//!
//! The decisions are `heartbeat::Node`'s; here is what carries them out. The table of contents:
//!
//! The start
//! - [`options`], [`setup`]: command line and lvs.cf to what the rest needs; [`changes`]: what a reload
//!   changes, a line for each
//! - [`dry_run`]: what would be set up; [`places`]: what is said of devices, with lvs.cf's block
//! - [`await_own_address`]: a start before the machine has its address
//! - [`failed_start`]: what a start that fails is to a service manager
//! - [`after_kill`]: what a killed one has left, without a partner; [`held_file`]: what pulse holds, in a
//!   file for the next start
//!
//! The heartbeat
//! - [`sockets`]: its two paths; [`send_faults`]: what cannot be sent, said once
//! - [`signing`], [`keys`], [`auth`]: how heartbeats are signed, with what, and what checks them
//! - [`tally`]: which of the partner's datagrams counted
//! - [`gateway`]: the test that tells the partner's failure from our own
//!
//! The addresses
//! - [`addresses`]: raised on their interfaces, announced, watched; [`neighbours`]: who else says to have them
//! - [`guardian`]: the process that takes them away when this one is killed
//! - [`send_arp`]: lvs.cf's program for each address
//!
//! Beside the loop
//! - [`service`]: lvsd or fos as a child
//! - [`helper`]: how its own program runs beside it: [`runner`], [`guardian`], [`sync_keeper`];
//!   [`again`]: when one that has ended is started again
//! - [`commands`]: what the runner and the sync keeper are told
//! - [`runner`]: the process that runs the hooks, with rights that this one gives up; [`hook_queue`]: which
//!   hook it runs next; [`beside`]: what it runs beside the hooks
//! - [`hook_orders`]: what the runner has yet to do; [`runner_letter`]: the bytes between the two;
//!   [`left_behind`]: what a killed runner leaves running
//! - [`active_cmd_outcome`]: whether the hook has brought the addresses
//! - [`sync_keeper`]: the process that keeps the kernel's sync daemon; [`sync_watch`]: whether that one does
//!   what lvs.cf wants
//! - [`copy`]: lvs.cf to the partner; [`program`]: programs that lvs.cf names
//!
//! What is asked and kept
//! - [`control_socket`], [`report`]: who asks, and what is told; [`ask`]: the other end of the socket
//! - [`orders`], [`term`]: what an administrator has ordered, and the ownership term, kept for the next start
//! - [`file_keeper`]: the child that writes such a file
//!
//! The loop
//! - [`shell`]: waits, feeds the machine, does what it says
//! - [`repeats`]: what is said again after growing pauses

mod active_cmd_outcome;
mod addresses;
mod after_kill;
mod again;
mod ask;
mod auth;
mod await_own_address;
mod beside;
mod changes;
mod commands;
mod control_socket;
mod copy;
mod dry_run;
mod failed_start;
mod file_keeper;
mod gateway;
mod guardian;
mod held_file;
mod helper;
mod hook_orders;
mod hook_queue;
mod keys;
mod left_behind;
mod neighbours;
mod options;
mod orders;
mod places;
mod program;
mod repeats;
mod report;
mod runner;
mod runner_letter;
mod send_arp;
mod send_faults;
mod service;
mod setup;
mod shell;
mod signing;
mod sockets;
mod sync_keeper;
mod sync_watch;
mod tally;
mod term;

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use config_file::{ConfigFile, Fault, tell};
use daemon::log::Target;
use daemon::{Background, Clock, Instance, Lock, LockError};
use heartbeat::{ConfiguredRole, Notice};

use crate::await_own_address::Arrival;
use crate::failed_start::FailedStart;
use crate::held_file::HeldFile;
use crate::options::{Options, Request};
use crate::setup::{Setup, SetupError};
use crate::shell::Shell;
use crate::sockets::Sockets;

/// Where the pid is written when running as a daemon.
const PID_FILE: &str = "/var/run/pulse.pid";
/// Status of a program that could not go on after its start.
const LATE_FAILURE: u8 = 255;

/// Runs pulse; `args` without the program's name. The status is the program's.
pub fn run(args: &[OsString], out: &mut impl Write, err: &mut impl Write) -> ExitCode {
    if guardian::PART.is_asked_for(args) {
        return guardian::run(args);
    }
    if runner::PART.is_asked_for(args) {
        return runner::run(args);
    }
    if file_keeper::is_asked_for(args) {
        return file_keeper::run(args);
    }
    if sync_keeper::PART.is_asked_for(args) {
        return sync_keeper::run(args);
    }
    match options::parse(args, &daemon::aliases("pulse")) {
        Ok(Request::Print(text)) => {
            // A reader that has gone away does not matter.
            let _ = out.write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Ok(Request::Status(json)) => ask::status(json, out, err),
        Ok(Request::CopyConfig(file)) => copy::run(&file, out, err),
        Ok(Request::Order(order)) => ask::order(order, out, err),
        Ok(Request::Run(options)) if options.dry_run => dry_run::run(&options, out, err),
        Ok(Request::Run(options)) => start(&options).unwrap_or_else(|failed| {
            tell(&failed.lines, err, options.foreground);
            if !options.drop_addresses {
                after_kill::let_go();
            }
            failed.status()
        }),
        Err(error) => {
            tell(&[error.to_string()], err, false);
            ExitCode::FAILURE
        }
    }
}

/// Runs as the command line says.
fn start(options: &Options) -> Result<ExitCode, FailedStart> {
    let target = if options.foreground {
        Target::Stdout
    } else {
        Target::Syslog
    };
    daemon::log::start("pulse", target, options.verbose);
    if options.drop_addresses {
        let file = config_file::read(&options.config_file);
        let in_force = || after_kill::in_force(&options.config_file);
        return drop_addresses(file.or_else(|fault| in_force().ok_or(fault)));
    }
    let begun = failed_start::patiently(|| begin(options))?;
    let (file, refused, mut instance) = (begun.file, begun.refused, begun.instance);
    let prepared = match prepare(options, &file) {
        // Also one that has lost its address at this moment.
        Err(_) if await_own_address::is_awaited(&file) => {
            let background = go_to_background(options)?;
            // Whoever started it is not kept waiting.
            finish_start(&mut instance, background);
            return Ok(start_late(options, file, refused, instance));
        }
        prepared => prepared,
    };
    file.log();
    let (setup, sockets) = prepared?;
    let background = go_to_background(options)?;
    if is_idle(&setup) {
        finish_start(&mut instance, background);
        say_idle();
        return Ok(ExitCode::SUCCESS);
    }
    let shell = Shell::new(options, setup, &file, refused, sockets);
    finish_start(&mut instance, background);
    Ok(late(
        shell.and_then(|(shell, turning)| shell.run(turning, instance)),
    ))
}

/// What a start has to have.
struct Begun {
    /// lvs.cf, or what was in force when pulse was killed.
    file: ConfigFile,
    /// Then: what is wrong with lvs.cf.
    refused: Vec<String>,
    /// The right to be the only pulse.
    instance: Instance,
}

fn begin(options: &Options) -> Result<Begun, FailedStart> {
    let (file, refused) = match read(options) {
        Ok(file) => (file, Vec::new()),
        Err(failed) => match after_kill::in_force(&options.config_file) {
            Some(file) => (file, failed.lines),
            None => return Err(failed),
        },
    };
    let pid_file = (!options.foreground).then_some(Path::new(PID_FILE));
    let instance = Instance::begin("pulse", pid_file)?;
    for line in &refused {
        log::error!("{line}");
    }
    if !refused.is_empty() {
        log::error!("pulse was killed: it goes on with what was in force");
    }
    Ok(Begun {
        file,
        refused,
        instance,
    })
}

/// lvs.cf, if there is something to serve in it.
fn read(options: &Options) -> Result<ConfigFile, FailedStart> {
    let file = config_file::read(&options.config_file)?;
    // Blocks whose names do not resolve are left out now, and may be there later.
    let may_pass = !file.loaded.unresolved.is_empty();
    setup::service(&file.loaded.config, &file.path).map_err(|error| match may_pass {
        true => FailedStart::passing(error),
        false => error.into(),
    })?;
    Ok(file)
}

/// Takes down what a pulse left that has ended. While one runs, its addresses are its own: a second one that
/// was refused must not take them away.
///
/// They are those of lvs.cf, and those that it held, in case that lvs.cf does not say them any more.
fn drop_addresses(file: Result<ConfigFile, Fault>) -> Result<ExitCode, FailedStart> {
    let lock = Lock::take("pulse");
    if let Err(held @ LockError::Held(..)) = &lock {
        return Err(FailedStart::passing(format_args!(
            "{held}: its addresses stay"
        )));
    }
    let mut held_file = HeldFile::find();
    let mut left = held_file.read();
    match file {
        Ok(file) if is_started_again_alone(&file) => {
            log::info!("no partner: addresses stay for the next start");
            return Ok(ExitCode::SUCCESS);
        }
        Ok(file) => left.extend(setup::addresses(&file.loaded.config)),
        Err(fault) if left.is_empty() => return Err(failed_start::refused_behind_a_start(fault)),
        Err(_) => log::warn!("lvs.cf is refused: what the last pulse held goes all the same"),
    }
    // Without a lock, on a full disk say, the addresses go all the same.
    addresses::drop_left(&left).map_err(FailedStart::passing)?;
    held_file.write(&[]);
    drop(lock);
    Ok(ExitCode::SUCCESS)
}

/// Whether systemd asks after a failure, and will start a pulse that adopts what is up: alone it need not
/// wait for anybody. `SERVICE_RESULT`: systemd.exec(5).
fn is_started_again_alone(file: &ConfigFile) -> bool {
    let has_failed = std::env::var_os("SERVICE_RESULT").is_some_and(|result| result != "success");
    has_failed && !failed_start::was_final() && !setup::has_partner(&file.loaded.config.heartbeat)
}

/// This backup is not to run. For a service manager that is a start and an end: nothing failed, and it must
/// not try again for ever.
fn say_idle() {
    log::info!("{}", Notice::BackupInactive);
    daemon::notify::ready();
}

/// Waits for the address that makes this machine a director, then runs. Nobody reads standard error any more.
fn start_late(
    options: &Options,
    file: ConfigFile,
    refused: Vec<String>,
    instance: Instance,
) -> ExitCode {
    let run = move || -> Result<(), Box<dyn std::error::Error>> {
        let clock = Clock::start();
        let mut waiting = await_own_address::turning(clock)?;
        let prepare = |file: &ConfigFile| prepare(options, file);
        let arrival = await_own_address::wait(file, refused, clock, &mut waiting, prepare)?;
        let Arrival::Here(file, refused, (setup, sockets)) = arrival else {
            return Ok(());
        };
        file.log();
        if is_idle(&setup) {
            say_idle();
            return Ok(());
        }
        let (shell, turning) = Shell::new(options, setup, &file, refused, sockets)?;
        // Those that came before the shell's own signals were there: it gets them now.
        let missed = waiting.signals().pending();
        if missed.iter().any(|it| await_own_address::is_stop(*it)) {
            return Ok(());
        }
        for signal in missed {
            nix::sys::signal::raise(signal)?;
        }
        Ok(shell.run(turning, instance)?)
    };
    late(run())
}

/// The status of a program that had started.
fn late(result: Result<(), impl std::fmt::Display>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error!("{error}");
            ExitCode::from(LATE_FAILURE)
        }
    }
}

/// A backup of a file that has none has nothing to do.
fn is_idle(setup: &Setup) -> bool {
    setup.settings.role == ConfiguredRole::Backup && !setup.settings.has_partner
}

/// Everything up to the bound sockets, while somebody still reads standard error.
fn prepare(options: &Options, file: &ConfigFile) -> Result<(Setup, Sockets), SetupError> {
    let own = setup::own_addresses()?;
    let mut setup = Setup::new(file.loaded.config.clone(), options, &own)?;
    setup.settings.content = file.loaded.hash.number();
    let auth = auth::begin(&setup).map_err(SetupError::NoRandomness)?;
    let sockets = Sockets::open(&setup, auth)?;
    setup.say_remarks();
    places::say_unannounced(&setup.config);
    Ok((setup, sockets))
}

fn go_to_background(options: &Options) -> Result<Option<Background>, FailedStart> {
    let goes = !options.foreground;
    let gone = goes.then(daemon::background).transpose();
    gone.map_err(FailedStart::passing)
}

/// Writes the pid, then lets the starter go.
fn finish_start(instance: &mut Instance, background: Option<Background>) {
    instance.write();
    if let Some(Err(error)) = background.map(Background::ready) {
        log::error!("/dev/null: {error}");
    }
}
