//! The command line of lvsd.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use popt::{Aliases, Item, Row, Scanner, Table, Takes, Value};

/// The name in messages and alias files: the program's old one.
pub const NAME: &str = "lvs";

const RELEASE: &str = env!("CARGO_PKG_VERSION");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    ConfigFile,
    NoDaemon,
    NoFork,
    TestStart,
    Verbose,
    Clear,
    RemoveServices,
    Status,
    Version,
    Help,
    Usage,
}

const TABLE: Table<Key> = Table {
    rows: &[
        Row::new(Key::ConfigFile, "configfile")
            .letter('c')
            .takes(Takes::Text, "FILE")
            .help("Configuration to use instead of /etc/sysconfig/ha/lvs.cf or /etc/lvs.cf"),
        Row::new(Key::NoDaemon, "nodaemon")
            .letter('n')
            .help("Stay in the foreground and log to standard output"),
        Row::new(Key::NoFork, "nofork").help("Be a daemon, but in the process that was started"),
        Row::new(Key::TestStart, "test-start")
            .letter('t')
            .help("Print what would be done to the table and which monitors would run"),
        Row::new(Key::Verbose, "verbose")
            .letter('v')
            .help("Log each operation on the table, and let the monitors say more"),
        Row::new(Key::Clear, "clear")
            .help("Empty the kernel's table first, services of others included"),
        Row::new(Key::RemoveServices, "remove-services")
            .help("Take the file's services out of the kernel's table, and end"),
        Row::new(Key::Status, "status")
            .help("Print what the running lvsd and pulse say of themselves, as JSON lines"),
        Row::new(Key::Version, "version").help("Print the version"),
    ],
    help_rows: &popt::help_rows(Key::Help, Key::Usage),
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

/// Reads the arguments behind the program's name.
///
/// # Errors
/// [`OptionsError`] for an option that lvsd does not know, one without its value, a stray word.
pub fn parse(args: &[OsString], aliases: &Aliases) -> Result<Request, OptionsError> {
    let mut options = Options::default();
    let words = args.iter().map(OsString::as_os_str);
    let mut has_words = false;
    for item in Scanner::new(&TABLE, words).with_aliases(aliases) {
        match item.map_err(|error| OptionsError::BadArgument(error.to_string()))? {
            Item::Word(_) => has_words = true,
            Item::Option(key, value) => match key {
                Key::Help => return Ok(Request::Print(popt::help("lvsd", &TABLE))),
                Key::Usage => return Ok(Request::Print(popt::usage("lvsd", &TABLE))),
                Key::Version => return Ok(Request::Print(popt::version(NAME, RELEASE))),
                Key::Status => return Ok(Request::Status),
                key => options.take(key, value),
            },
        }
    }
    if has_words {
        return Err(OptionsError::UnexpectedArguments);
    }
    Ok(Request::Run(options))
}

impl Options {
    fn take(&mut self, key: Key, value: Value<'_>) {
        match key {
            Key::ConfigFile => self.config_file = value.text().map(PathBuf::from),
            Key::NoDaemon => self.foreground = true,
            Key::NoFork => self.no_fork = true,
            Key::TestStart => self.test_start = true,
            Key::Verbose => self.verbose = true,
            Key::Clear => self.clear = true,
            Key::RemoveServices => self.remove_services = true,
            Key::Status | Key::Version | Key::Help | Key::Usage => {}
        }
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
        let options = TABLE.all().map(|row| (row.long_name(), row.short_name()));
        assert_eq!(testkit::unexplained_options(page, options), [""; 0]);
    }
}
