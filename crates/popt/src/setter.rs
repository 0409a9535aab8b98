//! What a row of a daemon's table does: it sets its option in the program's own type. A row is the whole of
//! an option, and its setter wants just what the scanner gives it.

use std::ffi::OsStr;

use crate::alias::Aliases;
use crate::help::{help, usage, version};
use crate::scan::{Item, ScanError, Scanner, Value};
use crate::table::{Row, Table, Takes};

/// How a row sets its option in a `T`.
#[derive(Debug)]
pub enum Setter<T, E> {
    /// It takes nothing.
    Flag(fn(&mut T)),
    /// It takes any text.
    Text(fn(&mut T, &OsStr)),
    /// It takes a text that may be refused.
    Checked(fn(&mut T, &OsStr) -> Result<(), E>),
    /// It takes a number.
    Number(fn(&mut T, i32) -> Result<(), E>),
    /// It belongs to a part of `T`, whose own row says what it takes.
    Part(fn(&mut T, Value<'_>) -> Result<(), E>),
    /// It takes nothing, and nothing behind it is read.
    Last(fn(&mut T)),
    /// `--help`
    Help,
    /// `--usage`
    Usage,
    /// `--version`
    Version,
}

impl<T, E> Clone for Setter<T, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, E> Copy for Setter<T, E> {}

impl<T, E> Setter<T, E> {
    /// Sets the option; `value` is what the scanner found for its row.
    ///
    /// # Errors
    /// What the setter finds wrong with the value.
    pub fn set(self, options: &mut T, value: Value<'_>) -> Result<(), E> {
        match self {
            Self::Flag(set) | Self::Last(set) => {
                set(options);
                Ok(())
            }
            Self::Text(set) => {
                set(options, value.text().unwrap_or_default());
                Ok(())
            }
            Self::Checked(set) => set(options, value.text().unwrap_or_default()),
            Self::Number(set) => set(options, value.number().unwrap_or_default()),
            Self::Part(set) => set(options, value),
            Self::Help | Self::Usage | Self::Version => Ok(()),
        }
    }
}

impl<T, E> Row<Setter<T, E>> {
    /// `--<long>`
    #[must_use]
    pub const fn flag(long: &'static str, set: fn(&mut T)) -> Self {
        Self::new(Setter::Flag(set), long)
    }

    /// `--<long>=<value_name>`, any text.
    #[must_use]
    pub const fn text(
        long: &'static str,
        value_name: &'static str,
        set: fn(&mut T, &OsStr),
    ) -> Self {
        Self::new(Setter::Text(set), long).takes(Takes::Text, value_name)
    }

    /// `--<long>=<value_name>`, a text that may be refused.
    #[must_use]
    pub const fn checked(
        long: &'static str,
        value_name: &'static str,
        set: fn(&mut T, &OsStr) -> Result<(), E>,
    ) -> Self {
        Self::new(Setter::Checked(set), long).takes(Takes::Text, value_name)
    }

    /// `--<long>=<value_name>`, a number.
    #[must_use]
    pub const fn number(
        long: &'static str,
        value_name: &'static str,
        set: fn(&mut T, i32) -> Result<(), E>,
    ) -> Self {
        Self::new(Setter::Number(set), long).takes(Takes::Number, value_name)
    }

    /// `--<long>`, behind which nothing is read.
    #[must_use]
    pub const fn last(long: &'static str, set: fn(&mut T)) -> Self {
        Self::new(Setter::Last(set), long)
    }

    /// `--version`
    #[must_use]
    pub const fn version() -> Self {
        Self::new(Setter::Version, "version").help("Print the version")
    }
}

/// A daemon's command line.
#[derive(Debug)]
pub struct Program<T: 'static, E: 'static> {
    /// What `--help` and `--usage` call it.
    pub name: &'static str,
    /// What `--version` calls it.
    pub old_name: &'static str,
    /// Its release.
    pub release: &'static str,
    /// Its options.
    pub table: Table<Setter<T, E>>,
}

/// What a command line came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read<'a> {
    /// All options are set; these words belong to no option.
    Words(Vec<&'a OsStr>),
    /// Options up to one that ends the reading.
    Last,
    /// Print this and end.
    Print(String),
}

impl<T, E: for<'x> From<ScanError<'x>>> Program<T, E> {
    /// Sets what `words`, those behind the program's name, say.
    ///
    /// # Errors
    /// The first thing that is wrong, from the left.
    pub fn read<'a>(
        &'a self,
        words: impl Iterator<Item = &'a OsStr>,
        aliases: &'a Aliases,
        options: &mut T,
    ) -> Result<Read<'a>, E> {
        let mut rest = Vec::new();
        for item in Scanner::new(&self.table, words).with_aliases(aliases) {
            let (setter, value) = match item? {
                Item::Word(word) => {
                    rest.push(word);
                    continue;
                }
                Item::Option(setter, value) => (setter, value),
            };
            setter.set(options, value)?;
            match setter {
                Setter::Help => return Ok(Read::Print(help(self.name, &self.table))),
                Setter::Usage => return Ok(Read::Print(usage(self.name, &self.table))),
                Setter::Version => return Ok(Read::Print(version(self.old_name, self.release))),
                Setter::Last(_) => return Ok(Read::Last),
                Setter::Flag(_)
                | Setter::Text(_)
                | Setter::Checked(_)
                | Setter::Number(_)
                | Setter::Part(_) => {}
            }
        }
        Ok(Read::Words(rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::help_rows;

    #[derive(Debug, Default, PartialEq)]
    struct Options {
        file: Option<String>,
        count: i32,
        loud: bool,
        asks: bool,
    }

    type Error = String;
    type Line = Row<Setter<Options, Error>>;

    impl From<ScanError<'_>> for Error {
        fn from(error: ScanError<'_>) -> Self {
            error.to_string()
        }
    }

    static PROGRAM: Program<Options, Error> = Program {
        name: "lvsd",
        old_name: "lvs",
        release: "1",
        table: Table {
            rows: &[
                Line::text("file", "FILE", |options, text| {
                    options.file = text.to_str().map(str::to_owned);
                })
                .letter('c'),
                Line::number("count", "N", |options, number| {
                    options.count = number;
                    if number < 0 {
                        Err("too small".into())
                    } else {
                        Ok(())
                    }
                }),
                Line::flag("loud", |options| options.loud = true).letter('v'),
                Line::last("status", |options| options.asks = true),
                Line::version(),
            ],
            help_rows: &help_rows(Setter::Help, Setter::Usage),
        },
    };

    /// What is left of these words, or is to be printed; and the options.
    fn read(words: &[&str]) -> (Result<String, Error>, Options) {
        let mut options = Options::default();
        let aliases = Aliases::default();
        let words = words.iter().map(OsStr::new);
        let read = PROGRAM.read(words, &aliases, &mut options);
        let read = read.map(|read| match read {
            Read::Words(words) => format!("{words:?}"),
            Read::Last => "last".to_owned(),
            Read::Print(text) => text,
        });
        (read, options)
    }

    #[test]
    fn a_row_sets_its_option() {
        let (read, options) = read(&["x", "-vc", "a", "--count=0x10", "y"]);
        assert_eq!(read.as_deref(), Ok(r#"["x", "y"]"#));
        let expected = Options {
            file: Some("a".into()),
            count: 16,
            loud: true,
            asks: false,
        };
        assert_eq!(options, expected);
    }

    #[test]
    fn what_is_wrong_first_is_said() {
        assert_eq!(read(&["--count=-1", "--bad"]).0, Err("too small".into()));
        assert_eq!(
            read(&["--bad", "--count=-1"]).0,
            Err("--bad: unknown option".into())
        );
    }

    #[test]
    fn nothing_is_read_behind_an_option_that_ends_the_line() {
        let (read, options) = read(&["-v", "--status", "--bad"]);
        assert_eq!(read.as_deref(), Ok("last"));
        assert!(options.asks && options.loud);
    }

    #[test]
    fn help_calls_it_by_its_name_and_the_version_by_its_old_one() {
        let print = |word| read(&[word, "--bad"]).0.unwrap();
        assert!(print("--help").starts_with("Usage: lvsd [OPTION...]"));
        assert!(print("--usage").starts_with("Usage: lvsd ["));
        assert!(print("--version").starts_with("Program Version:\tlvs 1\n"));
    }
}
