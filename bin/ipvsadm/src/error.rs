//! What can be wrong with a command line, in the original's words, and the statuses that go with it.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::command::Command;
use crate::given::Name;

/// The exit statuses.
pub mod status {
    /// Done.
    pub const OK: u8 = 0;
    /// A listing failed, or its output could not be written.
    pub const LIST_FAILED: u8 = 1;
    /// A dry run found something to do.
    pub const CHANGES: u8 = 2;
    /// The tool itself refused the arguments, or could not start.
    pub const USAGE: u8 = 2;
    /// The kernel refused a change; also what popt and the hint to the help end with.
    pub const REFUSED: u8 = 255;
}

/// A line that the tool refuses before it asks the kernel. `Display` is the whole message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum UsageError {
    /// No command, or not at the front.
    Hint { program: OsString },
    /// The line does not follow popt's grammar.
    Grammar {
        word: OsString,
        reason: popt::Reason,
    },
    /// A second command.
    SecondCommand(OsString),
    /// An option twice.
    Multiple(Name),
    /// A word that nobody wants.
    UnexpectedWord(OsString),
    /// An option that the command needs.
    Missing(Name, Command),
    /// An option that the command does not take.
    Illegal(Name, Command),
    /// Two options that exclude each other.
    Conflict {
        later: Name,
        earlier: Name,
        command: Command,
    },
    /// Options of `-L` that do not go together.
    ListConflict,
    /// A value out of range, or of a wrong form: the option's own sentence.
    Value(&'static str),
    /// A value that the message repeats: `` <what> `<text>'<end> ``.
    QuotedValue {
        what: &'static str,
        text: OsString,
        end: &'static str,
    },
    /// `-6` without a mark before it. The message ends in an empty line.
    Ipv6BeforeMark,
    /// An option that the tunnel type needs.
    TunnelMissing(Name, &'static str),
    /// An option that the tunnel type does not take.
    TunnelIllegal(Name, &'static str),
    /// Two options of a tunnel type that exclude each other.
    TunnelConflict {
        later: Name,
        earlier: Name,
        kind: &'static str,
    },
}

impl UsageError {
    /// The exit status.
    pub(crate) const fn status(&self) -> u8 {
        match self {
            Self::Hint { .. } | Self::Grammar { .. } => status::REFUSED,
            _ => status::USAGE,
        }
    }

    /// The message with the words as they were given, whatever their bytes are.
    pub(crate) fn message(&self) -> Vec<u8> {
        let text = self.to_string();
        let word = match self {
            Self::Hint { program: word }
            | Self::Grammar { word, .. }
            | Self::SecondCommand(word)
            | Self::UnexpectedWord(word)
            | Self::QuotedValue { text: word, .. } => word,
            _ => return text.into_bytes(),
        };
        if word.to_str().is_some() {
            return text.into_bytes();
        }
        // `Display` has put replacement characters for its bytes; nothing else here has any.
        let shown = word.to_string_lossy();
        let around: Vec<_> = text.split(&*shown).map(str::as_bytes).collect();
        around.join(word.as_bytes())
    }

    /// Whether a restore goes on with the next line.
    pub(crate) const fn lets_restore_go_on(&self) -> bool {
        matches!(self, Self::Grammar { .. })
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hint { program } => {
                let program = Path::new(program).display();
                write!(
                    f,
                    "Try `{program} -h' or '{program} --help' for more information."
                )
            }
            Self::Grammar { word, reason } => write!(f, "{}: {reason}", Path::new(word).display()),
            Self::SecondCommand(word) => {
                write!(f, "invalid option `{}'", Path::new(word).display())
            }
            Self::Multiple(name) => write!(f, "multiple '{}' options specified", name.text()),
            Self::UnexpectedWord(word) => {
                write!(f, "unexpected argument {}", Path::new(word).display())
            }
            Self::Missing(name, command) => {
                let (name, command) = (name.text(), command.name());
                write!(
                    f,
                    "You need to supply the '{name}' option for the '{command}' command"
                )
            }
            Self::Illegal(name, command) => {
                let (name, command) = (name.text(), command.name());
                write!(f, "Illegal '{name}' option with the '{command}' command")
            }
            Self::Conflict {
                later,
                earlier,
                command,
            } => {
                let command = command.name();
                write_conflict(f, *later, *earlier, format_args!("'{command}' command"))
            }
            Self::ListConflict => f.write_str("options conflicts in the list command"),
            Self::Value(sentence) => f.write_str(sentence),
            Self::QuotedValue { what, text, end } => {
                write!(f, "{what} `{}'{end}", Path::new(text).display())
            }
            Self::Ipv6BeforeMark => f.write_str("-6 used before -f\n"),
            Self::TunnelMissing(name, kind) => {
                let name = name.text();
                write!(
                    f,
                    "You need to supply the '{name}' option for the '{kind}' tunnel type"
                )
            }
            Self::TunnelIllegal(name, kind) => {
                let name = name.text();
                write!(f, "Illegal '{name}' option with the '{kind}' tunnel type")
            }
            Self::TunnelConflict {
                later,
                earlier,
                kind,
            } => write_conflict(f, *later, *earlier, format_args!("'{kind}' tunnel type")),
        }
    }
}

fn write_conflict(
    f: &mut fmt::Formatter<'_>,
    later: Name,
    earlier: Name,
    place: fmt::Arguments<'_>,
) -> fmt::Result {
    let (later, earlier) = (later.text(), earlier.text());
    write!(
        f,
        "The option '{later}' conflicts with the '{earlier}' option in the {place}"
    )
}

impl std::error::Error for UsageError {}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn r_words_that_are_no_utf_8_are_repeated_as_they_are() {
        let word = OsString::from_vec(b"a\xffb".to_vec());
        assert_eq!(
            UsageError::UnexpectedWord(word.clone()).message(),
            b"unexpected argument a\xffb"
        );
        assert_eq!(
            UsageError::Hint { program: word }.message(),
            b"Try `a\xffb -h' or 'a\xffb --help' for more information."
        );
        assert_eq!(UsageError::ListConflict.message().first(), Some(&b'o'));
    }
}
