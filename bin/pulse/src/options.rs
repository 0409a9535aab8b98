//! The command line of pulse.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

use control::{PulseOrder, UnknownOrder};
use popt::{Aliases, Item, Row, Scanner, Table, Takes, Value};

const LVSD: &str = "/usr/sbin/lvsd";
const FOS: &str = "/usr/sbin/fos";

const RELEASE: &str = env!("CARGO_PKG_VERSION");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    ConfigFile,
    NoDaemon,
    TestStart,
    Verbose,
    ForceActive,
    Lvsd,
    Fos,
    DropAddresses,
    Status,
    Json,
    Order,
    CopyConfig,
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
        Row::new(Key::TestStart, "test-start")
            .letter('t')
            .help("Print what would be set up; change and send nothing"),
        Row::new(Key::TestStart, "norun").help("The same as --test-start"),
        Row::new(Key::Verbose, "verbose")
            .letter('v')
            .help("Log debugging messages"),
        Row::new(Key::ForceActive, "forceactive").help("Take over at once"),
        Row::new(Key::Lvsd, "lvsd")
            .takes(Takes::Text, "PATH")
            .help("Program to start instead of /usr/sbin/lvsd"),
        Row::new(Key::Lvsd, "lvs")
            .takes(Takes::Text, "PATH")
            .help("The same as --lvsd"),
        Row::new(Key::Fos, "fos")
            .takes(Takes::Text, "PATH")
            .help("Program to start instead of /usr/sbin/fos"),
        Row::new(Key::DropAddresses, "drop-addresses")
            .help("Take the virtual addresses away and end; for when pulse is gone"),
        Row::new(Key::Status, "status")
            .help("Show what the running pulse says of itself and its pair, and end"),
        Row::new(Key::Json, "json").help("With --status: as JSON lines"),
        Row::new(Key::Order, "order")
            .takes(Takes::Text, "ORDER")
            .help("Order the running pulse: failover, standby on|off, freeze on|off, reload"),
        Row::new(Key::CopyConfig, "copy-config")
            .help("Copy the configuration to the partner, have it read there, and end"),
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
    /// `-c`, else the usual place that has a file; handed to lvsd as it is.
    pub config_file: PathBuf,
    /// `-n`.
    pub foreground: bool,
    /// `-t`, `--norun`.
    pub dry_run: bool,
    /// `-v`.
    pub verbose: bool,
    /// `--forceactive`.
    pub force_active: bool,
    /// `--lvsd`, `--lvs`.
    pub lvsd: PathBuf,
    /// `--fos`.
    pub fos: PathBuf,
    /// `--drop-addresses`.
    pub drop_addresses: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            config_file: config_file::find(None),
            foreground: false,
            dry_run: false,
            verbose: false,
            force_active: false,
            lvsd: LVSD.into(),
            fos: FOS.into(),
            drop_addresses: false,
        }
    }
}

/// A command line, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Run with these options.
    Run(Options),
    /// Show what the running pulse says; as JSON lines if true.
    Status(bool),
    /// Copy this file to the partner.
    CopyConfig(PathBuf),
    /// Give the running pulse an order.
    Order(PulseOrder),
    /// Print this on standard output and end with status 0.
    Print(String),
}

/// A command line that pulse does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionsError {
    /// An option and what is wrong with it.
    BadArgument(String),
    /// Words that are no options.
    UnexpectedArguments,
    /// `--order` with words that are none.
    UnknownOrder(UnknownOrder),
    /// Two of `--status`, `--order` and `--copy-config`.
    Contradiction,
}

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadArgument(what) => write!(f, "pulse: bad argument {what}"),
            Self::UnexpectedArguments => f.write_str("pulse: unexpected arguments"),
            Self::UnknownOrder(error) => write!(f, "pulse: {error}"),
            Self::Contradiction => f.write_str(
                "pulse: --status (--json), --order and --copy-config exclude each other",
            ),
        }
    }
}

impl std::error::Error for OptionsError {}

/// Reads the arguments behind the program's name.
///
/// # Errors
/// [`OptionsError`] for an option that pulse does not know, one without its value, a stray word, and for two that exclude each other.
pub fn parse(args: &[OsString], aliases: &Aliases) -> Result<Request, OptionsError> {
    let mut options = Options::default();
    let (mut asks, mut json, mut copies) = (false, false, false);
    let mut order: Option<OsString> = None;
    let mut stray: Vec<OsString> = Vec::new();
    let words = args.iter().map(OsString::as_os_str);
    for item in Scanner::new(&TABLE, words).with_aliases(aliases) {
        match item.map_err(|error| OptionsError::BadArgument(error.to_string()))? {
            Item::Word(word) => stray.push(word.to_owned()),
            Item::Option(Key::Help, _) => return Ok(Request::Print(popt::help("pulse", &TABLE))),
            Item::Option(Key::Usage, _) => return Ok(Request::Print(popt::usage("pulse", &TABLE))),
            Item::Option(Key::Version, _) => {
                return Ok(Request::Print(popt::version("pulse", RELEASE)));
            }
            Item::Option(Key::Status, _) => asks = true,
            Item::Option(Key::Json, _) => json = true,
            Item::Option(Key::CopyConfig, _) => copies = true,
            Item::Option(Key::Order, value) => order = value.text().map(Into::into),
            Item::Option(key, value) => options.take(key, value),
        }
    }
    let asked = [asks || json, copies, order.is_some()];
    if asked.into_iter().filter(|is_asked| *is_asked).count() > 1 {
        return Err(OptionsError::Contradiction);
    }
    if let Some(first) = order {
        return parse_order(&first, &stray);
    }
    if !stray.is_empty() {
        return Err(OptionsError::UnexpectedArguments);
    }
    Ok(if asks || json {
        Request::Status(json)
    } else if copies {
        Request::CopyConfig(options.config_file)
    } else {
        Request::Run(options)
    })
}

/// `--order standby on` is `--order "standby on"`.
fn parse_order(first: &OsStr, more: &[OsString]) -> Result<Request, OptionsError> {
    let words = std::iter::once(first).chain(more.iter().map(OsString::as_os_str));
    let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
    let order = words.join(" ").parse();
    order
        .map(Request::Order)
        .map_err(OptionsError::UnknownOrder)
}

impl Options {
    fn take(&mut self, key: Key, value: Value<'_>) {
        let path = value.text().map(PathBuf::from);
        match key {
            Key::ConfigFile => self.config_file = path.unwrap_or_default(),
            Key::Lvsd => self.lvsd = path.unwrap_or_default(),
            Key::Fos => self.fos = path.unwrap_or_default(),
            Key::NoDaemon => self.foreground = true,
            Key::TestStart => self.dry_run = true,
            Key::Verbose => self.verbose = true,
            Key::ForceActive => self.force_active = true,
            Key::DropAddresses => self.drop_addresses = true,
            Key::Status
            | Key::Json
            | Key::Order
            | Key::CopyConfig
            | Key::Version
            | Key::Help
            | Key::Usage => {}
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
    fn both_spellings_of_the_manual_and_the_program_are_taken() {
        let expected = Options {
            config_file: "/tmp/lvs.cf".into(),
            foreground: true,
            dry_run: true,
            lvsd: "/x".into(),
            ..Options::default()
        };
        for args in [
            &["-ntc", "/tmp/lvs.cf", "--lvs=/x"][..],
            &[
                "--nodaemon",
                "--norun",
                "--configfile=/tmp/lvs.cf",
                "--lvsd",
                "/x",
            ],
        ] {
            assert_eq!(parsed(args), Ok(Request::Run(expected.clone())), "{args:?}");
        }
    }

    #[test]
    fn a_bad_command_line_is_refused_in_the_originals_words() {
        for (args, message) in [
            (&["x"][..], "pulse: unexpected arguments"),
            (&["--bad"], "pulse: bad argument --bad: unknown option"),
            (&["-c"], "pulse: bad argument -c: missing argument"),
        ] {
            assert_eq!(parsed(args), Err(message.to_owned()));
        }
    }

    #[test]
    fn an_order_is_one_word_or_two() {
        use PulseOrder::{Failover, StandbyOn};
        for (args, order) in [
            (&["--order", "failover"][..], Failover),
            (&["--order=standby on"], StandbyOn),
            (&["--order", "standby", "on"], StandbyOn),
            (&["--order=standby", "on"], StandbyOn),
        ] {
            assert_eq!(parsed(args), Ok(Request::Order(order)), "{args:?}");
        }
        for args in [&["--order", "standby"][..], &["--order", "failover", "now"]] {
            let error = parsed(args).unwrap_err();
            let said = format!("pulse: no order \"{}\"; there are: ", args[1..].join(" "));
            assert!(error.starts_with(&said), "{error}");
        }
        for args in [
            &["--status", "--order", "failover"][..],
            &["--order=reload", "--json"],
            &["--copy-config", "--status"],
            &["--order", "failover", "--copy-config"],
        ] {
            let error = parsed(args).unwrap_err();
            assert!(error.ends_with("exclude each other"), "{args:?}: {error}");
        }
        assert_eq!(parsed(&["--status"]), Ok(Request::Status(false)));
        assert_eq!(parsed(&["--status", "--json"]), Ok(Request::Status(true)));
        assert!(parsed(&["--status", "on"]).is_err());
    }

    #[test]
    fn the_manual_explains_every_option() {
        let page = include_str!("../../../man/pulse.8");
        let options = TABLE.all().map(|row| (row.long_name(), row.short_name()));
        assert_eq!(testkit::unexplained_options(page, options), [""; 0]);
    }
}
