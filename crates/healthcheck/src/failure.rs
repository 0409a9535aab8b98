//! Why a check failed: one value for each reason, put into words here only.

use std::fmt;
use std::net::SocketAddr;

use crate::shown::Shown;

/// An error number of the system and its text, as the shell got it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OsError {
    /// `errno`.
    pub number: i32,
    /// `strerror` of it.
    pub text: &'static str,
}

impl fmt::Display for OsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

/// A program that could not be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotStarted {
    /// The program, as it was looked for.
    pub program: Box<str>,
    /// Who may not run it.
    pub user: Option<Box<str>>,
    /// What it needs and is missing: say, the interpreter of a script.
    pub needs: Option<Box<str>>,
    /// The system's reason.
    pub error: OsError,
}

impl fmt::Display for NotStarted {
    /// `/usr/local/bin/check: its interpreter "/bin/sh\r": No such file or directory`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.program)?;
        if let Some(user) = &self.user {
            write!(f, " as user {user}")?;
        }
        if let Some(needs) = &self.needs {
            write!(f, ": its {needs}")?;
        }
        write!(f, ": {}", self.error)
    }
}

/// Why a check failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The check could not be made at all: no socket, no process.
    NotMade(OsError),
    /// No connection within one interval.
    ConnectTimeout,
    /// The connection was refused, or there is no way to the server.
    Connect(OsError),
    /// The string could not be sent within one interval.
    WriteTimeout,
    /// The connection broke while the string was sent.
    Write(OsError),
    /// The expected answer did not come within one interval; holds what came.
    ReadTimeout(Box<[u8]>),
    /// The connection broke before the expected answer; for UDP also: port unreachable.
    Read(OsError),
    /// The answer ended too early.
    Short {
        /// Bytes that came.
        got: usize,
        /// Bytes that were expected.
        needed: usize,
    },
    /// Another answer than the expected one; holds its beginning.
    Other(Box<[u8]>),
    /// No match in the part of the answer that is looked at; holds that.
    NotWithin(Box<[u8]>),
    /// The check program.
    Program(ProgramFailure),
}

/// Why a check program's result is bad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramFailure {
    /// Others than root could change it, or the way to it.
    Unsafe,
    /// It could not be started.
    Start(NotStarted),
    /// It ran longer than one interval and was ended.
    Timeout,
    /// It ended with this status.
    Status(i32),
    /// This signal ended it.
    Signal(i32),
    /// It printed something else than expected.
    Output(Box<[u8]>),
}

impl Failure {
    /// Whether the director lacks the means for a check, so that nothing is known of the server.
    #[must_use]
    pub fn says_nothing(&self) -> bool {
        const EPERM: i32 = 1;
        const EAGAIN: i32 = 11;
        const ENOMEM: i32 = 12;
        const ENFILE: i32 = 23;
        const EMFILE: i32 = 24;
        const EADDRNOTAVAIL: i32 = 99;
        const ENOBUFS: i32 = 105;
        match self {
            // The nanny is not allowed a socket, by a filter of system calls.
            Self::NotMade(error) if error.number == EPERM => true,
            Self::NotMade(error)
            | Self::Program(ProgramFailure::Start(NotStarted { error, .. })) => {
                matches!(error.number, EAGAIN | ENOMEM | ENFILE | EMFILE | ENOBUFS)
            }
            // No port of ours is left: EAGAIN for UDP, EADDRNOTAVAIL for TCP.
            Self::Connect(error) => {
                matches!(error.number, EAGAIN | ENOMEM | EADDRNOTAVAIL | ENOBUFS)
            }
            Self::Write(error) | Self::Read(error) => {
                matches!(error.number, ENOMEM | ENOBUFS)
            }
            _ => false,
        }
    }

    /// The lines that the original logs for it at every check of `real`; it has none for some.
    #[must_use]
    pub fn lines(&self, real: SocketAddr) -> Vec<String> {
        let line = match self {
            Self::ConnectTimeout => format!("CONNECT to {real} timed out"),
            Self::WriteTimeout => format!("WRITE operation for {real} timed out"),
            Self::Write(error) => format!("WRITE operation for {real} returned error: {error}"),
            Self::ReadTimeout(_) => format!("READ to {real} timed out"),
            Self::Read(error) => format!("READ returned error {}:{error}", error.number),
            Self::Short { got, needed } => {
                format!("READ from {real} was too short[{got}>={needed}]")
            }
            Self::Program(failure) => return failure.lines(real),
            Self::NotMade(_) | Self::Connect(_) | Self::Other(_) | Self::NotWithin(_) => {
                return Vec::new();
            }
        };
        vec![line]
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMade(error) => write!(f, "check not made: {error}"),
            Self::ConnectTimeout => f.write_str("connect timed out"),
            Self::Connect(error) => write!(f, "connect: {error}"),
            Self::WriteTimeout => f.write_str("send timed out"),
            Self::Write(error) => write!(f, "send: {error}"),
            Self::ReadTimeout(got) if got.is_empty() => f.write_str("answer timed out"),
            Self::ReadTimeout(got) => write!(f, "answer timed out after {}", Shown(got)),
            Self::Read(error) => write!(f, "answer: {error}"),
            Self::Short { got, needed } => {
                write!(f, "short answer: {got} of {needed} bytes")
            }
            Self::Other(got) => write!(f, "other answer: {}", Shown(got)),
            Self::NotWithin(got) => write!(
                f,
                "no match within the first {} bytes of the answer: {}",
                got.len(),
                Shown(got)
            ),
            Self::Program(failure) => write!(f, "check program {failure}"),
        }
    }
}

impl ProgramFailure {
    fn lines(&self, real: SocketAddr) -> Vec<String> {
        match self {
            Self::Output(_) => vec![format!(
                "Trouble. Received results are not what we expected from ({real})"
            )],
            Self::Unsafe | Self::Start(_) | Self::Timeout | Self::Status(_) | Self::Signal(_) => {
                vec![
                    "The following exited abnormally:".to_owned(),
                    format!(
                        "Ran the external sending program to ({real}) but didn't get anything back"
                    ),
                ]
            }
        }
    }
}

impl fmt::Display for ProgramFailure {
    /// About a check program or a load program, which stands before it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsafe => f.write_str("not run: others than root could change it"),
            Self::Start(error) => write!(f, "not started: {error}"),
            Self::Timeout => f.write_str("did not end in time"),
            Self::Status(status) => write!(f, "ended with status {status}"),
            Self::Signal(signal) => write!(f, "ended by signal {signal}"),
            Self::Output(output) => write!(f, "printed {}", Shown(output)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn error(number: i32, text: &'static str) -> OsError {
        OsError { number, text }
    }

    fn not_started(error: OsError) -> NotStarted {
        NotStarted {
            program: "/bin/check".into(),
            user: None,
            needs: None,
            error,
        }
    }

    #[test]
    fn each_text_of_the_original_stands_alone_on_its_line() {
        let real = "192.0.2.5:80".parse().unwrap();
        let broken = error(32, "Broken pipe");
        for (failure, lines) in [
            (
                Failure::ConnectTimeout,
                &["CONNECT to 192.0.2.5:80 timed out"][..],
            ),
            (
                Failure::WriteTimeout,
                &["WRITE operation for 192.0.2.5:80 timed out"],
            ),
            (
                Failure::Write(broken),
                &["WRITE operation for 192.0.2.5:80 returned error: Broken pipe"],
            ),
            (
                Failure::ReadTimeout(Box::default()),
                &["READ to 192.0.2.5:80 timed out"],
            ),
            (
                Failure::Read(broken),
                &["READ returned error 32:Broken pipe"],
            ),
            (
                Failure::Program(ProgramFailure::Output(Box::default())),
                &["Trouble. Received results are not what we expected from (192.0.2.5:80)"],
            ),
            (
                Failure::Program(ProgramFailure::Status(3)),
                &[
                    "The following exited abnormally:",
                    "Ran the external sending program to (192.0.2.5:80) but didn't get anything back",
                ],
            ),
            (Failure::Connect(broken), &[]),
            (Failure::Other(Box::default()), &[]),
        ] {
            assert_eq!(failure.lines(real), lines, "{failure}");
        }
    }

    #[test]
    fn only_what_the_director_lacks_says_nothing_of_the_server() {
        let (refused, denied) = (error(111, ""), error(13, ""));
        let start = |error| Failure::Program(ProgramFailure::Start(not_started(error)));
        for number in [11, 12, 23, 24, 105] {
            let lack = error(number, "");
            assert!(Failure::NotMade(lack).says_nothing(), "{number}");
            assert!(start(lack).says_nothing(), "{number}");
            let there = matches!(number, 12 | 105);
            for failure in [Failure::Write, Failure::Read] {
                assert_eq!(failure(lack).says_nothing(), there, "{number}");
            }
        }
        // No free port, for UDP and for TCP.
        for number in [11, 12, 99, 105] {
            assert!(
                Failure::Connect(error(number, "")).says_nothing(),
                "{number}"
            );
        }
        assert!(!Failure::Connect(refused).says_nothing());
        assert!(!Failure::NotMade(denied).says_nothing() && !start(denied).says_nothing());
        let forbidden = error(1, "");
        assert!(Failure::NotMade(forbidden).says_nothing() && !start(forbidden).says_nothing());
        assert!(!Failure::ConnectTimeout.says_nothing());
    }

    /// What stands behind `RIP:RPORT is down: `, in lvsd's status, and on a page.
    #[test]
    fn every_reason_has_words_of_its_own() {
        use ProgramFailure::{Output, Signal, Start, Status, Timeout, Unsafe};
        let bytes = |text: &[u8]| -> Box<[u8]> { text.into() };
        let long = [b'x'; 81];
        let shown = format!("other answer: \"{}\"...", "x".repeat(80));
        let rows = [
            (
                Failure::Connect(error(111, "Connection refused")),
                "connect: Connection refused",
            ),
            (
                Failure::Connect(error(113, "No route to host")),
                "connect: No route to host",
            ),
            (Failure::ConnectTimeout, "connect timed out"),
            (Failure::WriteTimeout, "send timed out"),
            (
                Failure::Write(error(32, "Broken pipe")),
                "send: Broken pipe",
            ),
            (Failure::ReadTimeout(bytes(b"")), "answer timed out"),
            (
                Failure::ReadTimeout(bytes(b"22")),
                "answer timed out after \"22\"",
            ),
            (
                Failure::Read(error(104, "Connection reset by peer")),
                "answer: Connection reset by peer",
            ),
            (
                Failure::Short { got: 2, needed: 3 },
                "short answer: 2 of 3 bytes",
            ),
            (
                Failure::Other(bytes(b"5\r\n\xff")),
                r#"other answer: "5\r\n\xff""#,
            ),
            (Failure::Other(bytes(&long)), &shown),
            (
                Failure::NotWithin(bytes(b"abc")),
                r#"no match within the first 3 bytes of the answer: "abc""#,
            ),
            (
                Failure::NotMade(error(24, "Too many open files")),
                "check not made: Too many open files",
            ),
            (
                Failure::Program(Unsafe),
                "check program not run: others than root could change it",
            ),
            (
                Failure::Program(Start(not_started(error(2, "No such file or directory")))),
                "check program not started: /bin/check: No such file or directory",
            ),
            (
                Failure::Program(Start(NotStarted {
                    user: Some("lvscheck".into()),
                    ..not_started(error(13, "Permission denied"))
                })),
                "check program not started: /bin/check as user lvscheck: Permission denied",
            ),
            (
                Failure::Program(Start(NotStarted {
                    needs: Some(r#"interpreter "/bin/sh\r""#.into()),
                    ..not_started(error(2, "No such file or directory"))
                })),
                r#"check program not started: /bin/check: its interpreter "/bin/sh\r": No such file or directory"#,
            ),
            (
                Failure::Program(Timeout),
                "check program did not end in time",
            ),
            (
                Failure::Program(Status(3)),
                "check program ended with status 3",
            ),
            (
                Failure::Program(Signal(9)),
                "check program ended by signal 9",
            ),
            (
                Failure::Program(Output(bytes(b"FAIL"))),
                "check program printed \"FAIL\"",
            ),
        ];
        for (failure, words) in rows {
            assert_eq!(failure.to_string(), words);
        }
    }
}
