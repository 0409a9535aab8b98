//! Counters in listings: nine columns, scaled by powers of 1000 or in full.

use crate::output::Output;

/// From which value on a counter is divided, by what, and the letter behind it.
const SCALES: [(u64, u64, &str); 4] = [
    (100_000_000_000_000, 1_000_000_000_000, "T"),
    (100_000_000_000, 1_000_000_000, "G"),
    (1_000_000_000, 1_000_000, "M"),
    (100_000_000, 1_000, "K"),
];

/// Prints one counter with the blank before it.
pub(crate) fn print(out: &mut Output<'_>, value: u64, exact: bool) {
    let scale = SCALES.iter().find(|(from, ..)| !exact && value >= *from);
    match scale {
        Some((_, divisor, letter)) => out.right_number(value / divisor, 8).text(letter),
        None => out.text(" ").right_number(value, 8),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(value: u64, exact: bool) -> String {
        let mut target = Vec::new();
        let mut out = Output::new(&mut target);
        print(&mut out, value, exact);
        out.flush().unwrap();
        String::from_utf8(target).unwrap()
    }

    #[test]
    fn counters_are_scaled_as_the_original_does() {
        for (value, scaled, exact) in [
            (0, "        0", "        0"),
            (99_999_999, " 99999999", " 99999999"),
            (100_000_000, "  100000K", " 100000000"),
            (999_999_999, "  999999K", " 999999999"),
            (1_000_000_000, "    1000M", " 1000000000"),
            (99_999_999_999, "   99999M", " 99999999999"),
            (100_000_000_000, "     100G", " 100000000000"),
            (99_999_999_999_999, "   99999G", " 99999999999999"),
            (100_000_000_000_000, "     100T", " 100000000000000"),
            (u64::MAX, "18446744T", " 18446744073709551615"),
        ] {
            assert_eq!(printed(value, false), scaled);
            assert_eq!(printed(value, true), exact);
        }
    }
}
