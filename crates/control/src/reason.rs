//! Text that fits a message.

use std::fmt;

/// Why a check failed, in words: one line, at most [`Reason::MAX`] bytes, maybe empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reason(Box<str>);

impl Reason {
    /// Longest text in bytes.
    pub const MAX: usize = 384;

    /// Makes `text` fit: control characters become `?`, what is too long is cut off.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut fitting = String::with_capacity(text.len().min(Self::MAX));
        for character in text.chars() {
            let character = if character.is_control() {
                '?'
            } else {
                character
            };
            if fitting.len() + character.len_utf8() > Self::MAX {
                break;
            }
            fitting.push(character);
        }
        Self(fitting.into_boxed_str())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
