//! Changes one value of a file and nothing else.
//!
//! Used by tools that write lvs.cf: only the line of the statement changes, or one line is added. Whole
//! blocks: [`mod@blocks`].

mod blocks;

use std::fmt;

use crate::tree::{Block, BlockKind, Content, Item, LineEnd, SyntaxTree};
use crate::word::{self, Word};

/// A block of a file: its kind, its name, and its number among blocks of that name, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockName<'a> {
    /// `virtual`, `failover` or `server`.
    pub kind: BlockKind,
    /// As written, without quotes.
    pub name: &'a [u8],
    /// 0 for the first block of this kind and name.
    pub turn: usize,
}

/// Why a value was not changed; the tree is as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditError {
    /// The file has no such block.
    NoSuchBlock,
    /// Nothing closes the block, so there is no place for a new line.
    OpenBlock,
    /// The text has a line end, a NUL or an unescaped quote in it, or is no keyword; or no such block may
    /// stand there.
    CannotBeWritten,
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchBlock => "there is no such block",
            Self::OpenBlock => "the block is not closed",
            Self::CannotBeWritten => "this cannot be written there in one line",
        })
    }
}

impl std::error::Error for EditError {}

impl SyntaxTree {
    /// Writes `keyword = values` into the block at the end of `path`; an empty path means outside blocks.
    ///
    /// Changes the statement that counts; comments and blanks around it stay. If there is none, adds a line
    /// behind the block's last one, indented like it; `port` goes in front of the block's servers, where it
    /// counts for them. If the keyword begins with `#:`, only such statements are looked at. Does not judge
    /// whether the values mean something: read the result.
    ///
    /// # Errors
    /// [`EditError`] if the block is not there or the values do not fit in a line.
    pub fn set(
        &mut self,
        path: &[BlockName<'_>],
        keyword: &str,
        values: &[&[u8]],
    ) -> Result<(), EditError> {
        let block = self.block(path)?;
        let items = block.map_or(self.items.as_slice(), |block| &block.items);
        let changed = match self.statement(items, keyword.as_bytes()) {
            Some(line) => self.changed(line, values)?,
            None => self.extended(block, items, keyword, values)?,
        };
        *self = Self::parse(&changed);
        Ok(())
    }

    fn block(&self, path: &[BlockName<'_>]) -> Result<Option<&Block>, EditError> {
        let mut items = self.items.as_slice();
        let mut found = None;
        for step in path {
            let block = blocks(items)
                .filter(|block| block.kind == step.kind && self.name(block) == step.name)
                .nth(step.turn)
                .ok_or(EditError::NoSuchBlock)?;
            items = &block.items;
            found = Some(block);
        }
        Ok(found)
    }

    fn name(&self, block: &Block) -> &[u8] {
        let name = self.words(block.header).get(1);
        name.map_or(&b""[..], |word| self.text(word))
    }

    /// The line of the statement that counts among `items`: the last one, `#:` before plain ones.
    fn statement(&self, items: &[Item], keyword: &[u8]) -> Option<usize> {
        let (keyword, only_hidden) = match keyword.strip_prefix(b"#:") {
            Some(keyword) => (keyword, true),
            None => (keyword, false),
        };
        let last = |wanted: bool| {
            items.iter().rev().find_map(|item| match item {
                Item::Line(line) => self.is_statement(*line, keyword, wanted).then_some(*line),
                Item::Block(_) => None,
            })
        };
        last(true).or_else(|| if only_hidden { None } else { last(false) })
    }

    fn is_statement(&self, line: usize, keyword: &[u8], wanted: bool) -> bool {
        match self.lines.get(line).map(|line| &line.content) {
            Some(Content::Words { words, hidden }) => {
                let first = words.first().map(|word| self.text(word));
                *hidden == wanted && first == Some(keyword) && words.len() > 2
            }
            _ => false,
        }
    }

    /// The file with other values in `line`; values that were quoted stay so.
    fn changed(&self, line: usize, values: &[&[u8]]) -> Result<Vec<u8>, EditError> {
        let words = self.words(line).get(2..).unwrap_or_default();
        if words
            .iter()
            .map(|word| self.text(word))
            .eq(values.iter().copied())
        {
            return Ok(self.source.clone());
        }
        let was_quoted = words.iter().any(|word| word.quote == Some(b'"'));
        let written = written(values, was_quoted)?;
        let (Some(first), Some(last)) = (words.first(), words.last()) else {
            return Err(EditError::CannotBeWritten);
        };
        Ok(self.spliced(first.start, last.end, &written))
    }

    /// The file with one line more at the end of the block.
    fn extended(
        &self,
        block: Option<&Block>,
        items: &[Item],
        keyword: &str,
        values: &[&[u8]],
    ) -> Result<Vec<u8>, EditError> {
        let is_word = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
        let bare = keyword.strip_prefix("#:").unwrap_or(keyword);
        if bare.is_empty() || !bare.bytes().all(is_word) {
            return Err(EditError::CannotBeWritten);
        }
        let line_end = self.line_end();
        let items = match keyword {
            "port" => before_servers(items),
            _ => items,
        };
        let mut new = self.indent(block, items).to_vec();
        new.extend_from_slice(keyword.as_bytes());
        new.extend_from_slice(b" = ");
        new.extend_from_slice(&written(values, false)?);
        let at = self.place(block, items)?;
        if self.ends_inside_line(at) {
            new.splice(..0, line_end.iter().copied());
        } else {
            new.extend_from_slice(line_end);
        }
        Ok(self.spliced(at, at, &new))
    }

    /// Where a new line begins: behind `items`, the block's or the first of them.
    fn place(&self, block: Option<&Block>, items: &[Item]) -> Result<usize, EditError> {
        let Some(block) = block else {
            return Ok(self.end_of_statements(items, 0));
        };
        let close = block.close.and_then(|line| self.lines.get(line));
        let close = close.ok_or(EditError::OpenBlock)?.start;
        let is_whole = items.len() == block.items.len();
        Ok(match is_whole {
            true => close,
            false => self.end_of_statements(items, block.header + 1),
        })
    }

    /// Behind the last statement among `items`; the start of line `first` if there is none.
    fn end_of_statements(&self, items: &[Item], first: usize) -> usize {
        let last = items.iter().rev().find_map(|item| match item {
            Item::Line(line) if !self.words(*line).is_empty() => Some(*line),
            _ => None,
        });
        let behind = last.map_or(first, |line| line + 1);
        match self.lines.get(behind) {
            Some(next) => next.start,
            None => self.source.len(),
        }
    }

    /// Whether the text before `at` lacks its line end.
    fn ends_inside_line(&self, at: usize) -> bool {
        let last = self.lines.last();
        at == self.source.len() && last.is_some_and(|line| line.ending == LineEnd::Missing)
    }

    /// The blanks before a new line: those of the block's last statement, else more than the
    /// header's.
    fn indent(&self, block: Option<&Block>, items: &[Item]) -> Vec<u8> {
        let like = items.iter().rev().find_map(|item| match item {
            Item::Line(line) if !self.words(*line).is_empty() => Some(*line),
            _ => None,
        });
        match (like, block) {
            (Some(line), _) => self.blanks(line).to_vec(),
            (None, Some(block)) => [self.blanks(block.header), b"     "].concat(),
            (None, None) => Vec::new(),
        }
    }

    fn blanks(&self, line: usize) -> &[u8] {
        let Some(line) = self.lines.get(line) else {
            return b"";
        };
        let text = self.source.get(line.start..line.end).unwrap_or_default();
        let count = text
            .iter()
            .take_while(|byte| word::is_blank(**byte))
            .count();
        text.get(..count).unwrap_or_default()
    }

    /// How the file ends its lines.
    fn line_end(&self) -> &'static [u8] {
        match self.lines.first().map(|line| line.ending) {
            Some(LineEnd::CrLf) => b"\r\n",
            Some(LineEnd::Cr) => b"\r",
            _ => b"\n",
        }
    }

    fn spliced(&self, start: usize, end: usize, new: &[u8]) -> Vec<u8> {
        let before = self.source.get(..start).unwrap_or_default();
        let after = self.source.get(end..).unwrap_or_default();
        [before, new, after].concat()
    }
}

/// The entries in front of the first real server: a server without a port has that of the lines above it.
fn before_servers(items: &[Item]) -> &[Item] {
    let first = items.iter().position(|item| matches!(item, Item::Block(_)));
    items.get(..first.unwrap_or(items.len())).unwrap_or(items)
}

fn blocks(items: &[Item]) -> impl Iterator<Item = &Block> {
    items.iter().filter_map(|item| match item {
        Item::Block(block) => Some(block),
        Item::Line(_) => None,
    })
}

/// Values as words, quoted where they must be. Reads them again to see that they come back.
fn written(values: &[&[u8]], always_quoted: bool) -> Result<Vec<u8>, EditError> {
    let word = |value: &&[u8]| {
        if always_quoted || needs_quotes(value) {
            [b"\"", *value, b"\""].concat()
        } else {
            value.to_vec()
        }
    };
    let quoted: Vec<_> = values.iter().map(word).collect();
    let line = quoted.join(&b' ');
    let bad = |byte: &u8| matches!(byte, 0 | b'\n' | b'\r');
    let words = word::split(&line, 0).unwrap_or_default();
    let text = |word: &Word| line.get(word.content()).unwrap_or_default();
    let comes_back = words.iter().map(text).eq(values.iter().copied());
    let is_plain = |word: &Word| !word.glued && !word.closed_by_last_quote;
    if values.is_empty() || line.iter().any(bad) || !comes_back || !words.iter().all(is_plain) {
        return Err(EditError::CannotBeWritten);
    }
    Ok(line)
}

/// Whether a word has blanks, is empty or begins with a quote or like a comment.
fn needs_quotes(value: &[u8]) -> bool {
    value.is_empty()
        || value.iter().any(|byte| word::is_blank(*byte))
        || matches!(value.first(), Some(b'"' | b'\'' | b'#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "# a\nserial_no =  3\t\n\nvirtual web {\n\tport = 80\n\tserver a {\n\t}\n}\n";

    const WEB: BlockName<'_> = BlockName {
        kind: BlockKind::Virtual,
        name: b"web",
        turn: 0,
    };

    fn edited(text: &str, path: &[BlockName<'_>], keyword: &str, value: &str) -> String {
        let mut tree = SyntaxTree::parse(text.as_bytes());
        tree.set(path, keyword, &[value.as_bytes()]).expect("set");
        String::from_utf8(tree.print().to_vec()).expect("text")
    }

    #[test]
    fn only_the_value_changes() {
        let result = edited(FILE, &[], "serial_no", "4");
        assert_eq!(result, FILE.replace("=  3\t", "=  4\t"));
        let result = edited(FILE, &[WEB], "port", "443");
        assert_eq!(result, FILE.replace("80", "443"));
    }

    #[test]
    fn an_equal_value_changes_no_byte_and_quotes_stay() {
        let text = "rsh_command = \"ssh\" \n";
        assert_eq!(edited(text, &[], "rsh_command", "ssh"), text);
        let result = edited(text, &[], "rsh_command", "rsh");
        assert_eq!(result, "rsh_command = \"rsh\" \n");
        assert_eq!(edited("x = 1\n", &[], "x", "'a"), "x = \"'a\"\n");
        assert_eq!(edited("x = 1\n", &[], "x", ""), "x = \"\"\n");
    }

    #[test]
    fn a_missing_statement_becomes_one_line_of_its_block() {
        let result = edited(FILE, &[WEB], "send", "GET /");
        assert_eq!(result, FILE.replace("\t}\n}", "\t}\n\tsend = \"GET /\"\n}"));
        let result = edited(FILE, &[], "sync", "1");
        assert_eq!(result, FILE.replace("3\t\n", "3\t\nsync = 1\n"));
        let server = BlockName {
            kind: BlockKind::Server,
            name: b"a",
            turn: 0,
        };
        let result = edited(FILE, &[WEB, server], "weight", "2");
        assert_eq!(result, FILE.replace("a {\n", "a {\n\t     weight = 2\n"));
    }

    #[test]
    fn a_port_comes_before_the_servers_that_take_it() {
        let text = "virtual v {\n  # c\n  active = 1\n\n  # s\n  server a {\n  }\n  sync = 1\n}\n";
        let v = BlockName { name: b"v", ..WEB };
        let result = edited(text, &[v], "port", "443");
        let added = "active = 1\n  port = 443\n";
        assert_eq!(result, text.replace("active = 1\n", added));
        let bare = "virtual v {\r  server a {\r  }\r}";
        let result = edited(bare, &[v], "port", "443");
        assert_eq!(result, bare.replace("v {\r", "v {\r     port = 443\r"));
    }

    #[test]
    fn line_ends_stay_those_of_the_file() {
        assert_eq!(
            edited("sync = 0\r\n", &[], "x", "1"),
            "sync = 0\r\nx = 1\r\n"
        );
        assert_eq!(edited("sync = 0", &[], "x", "1"), "sync = 0\nx = 1");
        assert_eq!(edited("", &[], "x", "1"), "x = 1\n");
    }

    #[test]
    fn the_form_behind_the_mark_is_the_one_that_counts() {
        let text = "keepalive = 2\n#:keepalive = 0.2\n";
        let result = edited(text, &[], "keepalive", "0.3");
        assert_eq!(result, "keepalive = 2\n#:keepalive = 0.3\n");
        let result = edited("keepalive = 2\n", &[], "#:keepalive", "0.3");
        assert_eq!(result, "keepalive = 2\n#:keepalive = 0.3\n");
    }

    #[test]
    fn what_does_not_fit_in_a_line_changes_nothing() {
        let mut tree = SyntaxTree::parse(FILE.as_bytes());
        let before = tree.clone();
        for bad in [&b"a\nb"[..], b"a \"b", b"a\0", b"\"", b"a b\\"] {
            let result = tree.set(&[], "serial_no", &[bad]);
            assert_eq!(result, Err(EditError::CannotBeWritten), "{bad:?}");
        }
        let nowhere = BlockName { name: b"x", ..WEB };
        assert_eq!(
            tree.set(&[nowhere], "port", &[b"1"]),
            Err(EditError::NoSuchBlock)
        );
        assert_eq!(tree, before);
    }
}
