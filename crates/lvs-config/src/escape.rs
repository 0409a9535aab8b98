//! The escapes of `send` and `expect`.

/// A backslash with nothing known behind it; the original's monitor hangs on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadEscape {
    /// What follows the backslash; `None` at the end.
    pub(crate) next: Option<u8>,
}

/// Undoes `\n`, `\r`, `\t`, `\\`, `\"` and `\'`.
pub(crate) fn unescape(text: &[u8]) -> Result<Vec<u8>, BadEscape> {
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        if byte != b'\\' {
            plain.push(byte);
            continue;
        }
        let next = bytes.next().copied();
        plain.push(match next {
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(same @ (b'\\' | b'"' | b'\'')) => same,
            _ => return Err(BadEscape { next }),
        });
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_six_escapes_are_undone_from_left_to_right() {
        assert_eq!(unescape(br#"\n\r\t\\n\"\'"#).unwrap(), b"\n\r\t\\n\"'");
        assert_eq!(unescape(b"").unwrap(), b"");
    }

    #[test]
    fn any_other_backslash_is_refused() {
        assert_eq!(unescape(br"\d"), Err(BadEscape { next: Some(b'd') }));
        assert_eq!(unescape(br"a\"), Err(BadEscape { next: None }));
    }
}
