//! How a process ended.

use std::fmt;

/// How a child process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildExit {
    /// By itself, with this exit status, 0 to 255.
    Status(i32),
    /// By this signal.
    Signal(i32),
}

impl ChildExit {
    /// Whether it ended by itself with status 0.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Status(0))
    }
}

impl fmt::Display for ChildExit {
    /// `exited with status 1`, `terminated with signal 9`: the words of the original's log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "exited with status {status}"),
            Self::Signal(signal) => write!(f, "terminated with signal {signal}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ChildExit::{Signal, Status};

    #[test]
    fn only_status_0_is_a_success_and_each_end_has_its_words() {
        for (exit, success, words) in [
            (Status(0), true, "exited with status 0"),
            (Status(1), false, "exited with status 1"),
            (Signal(9), false, "terminated with signal 9"),
            (Signal(0), false, "terminated with signal 0"),
        ] {
            assert_eq!(
                (exit.is_success(), exit.to_string()),
                (success, words.into())
            );
        }
    }
}
