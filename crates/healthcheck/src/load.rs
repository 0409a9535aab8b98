//! Reads the load average out of what a load program printed.

/// The one-minute load average in the output of `uptime`, `rup` or `ruptime`.
///
/// The first number behind the last `load`, with a point or a comma before its decimals. `None` if
/// there is none.
#[must_use]
pub fn load_average(output: &[u8]) -> Option<f64> {
    const WORD: &[u8] = b"load";
    let at = output
        .windows(WORD.len())
        .rposition(|bytes| bytes == WORD)?;
    let behind = output.get(at + WORD.len()..)?;
    let start = behind.iter().position(u8::is_ascii_digit)?;
    let mut number = String::new();
    let mut bytes = behind.get(start..)?.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let decimals_follow = bytes.peek().is_some_and(u8::is_ascii_digit);
        match byte {
            b'0'..=b'9' => number.push(char::from(byte)),
            b'.' | b',' if decimals_follow && !number.contains('.') => number.push('.'),
            _ => break,
        }
    }
    number.parse().ok().filter(|load: &f64| load.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_form_is_understood() {
        let vectors: [(&str, Option<f64>); 10] = [
            (
                " 12:04 up 3 days, 1 user, load average: 0.50, 0.40, 0.30",
                Some(0.5),
            ),
            (
                "12:04PM up 3 days, load averages: 0.75 0.40 0.30",
                Some(0.75),
            ),
            (
                "real1 up 3+12:04, 2 users, load 0.50, 0.40, 0.30",
                Some(0.5),
            ),
            (
                "download1 up 3 days, 12:04, load average: 0.60, 0.40",
                Some(0.6),
            ),
            ("load average: 0,50, 0,40, 0,30", Some(0.5)),
            ("load average: 12, 3", Some(12.0)),
            ("load average: 1.25,0.50", Some(1.25)),
            ("load", None),
            ("load average: none", None),
            ("ssh: connect to host: Connection refused", None),
        ];
        for (output, load) in vectors {
            assert_eq!(load_average(output.as_bytes()), load, "{output}");
        }
    }
}
