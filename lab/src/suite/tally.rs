//! Results as the test harness prints them, and what is wrong with a run beyond its failed tests.

use crate::boot::NO_STATUS;

/// Passed, failed, skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) skipped: u64,
}

impl Tally {
    /// Adds up every line `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    pub(super) fn read(text: &str) -> Self {
        let mut sum = Self::default();
        for line in text
            .lines()
            .filter(|line| line.starts_with("test result: "))
        {
            let mut number = 0;
            for word in line.split([' ', ';']) {
                match word {
                    "passed" => sum.passed += number,
                    "failed" => sum.failed += number,
                    "ignored" => sum.skipped += number,
                    _ => number = word.parse().unwrap_or(number),
                }
            }
        }
        sum
    }

    pub(super) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// What is wrong with a run of this exit status; `chosen`: only some of its tests were asked for.
pub(super) fn complaints(status: u8, tally: Tally, chosen: bool) -> Vec<String> {
    let mut list = Vec::new();
    if status == NO_STATUS {
        list.push("did not end by itself".into());
    } else if status != 0 && tally.failed == 0 {
        list.push(format!("ended with status {status} though no test failed"));
    } else if status == 0 && tally.passed == 0 && !chosen {
        list.push("ran no test".into());
    }
    if tally.skipped > 0 {
        list.push(format!(
            "{} tests skipped, none may be in the lab",
            tally.skipped
        ));
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_several_harness_runs_are_added() {
        let text = "test a ... ok\n\
            test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out\n\
            test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(
            Tally::read(text),
            Tally {
                passed: 4,
                failed: 2,
                skipped: 1
            }
        );
    }

    #[test]
    fn a_skipped_test_is_complained_about() {
        let tally = Tally {
            passed: 1,
            failed: 0,
            skipped: 1,
        };
        assert_eq!(
            complaints(0, tally, false),
            ["1 tests skipped, none may be in the lab"]
        );
    }

    #[test]
    fn a_binary_without_tests_is_complained_about() {
        assert_eq!(complaints(0, Tally::default(), false), ["ran no test"]);
        assert_eq!(complaints(0, Tally::default(), true), Vec::<String>::new());
    }

    #[test]
    fn a_guest_that_hangs_is_complained_about() {
        assert_eq!(
            complaints(NO_STATUS, Tally::default(), false),
            ["did not end by itself"]
        );
    }
}
