//! The command line of nanny.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use control::check_options::{self, BadValue};
use healthcheck::Transport;
use lvs_model::{CheckSpec, ForwardingMethod, FwMark, Weight};
use popt::{Aliases, Program, Read, Row, Setter, Table};

use crate::error::StartError;

/// The name in messages and alias files.
pub const NAME: &str = "nanny";

type OptionRow = Row<Setter<Options, StartError>>;

/// The row of an option of the check, which reads it as lvsd writes it.
macro_rules! check {
    ($option:ident) => {
        check_options::$option
            .row
            .with_key(Setter::Part(|options: &mut Options, value| {
                Ok(check_options::$option.read(&mut options.check, value)?)
            }))
    };
}

static PROGRAM: Program<Options, StartError> = Program {
    name: NAME,
    old_name: NAME,
    release: env!("CARGO_PKG_VERSION"),
    table: Table {
        rows: &[
            OptionRow::text("server", "ADDRESS", |options, text| {
                options.server = Some(words(text));
            })
            .letter('h')
            .help("Address of the server to check"),
            OptionRow::flag("lvs", |options| {
                options.kind = options.kind.or(Some(Kind::RealServer));
            })
            .help("Check a real server of a virtual service"),
            OptionRow::flag("fos", |options| options.kind = Some(Kind::FailoverService))
                .help("Check a failover service of the partner"),
            OptionRow::text("virtaddress", "ADDRESS", |options, text| {
                options.vip = Some(words(text));
            })
            .letter('V')
            .help("Address of the virtual service"),
            OptionRow::number("port", "PORT", |options, number| {
                options.vport = port(number)?;
                Ok(())
            })
            .letter('p')
            .help("Port of the virtual service (default 80)"),
            check!(PORT),
            OptionRow::checked("fwmark", "MARK", |options, text| {
                options.mark = mark(&words(text))?;
                Ok(())
            })
            .letter('f')
            .help("Firewall mark of the virtual service"),
            OptionRow::flag("udp", |options| options.transport = Transport::Udp)
                .letter('u')
                .help("The service is UDP (default TCP)"),
            OptionRow::flag("sctp", |options| options.transport = Transport::Sctp)
                .help("The service is SCTP"),
            check!(INTERVAL),
            check!(REENTRY),
            OptionRow::number("weight", "WEIGHT", |options, number| {
                options.weight = Weight::new(count(number)?).unwrap_or(Weight::MAX);
                Ok(())
            })
            .letter('w')
            .help("Weight of the server (default 1)"),
            OptionRow::number("scale", "FACTOR", |options, number| {
                options.scale = count(number)?;
                Ok(())
            })
            .letter('S')
            .help("An idle server gets at most this many times its weight (default 10)"),
            OptionRow::text("method", "m|g|i", |options, text| {
                options.method = method(text.as_bytes());
            })
            .letter('M')
            .help("Forwarding: masquerading, direct routing or tunnelling (default m)"),
            OptionRow::text("ipvsadm", "PROGRAM", |options, text| {
                options.ipvsadm = text.into();
            })
            .letter('I')
            .help("Change the table with this program unless it is /sbin/ipvsadm"),
            OptionRow::text("loadcmd", "PROGRAM", |options, text| {
                options.load = Some(words(text));
            })
            .letter('U')
            .help("Ask for the server's load with this program (default none)"),
            check!(SEND),
            check!(EXPECT),
            check!(SEND_PROGRAM),
            check!(REGEX),
            check!(SUPPRESS),
            OptionRow::flag("quiesce_server", |options| options.quiesce = true)
                .letter('q')
                .help("Give a failed server weight 0 instead of removing it"),
            OptionRow::flag("nodaemon", |options| options.foreground = true)
                .letter('n')
                .help("Stay in the foreground, log to standard output too"),
            OptionRow::flag("nofork", |options| options.no_fork = true)
                .letter('c')
                .help("Be a daemon, but in the process that was started"),
            OptionRow::flag("test-start", |options| options.no_run = true)
                .help("Check, but do not change the table"),
            OptionRow::flag("norun", |options| options.no_run = true).help("The same"),
            OptionRow::number("dport", "PORT", |options, number| {
                options.dport = Some(port(number)?);
                Ok(())
            })
            .help("Port of the destination in the table, where it is not the server's"),
            check!(FALL),
            check!(RISE),
            OptionRow::flag("shared", |options| options.shared = true)
                .help("Check the servers that lvsd names, which starts this process"),
            OptionRow::flag("programs", |options| options.programs = true)
                .help("With --shared: servers whose checks or load monitors start programs"),
            OptionRow::flag("verbose", |options| options.verbose = true)
                .letter('v')
                .help("Say more"),
            OptionRow::version(),
        ],
        help_rows: &popt::help_rows(Setter::Help, Setter::Usage),
    },
};

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `--lvs`
    RealServer,
    /// `--fos`
    FailoverService,
}

/// What the command line asks for, texts as they were given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `-h`
    pub server: Option<String>,
    /// `--lvs` or `--fos`; both: the latter.
    pub kind: Option<Kind>,
    /// `-V`
    pub vip: Option<String>,
    /// `-p`
    pub vport: u16,
    /// `-f`
    pub mark: Option<FwMark>,
    /// `-u`, `--sctp`
    pub transport: Transport,
    /// `-w`
    pub weight: Weight,
    /// `-S`
    pub scale: u32,
    /// `-M`
    pub method: ForwardingMethod,
    /// `-I`
    pub ipvsadm: PathBuf,
    /// `-U`
    pub load: Option<String>,
    /// What the rows of [`check_options`] read. A reentry of zero means the default.
    pub check: CheckSpec,
    /// `-q`
    pub quiesce: bool,
    /// `-n`
    pub foreground: bool,
    /// `-c`
    pub no_fork: bool,
    /// `--test-start`
    pub no_run: bool,
    /// `--dport`
    pub dport: Option<u16>,
    /// `--shared`: one process for many servers, named by lvsd.
    pub shared: bool,
    /// `--programs`, with `--shared`: checks may start programs.
    pub programs: bool,
    /// `-v`
    pub verbose: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            server: None,
            kind: None,
            vip: None,
            vport: 80,
            mark: None,
            transport: Transport::Tcp,
            weight: Weight::ONE,
            scale: 10,
            method: ForwardingMethod::Masquerading,
            ipvsadm: PathBuf::from("/sbin/ipvsadm"),
            load: None,
            check: CheckSpec::default(),
            quiesce: false,
            foreground: false,
            no_fork: false,
            no_run: false,
            dport: None,
            shared: false,
            programs: false,
            verbose: false,
        }
    }
}

/// A command line, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Run with these options.
    Run(Box<Options>),
    /// Print this on standard output and end with status 0.
    Print(String),
}

/// Reads the arguments behind the program's name.
///
/// # Errors
/// [`StartError::BadArgument`] and [`StartError::UnexpectedArguments`].
pub fn parse<W: AsRef<OsStr>>(args: &[W], aliases: &Aliases) -> Result<Request, StartError> {
    let mut options = Options::default();
    let words = args.iter().map(AsRef::as_ref);
    match PROGRAM.read(words, aliases, &mut options)? {
        Read::Print(text) => Ok(Request::Print(text)),
        Read::Words(words) if !words.is_empty() => Err(StartError::UnexpectedArguments),
        Read::Words(_) | Read::Last => Ok(Request::Run(Box::new(options))),
    }
}

impl Options {
    /// Says in debugging lines what was asked for.
    pub fn describe(&self) {
        for (name, text) in [
            ("Send_program", &self.check.send_program),
            ("Send_string", &self.check.send),
            ("Expect_string", &self.check.expect),
        ] {
            match text.as_ref().map(|text| text.as_bytes()) {
                Some(text) => {
                    log::debug!(
                        "{name} len={}, text=\"{}\"",
                        text.len(),
                        text.escape_ascii()
                    );
                }
                None => log::debug!("{name} is NULL"),
            }
        }
        let number = match self.kind {
            Some(Kind::FailoverService) => 1,
            Some(Kind::RealServer) | None => 2,
        };
        log::debug!("Service_type value={number}");
    }
}

fn words(text: &OsStr) -> String {
    text.to_string_lossy().into_owned()
}

fn port(number: i32) -> Result<u16, BadValue> {
    u16::try_from(number).map_err(|_| BadValue::out_of_range(number))
}

fn count(number: i32) -> Result<u32, BadValue> {
    u32::try_from(number).map_err(|_| BadValue::out_of_range(number))
}

/// Takes the first letter, after a dash if there is one. Anything but `i` and `g` is masquerading.
fn method(text: &[u8]) -> ForwardingMethod {
    match text.strip_prefix(b"-").unwrap_or(text).first() {
        Some(b'i') => ForwardingMethod::Tunnelling,
        Some(b'g') => ForwardingMethod::DirectRouting,
        _ => ForwardingMethod::Masquerading,
    }
}

/// A firewall mark, 0 for none. It has 32 bits. The upper half may also be written as a negative number,
/// and any mark in hexadecimal.
fn mark(text: &str) -> Result<Option<FwMark>, BadValue> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16),
        None => text.parse::<i64>(),
    };
    let number = number.map_err(|_| BadValue::new(text, "invalid numeric value"))?;
    let bits = if number < 0 {
        i32::try_from(number).map(|number| u32::from_ne_bytes(number.to_ne_bytes()))
    } else {
        u32::try_from(number)
    };
    let bits = bits.map_err(|_| BadValue::new(text, "number too large or too small"))?;
    Ok(FwMark::new(bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_explains_every_option() {
        let page = include_str!("../../../man/nanny.8");
        let options = PROGRAM
            .table
            .all()
            .map(|row| (row.long_name(), row.short_name()));
        assert_eq!(testkit::unexplained_options(page, options), [""; 0]);
    }

    /// lvsd writes them by itself.
    #[test]
    fn what_lvsd_may_write_of_a_check_is_read() {
        for option in check_options::EXTENSIONS {
            let name = option.row.long_name();
            let mut rows = PROGRAM.table.all();
            assert!(rows.any(|row| row.long_name() == name), "{name:?}");
        }
    }
}
