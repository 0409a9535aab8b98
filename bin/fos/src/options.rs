//! The command line of fos.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use director::failover::Mode;
use popt::{Aliases, Item, Row, Scanner, Table, Takes, Value};

/// The name in messages, log lines and alias files.
pub const NAME: &str = "fos";

const RELEASE: &str = env!("CARGO_PKG_VERSION");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    ConfigFile,
    Monitor,
    Active,
    NoDaemon,
    NoFork,
    TestStart,
    Verbose,
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
        Row::new(Key::Monitor, "monitor")
            .letter('f')
            .help("Watch the services of the partner"),
        Row::new(Key::Active, "active")
            .letter('F')
            .help("Run the services here"),
        Row::new(Key::NoDaemon, "nodaemon")
            .letter('n')
            .help("Stay in the foreground and log to standard output"),
        Row::new(Key::NoFork, "nofork").help("Be a daemon, but in the process that was started"),
        Row::new(Key::TestStart, "test-start")
            .letter('t')
            .help("Print what would be run, and run nothing"),
        Row::new(Key::TestStart, "norun").help("The same as --test-start"),
        Row::new(Key::Verbose, "verbose")
            .letter('v')
            .help("Let the monitors say more"),
        Row::new(Key::Version, "version").help("Print the version"),
    ],
    help_rows: &popt::help_rows(Key::Help, Key::Usage),
};

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

/// Reads the arguments behind the program's name.
///
/// # Errors
/// [`OptionsError`] for an unknown option, a missing value, a stray word, and unless exactly one of
/// `-f` and `-F` is given.
pub fn parse(args: &[OsString], aliases: &Aliases) -> Result<Request, OptionsError> {
    let mut options = Options {
        config_file: config_file::find(None),
        mode: Mode::Monitor,
        foreground: false,
        no_fork: false,
        dry_run: false,
        verbose: false,
    };
    let (mut is_monitor, mut is_active, mut has_words) = (false, false, false);
    let words = args.iter().map(OsString::as_os_str);
    for item in Scanner::new(&TABLE, words).with_aliases(aliases) {
        match item.map_err(|error| OptionsError::BadArgument(error.to_string()))? {
            Item::Word(_) => has_words = true,
            Item::Option(Key::Help, _) => return Ok(Request::Print(popt::help(NAME, &TABLE))),
            Item::Option(Key::Usage, _) => return Ok(Request::Print(popt::usage(NAME, &TABLE))),
            Item::Option(Key::Version, _) => {
                return Ok(Request::Print(popt::version(NAME, RELEASE)));
            }
            Item::Option(Key::Monitor, _) => is_monitor = true,
            Item::Option(Key::Active, _) => is_active = true,
            Item::Option(key, value) => options.take(key, value),
        }
    }
    if has_words {
        return Err(OptionsError::UnexpectedArguments);
    }
    options.mode = match (is_monitor, is_active) {
        (true, true) => return Err(OptionsError::BothModes),
        (false, false) => return Err(OptionsError::NoMode),
        (true, false) => Mode::Monitor,
        (false, true) => Mode::Active,
    };
    Ok(Request::Run(options))
}

impl Options {
    fn take(&mut self, key: Key, value: Value<'_>) {
        match key {
            Key::ConfigFile => {
                self.config_file = value.text().map(PathBuf::from).unwrap_or_default();
            }
            Key::NoDaemon => self.foreground = true,
            Key::NoFork => self.no_fork = true,
            Key::TestStart => self.dry_run = true,
            Key::Verbose => self.verbose = true,
            Key::Monitor | Key::Active | Key::Version | Key::Help | Key::Usage => {}
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
        let options = TABLE.all().map(|row| (row.long_name(), row.short_name()));
        assert_eq!(testkit::unexplained_options(page, options), [""; 0]);
    }
}
