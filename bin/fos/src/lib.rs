//! Services on the directors themselves, which follow the active one.
//!
//! The decisions are `director::failover`'s; here is what carries them out:
//!
//! - [`options`], [`load`]: command line and lvs.cf to what fos does
//! - [`dry_run`]: what would be run
//! - [`children`]: the commands and the monitors as processes
//! - [`shell`]: the loop

mod children;
mod dry_run;
mod load;
mod options;
mod shell;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use daemon::log::Target;
use daemon::{
    Background, Clock, EventLoop, Instance, PARENT_VARIABLE, Parent, SignOfLife, Signal, Signals,
    ToParent,
};
use director::failover::Fos;

use crate::children::Children;
use crate::options::{NAME, Options, Request};
use crate::shell::Shell;

/// Where the pid is written, unless in the foreground.
const PID_FILE: &str = "/var/run/fos.pid";

/// Runs fos; `args` without the program's name. The status is the program's: 0 at every normal end.
pub fn run(args: &[OsString], out: &mut impl Write, err: &mut impl Write) -> ExitCode {
    let (mut is_log_beside, mut has_parent) = (false, false);
    let result = match options::parse(args, &daemon::aliases(NAME)) {
        Ok(Request::Run(options)) if options.dry_run => return dry_run::run(&options, out, err),
        Ok(Request::Run(options)) => {
            has_parent = std::env::var_os(PARENT_VARIABLE).is_some();
            is_log_beside = options.foreground;
            start(&options)
        }
        Ok(Request::Print(text)) => {
            // A reader that has gone away does not matter.
            let _ = out.write_all(text.as_bytes());
            Ok(())
        }
        Err(error) => Err(vec![error.to_string()]),
    };
    let Err(lines) = result else {
        return ExitCode::SUCCESS;
    };
    if has_parent {
        // pulse passes our log on; our standard error is for that of the monitors.
        lines.iter().for_each(|line| log::error!("{line}"));
    } else {
        config_file::tell(&lines, err, is_log_beside);
    }
    ExitCode::FAILURE
}

fn start(options: &Options) -> Result<(), Vec<String>> {
    let target = if options.foreground {
        Target::Stdout
    } else {
        Target::Syslog
    };
    daemon::log::start(NAME, target, options.verbose);
    // pulse passes on signals that come while names are looked up.
    let mut signals = Signals::new(&[Signal::SIGHUP]).map_err(failure)?;
    let file = config_file::read_as_child(&options.config_file);
    let file = file.map_err(|fault| fault.lines(config_file::Program::Fos))?;
    file.log();
    let site = load::site(&file, options)?;
    let pid_file = (!options.foreground).then_some(Path::new(PID_FILE));
    let mut instance = Instance::begin(NAME, pid_file).map_err(failure)?;
    signals.handle(&shell::SIGNALS).map_err(failure)?;
    let forks = !options.foreground && !options.no_fork;
    // pulse starts us with --nofork; a lifeline would not survive the way into the background.
    let parent = match forks {
        true => None,
        false => Parent::from_env().map_err(failure)?,
    };
    let background = match forks {
        true => Some(daemon::background().map_err(failure)?),
        false => None,
    };
    instance.write();
    // Nothing that was left open for us gets to a monitor. A kernel before 5.11 leaves it to whoever opened it.
    let _ = daemon::close_descriptors_on_exec();
    // Leaving the terminal closes standard output.
    let to_parent = ToParent::open(parent.is_some(), options.foreground).map_err(failure)?;
    let sign_of_life = SignOfLife::as_asked(&to_parent);
    leave_terminal(options, background, parent.is_some()).map_err(failure)?;
    let children = Children::new(options, parent.is_some());
    let clock = Clock::start();
    let machine = Fos::new(site, options.mode);
    let shell = Shell::new(clock, machine, children, options, instance, &file);
    let mut shell = shell.under(parent, sign_of_life);
    let end = EventLoop::new(clock, signals).run(&mut shell);
    end.map_err(failure)
}

/// Leaves the terminal, as far as that is asked for.
fn leave_terminal(
    options: &Options,
    background: Option<Background>,
    has_parent: bool,
) -> io::Result<()> {
    match background {
        Some(background) => background.ready(),
        None if options.foreground => Ok(()),
        None => daemon::detach(has_parent),
    }
}

fn failure(error: impl std::fmt::Display) -> Vec<String> {
    vec![format!("{NAME}: {error}")]
}
