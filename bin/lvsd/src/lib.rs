//! Fills the kernel's table from lvs.cf and starts a nanny for each real server.
//!
//! The decisions are in the crate `director`. Here:
//!
//! - [`options`]: the command line
//! - [`start`]: file, lock, kernel, the way into the background; [`failure`]: why it does not start
//! - [`dry_run`]: `-t`, what a start would do; [`removal`]: `--remove-services`, takes lvs.cf's services out
//! - [`shell`]: the loop
//! - [`kernel`]: the table, read and changed; [`sysctl`]: the kernel's switches, checked and set
//! - [`nannies`]: those that run; [`pool`]: a process of one or many; [`nanny_socket`]: our end of its socket
//! - [`ask`]: `--status`, the other end of the status socket

mod ask;
mod dry_run;
mod failure;
mod kernel;
mod nannies;
mod nanny_socket;
mod options;
mod pool;
mod removal;
mod shell;
mod start;
mod sysctl;

use std::ffi::OsString;
use std::io::Write;

use options::{NAME, Request};

/// Runs lvsd with the arguments behind its name and returns its exit status.
pub fn run(args: &[OsString], out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let (status, written) = match options::parse(args, &daemon::aliases(NAME)) {
        Ok(Request::Print(text)) => (0, out.write_all(text.as_bytes())),
        Ok(Request::Status) => ask::status(out, err),
        Ok(Request::Run(options)) if options.test_start => start::test(&options, out, err),
        Ok(Request::Run(options)) => (start::run(&options, err), Ok(())),
        Err(error) => (1, writeln!(err, "{error}")),
    };
    // A closed pipe: nobody is left to tell.
    if written.is_err() { 1 } else { status }
}
