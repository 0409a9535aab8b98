//! First stage: the text as lines, words and nested blocks, without loss.
//!
//! Parsing never fails: what cannot be split or nested is kept and marked, and the second stage reports it.
//! Used by the reader, and by tools that change a file and keep the rest of it.

use crate::position::Position;
use crate::word::{self, QuotationMismatch, Word};
use crate::work;

/// Longest line that is read, 64 KiB.
pub const MAX_LINE: usize = 64 * 1024;

/// A file's text and its structure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxTree {
    pub(crate) source: Vec<u8>,
    pub(crate) lines: Vec<Line>,
    pub(crate) items: Vec<Item>,
    /// Blocks that the end of the file left open, outermost first: their lines' indices.
    pub(crate) unclosed: Vec<usize>,
    pub(crate) byte_order_mark: bool,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Where it begins in the source.
    pub(crate) start: usize,
    /// Behind its last byte, the line end not included.
    pub(crate) end: usize,
    /// What ended it.
    pub(crate) ending: LineEnd,
    /// What it says.
    pub(crate) content: Content,
}

/// What ends a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineEnd {
    Lf,
    Cr,
    CrLf,
    /// The end of the file.
    Missing,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Nothing, or a comment.
    Nothing,
    /// Words, at least one. `hidden` if they stand behind `#:`, where an original sees a comment.
    Words { words: Vec<Word>, hidden: bool },
    /// A quote that nothing closes.
    Mismatch(QuotationMismatch),
    /// A NUL byte, at this place of the source.
    Nul(usize),
    /// More than [`MAX_LINE`] bytes.
    TooLong,
}

/// An entry of a block: the index of its line, or a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Line(usize),
    Block(Block),
}

/// A block: its header's line, its entries, its closing line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) header: usize,
    pub(crate) kind: BlockKind,
    pub(crate) items: Vec<Item>,
    pub(crate) close: Option<usize>,
}

/// What a block describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlockKind {
    /// `virtual NAME {`, outside blocks.
    Virtual,
    /// `failover NAME {`, outside blocks.
    Failover,
    /// `server NAME {`, inside one of the others.
    Server,
    /// Anything else that ends in `{`: kept, never understood.
    Unknown,
}

impl SyntaxTree {
    /// Splits a file. Time and memory grow with its size only.
    #[must_use]
    pub fn parse(source: &[u8]) -> Self {
        let byte_order_mark = source.starts_with(b"\xef\xbb\xbf");
        let lines = lines(source, if byte_order_mark { 3 } else { 0 });
        let mut nest = Nest::default();
        for (index, line) in lines.iter().enumerate() {
            nest.add(source, index, &line.content);
        }
        let (items, unclosed) = nest.finish();
        Self {
            source: source.to_vec(),
            lines,
            items,
            unclosed,
            byte_order_mark,
        }
    }

    /// The file's text, byte for byte as it was parsed or changed.
    #[must_use]
    pub fn print(&self) -> &[u8] {
        &self.source
    }

    /// The words of a line, if it has any that can be told apart.
    pub(crate) fn words(&self, line: usize) -> &[Word] {
        work::done(1);
        match self.lines.get(line).map(|line| &line.content) {
            Some(Content::Words { words, .. }) => words,
            _ => &[],
        }
    }

    /// Line and column of a byte of the source that lies in `line`.
    pub(crate) fn position(&self, line: usize, byte: usize) -> Position {
        work::done(1);
        let start = self.lines.get(line).map_or(byte, |line| line.start);
        let from_one = |number: usize| u32::try_from(number + 1).unwrap_or(u32::MAX);
        Position {
            line: from_one(line),
            column: from_one(byte.saturating_sub(start)),
        }
    }

    /// Behind the last byte of a line that is no blank.
    pub(crate) fn end_of_text(&self, line: usize) -> usize {
        let Some(line) = self.lines.get(line) else {
            return self.source.len();
        };
        let text = self.source.get(line.start..line.end).unwrap_or_default();
        let last = text.iter().rposition(|byte| !word::is_blank(*byte));
        work::done(text.len() - last.unwrap_or(0));
        line.start + last.map_or(0, |last| last + 1)
    }

    /// The bytes of a word, without its quotes.
    pub(crate) fn text(&self, word: &Word) -> &[u8] {
        work::done(1);
        self.source.get(word.content()).unwrap_or_default()
    }
}

/// Cuts the source at every LF, CR or CRLF.
fn lines(source: &[u8], mut start: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    while let Some(rest) = source.get(start..).filter(|rest| !rest.is_empty()) {
        let length = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let end = start + length.unwrap_or(rest.len());
        let (ending, size) = match (source.get(end), source.get(end + 1)) {
            (Some(b'\r'), Some(b'\n')) => (LineEnd::CrLf, 2),
            (Some(b'\r'), _) => (LineEnd::Cr, 1),
            (Some(_), _) => (LineEnd::Lf, 1),
            (None, _) => (LineEnd::Missing, 0),
        };
        lines.push(Line {
            start,
            end,
            ending,
            content: content(source.get(start..end).unwrap_or_default(), start),
        });
        start = end + size;
    }
    lines
}

/// What a line says; `start` is where it lies in the source.
fn content(line: &[u8], start: usize) -> Content {
    if line.len() > MAX_LINE {
        return Content::TooLong;
    }
    if let Some(nul) = line.iter().position(|byte| *byte == 0) {
        return Content::Nul(start + nul);
    }
    let blanks = line
        .iter()
        .take_while(|byte| word::is_blank(**byte))
        .count();
    let hidden = match (line.get(blanks), line.get(blanks + 1)) {
        (None, _) => return Content::Nothing,
        (Some(b'#'), Some(b':')) => true,
        (Some(b'#'), _) => return Content::Nothing,
        _ => false,
    };
    let skipped = if hidden { blanks + 2 } else { 0 };
    match word::split(line.get(skipped..).unwrap_or_default(), start + skipped) {
        Ok(words) if words.is_empty() || hidden && starts_apart(&words, start + skipped) => {
            no_keyword(start + skipped)
        }
        Ok(words) => Content::Words { words, hidden },
        Err(mismatch) => Content::Mismatch(mismatch),
    }
}

/// Whether a blank stands between `#:` and the first word.
fn starts_apart(words: &[Word], behind_mark: usize) -> bool {
    words.first().is_none_or(|word| word.start != behind_mark)
}

/// `#:` with no keyword directly behind it: an empty, and so unknown, keyword.
fn no_keyword(at: usize) -> Content {
    let nothing = Word {
        start: at,
        end: at,
        quote: None,
        glued: false,
        closed_by_last_quote: false,
    };
    Content::Words {
        words: vec![nothing],
        hidden: true,
    }
}

/// Blocks that are open while the lines go by.
#[derive(Default)]
struct Nest {
    outside: Vec<Item>,
    open: Vec<Block>,
    /// Open blocks within an unknown one: counted, not nested, so that no file makes a deep tree.
    within_unknown: usize,
}

impl Nest {
    fn add(&mut self, source: &[u8], index: usize, content: &Content) {
        let text = |word: &Word| source.get(word.content()).unwrap_or_default();
        let words = match content {
            Content::Words {
                words,
                hidden: false,
            } => words.as_slice(),
            _ => &[],
        };
        let first = words.first().map_or(&b""[..], text);
        let last = match words.get(1) {
            Some(second) if text(second) == b"=" => b"",
            _ => words.last().map_or(&b""[..], text),
        };
        if first == b"}" && !self.open.is_empty() {
            self.close_at(index);
        } else if let Some(kind) = self.opened(first, last) {
            self.open_at(index, kind);
            if kind != BlockKind::Unknown && last == b"}" {
                self.close(None);
            }
        } else {
            self.push(Item::Line(index));
        }
    }

    fn open_at(&mut self, header: usize, kind: BlockKind) {
        if self.is_in_unknown() {
            self.within_unknown += 1;
            return self.push(Item::Line(header));
        }
        self.open.push(Block {
            header,
            kind,
            items: Vec::new(),
            close: None,
        });
    }

    fn close_at(&mut self, line: usize) {
        if self.within_unknown > 0 {
            self.within_unknown -= 1;
            self.push(Item::Line(line));
        } else {
            self.close(Some(line));
        }
    }

    fn is_in_unknown(&self) -> bool {
        let inner = self.open.last().map(|block| block.kind);
        inner == Some(BlockKind::Unknown)
    }

    /// The block that a line with these words at its ends opens.
    ///
    /// The block keywords open one at their level even without the brace, so that one mistake in a
    /// header is one message, also with the brace on the next line. One written in a single line is
    /// closed at once.
    fn opened(&self, first: &[u8], last: &[u8]) -> Option<BlockKind> {
        let outer = self.open.last().map(|block| block.kind);
        let known = match (outer, first) {
            (None, b"virtual") => Some(BlockKind::Virtual),
            (None, b"failover") => Some(BlockKind::Failover),
            (Some(BlockKind::Virtual | BlockKind::Failover), b"server") => Some(BlockKind::Server),
            _ => None,
        };
        let is_other = last == b"{" && first != b"{";
        known.or_else(|| is_other.then_some(BlockKind::Unknown))
    }

    fn push(&mut self, item: Item) {
        match self.open.last_mut() {
            Some(block) => block.items.push(item),
            None => self.outside.push(item),
        }
    }

    fn close(&mut self, line: Option<usize>) {
        if let Some(mut block) = self.open.pop() {
            block.close = line;
            self.push(Item::Block(block));
        }
    }

    fn finish(mut self) -> (Vec<Item>, Vec<usize>) {
        let unclosed = self.open.iter().map(|block| block.header).collect();
        while !self.open.is_empty() {
            self.close(None);
        }
        (self.outside, unclosed)
    }
}
