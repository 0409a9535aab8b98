//! A command line folded into what it says: the command first, then the options in their order, then
//! the words left over. The programs' entry and the restore call it for every line.

use std::ffi::OsStr;
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt;

use lvs_model::{
    DestinationKey, ForwardingMethod, Netmask, ServiceKey, SyncRole, Thresholds, Timeouts,
    TunnelType, Weight,
};
use popt::{Item, Scanner, Value};

use crate::command::Command;
use crate::error::UsageError;
use crate::names::Names;
use crate::options::{Given, Key, LETTERS, TABLE};
use crate::seconds::seconds;

/// What surrounds a command line and decides how it is read.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'n> {
    /// `argv[0]`, for the hint.
    pub(crate) program: &'n OsStr,
    pub(crate) names: &'n dyn Names,
    /// `POSIXLY_CORRECT` is set.
    pub(crate) words_end_options: bool,
}

/// What a line turned out to be.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every one is a line, and none is kept: a box would cost more than the copy"
)]
pub(crate) enum Parsed<'a> {
    Help,
    Version,
    Line(Line<'a>),
}

/// Everything that a line said, each value in range.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) command: Command,
    pub(crate) given: Given,
    pub(crate) service: Option<ServiceKey>,
    pub(crate) scheduler: &'a OsStr,
    pub(crate) scheduler_flags: &'a OsStr,
    pub(crate) persistence: Option<u32>,
    pub(crate) netmask: Option<Netmask>,
    pub(crate) engine: &'a OsStr,
    pub(crate) server: Option<DestinationKey>,
    pub(crate) forwarding: ForwardingMethod,
    pub(crate) weight: Weight,
    pub(crate) thresholds: Thresholds,
    pub(crate) tunnel_type: TunnelType,
    pub(crate) tunnel_port: u16,
    pub(crate) timeouts: Timeouts,
    pub(crate) sync: Sync<'a>,
    /// Seconds between two looks of `--watch`.
    pub(crate) watch: u32,
    /// What `-M` said; see `take`.
    pub(crate) netmask_text: &'a OsStr,
}

/// What a line said about a sync daemon.
#[derive(Debug)]
pub(crate) struct Sync<'a> {
    pub(crate) role: SyncRole,
    pub(crate) interface: &'a OsStr,
    pub(crate) id: u32,
    pub(crate) max_length: Option<u16>,
    pub(crate) group: Option<IpAddr>,
    pub(crate) port: Option<u16>,
    pub(crate) ttl: Option<u8>,
}

/// Reads one command line; `words` are those behind the program's name.
pub(crate) fn parse<'a>(
    words: impl Iterator<Item = &'a OsStr>,
    surroundings: Surroundings<'_>,
) -> Result<Parsed<'a>, UsageError> {
    let hint = || UsageError::Hint {
        program: surroundings.program.to_owned(),
    };
    let mut scanner = Scanner::new(&TABLE, words)
        .with_letters(&LETTERS)
        .words_end_options(surroundings.words_end_options);
    let mut rest = Rest::default();
    let (command, value) = loop {
        match scanner.next() {
            Some(Ok(Item::Word(word))) => rest.add(word),
            Some(Ok(Item::Option(Key::Command(command), value))) => break (command, value),
            Some(Ok(Item::Option(Key::Help, _))) => return Ok(Parsed::Help),
            Some(Ok(Item::Option(Key::Version, _))) => return Ok(Parsed::Version),
            Some(Ok(Item::Option(..)) | Err(_)) | None => return Err(hint()),
        }
    };
    let mut line = Line::new(command, role(command, value)?);
    while let Some(item) = scanner.next() {
        match item {
            Ok(Item::Word(word)) => rest.add(word),
            Ok(Item::Option(key, value)) => {
                line.take(key, value, scanner.last_word(), surroundings.names)?;
            }
            Err(error) => {
                return Err(UsageError::Grammar {
                    word: error.word.to_owned(),
                    reason: error.reason,
                });
            }
        }
    }
    rest.finish(&mut line)?;
    Ok(Parsed::Line(line))
}

/// Words that belong to no option: `--set` wants three, the next one is an error.
#[derive(Default)]
struct Rest<'a> {
    words: [Option<&'a OsStr>; 4],
    count: usize,
}

impl<'a> Rest<'a> {
    fn add(&mut self, word: &'a OsStr) {
        if let Some(place) = self.words.get_mut(self.count) {
            *place = Some(word);
            self.count += 1;
        }
    }

    fn finish(self, line: &mut Line<'_>) -> Result<(), UsageError> {
        let [first, second, third, fourth] = self.words;
        let unexpected = if line.command == Command::SetTimeouts {
            let (Some(tcp), Some(tcp_fin), Some(udp)) = (first, second, third) else {
                return Err(UsageError::Value("--set option requires 3 timeout values"));
            };
            line.timeouts = Timeouts {
                tcp: seconds(tcp, 0)?,
                tcp_fin: seconds(tcp_fin, 0)?,
                udp: seconds(udp, 0)?,
            };
            fourth
        } else {
            first
        };
        match unexpected {
            Some(word) => Err(UsageError::UnexpectedWord(word.to_owned())),
            None => Ok(()),
        }
    }
}

fn role(command: Command, value: Value<'_>) -> Result<SyncRole, UsageError> {
    match (command, value.text().map(OsStrExt::as_bytes)) {
        (Command::StartDaemon | Command::StopDaemon, Some(b"backup")) => Ok(SyncRole::Backup),
        (Command::StartDaemon | Command::StopDaemon, Some(b"master")) => Ok(SyncRole::Master),
        (Command::StartDaemon, _) => Err(UsageError::Value(
            "illegal start-daemon parameter specified",
        )),
        (Command::StopDaemon, _) => Err(UsageError::Value("illegal start_daemon specified")),
        _ => Ok(SyncRole::Master),
    }
}

impl<'a> Line<'a> {
    fn new(command: Command, role: SyncRole) -> Self {
        let nothing = OsStr::new("");
        Self {
            command,
            given: Given::default(),
            service: None,
            scheduler: nothing,
            scheduler_flags: nothing,
            persistence: None,
            netmask: None,
            engine: nothing,
            server: None,
            forwarding: ForwardingMethod::DirectRouting,
            weight: Weight::ONE,
            thresholds: Thresholds::default(),
            tunnel_type: TunnelType::Ipip,
            tunnel_port: 0,
            timeouts: Timeouts::default(),
            sync: Sync {
                role,
                interface: nothing,
                id: 0,
                max_length: None,
                group: None,
                port: None,
                ttl: None,
            },
            watch: 0,
            netmask_text: nothing,
        }
    }
}
