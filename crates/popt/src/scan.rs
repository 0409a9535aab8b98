//! The scanner: words in, options and words out, in their order. Programs fold over it.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::iter::Peekable;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::alias::{Alias, Aliases};
use crate::number;
use crate::reason::Reason;
use crate::table::{Letters, Row, Table, Takes};

/// What stands on the command line next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a, K> {
    /// An option with what it took.
    Option(K, Value<'a>),
    /// A word that belongs to no option; also an empty one and a lone `-`.
    Word(&'a OsStr),
}

/// What an option took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Nothing: it takes nothing, or an optional value was not there.
    None,
    /// A text.
    Text(&'a OsStr),
    /// A number, for [`Takes::Number`].
    Number(i32),
}

impl<'a> Value<'a> {
    /// The text, if there is one.
    #[must_use]
    pub const fn text(self) -> Option<&'a OsStr> {
        match self {
            Self::Text(text) => Some(text),
            Self::None | Self::Number(_) => None,
        }
    }

    /// The number, if there is one.
    #[must_use]
    pub const fn number(self) -> Option<i32> {
        match self {
            Self::Number(number) => Some(number),
            Self::None | Self::Text(_) => None,
        }
    }
}

/// A command line that does not follow the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanError<'a> {
    /// The last word taken: the whole cluster for letters, the value for a bad number.
    pub word: &'a OsStr,
    /// What is wrong with it.
    pub reason: Reason,
}

impl fmt::Display for ScanError<'_> {
    /// `-Lnq: unknown option`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", Path::new(self.word).display(), self.reason)
    }
}

impl std::error::Error for ScanError<'_> {}

/// How deep aliases may expand to aliases.
const ALIAS_DEPTH: usize = 10;

/// The words of an alias under expansion.
struct Expansion<'a> {
    alias: &'a Alias,
    words: std::slice::Iter<'a, OsString>,
    /// The value of `--alias=value`, behind the words.
    attached: Option<&'a OsStr>,
    cluster: &'a [u8],
}

impl<'a> Expansion<'a> {
    fn next_word(&mut self) -> Option<&'a OsStr> {
        match self.words.next() {
            Some(word) => Some(word),
            None => self.attached.take(),
        }
    }

    fn peek(&self) -> Option<&'a OsStr> {
        match self.words.as_slice().first() {
            Some(word) => Some(word),
            None => self.attached,
        }
    }
}

/// Walks the words of a command line.
///
/// An iterator over [`Item`]s; after an error it ends. `W` yields the words behind the program's
/// name, once.
pub struct Scanner<'a, K: 'static, W: Iterator<Item = &'a OsStr>> {
    table: &'a Table<K>,
    words: Peekable<W>,
    /// Letters of the present word that are still to come.
    cluster: &'a [u8],
    expansions: Vec<Expansion<'a>>,
    aliases: Option<&'a Aliases>,
    letters: Option<&'a Letters>,
    last_word: &'a OsStr,
    words_end_options: bool,
    only_words: bool,
    failed: bool,
}

impl<'a, K: Copy, W: Iterator<Item = &'a OsStr>> Scanner<'a, K, W> {
    /// Walks `words` by `table`. Allocates nothing unless it expands an alias.
    pub fn new(table: &'a Table<K>, words: W) -> Self {
        Self {
            table,
            words: words.peekable(),
            cluster: &[],
            expansions: Vec::new(),
            aliases: None,
            letters: None,
            last_word: OsStr::new(""),
            words_end_options: false,
            only_words: false,
            failed: false,
        }
    }

    /// Expands these aliases; they win over rows of the same name.
    #[must_use]
    pub fn with_aliases(mut self, aliases: &'a Aliases) -> Self {
        self.aliases = Some(aliases);
        self
    }

    /// Finds letters by these places instead of a search: those of `table`.
    #[must_use]
    pub const fn with_letters(mut self, letters: &'a Letters) -> Self {
        self.letters = Some(letters);
        self
    }

    /// Lets the first word that is no option end the options: what `POSIXLY_CORRECT` asks for.
    #[must_use]
    pub fn words_end_options(mut self, yes: bool) -> Self {
        self.words_end_options = yes;
        self
    }

    /// The word that was taken last from the command line: the option's own or its value.
    #[must_use]
    pub fn last_word(&self) -> &'a OsStr {
        self.last_word
    }

    fn advance(&mut self) -> Option<Result<Item<'a, K>, Reason>> {
        loop {
            if let Some((letter, rest)) = self.take_letter() {
                let alias = self.aliases.and_then(|all| all.letter(letter));
                match self.expand(alias, None) {
                    Ok(true) => continue,
                    Ok(false) => return Some(self.lettered(letter, rest)),
                    Err(reason) => return Some(Err(reason)),
                }
            }
            let word = self.next_word()?;
            let bytes = word.as_bytes();
            match bytes {
                // A letter of its own is the usual case; it begins no cluster.
                [b'-', letter] if *letter != b'-' && !self.only_words && self.has_no_aliases() => {
                    return Some(self.lettered(*letter, &[]));
                }
                [b'-', b'-'] if !self.only_words => self.only_words = true,
                [b'-', _, ..] if !self.only_words => match self.dashed(bytes) {
                    Ok(None) => {}
                    Ok(Some(item)) => return Some(Ok(item)),
                    Err(reason) => return Some(Err(reason)),
                },
                _ => {
                    self.only_words |= self.words_end_options;
                    return Some(Ok(Item::Word(word)));
                }
            }
        }
    }

    /// A word that starts with a dash: a long option, or letters for the next round (`None`).
    fn dashed(&mut self, bytes: &'a [u8]) -> Result<Option<Item<'a, K>>, Reason> {
        let [b'-', b'-', long @ ..] = bytes else {
            *self.cluster_mut() = bytes.get(1..).unwrap_or_default();
            return Ok(None);
        };
        let (name, attached) = match long.iter().position(|&byte| byte == b'=') {
            Some(at) => {
                let (name, value) = long.split_at(at);
                (name, value.get(1..))
            }
            None => (long, None),
        };
        let attached = attached.map(OsStr::from_bytes);
        if self.expand(self.aliases.and_then(|all| all.long(name)), attached)? {
            return Ok(None);
        }
        let row = self.table.by_long(name).ok_or(Reason::UnknownOption)?;
        self.value(row, attached).map(Some)
    }

    /// One letter of a cluster; `rest` are the ones behind it.
    #[inline]
    fn lettered(&mut self, letter: u8, rest: &'a [u8]) -> Result<Item<'a, K>, Reason> {
        let row = self.table.by_letter(letter, self.letters);
        let row = row.ok_or(Reason::UnknownOption)?;
        if row.takes == Takes::Nothing {
            let attached = rest.strip_prefix(b"=").map(OsStr::from_bytes);
            return self.value(row, attached);
        }
        if !rest.is_empty() {
            *self.cluster_mut() = &[];
        }
        let attached = (!rest.is_empty()).then(|| rest.strip_prefix(b"=").unwrap_or(rest));
        self.value(row, attached.map(OsStr::from_bytes))
    }

    #[inline]
    fn value(&mut self, row: &Row<K>, attached: Option<&'a OsStr>) -> Result<Item<'a, K>, Reason> {
        let text = match (row.takes, attached) {
            (Takes::Nothing, None) => None,
            (Takes::Nothing, Some(_)) => return Err(Reason::UnwantedArgument),
            (_, Some(text)) => Some(text),
            (Takes::OptionalText, None) => self.next_word_if_no_option(),
            (Takes::Text | Takes::Number, None) => {
                Some(self.next_word().ok_or(Reason::MissingArgument)?)
            }
        };
        let value = match (row.takes, text) {
            (_, None) => Value::None,
            (Takes::Number, Some(text)) => Value::Number(number::parse(text.as_bytes())?),
            (_, Some(text)) => Value::Text(text),
        };
        Ok(Item::Option(row.key, value))
    }

    /// Begins to expand `alias`, unless there is none or we are inside it already.
    fn expand(
        &mut self,
        alias: Option<&'a Alias>,
        attached: Option<&'a OsStr>,
    ) -> Result<bool, Reason> {
        let inside = self.expansions.last().map(|expansion| expansion.alias);
        let Some(alias) = alias.filter(|&alias| !inside.is_some_and(|it| std::ptr::eq(it, alias)))
        else {
            return Ok(false);
        };
        if self.expansions.len() == ALIAS_DEPTH {
            return Err(Reason::AliasesTooDeep);
        }
        self.expansions.push(Expansion {
            alias,
            words: alias.words.iter(),
            attached,
            cluster: &[],
        });
        Ok(true)
    }

    const fn has_no_aliases(&self) -> bool {
        self.aliases.is_none()
    }

    fn cluster_mut(&mut self) -> &mut &'a [u8] {
        match self.expansions.last_mut() {
            Some(expansion) => &mut expansion.cluster,
            None => &mut self.cluster,
        }
    }

    #[inline]
    fn take_letter(&mut self) -> Option<(u8, &'a [u8])> {
        if self.has_no_aliases() && self.cluster.is_empty() {
            return None;
        }
        self.leave_finished_expansions();
        let cluster = self.cluster_mut();
        let (&letter, rest) = cluster.split_first()?;
        *cluster = rest;
        Some((letter, rest))
    }

    fn leave_finished_expansions(&mut self) {
        while let Some(expansion) = self.expansions.last() {
            if !expansion.cluster.is_empty() || expansion.peek().is_some() {
                break;
            }
            self.expansions.pop();
        }
    }

    #[inline]
    fn next_word(&mut self) -> Option<&'a OsStr> {
        if !self.has_no_aliases() {
            self.leave_finished_expansions();
            if let Some(expansion) = self.expansions.last_mut() {
                return expansion.next_word();
            }
        }
        let word = self.words.next()?;
        self.last_word = word;
        Some(word)
    }

    fn next_word_if_no_option(&mut self) -> Option<&'a OsStr> {
        self.leave_finished_expansions();
        let next = match self.expansions.last() {
            Some(expansion) => expansion.peek(),
            None => self.words.peek().copied(),
        };
        if next?.as_bytes().starts_with(b"-") {
            return None;
        }
        self.next_word()
    }
}

impl<'a, K: Copy, W: Iterator<Item = &'a OsStr>> Iterator for Scanner<'a, K, W> {
    type Item = Result<Item<'a, K>, ScanError<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let item = self.advance()?;
        self.failed = item.is_err();
        let word = self.last_word;
        Some(item.map_err(|reason| ScanError { word, reason }))
    }
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
