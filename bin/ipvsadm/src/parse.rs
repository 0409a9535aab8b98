//! A command line folded into what it says: the command first, then the options in their order, then
//! the words left over. The programs' entry and the restore call it for every line.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use lvs_model::{SyncRole, Timeouts};
use popt::{Item, Scanner, Value};

use crate::command::Command;
use crate::error::UsageError;
use crate::line::Line;
use crate::names::Names;
use crate::options::{Key, LETTERS, Set, TABLE};
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
                apply_option(
                    &mut line,
                    key,
                    value,
                    scanner.last_word(),
                    surroundings.names,
                )?;
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

/// One option behind the command. `word` is the one taken last from the line.
fn apply_option<'a>(
    line: &mut Line<'a>,
    key: Key,
    value: Value<'a>,
    word: &OsStr,
    names: &dyn Names,
) -> Result<(), UsageError> {
    let Key::Setting(setting) = key else {
        return Err(UsageError::SecondCommand(word.to_owned()));
    };
    if let Some(name) = setting.name
        && !line.given.insert(name)
    {
        return Err(UsageError::Multiple(name));
    }
    match setting.set {
        Set::Nothing => Ok(()),
        Set::Flag(set) => set(line),
        Set::Text(set) => set(line, value.text().unwrap_or_default(), names),
        Set::OptionalText(set) => set(line, value.text()),
    }
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
