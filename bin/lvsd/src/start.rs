//! From the command line to the loop: file, lock, kernel, background, and the dry run.

use std::io::{self, Write};
use std::path::Path;

use config_file::{ConfigFile, Follower, Program, tell};
use control::LVSD_SOCKET as STATUS_SOCKET;
use daemon::log::Target;
use daemon::{
    ControlSocket, Instance, PARENT_VARIABLE, Parent, SignOfLife, Signal, Signals, ToParent,
    background, notify,
};
use director::{Lvsd, Site, Table};
use lvs_model::Mono;

use crate::failure::{failure, held};
use crate::kernel::Kernel;
use crate::nannies::Nannies;
use crate::options::{NAME, Options};
use crate::{dry_run, removal, shell, sysctl};

/// Tells pulse that the services stand.
const READY: &str = "ready";
/// Begins a line that tells it why lvsd did not start.
const FAILED: &str = "failed ";
/// Tells it that every real server has been checked, and the table follows.
const CHECKED: &str = "checked";
const PID_FILE: &str = "/var/run/lvs.pid";

/// `-t`: prints what a start would do. The status is 1 for a file that is refused or of which a part was
/// left out.
pub fn test(options: &Options, out: &mut dyn Write, err: &mut dyn Write) -> (u8, io::Result<()>) {
    let path = config_file::find(options.config_file.as_deref());
    let file = match config_file::check(&path) {
        Ok(file) => file,
        Err(fault) => return (1, write_lines(err, &fault.lines_with_notes(Program::Lvsd))),
    };
    let site = site(&file, options);
    let mut remarks = file.remarks(true);
    let own = site.services.iter().map(|s| s.service.key).collect();
    let read = Kernel::look().and_then(|mut kernel| kernel.read(&own));
    let found = read.unwrap_or_else(|error| {
        remarks.push(format!("{NAME}: plan against an empty table: {error}"));
        Table::new()
    });
    let how = (options.clear, options.foreground);
    let written = write_lines(err, &remarks).and_then(|()| dry_run::print(&site, how, found, out));
    (u8::from(file.has_faults()), written)
}

/// What the file and the command line ask for.
fn site(file: &ConfigFile, options: &Options) -> Site {
    Site::new(&file.loaded.config, options.verbose, options.foreground)
}

/// Runs lvsd until its end.
pub fn run(options: &Options, err: &mut dyn Write) -> u8 {
    let target = if options.foreground {
        Target::Stdout
    } else {
        Target::Syslog
    };
    let ident = if options.foreground { NAME } else { "lvsd" };
    daemon::log::start(ident, target, options.verbose);
    let run = if options.remove_services {
        removal::run
    } else {
        try_run
    };
    match run(options) {
        Ok(status) => status,
        Err(lines) => {
            // pulse reads our standard output; nobody reads standard error.
            match std::env::var_os(PARENT_VARIABLE) {
                Some(_) => tell_parent(&lines),
                None => tell(&lines, err, options.foreground),
            }
            1
        }
    }
}

fn try_run(options: &Options) -> Result<u8, Vec<String>> {
    // pulse passes on signals that come while names are looked up.
    let mut signals = Signals::new(&[Signal::SIGHUP]).map_err(failure)?;
    let path = config_file::find(options.config_file.as_deref());
    let file = config_file::read_as_child(&path).map_err(|fault| fault.lines(Program::Lvsd))?;
    let pid_file = (!options.foreground).then_some(Path::new(PID_FILE));
    let mut instance = Instance::begin("lvsd", pid_file).map_err(held)?;
    let kernel = Kernel::open(&file.loaded.config.ipvsadm).map_err(failure)?;
    signals.handle(&shell::SIGNALS).map_err(failure)?;
    let forks = !options.foreground && !options.no_fork;
    // pulse starts us with --nofork; a lifeline would not survive the way into the background.
    let parent = match forks {
        true => None,
        false => Parent::from_env().map_err(failure)?,
    };
    let in_background = match forks {
        true => Some(background().map_err(failure)?),
        false => None,
    };
    // Nothing that was left open for us gets to a nanny. A kernel before 5.11 leaves it to whoever opened it.
    let _ = daemon::close_descriptors_on_exec();
    // Each nanny has a socket to us; or one process checks a thousand servers at once.
    if let Err(error) = daemon::make_room_for_descriptors() {
        log::warn!("cannot raise the limit of open descriptors: {error}");
    }
    // If a nanny is killed, we become the parent of what its programs leave behind.
    daemon::adopt_orphans().map_err(failure)?;
    instance.write();
    let foreground = options.foreground;
    let for_site = options.clone();
    let accept = move |file: &ConfigFile| {
        let site = site(file, &for_site);
        sysctl::check(&site, file.loaded.config.set_sysctls);
        site
    };
    let has_parent = parent.is_some();
    // Leaving the terminal closes standard output before the last word is said.
    let link = ToParent::open(has_parent, foreground).map_err(failure)?;
    let link_when_checked = link.clone();
    let sign_of_life = SignOfLife::as_asked(&link);
    let ready = move || {
        link.tell(READY);
        notify::ready();
        let gone = match in_background {
            Some(background) => background.ready(),
            None if foreground => Ok(()),
            None => daemon::detach(has_parent),
        };
        if let Err(error) = gone {
            log::error!("cannot leave the terminal: {error}");
        }
    };
    file.log();
    let machine = Lvsd::new(accept(&file), options.clear);
    let follower = Follower::new(&file, Mono::ZERO);
    let read = shell::file_status(&file);
    // As large as the site that was made of it, and no longer needed.
    drop(file);
    let status = shell::run(shell::Setup {
        machine,
        kernel,
        nannies: Nannies::new(foreground, has_parent).map_err(failure)?,
        signals,
        parent,
        sign_of_life,
        status: status_socket(),
        instance,
        follower,
        file: read,
        accept: Box::new(accept),
        ready: Box::new(ready),
        checked: Box::new(move || link_when_checked.tell(CHECKED)),
    });
    // Nobody reads what is not logged any more.
    Ok(status.unwrap_or_else(|error| {
        log::error!("{error}");
        1
    }))
}

/// Where the state can be read; lvsd works without it too.
fn status_socket() -> Option<ControlSocket> {
    let path = daemon::own_name(Path::new(STATUS_SOCKET));
    match ControlSocket::open_for_readers(&path) {
        Ok(socket) => Some(socket),
        Err(error) => {
            let path = path.display();
            log::warn!("{path}: no status can be read there: {error}");
            None
        }
    }
}

/// pulse logs why lvsd did not start: it knows what it has said before.
fn tell_parent(lines: &[String]) {
    for line in lines {
        if let Err(error) = writeln!(io::stdout().lock(), "{FAILED}{line}") {
            log::error!("{line}");
            log::debug!("cannot tell pulse: {error}");
        }
    }
}

fn write_lines(out: &mut dyn Write, lines: &[String]) -> io::Result<()> {
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))
}
