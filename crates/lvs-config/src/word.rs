//! Words of one line, with their quotes resolved. Used by the syntax tree only.

use crate::work;

/// One word of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// First byte in the source, the quote included.
    pub(crate) start: usize,
    /// Behind its last byte, the quote included.
    pub(crate) end: usize,
    /// The quote around it.
    pub(crate) quote: Option<u8>,
    /// It follows a closing quote without a blank between.
    pub(crate) glued: bool,
    /// The last quote of the line closed it although a backslash stands before that quote.
    pub(crate) closed_by_last_quote: bool,
}

impl Word {
    /// Where its content lies in the source, without quotes.
    pub(crate) fn content(&self) -> std::ops::Range<usize> {
        match self.quote {
            Some(_) => self.start.saturating_add(1)..self.end.saturating_sub(1),
            None => self.start..self.end,
        }
    }
}

/// A quote that nothing closes; the byte in the source where it opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QuotationMismatch(pub(crate) usize);

/// Blank characters are space and tab, nothing else.
pub(crate) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Splits `line` into words; `offset` is where it lies in the source.
pub(crate) fn split(line: &[u8], offset: usize) -> Result<Vec<Word>, QuotationMismatch> {
    let mut words = Vec::new();
    let mut at = 0;
    loop {
        let blanks = count(line, at, is_blank);
        at += blanks;
        let Some(&first) = line.get(at) else {
            return Ok(words);
        };
        let glued = blanks == 0 && !words.is_empty();
        let quote = matches!(first, b'"' | b'\'').then_some(first);
        let (length, closed_by_last_quote) = match quote {
            Some(quote) => quoted(line, at, quote).ok_or(QuotationMismatch(offset + at))?,
            None => (count(line, at, |byte| !is_blank(byte)), false),
        };
        words.push(Word {
            start: offset + at,
            end: offset + at + length,
            quote,
            glued,
            closed_by_last_quote,
        });
        work::done(blanks + length);
        at += length;
    }
}

/// How many bytes from `at` on are of the kind.
fn count(line: &[u8], at: usize, kind: impl Fn(u8) -> bool) -> usize {
    let rest = line.get(at..).unwrap_or_default();
    rest.iter().take_while(|byte| kind(**byte)).count()
}

/// Length of the quoted word at `at`, quotes included, and whether only the end of the line closed it.
///
/// A backslash keeps the next byte and itself. Where it keeps the quote that would have been the
/// last byte of the line, the quote closes all the same, as it did in the original.
fn quoted(line: &[u8], at: usize, quote: u8) -> Option<(usize, bool)> {
    let rest = line.get(at..)?;
    let mut length = 1;
    while let Some(&byte) = rest.get(length) {
        match byte {
            b'\\' => length += 2,
            _ if byte == quote => return Some((length + 1, false)),
            _ => length += 1,
        }
    }
    let last = rest.iter().rposition(|byte| !is_blank(*byte))?;
    (last > 0 && rest.get(last) == Some(&quote)).then_some((last + 1, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(line: &str) -> Option<Vec<&str>> {
        let words = split(line.as_bytes(), 0).ok()?;
        Some(words.iter().map(|word| &line[word.content()]).collect())
    }

    #[test]
    fn words_are_what_stands_between_blanks() {
        assert_eq!(contents("\t port = 80  "), Some(vec!["port", "=", "80"]));
        assert_eq!(contents("port=80"), Some(vec!["port=80"]));
        assert_eq!(contents("a\x0cb"), Some(vec!["a\x0cb"]));
        assert_eq!(contents(" \t"), Some(vec![]));
    }

    #[test]
    fn a_quoted_word_ends_at_the_first_unescaped_quote_of_its_kind() {
        assert_eq!(contents(r#""a b" x"#), Some(vec!["a b", "x"]));
        assert_eq!(contents(r#""a \"b\" c""#), Some(vec![r#"a \"b\" c"#]));
        assert_eq!(contents(r#"'a "b'"#), Some(vec![r#"a "b"#]));
        assert_eq!(contents(r#""""#), Some(vec![""]));
        assert_eq!(contents(r#"a"b"#), Some(vec![r#"a"b"#]));
    }

    #[test]
    fn a_quote_that_nothing_closes_is_a_mismatch_where_it_opens() {
        assert_eq!(split(b"send = \"", 10), Err(QuotationMismatch(17)));
        assert_eq!(split(b"send = \"ab c", 0), Err(QuotationMismatch(7)));
        assert_eq!(split(b"send = \"ab\\", 0), Err(QuotationMismatch(7)));
    }

    #[test]
    fn a_backslash_before_the_last_quote_of_the_line_lets_it_close() {
        let line = br#"x = "ab\"  "#;
        let words = split(line, 0).unwrap();
        assert!(words[2].closed_by_last_quote);
        assert_eq!(&line[words[2].content()], br"ab\");
    }

    #[test]
    fn what_follows_a_closing_quote_directly_is_a_word_marked_as_glued() {
        let words = split(br#""a b"c"#, 0).unwrap();
        assert_eq!(words.len(), 2);
        assert!(words[1].glued);
    }
}
