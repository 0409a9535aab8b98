//! User-mode Linux: a kernel that is an ordinary process of an ordinary user. The default lab.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::BootError;
use super::find::{find_program, own_program};
use super::options::Boot;

/// The command that boots the guest; `run` is the run's directory, `init` this program.
pub(super) fn command(boot: &Boot, run: &Path, init: &Path) -> Result<Command, BootError> {
    let linux = find_program("linux.uml").ok_or(BootError::Missing {
        program: "linux.uml",
        package: "user-mode-linux",
    })?;
    let init = without_blanks(init, run)?;
    let console = File::create(run.join("console")).map_err(BootError::Run)?;
    let mut command = Command::new(linux);
    if has_amx() {
        command.env("LD_PRELOAD", preload()?);
    }
    command
        .arg(format!("mem={}", boot.memory))
        .args(["root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro"])
        .arg(joined("init=", &init))
        .arg(joined("uml_dir=", run))
        // The kernel's own words go to a file, not between the program's.
        .args([
            "con0=null,fd:1",
            "con=null",
            "ssl=null",
            "quiet",
            "loglevel=3",
            "--",
        ])
        .args(["guest", "uml"])
        .arg(run)
        .stdin(Stdio::null())
        .stderr(console.try_clone().map_err(BootError::Run)?)
        .stdout(console);
    Ok(command)
}

/// Processors with AMX need the preloaded library of `lab/uml-xstate`.
fn has_amx() -> bool {
    std::fs::read_to_string("/proc/cpuinfo").is_ok_and(|text| text.contains("amx_tile"))
}

/// The library lies where this program does.
fn preload() -> Result<PathBuf, BootError> {
    let library = own_program()
        .map_err(BootError::Run)?
        .with_file_name(XSTATE_LIBRARY);
    if library.is_file() {
        Ok(library)
    } else {
        Err(BootError::NoXstate(library))
    }
}

const XSTATE_LIBRARY: &str = "libuml_xstate.so";

fn joined(name: &str, path: &Path) -> OsString {
    let mut word = OsString::from(name);
    word.push(path);
    word
}

/// A kernel's command line knows no quoting for paths, and the guest's own `/dev` hides ours.
fn without_blanks(init: &Path, run: &Path) -> Result<PathBuf, BootError> {
    let hidden = ["/dev", "/proc", "/sys"]
        .iter()
        .any(|dir| init.starts_with(dir));
    let plain = !init.as_os_str().as_encoded_bytes().contains(&b' ');
    if plain && !hidden {
        return Ok(init.to_owned());
    }
    let copy = run.join("init");
    std::fs::copy(init, &copy).map_err(BootError::Run)?;
    Ok(copy)
}
