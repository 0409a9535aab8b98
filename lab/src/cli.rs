//! The command line of `lab`. Called by `main`.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueHint};
use clap_complete::Shell;

use crate::boot::{NO_STATUS, guest, own_program};
use crate::failure::Failure;
use crate::options::Options;
use crate::tool::{USAGE_STATUS, complete, tell};
use crate::{demo, suite};

/// Boots a kernel with IPVS and runs programs, tests or the demonstration there.
///
/// The exit status is that of what ran; 97 if there is none: no kernel came up, or the run exceeded
/// its limit; 2 for a command line that is not understood.
#[derive(Debug, Parser)]
#[command(
    name = "lab",
    bin_name = "lab",
    version,
    no_binary_name = true,
    args_override_self = true
)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a program as root on a kernel with IPVS.
    Run {
        /// The program and its arguments, options among them.
        #[arg(value_name = "PROGRAM", required = true, trailing_var_arg = true)]
        #[arg(value_hint = ValueHint::CommandWithArguments)]
        argv: Vec<OsString>,
        #[command(flatten)]
        options: Options,
    },
    /// Build the lab tests and run them, each binary in a guest of its own.
    Test {
        /// Only binaries whose names contain one of these.
        #[arg(value_name = "FILTER")]
        filters: Vec<String>,
        /// For each binary, as behind `cargo test --`.
        #[arg(value_name = "TEST-ARG", last = true)]
        test_args: Vec<OsString>,
        #[command(flatten)]
        options: Options,
    },
    /// Show a cluster of two directors at work.
    Demo {
        /// Where to write, as JSON lines, what happened when.
        #[arg(long, value_name = "FILE")]
        timeline: Option<PathBuf>,
        #[command(flatten)]
        options: Options,
    },
    /// Print the script with which SHELL completes this command line.
    Completions {
        #[arg(value_enum)]
        shell: Shell,
    },
    /// The lab's own half inside.
    #[command(hide = true, disable_help_flag = true)]
    Guest {
        #[arg(value_enum)]
        entry: guest::Entry,
        run: PathBuf,
        /// User-mode Linux puts words of its own behind ours.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<OsString>,
    },
}

/// Runs `lab` with its arguments (without the program's name); the exit status.
pub fn run(args: &[OsString], out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let done = match CommandLine::try_parse_from(args) {
        Ok(line) => line.command.carry_out(out, err),
        Err(said) => tell(&said, out, err).map_err(Failure::Io),
    };
    done.unwrap_or_else(|failure| {
        // Nobody is left to hear that standard error is closed.
        let _ = writeln!(err, "lab: {failure}");
        match failure {
            Failure::NoTest(_) => USAGE_STATUS,
            Failure::Boot(_) | Failure::Io(_) => NO_STATUS,
        }
    })
}

impl Command {
    fn carry_out(self, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Failure> {
        match self {
            Self::Run { options, argv } => Ok(options.boot.run(&options.job(argv)?, out, err)?),
            Self::Test {
                mut options,
                filters,
                test_args,
            } => {
                options.boot.limit.get_or_insert(suite::LIMIT);
                suite::run(&options, &filters, test_args, out, err)
            }
            Self::Demo { .. } if std::env::var_os("CARIBE_LAB").is_some() => {
                let colour = std::env::var_os("CARIBE_COLOUR").is_some();
                Ok(u8::from(!demo::play(out, colour)?))
            }
            Self::Demo { options, timeline } => run_demo(&options, timeline, out, err),
            Self::Completions { shell } => {
                complete::<CommandLine>(shell, out)?;
                Ok(0)
            }
            Self::Guest { entry, run, .. } => Ok(guest::run(entry, &run, out)),
        }
    }
}

/// Runs the demonstration in the lab; its timeline comes out through a directory of its own.
fn run_demo(
    options: &Options,
    timeline: Option<PathBuf>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Failure> {
    let mut job = options.job(vec![own_program()?.into_os_string(), "demo".into()])?;
    let Some(file) = timeline.or_else(|| std::env::var_os(demo::TIMELINE).map(PathBuf::from))
    else {
        return Ok(options.boot.run(&job, out, err)?);
    };
    let dir = std::env::temp_dir().join(format!("caribe-timeline.{}", std::process::id()));
    std::fs::create_dir(&dir)?;
    let inside = dir.join("timeline");
    job.shares.push(dir.clone());
    job.env.push((demo::TIMELINE.into(), inside.clone().into()));
    let status = options.boot.run(&job, out, err);
    let copied = std::fs::copy(&inside, &file);
    std::fs::remove_dir_all(&dir)?;
    let status = status?;
    copied.map_err(|error| {
        io::Error::new(error.kind(), format!("{}: {error}", file.to_string_lossy()))
    })?;
    Ok(status)
}

#[cfg(test)]
mod tests;
