//! The command line of pulse.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

use control::{PulseOrder, UnknownOrder};
use popt::{Aliases, Program, Read, Row, ScanError, Setter, Table};

const LVSD: &str = "/usr/sbin/lvsd";
const FOS: &str = "/usr/sbin/fos";

type OptionRow = Row<Setter<Given, OptionsError>>;

static PROGRAM: Program<Given, OptionsError> = Program {
    name: "pulse",
    old_name: "pulse",
    release: env!("CARGO_PKG_VERSION"),
    table: Table {
        rows: &[
            OptionRow::text("configfile", "FILE", |given, file| {
                given.options.config_file = file.into();
            })
            .letter('c')
            .help("Configuration to use instead of /etc/sysconfig/ha/lvs.cf or /etc/lvs.cf"),
            OptionRow::flag("nodaemon", |given| given.options.foreground = true)
                .letter('n')
                .help("Stay in the foreground and log to standard output"),
            OptionRow::flag("test-start", |given| given.options.dry_run = true)
                .letter('t')
                .help("Print what would be set up; change and send nothing"),
            OptionRow::flag("norun", |given| given.options.dry_run = true)
                .help("The same as --test-start"),
            OptionRow::flag("here", |given| given.options.here = true)
                .help("With --test-start: status 6 if this machine would not serve"),
            OptionRow::flag("verbose", |given| given.options.verbose = true)
                .letter('v')
                .help("Log debugging messages"),
            OptionRow::flag("forceactive", |given| given.options.force_active = true)
                .help("Take over at once"),
            OptionRow::text("lvsd", "PATH", set_lvsd)
                .help("Program to start instead of /usr/sbin/lvsd"),
            OptionRow::text("lvs", "PATH", set_lvsd).help("The same as --lvsd"),
            OptionRow::text("fos", "PATH", |given, path| {
                given.options.fos = path.into();
            })
            .help("Program to start instead of /usr/sbin/fos"),
            OptionRow::flag("drop-addresses", |given| {
                given.options.drop_addresses = true;
            })
            .help("Take the virtual addresses away and end; for when pulse is gone"),
            OptionRow::flag("status", |given| given.status = true)
                .help("Show what the running pulse says of itself and its pair, and end"),
            OptionRow::flag("json", |given| given.json = true).help("With --status: as JSON lines"),
            OptionRow::text("order", "ORDER", |given, order| {
                given.order = Some(order.to_owned());
            })
            .help("Order the running pulse: failover, standby on|off, freeze on|off, reload"),
            OptionRow::flag("copy-config", |given| given.copy_config = true)
                .help("Copy the configuration to the partner, have it read there, and end"),
            OptionRow::version(),
        ],
        help_rows: &popt::help_rows(Setter::Help, Setter::Usage),
    },
};

fn set_lvsd(given: &mut Given, path: &OsStr) {
    given.options.lvsd = path.into();
}

/// What was read, before it is judged as a whole.
#[derive(Default)]
struct Given {
    options: Options,
    status: bool,
    json: bool,
    copy_config: bool,
    order: Option<OsString>,
}

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
    /// `--here`.
    pub here: bool,
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
            here: false,
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

impl From<ScanError<'_>> for OptionsError {
    fn from(error: ScanError<'_>) -> Self {
        Self::BadArgument(error.to_string())
    }
}

/// Reads the arguments behind the program's name.
///
/// # Errors
/// [`OptionsError`] for an option that pulse does not know, one without its value, a stray word, and for two that exclude each other.
pub fn parse(args: &[OsString], aliases: &Aliases) -> Result<Request, OptionsError> {
    let mut given = Given::default();
    let words = args.iter().map(OsString::as_os_str);
    let stray = match PROGRAM.read(words, aliases, &mut given)? {
        Read::Print(text) => return Ok(Request::Print(text)),
        Read::Words(words) => words,
        Read::Last => Vec::new(),
    };
    let asks = given.status || given.json;
    let asked = [asks, given.copy_config, given.order.is_some()];
    if asked.into_iter().filter(|is_asked| *is_asked).count() > 1 {
        return Err(OptionsError::Contradiction);
    }
    if let Some(first) = given.order {
        return parse_order(&first, &stray);
    }
    if !stray.is_empty() {
        return Err(OptionsError::UnexpectedArguments);
    }
    Ok(if asks {
        Request::Status(given.json)
    } else if given.copy_config {
        Request::CopyConfig(given.options.config_file)
    } else {
        Request::Run(given.options)
    })
}

/// `--order standby on` is `--order "standby on"`.
fn parse_order(first: &OsStr, more: &[&OsStr]) -> Result<Request, OptionsError> {
    let words = std::iter::once(first).chain(more.iter().copied());
    let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
    let order = words.join(" ").parse();
    order
        .map(Request::Order)
        .map_err(OptionsError::UnknownOrder)
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
        let refused = "pulse: unexpected arguments".to_owned();
        assert_eq!(parsed(&["--status", "on"]), Err(refused));
    }

    #[test]
    fn the_manual_explains_every_option() {
        let page = include_str!("../../../man/pulse.8");
        let options = PROGRAM
            .table
            .all()
            .map(|row| (row.long_name(), row.short_name()));
        assert_eq!(testkit::unexplained_options(page, options), [""; 0]);
    }
}
