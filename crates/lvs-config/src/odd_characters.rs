//! Characters that look like a blank, a quote or nothing at all, which no program takes them for.
//!
//! They come with text that was copied from a web page or a word processor. In quotes they may be meant.

use crate::position::Position;
use crate::tree::{Content, Line, SyntaxTree};
use crate::word::Word;

/// What people call it, from the first to the last character.
type Row = (char, char, &'static str);

const INVISIBLE: &[Row] = &[
    ('\u{85}', '\u{85}', "a next-line character"),
    ('\u{a0}', '\u{a0}', "a no-break space"),
    ('\u{ad}', '\u{ad}', "a soft hyphen"),
    ('\u{1680}', '\u{1680}', "a blank that is no space"),
    ('\u{180e}', '\u{180e}', "a blank that is no space"),
    ('\u{2000}', '\u{200a}', "a blank that is no space"),
    ('\u{200b}', '\u{200b}', "a zero-width space"),
    ('\u{200c}', '\u{200d}', "a zero-width joiner"),
    ('\u{200e}', '\u{200f}', "an invisible character"),
    ('\u{2028}', '\u{2029}', "a line separator"),
    ('\u{202a}', '\u{202e}', "an invisible character"),
    ('\u{202f}', '\u{202f}', "a narrow no-break space"),
    ('\u{205f}', '\u{205f}', "a blank that is no space"),
    ('\u{2060}', '\u{2064}', "an invisible character"),
    ('\u{2066}', '\u{2069}', "an invisible character"),
    ('\u{3000}', '\u{3000}', "a blank that is no space"),
    ('\u{feff}', '\u{feff}', "a byte order mark"),
];

const LOOK_ALIKE: &[Row] = &[
    ('\u{2018}', '\u{201b}', "a typographic quote"),
    ('\u{201c}', '\u{201f}', "a typographic quote"),
    ('\u{ab}', '\u{ab}', "a typographic quote"),
    ('\u{bb}', '\u{bb}', "a typographic quote"),
    ('\u{ff1d}', '\u{ff1d}', "a full-width equals sign"),
    ('\u{ff5b}', '\u{ff5b}', "a full-width brace"),
    ('\u{ff5d}', '\u{ff5d}', "a full-width brace"),
    ('\u{ff03}', '\u{ff03}', "a full-width number sign"),
];

fn name_in(table: &[Row], c: char) -> Option<&'static str> {
    let row = table
        .iter()
        .find(|(first, last, _)| (*first..=*last).contains(&c));
    row.map(|(_, _, name)| *name)
}

/// Whether a terminal shows nothing, or a blank, for it.
pub(crate) fn is_invisible(c: char) -> bool {
    name_in(INVISIBLE, c).is_some()
}

/// The first such character of a line that stands outside quotes: where, and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Odd {
    pub(crate) position: Position,
    /// `a no-break space, U+00A0,`
    pub(crate) name: String,
}

/// The first one of each line that has one.
pub(crate) fn in_each_line(tree: &SyntaxTree) -> Vec<Odd> {
    if tree.source.is_ascii() {
        return Vec::new();
    }
    let lines = tree.lines.iter().enumerate();
    lines
        .filter_map(|(index, line)| first_in(tree, index, line))
        .collect()
}

fn first_in(tree: &SyntaxTree, index: usize, line: &Line) -> Option<Odd> {
    let Content::Words { words, .. } = &line.content else {
        return None;
    };
    let plain = words.iter().filter(|word| word.quote.is_none());
    let (byte, c, name) = plain.into_iter().find_map(|word| first_of(tree, word))?;
    Some(Odd {
        position: tree.position(index, byte),
        name: format!("{name}, U+{:04X},", u32::from(c)),
    })
}

/// Its byte in the source, itself, and its name.
fn first_of(tree: &SyntaxTree, word: &Word) -> Option<(usize, char, &'static str)> {
    let text = tree.text(word);
    if text.is_ascii() {
        return None;
    }
    let mut byte = word.start;
    for chunk in text.utf8_chunks() {
        for (at, c) in chunk.valid().char_indices() {
            let name = name_in(INVISIBLE, c).or_else(|| name_in(LOOK_ALIKE, c));
            if let Some(name) = name {
                return Some((byte + at, c, name));
            }
        }
        byte += chunk.valid().len() + chunk.invalid().len();
    }
    None
}
