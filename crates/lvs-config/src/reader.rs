//! Reading a file: text to [`Config`], or the reasons why not.

use std::collections::BTreeSet;
use std::fmt;

use crate::finding::{Consequence, Finding, Findings, Reason, Said};
use crate::hash::ContentHash;
use crate::judge::Judge;
use crate::lookup::{Hosts, Lookup};
use crate::model::Config;
use crate::odd_characters;
use crate::original::other_quotes;
use crate::position::Position;
use crate::tree::{Content, LineEnd, SyntaxTree};
use crate::walk::{Unknown, Walker};

/// Largest file that is read, 1 MiB.
pub const MAX_FILE: usize = 1024 * 1024;

/// A file that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// What it means.
    pub config: Config,
    /// What is odd about it, in file order.
    pub findings: Vec<Finding>,
    /// How many findings there are beside these.
    pub more: usize,
    /// Names that do not resolve, for which something was left out.
    pub unresolved: BTreeSet<String>,
    /// Tells two contents apart in logs.
    pub hash: ContentHash,
}

impl Loaded {
    /// Whether a part of it will not work: it was left out, or the kernel will refuse it. Then `-t` exits
    /// 1.
    #[must_use]
    pub fn has_faults(&self) -> bool {
        let mut findings = self.findings.iter();
        findings.any(|it| matches!(it.consequence, Consequence::LeaveOut | Consequence::Error))
    }
}

/// A file that was refused, with its findings, at least one of them an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedFile {
    /// What is wrong and what is odd, in file order.
    pub findings: Vec<Finding>,
    /// How many findings there are beside these.
    pub more: usize,
}

impl From<Said> for RefusedFile {
    fn from(said: Said) -> Self {
        Self {
            findings: said.findings,
            more: said.more,
        }
    }
}

impl RefusedFile {
    /// The first error: its line and text belong into the programs' own first line.
    #[must_use]
    pub fn first(&self) -> Option<&Finding> {
        let mut findings = self.findings.iter();
        findings.find(|finding| finding.consequence == Consequence::Refuse)
    }

    /// Line of the first error; 0 for the file as a whole.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.first().map_or(0, |first| first.position.line)
    }

    /// The original's text for the first error.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.first()
            .and_then(|first| first.reason)
            .unwrap_or(Reason::UnknownError)
    }
}

impl fmt::Display for RefusedFile {
    /// The first error.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first() {
            Some(first) => first.fmt(f),
            None => Reason::UnknownError.fmt(f),
        }
    }
}

impl std::error::Error for RefusedFile {}

/// Reads a file as the daemons do.
///
/// # Errors
/// [`RefusedFile`] with everything that is wrong, up to twenty findings.
pub fn read(text: &[u8], lookup: &mut dyn Lookup) -> Result<Loaded, RefusedFile> {
    read_as(text, lookup, Unknown::Refuse)
}

/// Reads a file for a tool that shows or changes it: an unknown word is a warning.
///
/// # Errors
/// [`RefusedFile`] with everything else that is wrong, up to twenty findings.
pub fn read_tolerant(text: &[u8], lookup: &mut dyn Lookup) -> Result<Loaded, RefusedFile> {
    read_as(text, lookup, Unknown::Keep)
}

fn read_as(text: &[u8], lookup: &mut dyn Lookup, unknown: Unknown) -> Result<Loaded, RefusedFile> {
    let mut findings = Findings::default();
    check_size(text, &mut findings);
    if findings.has_error() {
        return Err(findings.finish().into());
    }
    let tree = SyntaxTree::parse(text);
    check_layout(&tree, &mut findings);
    let mut walker = Walker {
        tree: &tree,
        hosts: Hosts::new(lookup),
        findings,
        unknown,
    };
    let file = walker.file();
    if !tree.unclosed.is_empty() {
        walker
            .findings
            .name_characters(&odd_characters::in_each_line(&tree));
        // Cut off: what is not there may have been.
        return Err(walker.findings.finish().into());
    }
    let mut judge = Judge {
        findings: &mut walker.findings,
        hosts: &mut walker.hosts,
        is_external: false,
        check_user: None,
        unresolved: BTreeSet::new(),
    };
    let config = judge.config(&file);
    let unresolved = judge.unresolved;
    walker
        .findings
        .name_characters(&odd_characters::in_each_line(&tree));
    let refused = walker.findings.has_error();
    let said = walker.findings.finish();
    if refused {
        return Err(said.into());
    }
    Ok(Loaded {
        config,
        findings: said.findings,
        more: said.more,
        unresolved,
        hash: ContentHash::of(text),
    })
}

fn check_size(text: &[u8], findings: &mut Findings) {
    let whole = Position::default();
    if text.is_empty() {
        let what = "the file has no byte, statements expected";
        findings.refuse(whole, Reason::EmptyConfiguration, what.into());
    } else if text.len() > MAX_FILE {
        let what = "the file has more than 1 MiB, no more expected";
        findings.refuse(whole, Reason::UnknownError, what.into());
    }
}

/// Checks byte order mark, line ends, quotes, and blocks that nothing closes.
fn check_layout(tree: &SyntaxTree, findings: &mut Findings) {
    if tree.byte_order_mark {
        let start = Position { line: 1, column: 1 };
        let what = "a byte order mark: an original director refuses the file";
        findings.warn(start, what.into());
    }
    if let Some(index) = first_other_line_end(tree) {
        let at = tree.position(index, tree.end_of_text(index));
        let what = "line ends differ from those above: an original director loses lines";
        findings.warn(at, what.into());
    } else {
        note_line_ends(tree, findings);
    }
    note_quotes(tree, findings);
    let last = tree.lines.len().saturating_sub(1);
    let at = tree.position(last, tree.end_of_text(last));
    for header in tree.unclosed.iter().rev() {
        let words = tree.words(*header).iter().take(2);
        let block: Vec<_> = words
            .map(|word| crate::finding::shown(tree.text(word)))
            .collect();
        let what = format!(
            "the block {} of line {} is still open, }} expected",
            block.join(" "),
            header + 1
        );
        findings.refuse(at, Reason::UnexpectedEndOfFile, what);
    }
}

/// In a file with CRLF an original sees no line but the first.
fn note_line_ends(tree: &SyntaxTree, findings: &mut Findings) {
    let is_long = tree.lines.len() > 1;
    let first = tree.lines.first().filter(|_| is_long);
    if first.is_some_and(|first| first.ending == LineEnd::CrLf) {
        let at = tree.position(0, tree.end_of_text(0));
        let what = "lines end in CRLF: an original director reads only this one";
        findings.remark(at, Consequence::Note, what.into());
    }
}

fn note_quotes(tree: &SyntaxTree, findings: &mut Findings) {
    for (index, line) in tree.lines.iter().enumerate() {
        let Content::Words {
            words,
            hidden: false,
        } = &line.content
        else {
            continue;
        };
        let until_its_end = tree.source.get(..line.end).unwrap_or_default();
        if let Some((word, what)) = other_quotes(until_its_end, words) {
            let at = tree.position(index, word.start);
            findings.remark(at, Consequence::Note, what.into());
        }
    }
}

/// The first line that ends in another way than the first one does.
fn first_other_line_end(tree: &SyntaxTree) -> Option<usize> {
    let first = tree.lines.first()?.ending;
    tree.lines
        .iter()
        .position(|line| line.ending != first && line.ending != LineEnd::Missing)
}
