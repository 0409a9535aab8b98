//! The check program (`send_program`) and the load program: argument vector and verdict.

use crate::probe::Outcome;
use crate::{Failure, NotStarted, ProgramFailure};

/// Most bytes of a program's output that count; the rest is read and dropped.
pub const LONGEST_OUTPUT: usize = 4095;

/// A program to run: its words, without a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Argument vector; the first word is the program, looked up in PATH if it has no slash.
    pub words: Vec<String>,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramEnd {
    /// By itself.
    Status(i32),
    /// By a signal.
    Signal(i32),
    /// By us, at its deadline.
    Timeout,
    /// It was never started: others than root could change it.
    Unsafe,
    /// It could not be started.
    NotStarted(NotStarted),
}

/// A check by a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramCheck {
    /// What to run.
    pub command: Command,
    /// What it must print, one line feed at the end aside. Without it the status 0 is enough.
    pub expect: Option<Box<[u8]>>,
}

impl Command {
    /// Splits `text` at blanks and puts RIP and RPORT in for `%h` and `%p`; `%%` is one `%`.
    ///
    /// `None` if there is no word.
    #[must_use]
    pub fn split(text: &str, rip: &str, rport: u16) -> Option<Self> {
        let words: Vec<String> = text
            .split([' ', '\t'])
            .filter(|word| !word.is_empty())
            .map(|word| fill_in(word, rip, rport))
            .collect();
        (!words.is_empty()).then_some(Self { words })
    }

    /// The load program that `word` (`-U`) means for the server at `rip`: remote shells run
    /// `uptime` there, any other gets the address. `None` for `none`.
    #[must_use]
    pub fn load(word: &str, rip: &str) -> Option<Self> {
        let name = word.rsplit('/').next().unwrap_or(word);
        let last = match name {
            "" | "none" => return None,
            "rsh" | "ssh" => Some("uptime"),
            _ => None,
        };
        let mut words = vec![word.to_owned(), rip.to_owned()];
        words.extend(last.map(str::to_owned));
        Some(Self { words })
    }
}

fn fill_in(word: &str, rip: &str, rport: u16) -> String {
    let mut filled = String::with_capacity(word.len());
    let mut rest = word;
    while let Some((before, behind)) = rest.split_once('%') {
        filled.push_str(before);
        let mut characters = behind.chars();
        match characters.next() {
            Some('h') => filled.push_str(rip),
            Some('p') => filled.push_str(&rport.to_string()),
            Some('%') => filled.push('%'),
            _ => {
                filled.push('%');
                characters = behind.chars();
            }
        }
        rest = characters.as_str();
    }
    filled.push_str(rest);
    filled
}

impl ProgramEnd {
    /// The failure that this end means, unless the program ended well.
    #[must_use]
    pub fn failure(self) -> Option<ProgramFailure> {
        match self {
            Self::Status(0) => None,
            Self::Status(status) => Some(ProgramFailure::Status(status)),
            Self::Signal(signal) => Some(ProgramFailure::Signal(signal)),
            Self::Timeout => Some(ProgramFailure::Timeout),
            Self::Unsafe => Some(ProgramFailure::Unsafe),
            Self::NotStarted(error) => Some(ProgramFailure::Start(error)),
        }
    }
}

impl ProgramCheck {
    /// Judges a run; `output` is its first [`LONGEST_OUTPUT`] bytes.
    ///
    /// # Errors
    /// [`Failure::Program`] unless it ended with status 0 and printed what is expected.
    pub fn judge(&self, end: ProgramEnd, output: &[u8]) -> Outcome {
        if let Some(failure) = end.failure() {
            return Err(Failure::Program(failure));
        }
        let Some(expect) = &self.expect else {
            return Ok(());
        };
        let line = output.strip_suffix(b"\n").unwrap_or(output);
        if line == &**expect {
            Ok(())
        } else {
            Err(Failure::Program(ProgramFailure::Output(line.into())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OsError;

    #[test]
    fn addresses_go_into_words_also_inside() {
        let command =
            Command::split("  curl http://%h:%p/ \t %% 100%x\t%", "192.0.2.1", 81).unwrap();
        assert_eq!(
            command.words,
            ["curl", "http://192.0.2.1:81/", "%", "100%x", "%"]
        );
        assert_eq!(Command::split("  ", "192.0.2.1", 81), None);
    }

    #[test]
    fn without_expect_a_program_that_ends_well_is_enough_whatever_it_prints() {
        let check = |expect: Option<&str>| ProgramCheck {
            command: Command::split("/bin/check", "192.0.2.1", 81).unwrap(),
            expect: expect.map(|text| text.as_bytes().into()),
        };
        for output in ["", "OK", "FAIL\n"] {
            let judged = check(None).judge(ProgramEnd::Status(0), output.as_bytes());
            assert_eq!(judged, Ok(()));
        }
        // The line feed at the end may be missing: nothing else is cut off.
        for (output, is_good) in [
            ("OK", true),
            ("OK\n", true),
            ("OK\n\n", false),
            ("O", false),
        ] {
            let judged = check(Some("OK")).judge(ProgramEnd::Status(0), output.as_bytes());
            assert_eq!(judged.is_ok(), is_good, "{output:?}");
        }
    }

    #[test]
    fn a_remote_shell_gets_uptime_and_any_other_program_the_address_only() {
        let words = |word| Command::load(word, "192.0.2.1").map(|command| command.words);
        assert_eq!(words("none"), None);
        assert_eq!(words("ssh").unwrap(), ["ssh", "192.0.2.1", "uptime"]);
        assert_eq!(words("/usr/bin/ssh").unwrap().len(), 3);
        assert_eq!(words("ruptime").unwrap(), ["ruptime", "192.0.2.1"]);
    }

    #[test]
    fn a_program_is_good_only_with_status_0_and_the_expected_output() {
        let command = Command::split("x", "192.0.2.1", 80).unwrap();
        let with = ProgramCheck {
            command: command.clone(),
            expect: Some(b"OK".as_slice().into()),
        };
        let without = ProgramCheck {
            command,
            expect: None,
        };
        for output in [b"OK".as_slice(), b"OK\n"] {
            assert_eq!(with.judge(ProgramEnd::Status(0), output), Ok(()));
        }
        for (output, seen) in [
            (b"".as_slice(), b"".as_slice()),
            (b"O", b"O"),
            (b" OK", b" OK"),
            (b"OK\n\n", b"OK\n"),
            (b"OK\nmore", b"OK\nmore"),
        ] {
            let failure = ProgramFailure::Output(seen.into());
            let judged = with.judge(ProgramEnd::Status(0), output);
            assert_eq!(judged, Err(Failure::Program(failure)));
        }
        assert_eq!(without.judge(ProgramEnd::Status(0), b"anything"), Ok(()));
        let gone = NotStarted {
            program: "x".into(),
            user: None,
            needs: None,
            error: OsError {
                number: 2,
                text: "gone",
            },
        };
        for (end, failure) in [
            (ProgramEnd::Status(3), ProgramFailure::Status(3)),
            (ProgramEnd::Signal(9), ProgramFailure::Signal(9)),
            (ProgramEnd::Timeout, ProgramFailure::Timeout),
            (ProgramEnd::Unsafe, ProgramFailure::Unsafe),
            (
                ProgramEnd::NotStarted(gone.clone()),
                ProgramFailure::Start(gone),
            ),
        ] {
            let failed = Err(Failure::Program(failure));
            assert_eq!(with.judge(end.clone(), b"OK"), failed);
            assert_eq!(without.judge(end, b""), failed);
        }
    }
}
