//! What an original on the other director would read otherwise in the words of a line.

use crate::word::{Word, is_blank};

/// What it makes of the first quoted word that it ends elsewhere; `source` ends where the line does.
pub(crate) fn other_quotes<'w>(
    source: &[u8],
    words: &'w [Word],
) -> Option<(&'w Word, &'static str)> {
    words.iter().find_map(|word| {
        let what = other_end(source.get(word.start..)?, word)?;
        Some((word, what))
    })
}

/// The original looks for the closing quote from the first blank in the word on. A word without a blank is
/// closed only at the end of the line.
fn other_end(line: &[u8], word: &Word) -> Option<&'static str> {
    let quote = word.quote?;
    let end = match line.iter().position(|byte| is_blank(*byte)) {
        Some(blank) => {
            let mut behind = line.iter().skip(blank);
            behind
                .position(|byte| *byte == quote)
                .map(|at| blank + at + 1)
        }
        None => Some(line.len()),
    };
    let length = word.end.saturating_sub(word.start);
    match end {
        Some(end) if end == length => None,
        Some(end) if end < length => {
            Some("an original director closes at the first quote behind a blank")
        }
        _ => Some(
            "an original director takes quotes without a blank between them only at the end of a line",
        ),
    }
}
