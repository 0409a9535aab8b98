//! A failed test is heard once more, alone on the machine.
//!
//! Lab tests measure times in a guest whose processor the host takes away at will. A test that
//! fails beside others, or while the machine stands still, and passes alone is told, not hidden:
//! the run names it. One that fails twice has failed.

/// The failed tests of one binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failed {
    pub(super) binary: String,
    pub(super) tests: Vec<String>,
}

impl Failed {
    /// Reads the lines `test NAME ... FAILED`; `None` if there is none, as after a hang.
    pub(super) fn read(binary: &str, output: &str) -> Option<Self> {
        let tests: Vec<String> = output
            .lines()
            .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
            .map(str::to_owned)
            .collect();
        (!tests.is_empty()).then(|| Self {
            binary: binary.to_owned(),
            tests,
        })
    }

    /// What to tell the test harness so that it runs these and no others.
    pub(super) fn harness_args(&self) -> Vec<String> {
        let exactly = ["--exact".to_owned()];
        exactly.into_iter().chain(self.tests.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failed_tests_are_asked_for_by_their_whole_names() {
        let output = "test a::b ... ok\ntest a::c ... FAILED\ntest d ... FAILED\n";
        let failed = Failed::read("pair", output).unwrap();
        assert_eq!(failed.tests, ["a::c", "d"]);
        assert_eq!(failed.harness_args(), ["--exact", "a::c", "d"]);
        assert_eq!(Failed::read("pair", "test a::b ... ok\n"), None);
    }
}
