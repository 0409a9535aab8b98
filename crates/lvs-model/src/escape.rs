//! The escapes of `send` and `expect`: undone here for the reader of lvs.cf and for the monitor.

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
/// The original's nanny leaves a text of one byte as it is, and hangs on the backslashes that are refused
/// here. So lvs.cf may hold neither. The user of a nanny by hand wrote the text for the original: such a
/// nanny takes a text of one byte before it asks here.
///
/// # Errors
/// [`EscapeError`] for any other use of a backslash.
pub fn unescape(text: &[u8]) -> Result<Vec<u8>, EscapeError> {
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

#[cfg(test)]
mod tests {
    use crate::Random;

    use super::*;

    #[test]
    fn the_six_escapes_are_undone_and_others_refused() {
        assert_eq!(
            unescape(br#"GET /\r\n\t\\d\"\'"#).unwrap(),
            b"GET /\r\n\t\\d\"'"
        );
        assert_eq!(unescape(br"^\d+"), Err(EscapeError::Unknown(b'd', 1)));
        assert_eq!(unescape(br"abc\"), Err(EscapeError::Trailing));
        assert_eq!(unescape(br"\"), Err(EscapeError::Trailing));
        assert_eq!(unescape(b"").unwrap(), b"");
    }

    /// As lvs.cf would write it.
    fn escaped(bytes: &[u8]) -> Vec<u8> {
        let one = |&byte: &u8| match byte {
            b'\n' => vec![b'\\', b'n'],
            b'\r' => vec![b'\\', b'r'],
            b'\t' => vec![b'\\', b't'],
            b'\\' | b'"' | b'\'' => vec![b'\\', byte],
            _ => vec![byte],
        };
        bytes.iter().flat_map(one).collect()
    }

    #[test]
    fn send_expect_unescape_round_trip() {
        let alphabet = b"\\\\\\nrt\"'\n\r\ta\0\xff";
        for seed in testkit::seeds(20_000) {
            let mut random = Random::new(seed);
            let length = random.below(40);
            let bytes: Vec<u8> = (0..length).map(|_| random.pick(alphabet)).collect();
            assert_eq!(unescape(&escaped(&bytes)).as_deref(), Ok(&bytes[..]));
            // Any text is undone or refused, and never grows.
            if let Ok(plain) = unescape(&bytes) {
                assert!(plain.len() <= bytes.len());
            }
        }
    }
}
