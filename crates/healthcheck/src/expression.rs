//! POSIX extended regular expressions over bytes, as users wrote them for the C library.
//!
//! Reading an expression bounds the work of one match: repetitions count as the states that they stand for,
//! the number of states is limited, and no byte costs more than two looks at each.

use crate::ere;
use crate::expression_error::ExpressionError;
use crate::nfa::{Nfa, Search as States};

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Expression(Nfa);

/// The search for an expression in an answer that comes in pieces. No piece is looked at twice.
#[derive(Clone, Debug, Default)]
pub struct Search(States);

impl Expression {
    /// Compiles a POSIX extended expression; escapes of lvs.cf are undone before.
    ///
    /// # Errors
    /// [`ExpressionError`] if the C library would refuse it, for back-references, collating symbols and
    /// counts above 255, and if it is too large.
    pub fn new(text: &[u8]) -> Result<Self, ExpressionError> {
        ere::parse(text).map(|parsed| Self(Nfa::new(&parsed)))
    }

    /// Whether it matches anywhere in `bytes`; `^` and `$` are the ends of `bytes`.
    #[must_use]
    pub fn is_match(&self, bytes: &[u8]) -> bool {
        Search::default().feed(self, bytes)
    }
}

impl Search {
    /// Takes the bytes that come next. Returns whether the expression matches anywhere in all so far, whose
    /// end `$` takes for the end.
    pub fn feed(&mut self, expression: &Expression, bytes: &[u8]) -> bool {
        self.0.feed(&expression.0, bytes)
    }

    /// Looks at a state so far: the cost of the search, the same on every machine.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.0.steps()
    }
}

#[cfg(test)]
mod tests {
    use lvs_model::Random;

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
    }

    /// Steps of `expression` in `answer`, which comes in pieces of this many bytes.
    fn steps(expression: &[u8], answer: &[u8], piece: usize) -> u64 {
        let expression = Expression::new(expression).unwrap();
        let mut search = Search::default();
        for piece in answer.chunks(piece) {
            search.feed(&expression, piece);
        }
        search.steps()
    }

    /// Steps are counted, not seconds: the bound holds on every machine.
    #[test]
    fn the_worst_answer_takes_two_steps_a_state_for_each_byte() {
        let answer = [b'a'; 4096];
        let bytes = 4096;
        for (expression, states) in [
            (&b"((a{1,30}){1,30})b"[..], 2000),
            (b"(a?){255}a{255}b", 1000),
            (b"(a*)*(a*)*(a|a|a)*b", 20),
            (b".*.*.*x$", 10),
        ] {
            for piece in [4096, 100] {
                let most = 2 * states * (bytes + bytes / 100);
                let found = steps(expression, &answer, piece);
                let shown = expression.escape_ascii();
                assert!(found < most, "{shown}: {found} of {most}");
            }
        }
    }

    /// As a hostile server sends it: what was read is not read again.
    #[test]
    fn an_answer_byte_by_byte_takes_three_steps_a_state_for_each_at_most() {
        let one = steps(b"(a?){100}b", &[b'a'; 4096], 1);
        let all = steps(b"(a?){100}b", &[b'a'; 4096], 4096);
        assert!(one < all * 2, "{one} of {all}");
    }

    #[test]
    fn counts_within_counts_are_refused_before_they_are_written_out() {
        let large = |text: &[u8]| match Expression::new(text) {
            Err(ExpressionError::TooLarge { states }) => states,
            other => panic!("{other:?}"),
        };
        assert!(large(b"(((a{1,100}){1,100}){1,100})") > 2000);
        assert!(large(b"(((a{250}){250}){250})") > 2000);
        assert!(large(b"((a{0,255}|b{0,255}|c){5})") > 2000);
        let deep = [vec![b'('; 200], vec![b'a'], vec![b')'; 200]].concat();
        assert_eq!(Expression::new(&deep).err(), Some(ExpressionError::TooDeep));
        let repeated = [vec![b'a'], vec![b'*'; 200]].concat();
        assert_eq!(
            Expression::new(&repeated).err(),
            Some(ExpressionError::TooDeep)
        );
        assert!(Expression::new(b"(((a{1,10}){1,10}){1,10})").is_ok());
        let said = Expression::new(b"((a{100}){100})").unwrap_err().to_string();
        let wanted =
            "expression is too large: 10000 places with its repetitions written out, 2000 at most";
        assert_eq!(said, wanted);
    }

    /// The verdict must not depend on how the network cut the answer.
    #[test]
    fn an_expression_matches_in_pieces_as_it_does_in_the_whole() {
        for row in RECORDED.lines() {
            let mut columns = row.split('\t');
            let (_, expression, text) = (columns.next(), columns.next(), columns.next());
            let (expression, text) = (bytes(expression.unwrap()), bytes(text.unwrap()));
            let Ok(compiled) = Expression::new(&expression) else {
                continue;
            };
            let mut search = Search::default();
            let mut last = search.feed(&compiled, b"");
            for piece in text.chunks(1) {
                last = search.feed(&compiled, piece);
            }
            assert_eq!(last, compiled.is_match(&text), "{row}");
        }
    }

    /// Random expressions and texts, with the verdict of the C library's regcomp (extended syntax) and
    /// regexec in the C locale. What is not printable, and the per cent sign, stands as `%XX`.
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
        for seed in testkit::seeds(20_000) {
            let mut random = Random::new(seed);
            let expression: Vec<u8> = (0..12).map(|_| random.pick(BYTES)).collect();
            let _compiled_or_not = Expression::new(&expression);
        }
    }
}
