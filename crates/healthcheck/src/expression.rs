//! POSIX extended regular expressions over bytes, as users wrote them for the C library.
//!
//! The engine is `regex-lite`: linear time, small, but for text and with another syntax. So an
//! expression is translated token by token, and bytes become the characters of the same number.

use std::fmt;

use regex_lite::Regex;

use crate::ere;

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Expression(Regex);

/// Why an expression cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpressionError {
    /// The syntax is wrong, or asks for something that is not provided, such as back-references.
    Syntax {
        /// Byte offset of the place.
        offset: usize,
        /// What is wrong there.
        what: &'static str,
    },
    /// It is too large or too deeply nested.
    TooLarge,
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { offset, what } => write!(f, "{what} at byte {offset}"),
            Self::TooLarge => f.write_str("expression is too large"),
        }
    }
}

impl std::error::Error for ExpressionError {}

impl Expression {
    /// Compiles a POSIX extended expression; escapes of lvs.cf are undone before.
    ///
    /// # Errors
    /// [`ExpressionError`] if the C library would refuse it, for back-references, collating symbols and
    /// counts above 255, and if it is too large.
    pub fn new(text: &[u8]) -> Result<Self, ExpressionError> {
        let translated = ere::translate(text)?;
        Regex::new(&translated)
            .map(Self)
            .map_err(|_| ExpressionError::TooLarge)
    }

    /// Whether it matches anywhere in `bytes`; `^` and `$` are the ends of `bytes`.
    #[must_use]
    pub fn is_match(&self, bytes: &[u8]) -> bool {
        let text: String = bytes.iter().map(|&byte| char::from(byte)).collect();
        self.0.is_match(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(expression: &[u8], bytes: &[u8]) -> bool {
        Expression::new(expression)
            .unwrap_or_else(|error| panic!("{}: {error}", expression.escape_ascii()))
            .is_match(bytes)
    }

    #[test]
    fn expressions_match_as_in_the_c_library() {
        let good: [(&[u8], &[u8]); 25] = [
            (br"^HTTP/1\.[01] 2[0-9][0-9] ", b"HTTP/1.1 204 No"),
            (b"a.b", b"a\nb"),
            (b"b$", b"a\nb"),
            (b"[[:digit:]]{3}", b"x 220 y"),
            (b"^(22|33)0", b"330"),
            (b"[]a]", b"]"),
            (b"[^]a]", b"b"),
            (br"[\d]", b"\\"),
            (b"[a-]", b"-"),
            (b"[[:alpha:]_-]+x", b"a-_x"),
            (b"a+?$", b""),
            (b"^a{2}?$", b""),
            (b"^(ab){2,3}$", b"ababab"),
            (b"^a{,2}$", b"aa"),
            (b"^a{0,255}$", b"aa"),
            (br"\d", b"d"),
            (br"\w\s", b"a "),
            (b"a)", b"a)"),
            (b"x|", b"abc"),
            (b"^\xff.\x80$", b"\xff\x00\x80"),
            (b"[\x80-\xff]", b"\xe4"),
            (b"()b", b"b"),
            (b"(^a|b$)", b"xb"),
            (br"\(a\)", b"(a)"),
            (b"[[=a=][.-.]]x", b"-x"),
        ];
        for (expression, bytes) in good {
            assert!(matches(expression, bytes), "{}", expression.escape_ascii());
        }
        let bad: [(&[u8], &[u8]); 6] = [
            (b"^b", b"a\nb"),
            (b"a$", b"a\nb"),
            (b"OK", b"ok"),
            (b"[^a]", b"a"),
            (b"^a{2}$", b"aaa"),
            (br"\.", b"a"),
        ];
        for (expression, bytes) in bad {
            assert!(!matches(expression, bytes), "{}", expression.escape_ascii());
        }
    }

    #[test]
    fn what_the_c_library_or_the_engine_cannot_take_is_refused() {
        let refused: [&[u8]; 18] = [
            b"*",
            b"+a",
            b"a|*",
            b"(*a)",
            b"(?:a)",
            b"(?i)a",
            b"(a",
            b"[a",
            b"[[:foo:]]",
            b"[b-a]",
            b"a{",
            b"a{2",
            b"a{3,2}",
            b"a{x}",
            b"a{256}",
            br"(a)\1",
            br"a\",
            b"[[.ab.]]",
        ];
        for expression in refused {
            assert!(
                Expression::new(expression).is_err(),
                "{}",
                expression.escape_ascii()
            );
        }
        assert_eq!(
            Expression::new(b"(((a{250}){250}){250})").map(|_| ()),
            Err(ExpressionError::TooLarge)
        );
    }

    /// Expressions and texts at random, as the C library's regcomp (extended syntax) and regexec judge
    /// them in the C locale. What is not printable, and the per cent sign, stands as `%XX`.
    const RECORDED: &str = include_str!("vectors/expressions.tsv");

    fn bytes(written: &str) -> Vec<u8> {
        let mut parts = written.split('%');
        let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
        for part in parts {
            bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
            bytes.extend(&part.as_bytes()[2..]);
        }
        bytes
    }

    #[test]
    fn expressions_at_random_are_judged_as_recorded_from_the_c_library() {
        for row in RECORDED.lines() {
            let mut columns = row.split('\t');
            let mut column = || columns.next().expect("three columns");
            let (verdict, expression, text) = (column(), bytes(column()), bytes(column()));
            let ours = match Expression::new(&expression) {
                Ok(compiled) if compiled.is_match(&text) => "match",
                Ok(_) => "none",
                Err(_) => "refused",
            };
            assert_eq!(ours, verdict, "{row}");
        }
        assert!(RECORDED.lines().count() > 1000);
    }

    #[test]
    fn every_character_class_has_the_c_locales_members() {
        type Class = (&'static str, fn(u8) -> bool);
        let classes: [Class; 12] = [
            ("alnum", |b| b.is_ascii_alphanumeric()),
            ("alpha", |b| b.is_ascii_alphabetic()),
            ("blank", |b| matches!(b, b' ' | b'\t')),
            ("cntrl", |b| b.is_ascii_control()),
            ("digit", |b| b.is_ascii_digit()),
            ("graph", |b| b.is_ascii_graphic()),
            ("lower", |b| b.is_ascii_lowercase()),
            ("print", |b| b == b' ' || b.is_ascii_graphic()),
            ("punct", |b| b.is_ascii_punctuation()),
            ("space", |b| b == 0x0b || b.is_ascii_whitespace()),
            ("upper", |b| b.is_ascii_uppercase()),
            ("xdigit", |b| b.is_ascii_hexdigit()),
        ];
        for (name, is_member) in classes {
            let expression = format!("^[[:{name}:]]$");
            let compiled = Expression::new(expression.as_bytes()).unwrap();
            for byte in 0..=u8::MAX {
                assert_eq!(compiled.is_match(&[byte]), is_member(byte), "{name} {byte}");
            }
        }
    }

    #[test]
    fn no_bytes_make_the_translation_panic() {
        const BYTES: &[u8] = b"ab[]^-.*+?{}()|\\$,19:=\n\xff";
        let mut seed: u64 = 0x2545_f491_4f6c_dd1d;
        for _ in 0..20_000 {
            let mut expression = Vec::new();
            for _ in 0..12 {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                let at = usize::try_from(seed % BYTES.len() as u64).unwrap();
                expression.push(BYTES[at]);
            }
            let _compiled_or_not = Expression::new(&expression);
        }
    }
}
