//! The command line of lvsd.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use popt::{Aliases, Program, Read, Row, ScanError, Setter, Table};

/// The name in messages and alias files: the program's old one.
pub const NAME: &str = "lvs";

type OptionRow = Row<Setter<Options, OptionsError>>;

static PROGRAM: Program<Options, OptionsError> = Program {
    name: "lvsd",
    old_name: NAME,
    release: env!("CARGO_PKG_VERSION"),
    table: Table {
        rows: &[
            OptionRow::text("configfile", "FILE", |options, file| {
                options.config_file = Some(file.into());
            })
            .letter('c')
            .help("Configuration to use instead of /etc/sysconfig/ha/lvs.cf or /etc/lvs.cf"),
            OptionRow::flag("nodaemon", |options| options.foreground = true)
                .letter('n')
                .help("Stay in the foreground and log to standard output"),
            OptionRow::flag("nofork", |options| options.no_fork = true)
                .help("Be a daemon, but in the process that was started"),
            OptionRow::flag("test-start", |options| options.test_start = true)
                .letter('t')
                .help("Print what would be done to the table and which nannies would run"),
            OptionRow::flag("verbose", |options| options.verbose = true)
                .letter('v')
                .help("Log each operation on the table, and let the nannies say more"),
            OptionRow::flag("clear", |options| options.clear = true)
                .help("Empty the kernel's table first, services of others included"),
            OptionRow::flag("remove-services", |options| options.remove_services = true)
                .help("Take the file's services out of the kernel's table, and end"),
            OptionRow::last("status", |_| ())
                .help("Print what the running lvsd and pulse say of themselves, as JSON lines"),
            OptionRow::version(),
        ],
        help_rows: &popt::help_rows(Setter::Help, Setter::Usage),
    },
};

/// What the command line asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `-c`; `None` means the usual places.
    pub config_file: Option<PathBuf>,
    /// `-n`.
    pub foreground: bool,
    /// `--nofork`.
    pub no_fork: bool,
    /// `-t`.
    pub test_start: bool,
    /// `-v`.
    pub verbose: bool,
    /// `--clear`.
    pub clear: bool,
    /// `--remove-services`.
    pub remove_services: bool,
}

/// A command line, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Run with these options.
    Run(Options),
    /// Print what the running lvsd says of itself.
    Status,
    /// Print this on standard output and end with status 0.
    Print(String),
}

/// A command line that lvsd does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionsError {
    /// An option and what is wrong with it.
    BadArgument(String),
    /// Words that are no options.
    UnexpectedArguments,
}

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadArgument(what) => write!(f, "{NAME}: bad argument {what}"),
            Self::UnexpectedArguments => write!(f, "{NAME}: unexpected arguments"),
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
/// [`OptionsError`] for an option that lvsd does not know, one without its value, a stray word.
pub fn parse(args: &[OsString], aliases: &Aliases) -> Result<Request, OptionsError> {
    let mut options = Options::default();
    let words = args.iter().map(OsString::as_os_str);
    match PROGRAM.read(words, aliases, &mut options)? {
        Read::Print(text) => Ok(Request::Print(text)),
        Read::Last => Ok(Request::Status),
        Read::Words(words) if words.is_empty() => Ok(Request::Run(options)),
        Read::Words(_) => Err(OptionsError::UnexpectedArguments),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Request, String> {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        parse(&args, &Aliases::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn options_are_read_in_every_form_of_popt() {
        let expected = Options {
            config_file: Some("/tmp/lvs.cf".into()),
            foreground: true,
            verbose: true,
            ..Options::default()
        };
        for args in [
            &["-nvc", "/tmp/lvs.cf"][..],
            &["-n", "-v", "-c/tmp/lvs.cf"],
            &["--nodaemon", "--verbose", "--configfile=/tmp/lvs.cf"],
            &["--configfile", "/tmp/lvs.cf", "-nv"],
        ] {
            assert_eq!(parsed(args), Ok(Request::Run(expected.clone())), "{args:?}");
        }
    }

    #[test]
    fn a_bad_command_line_is_refused_in_the_originals_words() {
        for (args, message) in [
            (&["foo"][..], "lvs: unexpected arguments"),
            (&["-Z"], "lvs: bad argument -Z: unknown option"),
            (&["-c"], "lvs: bad argument -c: missing argument"),
        ] {
            assert_eq!(parsed(args), Err(message.to_owned()));
        }
    }

    #[test]
    fn the_manual_explains_every_option() {
        let page = include_str!("../../../man/lvsd.8");
        let options = PROGRAM
            .table
            .all()
            .map(|row| (row.long_name(), row.short_name()));
        assert_eq!(testkit::unexplained_options(page, options), [""; 0]);
    }
}
