//! Called from a program's `build.rs`: links its release build statically and at fixed addresses.
//!
//! Such a program starts without a loader and without relocations: less than half of the
//! instructions at the start, half of the memory of its own per process (docs/internals/performance.md,
//! "How a program is linked"). It applies to the programs of the package that calls it: others,
//! tests and debug builds stay as they are.
//!
//! Names of hosts and services still work: since 2.34 glibc's archive has `files` and `dns` of
//! nsswitch.conf built in; other sources it loads at run time from the system's glibc, if that is
//! the same version, and passes over otherwise.
//!
//! Where the C library has no archive (Fedora and its kin: package `glibc-static`) cargo shows a
//! warning and the program is linked as usual.
//!
//! `-static` alone is not enough: rustc asks for the C libraries by name and as shared ones. The
//! names lead to linker scripts here that name the archives.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;
use std::{fs, io};

/// The libraries that the standard library asks for on Linux with glibc.
const NAMES: [&str; 7] = ["c", "dl", "gcc_s", "m", "pthread", "rt", "util"];

/// What stands behind each of the names.
const SCRIPT: &str = "GROUP(-l:libc.a -l:libgcc_eh.a -l:libgcc.a)\n";

/// Undefined weak symbols stay null: lld would leave them to a loader that is not there.
const ARGUMENTS: [&str; 3] = ["-static", "-no-pie", "-Wl,-z,nodynamic-undefined-weak"];

/// Tells cargo how to link, by lines on `out`; nothing in a debug build, nor where the C library is
/// not glibc on Linux. `variable` is the environment that cargo gives to a build script.
///
/// # Errors
/// `OUT_DIR` or `out` cannot be written.
pub fn link(
    out: &mut dyn io::Write,
    variable: impl Fn(&str) -> Option<OsString>,
) -> io::Result<()> {
    writeln!(out, "cargo::rerun-if-changed=build.rs")?;
    let is = |name, value| variable(name).is_some_and(|found| found == value);
    let wanted = is("PROFILE", "release")
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu");
    let (true, Some(dir)) = (wanted, variable("OUT_DIR")) else {
        return Ok(());
    };
    let linker = variable("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    if !has_archive(&linker) {
        return writeln!(out, "cargo::warning=no static C library: linked as usual");
    }
    for name in NAMES {
        fs::write(Path::new(&dir).join(format!("lib{name}.so")), SCRIPT)?;
    }
    writeln!(
        out,
        "cargo::rustc-link-arg-bins=-L{}",
        Path::new(&dir).display()
    )?;
    for argument in ARGUMENTS {
        writeln!(out, "cargo::rustc-link-arg-bins={argument}")?;
    }
    Ok(())
}

/// Whether the linker finds libc.a: it then prints the whole path, else the name as it was.
fn has_archive(linker: &OsStr) -> bool {
    let found = Command::new(linker).arg("-print-file-name=libc.a").output();
    found.is_ok_and(|output| output.stdout.starts_with(b"/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(profile: &str) -> String {
        let mut out = Vec::new();
        link(&mut out, |name| {
            (name != "RUSTC_LINKER").then(|| match name {
                "PROFILE" => profile.into(),
                "CARGO_CFG_TARGET_OS" => "linux".into(),
                "CARGO_CFG_TARGET_ENV" => "gnu".into(),
                _ => std::env::temp_dir().into_os_string(),
            })
        })
        .unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_debug_build_is_linked_as_usual() {
        assert_eq!(lines("debug"), "cargo::rerun-if-changed=build.rs\n");
    }

    #[test]
    fn a_linker_without_an_archive_is_noticed() {
        assert!(!has_archive("/bin/echo".as_ref()));
    }

    #[test]
    fn a_release_build_is_linked_statically() {
        assert!(lines("release").contains("cargo::rustc-link-arg-bins=-static\n"));
    }
}
