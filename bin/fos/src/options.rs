//! The command line of fos.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use director::failover::Mode;
use popt::{Aliases, Program, Read, Row, ScanError, Setter, Table};

/// The name in messages, log lines and alias files.
pub const NAME: &str = "fos";

type OptionRow = Row<Setter<Given, OptionsError>>;

static PROGRAM: Program<Given, OptionsError> = Program {
    name: NAME,
    old_name: NAME,
    release: env!("CARGO_PKG_VERSION"),
    table: Table {
        rows: &[
            OptionRow::text("configfile", "FILE", |given, file| {
                given.options.config_file = file.into();
            })
            .letter('c')
            .help("Configuration to use instead of /etc/sysconfig/ha/lvs.cf or /etc/lvs.cf"),
            OptionRow::flag("monitor", |given| given.monitor = true)
                .letter('f')
                .help("Watch the services of the partner"),
            OptionRow::flag("active", |given| given.active = true)
                .letter('F')
                .help("Run the services here"),
            OptionRow::flag("nodaemon", |given| given.options.foreground = true)
                .letter('n')
                .help("Stay in the foreground and log to standard output"),
            OptionRow::flag("nofork", |given| given.options.no_fork = true)
                .help("Be a daemon, but in the process that was started"),
            OptionRow::flag("test-start", |given| given.options.dry_run = true)
                .letter('t')
                .help("Print what would be run, and run nothing"),
            OptionRow::flag("norun", |given| given.options.dry_run = true)
                .help("The same as --test-start"),
            OptionRow::flag("verbose", |given| given.options.verbose = true)
                .letter('v')
                .help("Let the nannies say more"),
            OptionRow::version(),
        ],
        help_rows: &popt::help_rows(Setter::Help, Setter::Usage),
    },
};

/// What was read, before it is judged as a whole.
struct Given {
    options: Options,
    /// `-f`
    monitor: bool,
    /// `-F`
    active: bool,
}

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one for each switch of the command line"
)]
pub struct Options {
    /// `-c`, else the usual place that has a file.
    pub config_file: PathBuf,
    /// `-f` or `-F`.
    pub mode: Mode,
    /// `-n`.
    pub foreground: bool,
    /// `--nofork`.
    pub no_fork: bool,
    /// `-t`, `--norun`.
    pub dry_run: bool,
    /// `-v`.
    pub verbose: bool,
}

/// A command line, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Run with these options.
    Run(Options),
    /// Print this on standard output and end with status 0.
    Print(String),
}

/// A command line that fos does not take; its `Display` is the original's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionsError {
    /// An option and what is wrong with it.
    BadArgument(String),
    /// Words that are no options.
    UnexpectedArguments,
    /// `-f` and `-F`.
    BothModes,
    /// Neither of them.
    NoMode,
}

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadArgument(what) => write!(f, "fos: bad argument {what}"),
            Self::UnexpectedArguments => f.write_str("fos: unexpected arguments"),
            Self::BothModes => f.write_str("fos: Cannot specifiy both -f and -F!"),
            Self::NoMode => f.write_str("fos: Either --monitor (-f) or --active (-F) required!"),
        }
    }
}

impl std::error::Error for OptionsError {}

impl From<ScanError<'_>> for OptionsError {
    fn from(error: ScanError<'_>) -> Self {
        Self::BadArgument(error.to_string())
    }
}

/// Reads the arguments behind the program's name.
///
/// # Errors
/// [`OptionsError`] for an unknown option, a missing value, a stray word, and unless exactly one of
/// `-f` and `-F` is given.
pub fn parse(args: &[OsString], aliases: &Aliases) -> Result<Request, OptionsError> {
    let mut given = Given {
        options: Options {
            config_file: config_file::find(None),
            mode: Mode::Monitor,
            foreground: false,
            no_fork: false,
            dry_run: false,
            verbose: false,
        },
        monitor: false,
        active: false,
    };
    let words = args.iter().map(OsString::as_os_str);
    match PROGRAM.read(words, aliases, &mut given)? {
        Read::Print(text) => return Ok(Request::Print(text)),
        Read::Words(words) if !words.is_empty() => return Err(OptionsError::UnexpectedArguments),
        Read::Words(_) | Read::Last => {}
    }
    given.options.mode = match (given.monitor, given.active) {
        (true, true) => return Err(OptionsError::BothModes),
        (false, false) => return Err(OptionsError::NoMode),
        (true, false) => Mode::Monitor,
        (false, true) => Mode::Active,
    };
    Ok(Request::Run(given.options))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Request, String> {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        parse(&args, &Aliases::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_line_that_pulse_uses_is_taken() {
        for (option, mode) in [("--active", Mode::Active), ("-f", Mode::Monitor)] {
            let expected = Options {
                config_file: "/tmp/lvs.cf".into(),
                mode,
                foreground: false,
                no_fork: true,
                dry_run: false,
                verbose: true,
            };
            let args = [option, "-c", "/tmp/lvs.cf", "--nofork", "-v"];
            assert_eq!(parsed(&args), Ok(Request::Run(expected)));
        }
    }

    #[test]
    fn a_bad_command_line_is_refused_in_the_originals_words() {
        for (args, message) in [
            (&["-f", "-F"][..], "fos: Cannot specifiy both -f and -F!"),
            (
                &["-n"],
                "fos: Either --monitor (-f) or --active (-F) required!",
            ),
            (&["-f", "x"], "fos: unexpected arguments"),
            (&["--bad"], "fos: bad argument --bad: unknown option"),
        ] {
            assert_eq!(parsed(args), Err(message.to_owned()));
        }
    }

    #[test]
    fn the_manual_explains_every_option() {
        let page = include_str!("../../../man/fos.8");
        let options = PROGRAM
            .table
            .all()
            .map(|row| (row.long_name(), row.short_name()));
        assert_eq!(testkit::unexplained_options(page, options), [""; 0]);
    }
}
