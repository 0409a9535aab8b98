//! What to write instead of a word that is unknown where it stands.

use crate::keyword::Place;
use crate::vocabulary;

/// Behind `#:`, where a comment may have been meant.
const OR_A_COMMENT: &str = "(for a comment, write a blank after the #)";

/// The advice for `name`, which `place` does not know; `hidden` if it stands behind `#:`.
pub(crate) fn advice(name: &[u8], hidden: bool, place: Place) -> String {
    if hidden {
        behind_the_mark(name, place)
    } else {
        plain(name, place)
    }
}

fn plain(name: &[u8], place: Place) -> String {
    match name {
        b"}" => "no block is open here".into(),
        b"debug" => "the keyword is debug_level".into(),
        b"virtual" | b"failover" | b"server" => {
            format!("no such block {}: is a }} missing above?", place.shown())
        }
        _ if name.contains(&b'=') => "blanks expected around the =".into(),
        _ => of_a_known_word(name, place)
            .unwrap_or_else(|| format!("a keyword expected that is known {}", place.shown())),
    }
}

/// Without a keyword in it the line is more likely a comment than a mistake in a statement.
fn behind_the_mark(name: &[u8], place: Place) -> String {
    let before_equal = name.split(|byte| *byte == b'=').next().unwrap_or_default();
    match name {
        b"" => format!("a keyword expected directly behind #: {OR_A_COMMENT}"),
        b"virtual" | b"failover" | b"server" => format!(
            "no block stands behind #:, write it with active = 0 and #:active = 1 {OR_A_COMMENT}"
        ),
        _ if before_equal != name && vocabulary::place_of(before_equal).is_some() => {
            "blanks expected around the =".into()
        }
        _ => of_a_known_word(name, place)
            .unwrap_or_else(|| format!("a keyword expected behind #: {OR_A_COMMENT}")),
    }
}

/// For a keyword of another place, or one in capitals.
fn of_a_known_word(name: &[u8], place: Place) -> Option<String> {
    if let Some(other) = vocabulary::place_of(name) {
        let (other, place) = (other.shown(), place.shown());
        return Some(format!("a keyword that stands {other}, not {place}"));
    }
    let lower = name.to_ascii_lowercase();
    vocabulary::place_of(&lower).map(|_| "keywords are written in lower case".into())
}
