//! What is wrong with a file, or odd about it, and where: the messages.

use std::fmt;

use crate::odd_characters::{Odd, is_invisible};
use crate::position::Position;
use crate::work;

/// Most findings that one reading reports.
pub const MAX_FINDINGS: usize = 20;

/// What a finding means for the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Consequence {
    /// The whole file is refused.
    Refuse,
    /// The block or real server is ignored, everything else works; `-t` exits 1.
    LeaveOut,
    /// Tried all the same, but the kernel of this machine will refuse it; `-t` exits 1.
    Error,
    /// Accepted; worth a line at every start and reload.
    Warn,
    /// Worth a line with `-t` only. Either an original on the other director would refuse the line or read
    /// it otherwise, or it would be wrong if it were not switched off.
    Note,
}

/// The texts that the original's programs print and log for a file they refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each one's text says it")]
pub enum Reason {
    EmptyConfiguration,
    QuotationMismatch,
    UnexpectedArguments,
    EqualExpected,
    MissingArguments,
    InvalidHost,
    InvalidArgument,
    IntegerExpected,
    BooleanExpected,
    UnknownCommand,
    ListExpected,
    BadSubnetMask,
    UnexpectedEndOfFile,
    UnknownError,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmptyConfiguration => "Empty configuration",
            Self::QuotationMismatch => "quotation mismatch",
            Self::UnexpectedArguments => "unexpected arguments",
            Self::EqualExpected => "equal (=) expected after command",
            Self::MissingArguments => "missing arguments",
            Self::InvalidHost => "invalid host name or ip address",
            Self::InvalidArgument => "invalid argument",
            Self::IntegerExpected => "integer expected",
            Self::BooleanExpected => "boolean expected",
            Self::UnknownCommand => "unknown command",
            Self::ListExpected => "list expected",
            Self::BadSubnetMask => "Bad subnet mask specified",
            Self::UnexpectedEndOfFile => "unexpected end of file",
            Self::UnknownError => "unknown error",
        })
    }
}

/// One thing about a file. Prints itself without the file's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub position: Position,
    /// What it means for the file.
    pub consequence: Consequence,
    /// The original's text, for what is refused.
    pub reason: Option<Reason>,
    /// What was found and what is expected; printable.
    pub what: String,
}

impl fmt::Display for Finding {
    /// `17:12: integer expected: weight = heavy, 0 to 65535 expected`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.position.line > 0 {
            write!(f, "{}:{}: ", self.position.line, self.position.column)?;
        }
        match (self.consequence, self.reason) {
            (Consequence::Refuse, Some(reason)) => write!(f, "{reason}: {}", self.what),
            (Consequence::Refuse, None) => f.write_str(&self.what),
            (Consequence::LeaveOut, _) => write!(f, "left out: {}", self.what),
            (Consequence::Error, _) => write!(f, "error: {}", self.what),
            (Consequence::Warn, _) => write!(f, "warning: {}", self.what),
            (Consequence::Note, _) => write!(f, "note: {}", self.what),
        }
    }
}

impl Finding {
    pub(crate) const fn refusal(position: Position, reason: Reason, what: String) -> Self {
        Self {
            position,
            consequence: Consequence::Refuse,
            reason: Some(reason),
            what,
        }
    }

    /// The line for people: `lvs.cf:17:12: …`.
    #[must_use]
    pub fn in_file(&self, file: &str) -> String {
        let space = if self.position.line == 0 { " " } else { "" };
        format!("{file}:{space}{self}")
    }
}

/// Collects findings in any order and keeps the first [`MAX_FINDINGS`], errors before the rest.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    kept: Vec<Finding>,
    /// How many were not kept.
    more: usize,
    /// What is judged now is switched off: findings about it are notes at most.
    idle: bool,
}

/// What is said about a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// In file order.
    pub(crate) findings: Vec<Finding>,
    /// How many more there are.
    pub(crate) more: usize,
}

impl Findings {
    pub(crate) fn push(&mut self, finding: Finding) {
        work::done(1);
        self.kept.push(match self.idle {
            true => noted(finding),
            false => finding,
        });
        if self.kept.len() >= 4 * MAX_FINDINGS {
            self.trim();
        }
    }

    /// Says whether what follows is about something that is switched off.
    pub(crate) const fn set_idle(&mut self, idle: bool) {
        self.idle = idle;
    }

    pub(crate) const fn is_idle(&self) -> bool {
        self.idle
    }

    /// Turns the warnings about these lines into notes: what stands at `switch` switches their subject off.
    pub(crate) fn note_warnings(&mut self, lines: std::ops::RangeInclusive<u32>, switch: Position) {
        work::done(self.kept.len());
        for finding in &mut self.kept {
            let is_inside = lines.contains(&finding.position.line) && finding.position != switch;
            if finding.consequence == Consequence::Warn && is_inside {
                *finding = noted(finding.clone());
            }
        }
    }

    pub(crate) fn refuse(&mut self, position: Position, reason: Reason, what: String) {
        self.push(Finding::refusal(position, reason, what));
    }

    pub(crate) fn remark(&mut self, position: Position, consequence: Consequence, what: String) {
        self.push(Finding {
            position,
            consequence,
            reason: None,
            what,
        });
    }

    pub(crate) fn warn(&mut self, position: Position, what: String) {
        self.remark(position, Consequence::Warn, what);
    }

    /// Names characters that one does not see or takes for others: with the errors about their line, or in
    /// a warning of their own.
    pub(crate) fn name_characters(&mut self, odd: &[Odd]) {
        for one in odd {
            self.name_character(one);
        }
    }

    fn name_character(&mut self, odd: &Odd) {
        work::done(self.kept.len());
        let Odd { position, name } = odd;
        let mut is_named = false;
        for finding in &mut self.kept {
            if finding.position.line == position.line && finding.consequence < Consequence::Warn {
                is_named = true;
                let column = position.column;
                finding.what += &format!(" ({name} stands in column {column})");
            }
        }
        if !is_named {
            self.warn(*position, format!("{name} is part of the word"));
        }
    }

    pub(crate) fn has_error(&self) -> bool {
        let mut findings = self.kept.iter();
        findings.any(|finding| finding.consequence == Consequence::Refuse)
    }

    fn trim(&mut self) {
        work::done(self.kept.len());
        self.kept
            .sort_by_key(|finding| (finding.consequence, finding.position));
        self.more += self.kept.len().saturating_sub(MAX_FINDINGS);
        self.kept.truncate(MAX_FINDINGS);
    }

    /// The findings in file order, and how many more there were.
    pub(crate) fn finish(mut self) -> Said {
        self.trim();
        self.kept.sort_by_key(|finding| finding.position);
        Said {
            findings: self.kept,
            more: self.more,
        }
    }
}

/// A finding about something that is switched off.
fn noted(finding: Finding) -> Finding {
    if finding.consequence == Consequence::Note {
        return finding;
    }
    Finding {
        consequence: Consequence::Note,
        reason: None,
        what: format!("switched off: {}", finding.what),
        ..finding
    }
}

/// Makes a terminal show the rest of a line in another order than it has in the file, as some of the
/// invisible characters do.
const TURNS_AROUND: char = '\u{61c}';

/// Text from a file for messages and logs. Control characters, invisible ones and those that change the
/// direction are escaped; bytes that are no UTF-8 are replaced.
pub(crate) fn printable(text: &[u8]) -> String {
    let mut printable = String::new();
    for c in String::from_utf8_lossy(text).chars() {
        if c.is_control() || c == TURNS_AROUND || is_invisible(c) {
            printable.extend(c.escape_default());
        } else {
            printable.push(c);
        }
    }
    printable
}

/// The same, cut behind 60 characters.
pub(crate) fn shown(text: &[u8]) -> String {
    const MAX: usize = 60;
    let text = printable(text.get(..4 * MAX).unwrap_or(text));
    match text.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_file_line_and_column() {
        let finding = Finding {
            position: Position {
                line: 17,
                column: 12,
            },
            consequence: Consequence::Refuse,
            reason: Some(Reason::IntegerExpected),
            what: "weight = heavy, 0 to 65535 expected".into(),
        };
        assert_eq!(
            finding.in_file("lvs.cf"),
            "lvs.cf:17:12: integer expected: weight = heavy, 0 to 65535 expected"
        );
    }

    #[test]
    fn r_a_name_cannot_turn_the_line_that_names_it_around() {
        assert_eq!(
            printable("web\u{202e}gol\u{2066}\u{200f}\u{61c} é 東\x1b".as_bytes()),
            "web\\u{202e}gol\\u{2066}\\u{200f}\\u{61c} é 東\\u{1b}"
        );
    }

    #[test]
    fn a_finding_of_the_whole_file_has_no_position() {
        let mut findings = Findings::default();
        let what = "no statement in it".to_owned();
        findings.refuse(Position::default(), Reason::EmptyConfiguration, what);
        assert_eq!(
            findings.finish().findings[0].in_file("lvs.cf"),
            "lvs.cf: Empty configuration: no statement in it"
        );
    }

    #[test]
    fn errors_are_never_crowded_out_by_warnings() {
        let at = |line| Position { line, column: 1 };
        let mut findings = Findings::default();
        for line in 1..500 {
            findings.warn(at(line), "odd".into());
        }
        findings.refuse(at(500), Reason::UnknownCommand, "x".into());
        let Said {
            findings: kept,
            more,
        } = findings.finish();
        assert_eq!(kept.len(), MAX_FINDINGS);
        assert_eq!(more, 500 - MAX_FINDINGS);
        assert_eq!(kept.last().map(|last| last.position.line), Some(500));
    }

    #[test]
    fn text_from_a_file_is_shown_without_control_characters() {
        assert_eq!(shown(b"a\x1b[2J\xff"), "a\\u{1b}[2J\u{fffd}");
        assert_eq!(shown(&[b'x'; 1000]).len(), 63);
    }
}
