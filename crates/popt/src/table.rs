//! The option table: what a program accepts, as data. Programs write it, scanner and help read it.

/// Whether an option takes a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Takes {
    /// It takes none; an attached one is an error.
    #[default]
    Nothing,
    /// The rest of its word, or the next word whatever that is.
    Text,
    /// The rest of its word, or the next word unless that starts with `-`.
    OptionalText,
    /// As [`Takes::Text`], read as C's `strtol` does with base 0: decimal, `0x` hexadecimal, `0`
    /// octal, from -2147483648 to 2147483647. An empty text is 0.
    Number,
}

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct Row<K> {
    pub(crate) key: K,
    pub(crate) long: Option<&'static str>,
    pub(crate) letter: Option<char>,
    pub(crate) takes: Takes,
    pub(crate) value_name: Option<&'static str>,
    pub(crate) help: &'static str,
}

impl<K: Copy> Row<K> {
    /// An option `--<long>` that takes nothing; several rows may have the same key.
    #[must_use]
    pub const fn new(key: K, long: &'static str) -> Self {
        Self {
            long: Some(long),
            ..Self::nameless(key)
        }
    }

    /// An option that has only a letter.
    #[must_use]
    pub const fn only_letter(key: K, letter: char) -> Self {
        Self {
            letter: Some(letter),
            ..Self::nameless(key)
        }
    }

    const fn nameless(key: K) -> Self {
        Self {
            key,
            long: None,
            letter: None,
            takes: Takes::Nothing,
            value_name: None,
            help: "",
        }
    }

    /// Gives it the short form `-<letter>`; ASCII.
    #[must_use]
    pub const fn letter(self, letter: char) -> Self {
        Self {
            letter: Some(letter),
            ..self
        }
    }

    /// Lets it take a value, which help and usage call `value_name`.
    #[must_use]
    pub const fn takes(self, takes: Takes, value_name: &'static str) -> Self {
        Self {
            takes,
            value_name: Some(value_name),
            ..self
        }
    }

    /// What it does, for `--help`: one sentence, wrapped when printed.
    #[must_use]
    pub const fn help(self, help: &'static str) -> Self {
        Self { help, ..self }
    }

    /// The same option in the words of another table.
    #[must_use]
    pub const fn with_key<L: Copy>(&self, key: L) -> Row<L> {
        Row {
            key,
            long: self.long,
            letter: self.letter,
            takes: self.takes,
            value_name: self.value_name,
            help: self.help,
        }
    }

    /// The long name, without the dashes.
    #[must_use]
    pub const fn long_name(&self) -> Option<&'static str> {
        self.long
    }

    /// The letter.
    #[must_use]
    pub const fn short_name(&self) -> Option<char> {
        self.letter
    }

    /// What help calls its value; `None` if it takes none.
    #[must_use]
    pub const fn value_name(&self) -> Option<&'static str> {
        self.value_name
    }

    /// What it does.
    #[must_use]
    pub const fn help_text(&self) -> &'static str {
        self.help
    }

    /// What the program calls it.
    #[must_use]
    pub const fn key(&self) -> K {
        self.key
    }
}

/// All options of a program.
#[derive(Clone, Copy, Debug)]
pub struct Table<K: 'static> {
    /// Its own, in the order of `--help`.
    pub rows: &'static [Row<K>],
    /// Those that popt adds under `Help options:`; see [`help_rows`]. May be empty.
    pub help_rows: &'static [Row<K>],
}

impl<K: Copy> Table<K> {
    /// Every row, the help options last.
    pub fn all(&self) -> impl Iterator<Item = &'static Row<K>> + use<K> {
        self.rows.iter().chain(self.help_rows)
    }

    /// Where each letter's row is, for [`Scanner::with_letters`](crate::Scanner::with_letters);
    /// made at compile time for a program that scans many lines.
    #[must_use]
    pub const fn letters(&self) -> Letters {
        let mut places = [Letters::NONE; 128];
        let mut place = 0;
        while place < self.rows.len() && place < Letters::NONE as usize {
            if let Some(letter) = self.rows[place].letter {
                let slot = &mut places[letter as usize & 127];
                if *slot == Letters::NONE {
                    #[expect(clippy::cast_possible_truncation, reason = "below NONE")]
                    let low = place as u8;
                    *slot = low;
                }
            }
            place += 1;
        }
        Letters(places)
    }

    pub(crate) fn by_long(&self, name: &[u8]) -> Option<&'static Row<K>> {
        self.all()
            .find(|row| row.long.is_some_and(|long| long.as_bytes() == name))
    }

    pub(crate) fn by_letter(
        &self,
        letter: u8,
        letters: Option<&Letters>,
    ) -> Option<&'static Row<K>> {
        let is_it = |row: &&'static Row<K>| row.letter == Some(char::from(letter));
        letters
            .and_then(|letters| self.rows.get(letters.place(letter)))
            .filter(is_it)
            .or_else(|| self.all().find(is_it))
    }
}

/// The place of each letter's row in a table's own rows, see [`Table::letters`].
#[derive(Clone, Copy, Debug)]
pub struct Letters([u8; 128]);

impl Letters {
    /// A letter without a row; also the most rows that are looked at.
    const NONE: u8 = u8::MAX;

    fn place(&self, letter: u8) -> usize {
        self.0
            .get(usize::from(letter))
            .map_or(usize::MAX, |&place| usize::from(place))
    }
}

/// popt's own two rows, `-?`/`--help` and `--usage`, for [`Table::help_rows`].
#[must_use]
pub const fn help_rows<K: Copy>(help: K, usage: K) -> [Row<K>; 2] {
    [
        Row::new(help, "help")
            .letter('?')
            .help("Show this help message"),
        Row::new(usage, "usage").help("Display brief usage message"),
    ]
}
