//! `-R`: one command line on each line of standard input. Changes are collected and go to the kernel many
//! at a time; the result is the same as one by one.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use ipvs::Ipvs;
use lvs_model::IpvsOp;

use crate::error::{UsageError, status};
use crate::help;
use crate::parse::{self, Parsed};
use crate::request::{Request, resolve};
use crate::session::Session;

/// Most changes that wait.
const BATCH: usize = 1024;
/// Longer words are cut into pieces of this many bytes.
const WORD_LENGTH: usize = 4096;

/// What a line leads to.
enum Step {
    /// To the next line; with a status if the line had one already.
    Next(Option<u8>),
    /// To the end of everything.
    End(u8),
}

/// Runs every line of standard input; the status is that of the last line run.
pub(crate) fn run<I: Ipvs>(session: &mut Session<'_, I>) -> u8 {
    let mut batch = Vec::new();
    let mut line = Vec::new();
    let mut last = status::OK;
    loop {
        line.clear();
        // An input that cannot be read on ends like one that is over.
        if !matches!(session.input.read_until(b'\n', &mut line), Ok(1..)) {
            break;
        }
        match run_line(session, &line, &mut batch) {
            Step::Next(Some(status)) => last = status,
            Step::Next(None) if batch.len() >= BATCH => last = flush(session, &mut batch),
            Step::Next(None) => {}
            Step::End(status) => return status,
        }
    }
    if batch.is_empty() {
        return last;
    }
    flush(session, &mut batch)
}

fn run_line<I: Ipvs>(session: &mut Session<'_, I>, line: &[u8], batch: &mut Vec<IpvsOp>) -> Step {
    let request = match parse::parse(words(line), session.surroundings()) {
        Ok(Parsed::Help) => {
            flush(session, batch);
            help::print_help(&mut session.out, session.program);
            return Step::End(status::OK);
        }
        Ok(Parsed::Version) => {
            flush(session, batch);
            help::print_version(&mut session.out);
            return Step::End(status::OK);
        }
        Ok(Parsed::Line(line)) => resolve(&line),
        Err(UsageError::Hint { .. }) if words(line).next().is_none() => return Step::Next(None),
        Err(error) => Err(error),
    };
    match request {
        Ok(Request::Change(op)) => {
            batch.push(op);
            Step::Next(None)
        }
        Ok(Request::Ensure(op)) => {
            flush(session, batch);
            Step::Next(Some(session.ensure(op)))
        }
        // Sound by itself, but not allowed here.
        Ok(Request::Restore | Request::Replace { .. }) => {
            flush(session, batch);
            let program = session.program.to_owned();
            refuse(session, &UsageError::Hint { program })
        }
        Ok(Request::Watch(..)) => {
            flush(session, batch);
            refuse(
                session,
                &UsageError::Value("a restore has no time to watch"),
            )
        }
        Ok(request) => {
            flush(session, batch);
            match session.show(&request) {
                status::OK => Step::Next(Some(status::OK)),
                failed => Step::End(failed),
            }
        }
        Err(error) => {
            flush(session, batch);
            refuse(session, &error)
        }
    }
}

fn refuse<I: Ipvs>(session: &mut Session<'_, I>, error: &UsageError) -> Step {
    let status = session.refuse(error);
    if error.lets_restore_go_on() {
        Step::Next(Some(status))
    } else {
        Step::End(status)
    }
}

/// Sends the waiting changes. The status is that of the last one.
fn flush<I: Ipvs>(session: &mut Session<'_, I>, batch: &mut Vec<IpvsOp>) -> u8 {
    if batch.is_empty() {
        return status::OK;
    }
    let status = session.apply(batch);
    batch.clear();
    status
}

/// The words of a line. No quotes, no comments; the program's own name is dropped wherever it stands.
pub(crate) fn words(line: &[u8]) -> impl Iterator<Item = &OsStr> {
    Words { rest: line }
}

struct Words<'l> {
    rest: &'l [u8],
}

impl<'l> Iterator for Words<'l> {
    type Item = &'l OsStr;

    fn next(&mut self) -> Option<&'l OsStr> {
        loop {
            while let [byte, rest @ ..] = self.rest
                && is_separator(*byte)
            {
                self.rest = rest;
            }
            let end = self.rest.iter().position(|byte| is_separator(*byte));
            let end = end.unwrap_or(self.rest.len()).min(WORD_LENGTH);
            let (word, rest) = self.rest.split_at(end);
            self.rest = rest;
            match word {
                [] => return None,
                b"ipvsadm" => {}
                _ => return Some(OsStr::from_bytes(word)),
            }
        }
    }
}

const fn is_separator(byte: u8) -> bool {
    // One comparison for nearly every byte.
    byte <= b' ' && matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Vec<String> {
        let word = |word: &OsStr| word.to_string_lossy().into_owned();
        words(line.as_bytes()).map(word).collect()
    }

    #[test]
    fn words_end_at_blanks_tabs_and_line_ends_only() {
        assert_eq!(
            split(" -A\t-t 1:\"2\" \\\r\n"),
            ["-A", "-t", "1:\"2\"", "\\"]
        );
        assert_eq!(
            split("a\x0bb ipvsadm /sbin/ipvsadm"),
            ["a\x0bb", "/sbin/ipvsadm"]
        );
        let long = "x".repeat(5000);
        let lengths: Vec<_> = split(&long).iter().map(String::len).collect();
        assert_eq!(lengths, [4096, 904]);
    }
}
