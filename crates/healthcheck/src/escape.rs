//! Undoes the escapes of `send` and `expect` strings, and makes bytes readable for log lines.

use std::fmt;

/// A backslash that stands for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EscapeError {
    /// Followed by this byte, at this offset of the text.
    Unknown(u8, usize),
    /// At the end of the text.
    Trailing,
}

impl fmt::Display for EscapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(byte, offset) => {
                write!(
                    f,
                    "unknown escape \\{} at byte {offset}",
                    byte.escape_ascii()
                )
            }
            Self::Trailing => f.write_str("backslash at the end"),
        }
    }
}

impl std::error::Error for EscapeError {}

/// Undoes `\n`, `\r`, `\t`, `\\`, `\"` and `\'` (lvs.cf: `send`, `expect`).
///
/// A text of one byte stays as it is, as in the original.
///
/// # Errors
/// [`EscapeError`] for any other use of a backslash.
pub fn unescape(text: &[u8]) -> Result<Vec<u8>, EscapeError> {
    if text.len() < 2 {
        return Ok(text.to_vec());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter().enumerate();
    while let Some((offset, &byte)) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next() {
            Some((_, b'n')) => b'\n',
            Some((_, b'r')) => b'\r',
            Some((_, b't')) => b'\t',
            Some((_, &same @ (b'\\' | b'"' | b'\''))) => same,
            Some((_, &other)) => return Err(EscapeError::Unknown(other, offset)),
            None => return Err(EscapeError::Trailing),
        });
    }
    Ok(bytes)
}

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
    fn the_six_escapes_are_undone_and_others_refused() {
        assert_eq!(
            unescape(br#"GET /\r\n\t\\d\"\'"#).unwrap(),
            b"GET /\r\n\t\\d\"'"
        );
        assert_eq!(unescape(br"^\d+"), Err(EscapeError::Unknown(b'd', 1)));
        assert_eq!(unescape(br"abc\"), Err(EscapeError::Trailing));
        assert_eq!(unescape(br"\").unwrap(), b"\\");
        assert_eq!(unescape(b"").unwrap(), b"");
    }

    #[test]
    fn a_long_answer_is_shown_in_part_and_escaped() {
        assert_eq!(Shown(b"a\r\n\xff").to_string(), r#""a\r\n\xff""#);
        let shown = Shown(&[b'a'; 81]).to_string();
        assert_eq!(shown, format!("\"{}\"...", "a".repeat(80)));
    }
}
