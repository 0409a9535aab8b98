//! Adds and removes a whole block and nothing else of a file.

use crate::tree::{Block, BlockKind, Item, LineEnd, SyntaxTree};

use super::{BlockName, EditError, blocks, written};

impl SyntaxTree {
    /// Writes an empty block of this kind and name: a server at the end of the block at the end of `path`,
    /// another one at the end of the file. It is indented like the last of its kind.
    ///
    /// Does not check whether the name is unique; [`set`](Self::set) fills it.
    ///
    /// # Errors
    /// [`EditError`] if the block around it is not there, if blocks of this kind do not stand
    /// there, or if the name does not fit in a line.
    pub fn add_block(
        &mut self,
        path: &[BlockName<'_>],
        kind: BlockKind,
        name: &[u8],
    ) -> Result<(), EditError> {
        let outer = self.block(path)?;
        let at = self.end_of(outer)?;
        let items = outer.map_or(self.items.as_slice(), |block| &block.items);
        let turn = blocks(items).filter(|b| b.kind == kind && self.name(b) == name);
        let new = BlockName {
            kind,
            name,
            turn: turn.count(),
        };
        let text = self.new_block(outer, items, kind, name, at)?;
        let changed = Self::parse(&self.spliced(at, at, &text));
        let there = [path, &[new]].concat();
        match changed.block(&there) {
            Ok(Some(block)) if block.close.is_some() && block.items.is_empty() => {}
            _ => return Err(EditError::CannotBeWritten),
        }
        *self = changed;
        Ok(())
    }

    /// Takes out the lines of the block at the end of `path`, from its header to its closing brace.
    /// Comments in front of it stay.
    ///
    /// # Errors
    /// [`EditError`] if there is no such block, or nothing closes it.
    pub fn remove_block(&mut self, path: &[BlockName<'_>]) -> Result<(), EditError> {
        let block = self.block(path)?.ok_or(EditError::NoSuchBlock)?;
        let header = block.header;
        let close = block.close.ok_or(EditError::OpenBlock)?;
        let line = |index: usize| self.lines.get(index).ok_or(EditError::OpenBlock);
        let end = match self.lines.get(close + 1) {
            Some(behind) => behind.start,
            None => self.source.len(),
        };
        // If the file's last line lacks its end, it lacks it without this block too.
        let before = header.checked_sub(1).filter(|_| {
            let last = self.lines.get(close);
            last.is_some_and(|last| last.ending == LineEnd::Missing)
        });
        let start = match before {
            Some(before) => line(before)?.end,
            None => line(header)?.start,
        };
        *self = Self::parse(&self.spliced(start, end, b""));
        Ok(())
    }

    /// Where a block at the end of `outer`, or of the file, begins.
    fn end_of(&self, outer: Option<&Block>) -> Result<usize, EditError> {
        let Some(block) = outer else {
            let is_whole = self.unclosed.is_empty();
            return is_whole
                .then_some(self.source.len())
                .ok_or(EditError::OpenBlock);
        };
        let close = block.close.and_then(|line| self.lines.get(line));
        close.map(|close| close.start).ok_or(EditError::OpenBlock)
    }

    /// The lines of an empty block at `at`.
    fn new_block(
        &self,
        outer: Option<&Block>,
        items: &[Item],
        kind: BlockKind,
        name: &[u8],
        at: usize,
    ) -> Result<Vec<u8>, EditError> {
        let keyword: &[u8] = match (outer.map(|block| block.kind), kind) {
            (None, BlockKind::Virtual) => b"virtual ",
            (None, BlockKind::Failover) => b"failover ",
            (Some(BlockKind::Virtual | BlockKind::Failover), BlockKind::Server) => b"server ",
            _ => return Err(EditError::CannotBeWritten),
        };
        let like = blocks(items).filter(|block| block.kind == kind).last();
        let indent = match like {
            Some(block) => self.blanks(block.header).to_vec(),
            None if outer.is_none() => Vec::new(),
            None => self.indent(outer, items),
        };
        let (name, line_end) = (written(&[name], false)?, self.line_end());
        let header = [&indent, keyword, &name, b" {"].concat();
        let close = [&indent[..], b"}"].concat();
        Ok(if self.ends_inside_line(at) {
            [line_end, &header, line_end, &close].concat()
        } else {
            [&header[..], line_end, &close, line_end].concat()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# a\nvirtual web {\n\tport = 80\n\t# s\n\tserver a {\n\t}\n} # end\n";

    const fn named(kind: BlockKind, name: &[u8]) -> BlockName<'_> {
        BlockName {
            kind,
            name,
            turn: 0,
        }
    }

    const WEB: BlockName<'_> = named(BlockKind::Virtual, b"web");
    const A: BlockName<'_> = named(BlockKind::Server, b"a");

    fn text(tree: &SyntaxTree) -> &str {
        std::str::from_utf8(tree.print()).expect("text")
    }

    fn added(text_before: &str, path: &[BlockName<'_>], kind: BlockKind, name: &str) -> String {
        let mut tree = SyntaxTree::parse(text_before.as_bytes());
        tree.add_block(path, kind, name.as_bytes()).expect("added");
        text(&tree).to_owned()
    }

    #[test]
    fn a_server_comes_to_the_end_of_its_block_and_a_service_to_the_end_of_the_file() {
        let result = added(FILE, &[WEB], BlockKind::Server, "b");
        let with_b = FILE.replace("\t}\n}", "\t}\n\tserver b {\n\t}\n}");
        assert_eq!(result, with_b);
        let result = added(FILE, &[], BlockKind::Virtual, "my mail");
        assert_eq!(result, format!("{FILE}virtual \"my mail\" {{\n}}\n"));
        assert_eq!(
            added("sync = 0\r", &[], BlockKind::Failover, "f"),
            "sync = 0\rfailover f {\r}\r"
        );
        assert_eq!(
            added("sync = 0", &[], BlockKind::Virtual, "v"),
            "sync = 0\nvirtual v {\n}"
        );
    }

    #[test]
    fn a_block_goes_with_all_its_lines_and_no_other() {
        let mut tree = SyntaxTree::parse(FILE.as_bytes());
        tree.remove_block(&[WEB, A]).expect("removed");
        assert_eq!(text(&tree), FILE.replace("\tserver a {\n\t}\n", ""));
        tree.remove_block(&[WEB]).expect("removed");
        assert_eq!(text(&tree), "# a\n");
        assert_eq!(tree.remove_block(&[WEB]), Err(EditError::NoSuchBlock));
        assert_eq!(tree.remove_block(&[]), Err(EditError::NoSuchBlock));
    }

    #[test]
    fn what_does_not_belong_there_changes_nothing() {
        let mut tree = SyntaxTree::parse(FILE.as_bytes());
        let before = tree.clone();
        let cases: [(&[BlockName<'_>], BlockKind, &[u8]); 6] = [
            (&[], BlockKind::Server, b"b"),
            (&[WEB], BlockKind::Virtual, b"b"),
            (&[WEB, A], BlockKind::Server, b"b"),
            (&[], BlockKind::Unknown, b"b"),
            (&[], BlockKind::Virtual, b"a\nb"),
            (&[], BlockKind::Virtual, b"a \"b"),
        ];
        for (path, kind, name) in cases {
            let result = tree.add_block(path, kind, name);
            assert_eq!(result, Err(EditError::CannotBeWritten), "{kind:?} {name:?}");
        }
        assert_eq!(tree, before);
        let mut open = SyntaxTree::parse(b"virtual web {\n");
        let result = open.add_block(&[], BlockKind::Virtual, b"b");
        assert_eq!(result, Err(EditError::OpenBlock));
        assert_eq!(open.remove_block(&[WEB]), Err(EditError::OpenBlock));
    }
}
