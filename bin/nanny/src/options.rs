//! The command line of nanny.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use healthcheck::Transport;
use lvs_model::{ForwardingMethod, FwMark, Weight};
use popt::{Aliases, Item, Row, Scanner, Table, Takes, Value};

use crate::error::StartError;

/// The name in messages and alias files.
pub const NAME: &str = "nanny";

const RELEASE: &str = env!("CARGO_PKG_VERSION");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Server,
    Lvs,
    Fos,
    VirtAddress,
    Port,
    RPort,
    FwMark,
    Udp,
    Sctp,
    Interval,
    ReentryTime,
    Weight,
    Scale,
    Method,
    Ipvsadm,
    LoadCmd,
    SendString,
    ExpectString,
    SendProgram,
    Regex,
    Suppress,
    Quiesce,
    NoDaemon,
    NoFork,
    NoRun,
    DPort,
    Fall,
    Rise,
    Shared,
    Programs,
    Verbose,
    Version,
    Help,
    Usage,
}

const TABLE: Table<Key> = Table {
    rows: &[
        Row::new(Key::Server, "server")
            .letter('h')
            .takes(Takes::Text, "ADDRESS")
            .help("Address of the server to check"),
        Row::new(Key::Lvs, "lvs").help("Check a real server of a virtual service"),
        Row::new(Key::Fos, "fos").help("Check a failover service of the partner"),
        Row::new(Key::VirtAddress, "virtaddress")
            .letter('V')
            .takes(Takes::Text, "ADDRESS")
            .help("Address of the virtual service"),
        Row::new(Key::Port, "port")
            .letter('p')
            .takes(Takes::Number, "PORT")
            .help("Port of the virtual service (default 80)"),
        Row::new(Key::RPort, "rport")
            .letter('r')
            .takes(Takes::Number, "PORT")
            .help("Port of the server (default that of the virtual service)"),
        Row::new(Key::FwMark, "fwmark")
            .letter('f')
            .takes(Takes::Text, "MARK")
            .help("Firewall mark of the virtual service"),
        Row::new(Key::Udp, "udp")
            .letter('u')
            .help("The service is UDP (default TCP)"),
        Row::new(Key::Sctp, "sctp").help("The service is SCTP"),
        Row::new(Key::Interval, "interval")
            .letter('t')
            .takes(Takes::Text, "SECONDS")
            .help("Pause between checks and limit of each step, decimals allowed (default 10)"),
        Row::new(Key::ReentryTime, "reentrytime")
            .letter('a')
            .takes(Takes::Text, "SECONDS")
            .help("Time that a failed server must be good again (default 180, with --fos the interval)"),
        Row::new(Key::Weight, "weight")
            .letter('w')
            .takes(Takes::Number, "WEIGHT")
            .help("Weight of the server (default 1)"),
        Row::new(Key::Scale, "scale")
            .letter('S')
            .takes(Takes::Number, "FACTOR")
            .help("An idle server gets at most so many times its weight (default 10)"),
        Row::new(Key::Method, "method")
            .letter('M')
            .takes(Takes::Text, "m|g|i")
            .help("Forwarding: masquerading, direct routing or tunnelling (default m)"),
        Row::new(Key::Ipvsadm, "ipvsadm")
            .letter('I')
            .takes(Takes::Text, "PROGRAM")
            .help("Change the table with this program unless it is /sbin/ipvsadm"),
        Row::new(Key::LoadCmd, "loadcmd")
            .letter('U')
            .takes(Takes::Text, "PROGRAM")
            .help("Ask for the server's load with this program (default none)"),
        Row::new(Key::SendString, "send_string")
            .letter('s')
            .takes(Takes::Text, "TEXT")
            .help("Send this to the server"),
        Row::new(Key::ExpectString, "expect_string")
            .letter('x')
            .takes(Takes::Text, "TEXT")
            .help("Expect this from the server"),
        Row::new(Key::SendProgram, "send_program")
            .letter('e')
            .takes(Takes::Text, "COMMAND")
            .help("Check with this program; %h and %p are the server's address and port"),
        Row::new(Key::Regex, "regex").help("The expected text is a regular expression"),
        Row::new(Key::Suppress, "suppress")
            .letter('T')
            .help("Leave backslashes as they are"),
        Row::new(Key::Quiesce, "quiesce_server")
            .letter('q')
            .help("Give a failed server weight 0 instead of removing it"),
        Row::new(Key::NoDaemon, "nodaemon")
            .letter('n')
            .help("Stay in the foreground, log to standard output too"),
        Row::new(Key::NoFork, "nofork")
            .letter('c')
            .help("Be a daemon, but in the process that was started"),
        Row::new(Key::NoRun, "test-start").help("Check, but do not change the table"),
        Row::new(Key::NoRun, "norun").help("The same"),
        Row::new(Key::DPort, "dport")
            .takes(Takes::Number, "PORT")
            .help("Port of the destination in the table, where it is not the server's"),
        Row::new(Key::Fall, "fall")
            .takes(Takes::Number, "COUNT")
            .help("Failed checks in a row that take the server out (default 1)"),
        Row::new(Key::Rise, "rise")
            .takes(Takes::Number, "COUNT")
            .help("Good checks in a row that bring it back (default by --reentrytime)"),
        Row::new(Key::Shared, "shared")
            .help("Check the servers that lvsd names, which starts this process"),
        Row::new(Key::Programs, "programs")
            .help("With --shared: the servers are such as programs are started for"),
        Row::new(Key::Verbose, "verbose")
            .letter('v')
            .help("Say more"),
        Row::new(Key::Version, "version").help("Print the version"),
    ],
    help_rows: &popt::help_rows(Key::Help, Key::Usage),
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
    /// `-r`
    pub rport: Option<u16>,
    /// `-f`
    pub mark: Option<FwMark>,
    /// `-u`, `--sctp`
    pub transport: Transport,
    /// `-t`, not zero.
    pub interval: Duration,
    /// `-a`; zero means the default.
    pub reentry: Duration,
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
    /// `-s`
    pub send: Option<Vec<u8>>,
    /// `-x`
    pub expect: Option<Vec<u8>>,
    /// `-e`
    pub program: Option<String>,
    /// `--regex`
    pub regex: bool,
    /// `-T`
    pub keep_escapes: bool,
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
    /// `--fall`
    pub fall: u32,
    /// `--rise`
    pub rise: Option<u32>,
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
            rport: None,
            mark: None,
            transport: Transport::Tcp,
            interval: Duration::from_secs(10),
            reentry: Duration::ZERO,
            weight: Weight::ONE,
            scale: 10,
            method: ForwardingMethod::Masquerading,
            ipvsadm: PathBuf::from("/sbin/ipvsadm"),
            load: None,
            send: None,
            expect: None,
            program: None,
            regex: false,
            keep_escapes: false,
            quiesce: false,
            foreground: false,
            no_fork: false,
            no_run: false,
            dport: None,
            fall: 1,
            rise: None,
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
    let mut has_words = false;
    for item in Scanner::new(&TABLE, words).with_aliases(aliases) {
        match item.map_err(|error| StartError::BadArgument(error.to_string()))? {
            Item::Word(_) => has_words = true,
            Item::Option(Key::Help, _) => return Ok(Request::Print(popt::help(NAME, &TABLE))),
            Item::Option(Key::Usage, _) => return Ok(Request::Print(popt::usage(NAME, &TABLE))),
            Item::Option(Key::Version, _) => {
                return Ok(Request::Print(popt::version(NAME, RELEASE)));
            }
            Item::Option(key, value) => options.take(key, value)?,
        }
    }
    if has_words {
        return Err(StartError::UnexpectedArguments);
    }
    Ok(Request::Run(Box::new(options)))
}

impl Options {
    /// Says in debugging lines what was asked for.
    pub fn describe(&self) {
        let program = self.program.as_ref().map(String::as_bytes);
        for (name, text) in [
            ("Send_program", program),
            ("Send_string", self.send.as_deref()),
            ("Expect_string", self.expect.as_deref()),
        ] {
            match text {
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

    fn take(&mut self, key: Key, value: Value<'_>) -> Result<(), StartError> {
        match value {
            Value::None => self.take_flag(key),
            Value::Number(number) => self.take_number(key, number)?,
            Value::Text(text) => self.take_text(key, text)?,
        }
        Ok(())
    }

    fn take_flag(&mut self, key: Key) {
        match key {
            Key::Lvs => self.kind = self.kind.or(Some(Kind::RealServer)),
            Key::Fos => self.kind = Some(Kind::FailoverService),
            Key::Udp => self.transport = Transport::Udp,
            Key::Sctp => self.transport = Transport::Sctp,
            Key::Regex => self.regex = true,
            Key::Suppress => self.keep_escapes = true,
            Key::Quiesce => self.quiesce = true,
            Key::NoDaemon => self.foreground = true,
            Key::NoFork => self.no_fork = true,
            Key::NoRun => self.no_run = true,
            Key::Shared => self.shared = true,
            Key::Programs => self.programs = true,
            Key::Verbose => self.verbose = true,
            _ => {}
        }
    }

    fn take_number(&mut self, key: Key, number: i32) -> Result<(), StartError> {
        let range = |_| bad(&number.to_string(), "number too large or too small");
        let port = || u16::try_from(number).map_err(range);
        let count = || u32::try_from(number).map_err(range);
        match key {
            Key::Port => self.vport = port()?,
            Key::RPort => self.rport = Some(port()?),
            Key::DPort => self.dport = Some(port()?),
            Key::Weight => self.weight = Weight::new(count()?).unwrap_or(Weight::MAX),
            Key::Scale => self.scale = count()?,
            Key::Fall => self.fall = count()?,
            Key::Rise => self.rise = Some(count()?),
            _ => {}
        }
        Ok(())
    }

    fn take_text(&mut self, key: Key, text: &OsStr) -> Result<(), StartError> {
        let words = || text.to_string_lossy().into_owned();
        let bytes = || text.as_bytes().to_vec();
        match key {
            Key::Server => self.server = Some(words()),
            Key::VirtAddress => self.vip = Some(words()),
            Key::FwMark => self.mark = mark(&words())?,
            Key::Method => self.method = method(text.as_bytes()),
            Key::Ipvsadm => self.ipvsadm = PathBuf::from(text),
            Key::LoadCmd => self.load = Some(words()),
            Key::SendString => self.send = Some(bytes()),
            Key::ExpectString => self.expect = Some(bytes()),
            Key::SendProgram => self.program = Some(words()),
            Key::ReentryTime => self.reentry = seconds(&words())?,
            Key::Interval => {
                self.interval = seconds(&words())?;
                if self.interval.is_zero() {
                    return Err(bad(&words(), "an interval must be more than 0"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn bad(word: &str, reason: &str) -> StartError {
    StartError::BadArgument(format!("{word}: {reason}"))
}

/// The first letter, after a dash if there is one; what is neither `i` nor `g` is masquerading.
fn method(text: &[u8]) -> ForwardingMethod {
    match text.strip_prefix(b"-").unwrap_or(text).first() {
        Some(b'i') => ForwardingMethod::Tunnelling,
        Some(b'g') => ForwardingMethod::DirectRouting,
        _ => ForwardingMethod::Masquerading,
    }
}

/// A firewall mark, 0 for none. It has 32 bits; the upper half is written as negative numbers too,
/// and all of it in hexadecimal.
fn mark(text: &str) -> Result<Option<FwMark>, StartError> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16),
        None => text.parse::<i64>(),
    };
    let number = number.map_err(|_| bad(text, "invalid numeric value"))?;
    let bits = if number < 0 {
        i32::try_from(number).map(|number| u32::from_ne_bytes(number.to_ne_bytes()))
    } else {
        u32::try_from(number)
    };
    let bits = bits.map_err(|_| bad(text, "number too large or too small"))?;
    Ok(FwMark::new(bits))
}

/// Seconds, with decimals if need be.
fn seconds(text: &str) -> Result<Duration, StartError> {
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number = text.parse().ok().filter(|_| is_plain);
    let number: f64 = number.ok_or_else(|| bad(text, "invalid numeric value"))?;
    if number > f64::from(i32::MAX) {
        return Err(bad(text, "number too large or too small"));
    }
    Duration::try_from_secs_f64(number).map_err(|_| bad(text, "invalid numeric value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_explains_every_option() {
        let page = include_str!("../../../man/nanny.8");
        let options = TABLE.all().map(|row| (row.long_name(), row.short_name()));
        assert_eq!(testkit::unexplained_options(page, options), [""; 0]);
    }
}
