//! Where something stands in the file. `SyntaxTree::position` in `tree.rs` makes it of a byte in a line.

/// A place in the file: its line, and the byte in the line, both from 1. Line 0 is the file as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, blank and comment lines counted.
    pub line: u32,
    /// Byte of the line; a tab is one.
    pub column: u32,
}
