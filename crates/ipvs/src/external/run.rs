//! Running a program with a limit, without a signal handler and without sleeping.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Exit status 0.
    Succeeded,
    /// Another status, or a signal.
    Failed,
    /// It ran past its limit and was killed.
    TimedOut,
}

/// How long a program may take to end once it has closed its output.
const ENDING: Duration = Duration::from_millis(5);

/// Runs `program` and waits until it ended or `limit` has passed.
///
/// # Errors
/// It could not be started, or not be waited for.
pub fn run(program: &Path, arguments: &[OsString], limit: Duration) -> io::Result<Outcome> {
    let deadline = Instant::now() + limit;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let ended = match child.stdout.take() {
        Some(output) => wait_for_end(&mut child, output, deadline)?,
        None => true,
    };
    if !ended {
        child.kill()?;
        child.wait()?;
        return Ok(Outcome::TimedOut);
    }
    if child.wait()?.success() {
        Ok(Outcome::Succeeded)
    } else {
        Ok(Outcome::Failed)
    }
}

/// Whether the child ended before `deadline`. Reads and drops its output, which ends when the child does. A
/// child that closed its output and lives on is polled.
fn wait_for_end(child: &mut Child, output: ChildStdout, deadline: Instant) -> io::Result<bool> {
    let mut output = Some(output);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let pause = if output.is_some() {
            left
        } else {
            left.min(ENDING)
        };
        let readable = match &output {
            Some(pipe) => {
                wait_readable(&mut [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)], pause)?
            }
            None => wait_readable(&mut [], pause)?,
        };
        if readable && drained(output.as_mut())? {
            output = None;
        }
        if output.is_none() && child.try_wait()?.is_some() {
            return Ok(true);
        }
        if left.is_zero() {
            // A grandchild may hold the output: what counts is the program itself.
            return Ok(child.try_wait()?.is_some());
        }
    }
}

fn wait_readable(descriptors: &mut [PollFd<'_>], limit: Duration) -> io::Result<bool> {
    // Rounded up, so that a last fraction of a millisecond is not spent in a busy loop.
    let limit =
        PollTimeout::try_from(limit + Duration::from_micros(999)).unwrap_or(PollTimeout::MAX);
    match poll(descriptors, limit) {
        Ok(ready) => Ok(ready > 0),
        Err(nix::errno::Errno::EINTR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Reads what is there; whether that was the end.
fn drained(output: Option<&mut ChildStdout>) -> io::Result<bool> {
    let mut dropped = [0; 512];
    match output {
        Some(pipe) => Ok(pipe.read(&mut dropped)? == 0),
        None => Ok(true),
    }
}
