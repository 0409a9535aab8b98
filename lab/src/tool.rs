//! What the command lines of the project's own tools share: clap reads them, and what it has to say
//! goes to the tool's writers.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::{Generator, Shell};

/// Exit status for a command line that is not understood.
pub const USAGE_STATUS: u8 = 2;

/// Writes what clap says instead of a command line: help and version to `out`, errors to `err`; the
/// exit status.
///
/// # Errors
/// Those of the writer.
pub fn tell(said: &clap::Error, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<u8> {
    let text = said.render();
    if said.use_stderr() {
        write!(err, "{text}")?;
        return Ok(USAGE_STATUS);
    }
    write!(out, "{text}")?;
    Ok(0)
}

/// Writes the script with which `shell` completes the command line of the tool `T`.
///
/// # Errors
/// Those of the writer.
pub fn complete<T: CommandFactory>(shell: Shell, out: &mut dyn Write) -> io::Result<()> {
    let mut command = T::command();
    command.set_bin_name(command.get_name().to_owned());
    command.build();
    shell.try_generate(&command, out)
}
