//! Second stage, first half: a tree's statements as typed settings.
//!
//! It checks each statement by itself: whether its keyword is known here, its words are complete, its value
//! is in range. [`crate::judge`] judges what the settings mean together.

use crate::advice::advice;
use crate::finding::{Consequence, Finding, Findings, Reason, printable, shown};
use crate::keyword::{self, Keyword, Kind, Place};
use crate::lookup::Hosts;
use crate::position::Position;
use crate::section::{Section, Setting};
use crate::tree::{Block, BlockKind, Content, Item, SyntaxTree};
use crate::value::{self, Problem, Value, Words};
use crate::vocabulary;
use crate::word::Word;

/// Whether an original takes the value, and never looks at it while something else in the file switches it
/// off. Then it is judged with its block, not here.
fn is_judged_later(keyword: &Keyword, place: Place, problem: &Problem) -> bool {
    if place == Place::Global {
        return *keyword == keyword::SYNCD_IFACE;
    }
    match keyword.kind {
        // It refuses a word that is no number.
        Kind::Integer { .. } | Kind::Seconds { .. } => problem.reason == Reason::InvalidArgument,
        Kind::Text | Kind::QuotedCommand | Kind::CheckProgram | Kind::Program => true,
        Kind::AddressDevice => problem.in_second,
        _ => false,
    }
}

/// What is done with a word that nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// The file is refused.
    Refuse,
    /// Keep it with a warning; for tools that show or change a file.
    Keep,
}

/// Goes through a tree and collects what it finds.
pub(crate) struct Walker<'a> {
    pub(crate) tree: &'a SyntaxTree,
    pub(crate) hosts: Hosts<'a>,
    pub(crate) findings: Findings,
    pub(crate) unknown: Unknown,
}

/// A line's words, read as a statement.
struct Statement<'a> {
    line: usize,
    words: &'a [Word],
    hidden: bool,
}

impl<'a> Walker<'a> {
    /// The settings of the whole file.
    pub(crate) fn file(&mut self) -> Section {
        let mut section = Section::new(Place::Global, String::new(), Position::default());
        let tree = self.tree;
        self.items(&tree.items, &mut section);
        section
    }

    fn items(&mut self, items: &[Item], section: &mut Section) {
        for item in items {
            match item {
                Item::Line(line) => self.line(*line, section),
                Item::Block(block) => self.block(block, section),
            }
        }
    }

    fn block(&mut self, block: &Block, outer: &mut Section) {
        let place = match block.kind {
            BlockKind::Virtual => Place::Virtual,
            BlockKind::Failover => Place::Failover,
            BlockKind::Server => Place::Server,
            BlockKind::Unknown => {
                self.line(block.header, outer);
                return;
            }
        };
        let words = self.words(block.header);
        self.header(block.header, words);
        let name = words.get(1);
        let position = self.position(block.header, name.or(words.first()));
        let name = name.map_or(&b""[..], |name| self.tree.text(name));
        let mut section = Section::new(place, printable(name), position);
        if place == Place::Server && !outer.is_hidden(keyword::PORT) {
            section.outer_port = outer.port(keyword::PORT).cloned();
        }
        self.items(&block.items, &mut section);
        if let Some(close) = block.close {
            self.close(close);
            section.end = self.position(close, self.words(close).first());
        }
        outer.add_block(section);
    }

    /// `KEYWORD NAME {` and nothing more.
    fn header(&mut self, line: usize, words: &[Word]) {
        let keyword = words.first().map_or(&b""[..], |word| self.tree.text(word));
        let shown_form = format!("{} NAME {{ expected", shown(keyword));
        match (words.get(2), words.get(3)) {
            (_, Some(extra)) => {
                let at = self.position(line, Some(extra));
                let what = format!("{} after the {{, {shown_form}", self.shown(extra));
                self.findings.refuse(at, Reason::UnexpectedArguments, what);
            }
            (Some(brace), None) if self.tree.text(brace) == b"{" => self.not_glued(line, words),
            (brace, None) => {
                let at = self.position(line, brace);
                let hint = "with blanks between and the { on the same line";
                let what = format!("{shown_form}, {hint}");
                self.findings.refuse(at, Reason::MissingArguments, what);
            }
        }
    }

    /// A closing brace, and behind it nothing but a comment.
    fn close(&mut self, line: usize) {
        if let Some(extra) = self.words(line).get(1)
            && !self.tree.text(extra).starts_with(b"#")
        {
            let at = self.position(line, Some(extra));
            let what = format!(
                "{} after }}, nothing or a comment expected",
                self.shown(extra)
            );
            self.findings.refuse(at, Reason::UnexpectedArguments, what);
        }
    }

    fn line(&mut self, line: usize, section: &mut Section) {
        let tree = self.tree;
        let Some(content) = tree.lines.get(line).map(|line| &line.content) else {
            return;
        };
        match content {
            Content::Nothing => {}
            Content::Words { words, hidden } => {
                let hidden = *hidden;
                self.statement(
                    &Statement {
                        line,
                        words,
                        hidden,
                    },
                    section,
                );
            }
            Content::Mismatch(mismatch) => {
                let at = self.position_of(line, mismatch.0);
                let what = "the quote that opens here is not closed, \
                            a closing one on the same line expected";
                self.findings
                    .refuse(at, Reason::QuotationMismatch, what.into());
            }
            Content::Nul(byte) => {
                let at = self.position_of(line, *byte);
                let what = "a NUL byte, text expected";
                self.findings.refuse(at, Reason::UnknownError, what.into());
            }
            Content::TooLong => {
                let at = Position {
                    column: 1,
                    ..self.position(line, None)
                };
                let what = "a line of more than 64 KiB, a shorter one expected";
                self.findings.refuse(at, Reason::UnknownError, what.into());
            }
        }
    }

    fn statement(&mut self, statement: &Statement<'_>, section: &mut Section) {
        let Some(first) = statement.words.first() else {
            return;
        };
        let name = self.tree.text(first);
        let Some(found) = vocabulary::find(name, section.place) else {
            return self.unknown_word(statement, section.place);
        };
        if found.keyword.idle.contains(&section.place) {
            let at = self.position(statement.line, Some(first));
            let place = section.place.shown();
            let what = format!("{} has no effect {place}", found.keyword.name);
            self.findings.warn(at, what);
        }
        let here = self.position(statement.line, Some(first));
        let (value, position) = self
            .value(statement, found.keyword, section)
            .unwrap_or((Value::Nothing, here));
        if found.is_extension && !statement.hidden {
            let at = self.position(statement.line, Some(first));
            let name = found.keyword.name;
            let what = format!("an original director refuses {name}: write #:{name} beside one");
            self.findings.remark(at, Consequence::Note, what);
        }
        let setting = Setting {
            value,
            position,
            hidden: statement.hidden,
        };
        self.set(found.keyword, setting, section);
    }

    /// Keeps the statement that counts: the last one, those behind `#:` before plain ones.
    fn set(&mut self, keyword: &'static Keyword, setting: Setting, section: &mut Section) {
        if let Some(before) = section.setting(*keyword) {
            if before.hidden == setting.hidden {
                let line = before.position.line;
                let what = format!(
                    "{} was given in line {line} too, this one counts",
                    keyword.name
                );
                self.findings.warn(setting.position, what);
            } else if before.hidden {
                return;
            }
        }
        section.set(*keyword, setting);
    }

    /// The statement's value and where it stands; reports what is wrong with it.
    fn value(
        &mut self,
        statement: &Statement<'_>,
        keyword: &'static Keyword,
        section: &mut Section,
    ) -> Option<(Value, Position)> {
        let (place, late) = (section.place, &mut section.late);
        let words = self.complete(statement, keyword.kind)?;
        let first = words.first()?;
        let second = words.get(1);
        let position = self.position(statement.line, Some(first));
        let texts = Words {
            first: self.tree.text(first),
            quote: first.quote,
            second: second.map_or(&b""[..], |word| self.tree.text(word)),
        };
        if words.iter().any(|word| word.closed_by_last_quote) {
            let what =
                "the quote at the end of the line closes although a backslash stands before it";
            self.findings.warn(position, what.into());
        }
        match value::parse(keyword, texts, &mut self.hosts) {
            Ok(value) => {
                if let Some((name, address)) = self.hosts.take_old() {
                    let what =
                        format!("{name} does not resolve: its last address, {address}, stays");
                    self.findings.warn(position, what);
                }
                let note = value::original_refuses(keyword, texts, &value);
                if let Some(note) = note.filter(|_| !statement.hidden) {
                    self.findings
                        .remark(position, Consequence::Note, note.into());
                }
                Some((value, position))
            }
            Err(problem) => {
                let bad = second.filter(|_| problem.in_second).unwrap_or(first);
                let at = self.position(statement.line, Some(bad));
                let (name, shown) = (keyword.name, self.shown(bad));
                let what = format!("{name} = {shown}, {}", problem.expected);
                let finding = Finding::refusal(at, problem.reason, what);
                match is_judged_later(keyword, place, &problem) {
                    true => late.push(finding),
                    false => self.findings.push(finding),
                }
                None
            }
        }
    }

    /// The words of the value, after the checks of the form: `=`, enough words, not too many.
    fn complete<'s>(&mut self, statement: &Statement<'s>, kind: Kind) -> Option<&'s [Word]> {
        let line = statement.line;
        match statement.words.get(1) {
            Some(equal) if self.tree.text(equal) == b"=" => {}
            other => {
                let at = self.position(line, other);
                let what = "KEYWORD = VALUE expected, with blanks around the =";
                self.findings.refuse(at, Reason::EqualExpected, what.into());
                return None;
            }
        }
        let words = statement.words.get(2..).unwrap_or_default();
        let (taken, wanted) = match kind {
            Kind::List => return self.list(line, words),
            Kind::AddressDevice => (2, "an address and an interface expected"),
            _ => (1, "a value expected"),
        };
        if words.len() < taken {
            let at = self.position(line, None);
            let what = format!("{} =, {wanted}", self.keyword_of(statement));
            self.findings.refuse(at, Reason::MissingArguments, what);
            return None;
        }
        if let Some(extra) = words.get(taken) {
            self.too_many(line, extra);
            return None;
        }
        self.not_glued(line, statement.words);
        Some(words)
    }

    fn too_many(&mut self, line: usize, extra: &Word) {
        let at = self.position(line, Some(extra));
        let expected = if extra.glued {
            "a blank or the end of the line expected after the closing quote"
        } else if self.tree.text(extra).starts_with(b"#") {
            "a comment stands on a line of its own"
        } else {
            "the end of the line expected: quote a value that has blanks in it"
        };
        let what = format!("{}, {expected}", self.shown(extra));
        self.findings.refuse(at, Reason::UnexpectedArguments, what);
    }

    fn not_glued(&mut self, line: usize, words: &[Word]) {
        if let Some(glued) = words.iter().find(|word| word.glued) {
            self.too_many(line, glued);
        }
    }

    /// `[ WORD … ]`, and nothing behind it.
    fn list<'s>(&mut self, line: usize, words: &'s [Word]) -> Option<&'s [Word]> {
        let is = |word: &Word, text: &[u8]| self.tree.text(word) == text;
        let close = words.iter().position(|word| is(word, b"]"));
        match (words.first(), close) {
            (Some(open), Some(close)) if is(open, b"[") => {
                if let Some(extra) = words.get(close + 1) {
                    self.too_many(line, extra);
                    return None;
                }
                Some(words)
            }
            (open, _) => {
                let at = self.position(line, open);
                let what = "[ WORD ... ] expected, with blanks between and on the same line";
                self.findings.refuse(at, Reason::ListExpected, what.into());
                None
            }
        }
    }

    fn unknown_word(&mut self, statement: &Statement<'_>, place: Place) {
        let Some(first) = statement.words.first() else {
            return;
        };
        let at = self.position(statement.line, Some(first));
        let name = self.tree.text(first);
        let advice = advice(name, statement.hidden, place);
        let what = match name {
            b"" => advice,
            _ => format!("{}, {advice}", self.shown(first)),
        };
        match self.unknown {
            Unknown::Refuse => self.findings.refuse(at, Reason::UnknownCommand, what),
            Unknown::Keep => self.findings.warn(at, format!("kept: {what}")),
        }
    }

    fn keyword_of(&self, statement: &Statement<'_>) -> String {
        let first = statement.words.first();
        first.map_or_else(String::new, |word| self.shown(word))
    }

    fn shown(&self, word: &Word) -> String {
        shown(self.tree.text(word))
    }

    fn words(&self, line: usize) -> &'a [Word] {
        let tree: &'a SyntaxTree = self.tree;
        tree.words(line)
    }

    /// Where a word stands, or the end of the line's text.
    fn position(&self, line: usize, word: Option<&Word>) -> Position {
        match word {
            Some(word) => self.position_of(line, word.start),
            None => self.position_of(line, self.tree.end_of_text(line)),
        }
    }

    fn position_of(&self, line: usize, byte: usize) -> Position {
        self.tree.position(line, byte)
    }
}
