//! Makes bytes readable for reasons and log lines.

use std::fmt;

/// The first 80 bytes of an answer, escaped, as reasons and log lines show it.
pub(crate) struct Shown<'a>(pub &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 80;
        let shown = self.0.get(..LONGEST).unwrap_or(self.0);
        write!(f, "\"{}\"", shown.escape_ascii())?;
        if shown.len() < self.0.len() {
            f.write_str("...")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_is_shown_in_part_and_escaped() {
        assert_eq!(Shown(b"a\r\n\xff").to_string(), r#""a\r\n\xff""#);
        let shown = Shown(&[b'a'; 81]).to_string();
        assert_eq!(shown, format!("\"{}\"...", "a".repeat(80)));
    }
}
