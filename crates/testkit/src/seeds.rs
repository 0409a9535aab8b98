//! A random test is one loop over seeds, and a failure says which one it was.

use std::io::Write;

/// The first seed to run, and the only one unless [`COUNT`] is set.
const FIRST: &str = "CARIBE_SEED";
/// How many seeds run, instead of what the test says.
const COUNT: &str = "CARIBE_SEEDS";

/// Seeds 1 to `count`, or those that `CARIBE_SEED` and `CARIBE_SEEDS` ask for: each makes the
/// [`Random`](lvs_model::Random) of one round.
///
/// A round that panics has its seed printed: `CARIBE_SEED=17` runs that round alone.
#[must_use]
pub fn seeds(count: u64) -> Seeds {
    let first = number(FIRST);
    let otherwise = if first.is_some() { 1 } else { count };
    let count = number(COUNT).unwrap_or(otherwise);
    Seeds::new(first.unwrap_or(1), count)
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var_os(variable)?;
    let number = text.to_str().and_then(|text| text.parse().ok());
    Some(number.unwrap_or_else(|| panic!("{variable} is no number: {}", text.display())))
}

/// An iterator over seeds; see [`seeds`].
pub struct Seeds {
    left: std::ops::Range<u64>,
    current: Option<u64>,
}

impl Seeds {
    const fn new(first: u64, count: u64) -> Self {
        Self {
            left: first..first.saturating_add(count),
            current: None,
        }
    }

    /// What to say about the round that has failed.
    fn confession(&self) -> Option<String> {
        let seed = self.current?;
        Some(format!(
            "failed with seed {seed}: {FIRST}={seed} runs it alone\n"
        ))
    }
}

impl Iterator for Seeds {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.current = self.left.next();
        self.current
    }
}

impl Drop for Seeds {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(line) = self.confession()
        {
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Seeds;

    #[test]
    fn a_round_that_fails_has_its_seed_named_and_one_that_is_over_has_not() {
        let mut seeds = Seeds::new(17, 2);
        assert_eq!(seeds.confession(), None);
        assert_eq!(seeds.next(), Some(17));
        let line = "failed with seed 17: CARIBE_SEED=17 runs it alone\n";
        assert_eq!(seeds.confession().as_deref(), Some(line));
        assert_eq!((seeds.next(), seeds.next()), (Some(18), None));
        assert_eq!(seeds.confession(), None);
    }
}
