//! The test binaries: built by cargo, chosen and ordered by the manifest of their package.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::Failure;

/// One `[[test]]` of the package `caribe-tests` that needs the lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TestBinary {
    pub(super) name: String,
    pub(super) file: PathBuf,
    /// It measures times: no other guest may run beside it.
    pub(super) alone: bool,
    /// It takes so long that two guests share its tests.
    pub(super) halved: bool,
    /// It needs a kernel with Landlock, which user-mode Linux has not.
    pub(super) landlock: bool,
    /// It wants systemd as the guest's process 1.
    pub(super) systemd: bool,
    /// Its place among the manifest's targets.
    place: usize,
}

/// Builds the programs, in the profile of their directory, and the tests with cargo; the tests in
/// the order of the manifest.
pub(super) fn build(programs: &Path) -> Result<Vec<TestBinary>, Failure> {
    let release = programs.ends_with("release").then_some("--release");
    let words: Vec<_> = ["build", "--workspace", "--bins"]
        .into_iter()
        .chain(release)
        .collect();
    cargo(&words)?;
    let messages = cargo(&[
        "test",
        "-p",
        "caribe-tests",
        "--features",
        "lab",
        "--tests",
        "--no-run",
        "--message-format=json",
    ])?;
    let mut binaries: Vec<_> = messages.lines().filter_map(test_binary).collect();
    binaries.sort_by_key(|binary| binary.place);
    Ok(binaries)
}

impl TestBinary {
    /// The names of its tests, every second one in each of two parts.
    pub(super) fn halves(&self) -> io::Result<[Vec<String>; 2]> {
        let list = ["--list", "--format", "terse"];
        let output = Command::new(&self.file).args(list).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let names = text.lines().filter_map(|line| line.strip_suffix(": test"));
        Ok(in_halves(names))
    }
}

fn in_halves<'a>(names: impl Iterator<Item = &'a str>) -> [Vec<String>; 2] {
    let mut halves = [Vec::new(), Vec::new()];
    for (number, name) in names.enumerate() {
        if let Some(half) = halves.get_mut(number % 2) {
            half.push(name.to_owned());
        }
    }
    halves
}

fn cargo(args: &[&str]) -> Result<String, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(args)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| io::Error::new(error.kind(), format!("cargo: {error}")))?;
    if !output.status.success() {
        return Err(
            io::Error::other(format!("cargo {}: {}", args.join(" "), output.status)).into(),
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Finds the program in one of cargo's messages, if it is about a test that was built.
///
/// Tests that need no kernel run under plain `cargo test`; here only those whose target demands the
/// feature count. Cargo does not say so in its messages: the manifest does.
fn test_binary(message: &str) -> Option<TestBinary> {
    let file = PathBuf::from(string_after(message, "\"executable\":\"")?);
    if !message.contains("\"kind\":[\"test\"]") {
        return None;
    }
    let source = string_after(message, "\"src_path\":\"")?;
    let name = string_after(message, "\"name\":\"")?;
    let manifest = manifest_of(Path::new(&source));
    Some(TestBinary {
        place: lab_target(&manifest, &name)?,
        alone: is_listed(&manifest, "alone", &name),
        halved: is_listed(&manifest, "halved", &name),
        landlock: is_listed(&manifest, "landlock", &name),
        systemd: is_listed(&manifest, "systemd", &name),
        name,
        file,
    })
}

fn manifest_of(source: &Path) -> String {
    source
        .ancestors()
        .map(|dir| dir.join("Cargo.toml"))
        .find(|file| file.is_file())
        .and_then(|file| std::fs::read_to_string(file).ok())
        .unwrap_or_default()
}

/// The place of a test's target among those of the manifest, if it demands the feature.
fn lab_target(manifest: &str, name: &str) -> Option<usize> {
    let quoted = format!("name = \"{name}\"");
    manifest.split("[[test]]").skip(1).position(|target| {
        let target = target.split("\n[").next().unwrap_or_default();
        target.contains(&quoted) && target.contains("\"lab\"")
    })
}

/// Whether the manifest's `[package.metadata.lab]` has the test in this list.
fn is_listed(manifest: &str, list: &str, name: &str) -> bool {
    let names = manifest
        .split_once("[package.metadata.lab]")
        .and_then(|(_, rest)| rest.split("\n[").next())
        .and_then(|table| table.split_once(&format!("\n{list} = [")))
        .and_then(|(_, rest)| rest.split_once(']'));
    names.is_some_and(|(names, _)| names.contains(&format!("\"{name}\"")))
}

/// The JSON string that follows `key`; paths with escapes in them are not expected.
fn string_after(message: &str, key: &str) -> Option<String> {
    let (_, rest) = message.split_once(key)?;
    Some(rest.split_once('"')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "\
[package.metadata.lab]
alone = [\"pair\"]
# A word more.
systemd = [\"unit\"]

[[test]]
name = \"plain\"

[[test]]
name = \"pair\"
required-features = [\"lab\"]

[[test]]
name = \"tables\"
required-features = [\"lab\"]
";

    #[test]
    fn the_manifest_says_which_tests_need_the_lab_and_what_each_wants_of_it() {
        assert_eq!(lab_target(MANIFEST, "plain"), None);
        assert_eq!(lab_target(MANIFEST, "tables"), Some(2));
        let listed = |list, name| is_listed(MANIFEST, list, name);
        assert!(listed("alone", "pair") && !listed("alone", "tables"));
        assert!(listed("systemd", "unit") && !listed("systemd", "pair"));
    }

    #[test]
    fn each_test_is_in_one_half() {
        let halves = in_halves(["a", "b::c", "b::d"].into_iter());
        assert_eq!(halves, [vec!["a", "b::d"], vec!["b::c"]]);
        assert_eq!(in_halves([].into_iter()), [[""; 0]; 2]);
    }

    #[test]
    fn cargos_message_names_the_file() {
        let message = "{\"kind\":[\"test\"],\"executable\":\"/t/pair-1\",\"name\":\"pair\"}";
        assert_eq!(
            string_after(message, "\"executable\":\""),
            Some("/t/pair-1".into())
        );
    }
}
