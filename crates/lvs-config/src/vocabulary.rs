//! Every keyword that is read: the original's and the extensions.

use crate::extension::EXTENSIONS;
use crate::keyword::{KEYWORDS, Keyword, Place};

/// A keyword, and whether an original knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) keyword: &'static Keyword,
    pub(crate) is_extension: bool,
}

/// The row for `name` at `place`.
pub(crate) fn find(name: &[u8], place: Place) -> Option<Found> {
    let is_it = |row: &Keyword| row.name.as_bytes() == name && row.places.contains(&place);
    let original = KEYWORDS.iter().find(|row| is_it(row));
    let extended = EXTENSIONS.iter().find(|row| is_it(row));
    original.or(extended).map(|keyword| Found {
        keyword,
        is_extension: original.is_none(),
    })
}

/// A place where `name` would be accepted.
pub(crate) fn place_of(name: &[u8]) -> Option<Place> {
    KEYWORDS
        .iter()
        .chain(EXTENSIONS)
        .find(|row| row.name.as_bytes() == name)
        .and_then(|row| row.places.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_keyword_stands_twice_at_one_place() {
        let mut seen = std::collections::HashSet::new();
        for row in KEYWORDS.iter().chain(EXTENSIONS) {
            for place in row.places {
                assert!(seen.insert((row.name, *place)), "{} {place:?}", row.name);
            }
        }
    }
}
