//! The kernel's virtual server table by command line: drop-in for ipvsadm 1.31.
//!
//! [`main`] is the program. A command line takes this way:
//! - `start` opens the kernel's table; `help` prints what needs none
//! - `options` is the table of options, `popt` scans by it
//! - `parse` folds what it finds into a `line`: its `command`, the options `given`, and the values as `take`
//!   makes them (`number`, `seconds`, `address`, `inet`, `names`)
//! - `dispatch` carries it out: `request` checks the line as a whole (`legality`: which options go with the
//!   command; `tunnel`: which with a tunnel type) and says what to do
//! - `session` does it: one change (`ensure`), many (`restore`; `replace` and `wanted` for all or nothing), or
//!   a `listing` (`list`, `save`, `connections`, `watch`; `sort`, `counters`, `printed_name`; `list_json`,
//!   `json`)
//! - `error` and `refusal` hold the original's sentences; `output` is the buffer in front of standard output

mod address;
mod command;
mod connections;
mod counters;
mod dispatch;
mod ensure;
mod error;
#[cfg(test)]
mod fuzz;
mod given;
mod help;
mod inet;
mod json;
mod legality;
mod line;
mod list;
mod list_json;
mod listing;
mod names;
mod number;
mod options;
mod output;
mod parse;
mod printed_name;
mod refusal;
mod replace;
mod request;
mod restore;
mod save;
mod seconds;
mod session;
mod sort;
mod start;
mod take;
#[cfg(test)]
mod test_names;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_ours;
#[cfg(test)]
mod tests_of_plans;
#[cfg(test)]
mod tests_of_readers;
mod tunnel;
mod wanted;
mod watch;

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, Write};
use std::process::ExitCode;

use ipvs::{Ipvs, IpvsError};

use crate::error::status;
use crate::parse::{Parsed, Surroundings};

use crate::output::Output;
use crate::session::Session;

pub use names::{Names, SystemNames};
pub use watch::{Clock, Pace};

/// What a run reads and writes.
pub struct Streams<'a> {
    /// Standard input, read by `-R` only.
    pub input: &'a mut dyn BufRead,
    /// Standard output.
    pub out: &'a mut dyn Write,
    /// Standard error.
    pub err: &'a mut dyn Write,
}

/// The environment as far as it counts.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    /// Host and service names.
    pub names: &'a dyn Names,
    /// The time between two looks of `--watch`.
    pub pace: &'a dyn Pace,
    /// `POSIXLY_CORRECT` is set: the first word ends the options.
    pub posixly_correct: bool,
}

/// The program: arguments and streams of this process, the kernel's table.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let (names, pace) = (SystemNames::default(), Clock::default());
    let environment = Environment {
        names: &names,
        pace: &pace,
        posixly_correct: std::env::var_os("POSIXLY_CORRECT").is_some(),
    };
    let (mut open, mut closed) = (io::stdout().lock(), Closed);
    let out: &mut dyn Write = match lvs_sys::had_standard_output() {
        true => &mut open,
        false => &mut closed,
    };
    let streams = Streams {
        input: &mut BufReader::with_capacity(64 * 1024, io::stdin()),
        out,
        err: &mut io::stderr().lock(),
    };
    ExitCode::from(run(&arguments, start::open, environment, streams))
}

/// Standard output that was closed when the program began: nothing can be printed.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ipvs::Errno::EBADF.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One run: `arguments` with the program's name first, `open` for the kernel's table.
///
/// Returns the exit status. The table is opened before a wrong argument is reported, as the original
/// does it, but not for help and version.
pub fn run<I: Ipvs>(
    arguments: &[OsString],
    open: impl FnOnce() -> Result<I, IpvsError>,
    environment: Environment<'_>,
    streams: Streams<'_>,
) -> u8 {
    let (program, words) = match arguments.split_first() {
        Some((program, words)) => (program.as_os_str(), words),
        None => (OsStr::new("ipvsadm"), &[][..]),
    };
    let surroundings = Surroundings {
        program,
        names: environment.names,
        words_end_options: environment.posixly_correct,
    };
    let parsed = parse::parse(words.iter().map(OsString::as_os_str), surroundings);
    let Streams { input, out, err } = streams;
    let mut out = Output::new(out);
    match parsed {
        Ok(Parsed::Help) => {
            help::print_help(&mut out, program);
            return session::finish(out, err, status::OK);
        }
        Ok(Parsed::Version) => {
            help::print_version(&mut out);
            return session::finish(out, err, status::OK);
        }
        _ => {}
    }
    let opened = open().and_then(|mut kernel| Ok((kernel.info()?, kernel)));
    let (info, kernel) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            // There is no other stream to complain on.
            let _ = err.write_all(start::failure_text(&error).as_bytes());
            return status::USAGE;
        }
    };
    if let Some(warning) = start::version_warning(info) {
        let _ = err.write_all(warning.as_bytes());
    }
    let mut session = Session {
        kernel,
        info,
        program,
        names: environment.names,
        pace: environment.pace,
        words_end_options: environment.posixly_correct,
        input,
        out,
        err,
    };
    let status = if words.is_empty() {
        session.list_all()
    } else {
        dispatch::run(&mut session, parsed)
    };
    session.finish(status)
}
