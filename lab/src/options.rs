//! Options of every run, and the job that they make of a program.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, ValueHint};

use crate::boot::{Boot, Job, SEARCH_PATH, guest, own_program};

/// Options of every run.
#[derive(Args, Debug)]
#[command(next_help_heading = "Boot")]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) boot: Boot,
    /// A directory that the guest may write to; any number of times.
    #[arg(long = "share", value_name = "DIR", value_parser = absolute_path())]
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) shares: Vec<PathBuf>,
    /// Directory of the built programs; by default the one of this program.
    #[arg(long, value_name = "DIR", value_parser = absolute_path())]
    #[arg(value_hint = ValueHint::DirPath)]
    programs: Option<PathBuf>,
}

/// Reads a path, as it is called from everywhere.
pub(crate) fn absolute_path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(std::path::absolute)
}

impl Options {
    /// The job that runs `argv` here, with what of this environment concerns it.
    pub(crate) fn job(&self, argv: Vec<OsString>) -> io::Result<Job> {
        Ok(Job {
            argv,
            cwd: std::env::current_dir()?,
            env: guest_environment(),
            shares: self.shares.clone(),
            programs: self.programs()?,
            limit: self.boot.limit(),
            systemd: self.boot.systemd,
        })
    }

    /// The directory of the built programs.
    pub(crate) fn programs(&self) -> io::Result<PathBuf> {
        self.programs.clone().map_or_else(own_directory, Ok)
    }
}

/// The built programs lie where this one does.
pub(crate) fn own_directory() -> io::Result<PathBuf> {
    let own = own_program()?;
    Ok(own.parent().unwrap_or(Path::new("/")).to_owned())
}

/// A fixed environment, plus the variables that tests and programs of this project read.
fn guest_environment() -> Vec<(OsString, OsString)> {
    let fixed = [
        ("PATH", SEARCH_PATH),
        ("HOME", "/root"),
        ("LANG", "C.UTF-8"),
        ("CARIBE_LAB", "1"),
        ("CARIBE_C_IPVSADM", guest::C_IPVSADM),
    ];
    let mut env: Vec<_> = fixed
        .map(|(name, value)| (name.into(), value.into()))
        .into();
    env.extend(std::env::vars_os().filter(|(name, _)| {
        let name = name.to_string_lossy();
        let is_fixed = fixed.iter().any(|(of_ours, _)| *of_ours == name);
        name.starts_with("RUST_")
            || name.starts_with("CARIBE_") && !is_fixed
            || ["LVS_UNDER_TEST", "NO_COLOR", "CI"].contains(&name.as_ref())
    }));
    if io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        env.push(("CARIBE_COLOUR".into(), "always".into()));
    }
    env
}
