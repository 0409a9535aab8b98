//! Standard output through one buffer, with the columns that listings are made of.

use std::io::{self, Write};

/// The buffer is written out when it has grown to this, in bytes.
const FULL: usize = 32 * 1024;

/// Lines on their way to standard output. The first error is kept and ends all writing.
pub(crate) struct Output<'a> {
    buffer: Vec<u8>,
    target: &'a mut dyn Write,
    error: Option<io::Error>,
}

impl<'a> Output<'a> {
    pub(crate) fn new(target: &'a mut dyn Write) -> Self {
        Self {
            buffer: Vec::new(),
            target,
            error: None,
        }
    }

    /// Writes everything out. Fails once, with the first error that there was.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.push();
        match self.error.take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Writes out what there is; false once writing has failed.
    pub(crate) fn push(&mut self) -> bool {
        self.write_buffer();
        if self.error.is_none() {
            self.error = self.target.flush().err();
        }
        self.error.is_none()
    }

    /// Whether writing has failed. Then nobody reads what would come, and a caller with much more to say
    /// ends.
    pub(crate) const fn is_broken(&self) -> bool {
        self.error.is_some()
    }

    fn write_buffer(&mut self) {
        if self.error.is_none() {
            self.error = self.target.write_all(&self.buffer).err();
        }
        self.buffer.clear();
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.buffer.extend_from_slice(bytes);
        self
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    pub(crate) fn number(&mut self, number: impl Into<u64>) -> &mut Self {
        push_number(&mut self.buffer, number.into());
        self
    }

    /// Bytes at the left of a column at least this wide: C's `%-*s`.
    pub(crate) fn left(&mut self, bytes: &[u8], width: usize) -> &mut Self {
        self.bytes(bytes).blanks(width.saturating_sub(bytes.len()))
    }

    /// What `fill` writes, cut after `longest` bytes, at the left of a column at least this wide.
    pub(crate) fn column(
        &mut self,
        width: usize,
        longest: usize,
        fill: impl FnOnce(&mut Vec<u8>),
    ) -> &mut Self {
        let start = self.buffer.len();
        fill(&mut self.buffer);
        self.buffer.truncate(start.saturating_add(longest));
        let length = self.buffer.len() - start;
        self.blanks(width.saturating_sub(length))
    }

    /// A number at the left: C's `%-*u`.
    pub(crate) fn left_number(&mut self, number: impl Into<u64>, width: usize) -> &mut Self {
        self.column(width, usize::MAX, |buffer| {
            push_number(buffer, number.into());
        })
    }

    /// A number at the right: C's `%*u`.
    pub(crate) fn right_number(&mut self, number: impl Into<u64>, width: usize) -> &mut Self {
        let mut digits = [0; 20];
        let digits = decimal(number.into(), &mut digits);
        self.blanks(width.saturating_sub(digits.len()))
            .bytes(digits)
    }

    fn blanks(&mut self, count: usize) -> &mut Self {
        const BLANKS: &[u8] = &[b' '; 64];
        match BLANKS.get(..count) {
            Some(blanks) => self.buffer.extend_from_slice(blanks),
            None => self.buffer.resize(self.buffer.len() + count, b' '),
        }
        self
    }

    /// Ends the line.
    pub(crate) fn end(&mut self) {
        self.buffer.push(b'\n');
        self.relieve();
    }

    /// Writes a full buffer out; for lines without an end.
    pub(crate) fn relieve(&mut self) {
        if self.buffer.len() >= FULL {
            self.write_buffer();
        }
    }
}

/// Appends a number; most that are printed have one digit.
pub(crate) fn push_number(text: &mut Vec<u8>, number: u64) {
    match u8::try_from(number) {
        Ok(digit @ 0..=9) => text.push(b'0' + digit),
        _ => text.extend_from_slice(decimal(number, &mut [0; 20])),
    }
}

/// The digits of `number`, at the end of `digits`.
pub(crate) fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut start = digits.len();
    for digit in digits.iter_mut().rev() {
        // A remainder of ten fits every integer type.
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        start -= 1;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    digits.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(print: impl FnOnce(&mut Output<'_>)) -> String {
        let mut target = Vec::new();
        let mut out = Output::new(&mut target);
        print(&mut out);
        out.flush().unwrap();
        String::from_utf8(target).unwrap()
    }

    #[test]
    fn columns_are_minimum_widths() {
        let line = printed(|out| {
            out.left(b"ab", 4)
                .left_number(7_u32, 3)
                .right_number(42_u32, 4);
            out.text("|")
                .left(b"abcdef", 4)
                .right_number(u64::MAX, 4)
                .end();
        });
        assert_eq!(line, "ab  7    42|abcdef18446744073709551615\n");
        assert_eq!(printed(|out| out.number(0_u32).end()), "0\n");
    }

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_is_noticed() {
        let mut full = Full;
        let mut out = Output::new(&mut full);
        out.text("x").end();
        assert_eq!(out.flush().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
